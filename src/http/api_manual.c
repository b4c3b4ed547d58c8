/* Events made by hand. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/jout.h"
#include "http/api.h"
#include "http/request.h"
#include "server/manual.h"
#include "server/server.h"

/* Pictures and row of a new event: less than a clean stop may take. What takes longer is done all
 * the same, only later. */
#define SETTLE_MS 1200
#define DURATION_S 30.0
/* The latest time that is taken for one: a mistake in the unit lies beyond. */
#define TIME_MAX 1e11

static const uint8_t red[3] = {255, 0, 0};

/* ---- reading the body; each false after a 400 that names the key ---- */

static bool is_given(const json_t *value)
{
    return value != NULL && !json_is_null(value);
}

static bool take_number(struct request *request, json_t *body, const char *key, double *number)
{
    json_t *value = json_object_get(body, key);
    if (!is_given(value)) {
        return true;
    }
    if (!json_is_number(value)) {
        reply_message(request, 400, false, "%s: not a number", key);
        return false;
    }
    *number = json_number_value(value);
    return true;
}

static bool take_text(struct request *request, json_t *body, const char *key, const char **text)
{
    json_t *value = json_object_get(body, key);
    if (!is_given(value)) {
        return true;
    }
    if (!json_is_string(value)) {
        reply_message(request, 400, false, "%s: not a text", key);
        return false;
    }
    *text = json_string_value(value);
    return true;
}

static bool take_flag(struct request *request, json_t *body, const char *key, bool *flag)
{
    json_t *value = json_object_get(body, key);
    if (!is_given(value)) {
        return true;
    }
    if (!json_is_boolean(value)) {
        reply_message(request, 400, false, "%s: neither true nor false", key);
        return false;
    }
    *flag = json_is_true(value);
    return true;
}

/* ---- boxes ---- */

static bool is_list_of(const json_t *list, size_t count)
{
    if (json_array_size(list) != count) { /* 0 for what is no list */
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!json_is_number(json_array_get(list, i))) {
            return false;
        }
    }
    return true;
}

static bool take_corners(struct request *request, const json_t *list, size_t number,
                         struct manual_box *box)
{
    double *const to[] = {&box->x, &box->y, &box->width, &box->height};
    if (!is_list_of(list, ARRAY_SIZE(to))) {
        reply_message(request, 400, false,
                      "draw.boxes[%zu].box: not four numbers between 0 and 1 (x, y, width, height)",
                      number);
        return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(to); i++) {
        *to[i] = json_number_value(json_array_get(list, i));
    }
    return true;
}

static bool take_color(struct request *request, const json_t *list, size_t number,
                       struct manual_box *box)
{
    memcpy(box->rgb, red, sizeof box->rgb);
    if (!is_given(list)) {
        return true;
    }
    bool good = is_list_of(list, 3);
    for (size_t i = 0; i < 3 && good; i++) {
        double value = json_number_value(json_array_get(list, i));
        good = value >= 0 && value <= 255;
        box->rgb[i] = good ? (uint8_t)lrint(value) : 0;
    }
    if (!good) {
        reply_message(request, 400, false,
                      "draw.boxes[%zu].color: not three numbers from 0 to 255 (red, green, blue)",
                      number);
    }
    return good;
}

static bool take_box(struct request *request, json_t *from, size_t number, struct manual_box *box)
{
    json_t *score = json_object_get(from, "score");
    if (!json_is_object(from)) {
        reply_message(request, 400, false, "draw.boxes[%zu]: not an object", number);
        return false;
    }
    if (is_given(score) && !json_is_number(score)) {
        reply_message(request, 400, false, "draw.boxes[%zu].score: not a number", number);
        return false;
    }
    box->has_score = is_given(score);
    box->score = json_number_value(score);
    return take_corners(request, json_object_get(from, "box"), number, box) &&
           take_color(request, json_object_get(from, "color"), number, box);
}

static bool take_boxes(struct request *request, json_t *body,
                       struct manual_box boxes[MANUAL_BOXES_MAX], size_t *count)
{
    json_t *draw = json_object_get(body, "draw");
    json_t *list = json_object_get(draw, "boxes");
    if (is_given(draw) && !json_is_object(draw)) {
        reply_message(request, 400, false, "draw: not an object");
        return false;
    }
    if (is_given(list) && !json_is_array(list)) {
        reply_message(request, 400, false, "draw.boxes: not a list");
        return false;
    }
    *count = json_array_size(list);
    if (*count > MANUAL_BOXES_MAX) {
        reply_message(request, 400, false, "draw.boxes: %zu, more than %d", *count,
                      MANUAL_BOXES_MAX);
        return false;
    }
    for (size_t i = 0; i < *count; i++) {
        if (!take_box(request, json_array_get(list, i), i, &boxes[i])) {
            return false;
        }
    }
    return true;
}

/* ---- making and ending ---- */

static bool take_event(struct request *request, json_t *body, struct manual_event *event,
                       struct manual_box boxes[MANUAL_BOXES_MAX])
{
    *event = (struct manual_event){
        .label = request->args[1],
        .source_type = MANUAL_SOURCE_API,
        .open_ended = json_is_null(json_object_get(body, "duration")),
        .duration = DURATION_S,
        .include_recording = true,
        .boxes = boxes,
    };
    if (!request_is_text(event->label)) {
        reply_message(request, 400, false, "label: not UTF-8");
        return false;
    }
    return take_text(request, body, "source_type", &event->source_type) &&
           take_text(request, body, "sub_label", &event->sub_label) &&
           take_number(request, body, "score", &event->score) &&
           take_number(request, body, "duration", &event->duration) &&
           take_flag(request, body, "include_recording", &event->include_recording) &&
           take_boxes(request, body, boxes, &event->box_count);
}

static void reply_made(struct request *request, const char *id)
{
    AUTO_STR struct str text = {0};
    struct jout json = {.out = &text};
    jout_begin_object(&json);
    jout_put_string(&json, "event_id", id);
    jout_put_string(&json, "message", "Successfully created event.");
    jout_put_bool(&json, "success", true);
    jout_end_object(&json);
    reply_json(request, 200, &text);
}

void api_event_create(struct request *request)
{
    int camera = config_camera_index(request->config, request->args[0]);
    if (camera < 0) {
        reply_message(request, 404, false, "%s is not a valid camera.", request->args[0]);
        return;
    }
    struct manual_box boxes[MANUAL_BOXES_MAX];
    struct manual_event event;
    json_t *body = request_json_strict(request);
    if (body == NULL || !take_event(request, body, &event, boxes)) {
        return;
    }
    struct manual *manual = server_manual(request->server);
    struct err err = ERR_NONE;
    char id[IPC_ID];
    int result = manual_begin(manual, camera, &event, id, &err);
    if (result < 0) {
        reply_message(request, result == -EINVAL ? 400 : 503, false, "%s", err.text);
        return;
    }
    /* Whoever made it may ask for it at once. */
    if (manual_wait(manual, id, SETTLE_MS)) {
        store_flush(request_store(request), SETTLE_MS);
    }
    reply_made(request, id);
}

void api_event_end(struct request *request)
{
    double end_time = wall_seconds(wall_now());
    json_t *body = request_json_strict(request);
    if (body == NULL || !take_number(request, body, "end_time", &end_time)) {
        return;
    }
    if (!(end_time >= 0) || end_time > TIME_MAX) {
        reply_message(request, 400, false, "end_time: %g is not a time in seconds", end_time);
        return;
    }
    if (manual_end(server_manual(request->server), request->args[0], end_time) < 0) {
        reply_message(request, 503, false, "The database is busy");
        return;
    }
    store_flush(request_store(request), SETTLE_MS);
    reply_message(request, 200, true, "Event successfully ended.");
}
