/* Sending pictures to Frigate+. An event is marked as sent when everything that was asked for has
 * been done, and not before; meanwhile nobody else sends it. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jout.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/api.h"
#include "http/files.h"
#include "http/http_private.h"
#include "http/request.h"
#include "link/plus.h"
#include "render/job.h"
#include "server/server.h"
#include "store/db_event_plus.h"

/* An event being sent. */
struct sending {
    struct request *request;
    struct plus *plus;
    const char *id;
    struct db_event_plus event;
    char *image_id; /* at the service; NULL: not sent yet */
};

static bool need_key(struct request *request)
{
    bool active = plus_active(server_plus(request->server));
    if (!active) {
        reply_message(request, 400, false, "PLUS_API_KEY environment variable is not set");
    }
    return active;
}

/* Reads the row; false after a reply. */
static bool read_event(struct sending *sending)
{
    struct request *request = sending->request;
    struct db *db = request_db(request);
    db_event_plus_finish(&sending->event);
    int result = db != NULL ? db_event_plus_get(db, sending->id, &sending->event) : -EIO;
    if (result == -ENOENT) {
        reply_message(request, 404, false, "Event %s not found", sending->id);
    } else if (result < 0) {
        reply_internal_error(request, "The database cannot be read");
    }
    return result == 0;
}

/* Logs why and replies with the text clients know. */
static void refuse(struct request *request, const char *what, const struct err *err,
                   const char *message)
{
    log_warning("%s: Frigate+: %s", what, err->text);
    reply_message(request, 400, false, "%s", message);
}

/* ---- steps ---- */

/* The event's picture at the service; false after a reply. */
static bool send_picture(struct sending *sending)
{
    struct request *request = sending->request;
    AUTO_STR struct str name = {0}, png = {0}, image_id = {0};
    AUTO_PLUS_PICTURES struct plus_pictures pictures = {0};
    struct err err = ERR_NONE;
    str_addf(&name, "%s-%s-clean.png", sending->event.camera, sending->id);
    int result = files_read(http_files(request->http), FILES_CLIPS, str_text(&name), &png);
    if (result < 0) {
        err_set(&err, -result, "%s cannot be read: %s", str_text(&name), err_name(result));
    } else {
        result = plus_pictures_make(png.data, png.length, &pictures, &err);
    }
    if (result < 0) {
        refuse(request, sending->id, &err, "Unable to load clean png for event");
        return false;
    }
    if (plus_upload(sending->plus, sending->event.camera, &pictures, &image_id, &err) < 0) {
        refuse(request, sending->id, &err, "Error uploading image");
        return false;
    }
    sending->image_id = str_steal(&image_id);
    return true;
}

static struct plus_object object_of(const struct db_event_plus *event)
{
    struct plus_object object = {
        .label = event->label,
        .score = event->score,
        .model_hash = event->model_hash,
        .model_type = event->model_type,
        .detector_type = event->detector_type,
    };
    memcpy(object.box, event->box, sizeof object.box);
    memcpy(object.region, event->region, sizeof object.region);
    return object;
}

/* How the two kinds of objects are sent, and what clients are told when that fails. */
static const struct object_kind {
    int (*send)(struct plus *plus, const char *image_id, const struct plus_object *object,
                struct err *err);
    const char *unknown_label, *failed;
} annotation =
    {
        plus_annotate,
        "Error uploading annotation, unsupported label provided.",
        "Error uploading annotation",
},
  mistake = {
      plus_false_positive,
      "Error uploading false positive, unsupported label provided.",
      "Error uploading false positive",
};

static bool send_object(struct sending *sending, const struct object_kind *kind,
                        const char *image_id)
{
    struct err err = ERR_NONE;
    struct plus_object object = object_of(&sending->event);
    int result = kind->send(sending->plus, image_id, &object, &err);
    if (result < 0) {
        refuse(sending->request, sending->id, &err,
               result == -EOPNOTSUPP ? kind->unknown_label : kind->failed);
    }
    return result == 0;
}

static bool record(struct sending *sending, const char *image_id, bool false_positive)
{
    struct store_work *work = store_begin(request_store(sending->request));
    db_event_plus_sent(work, sending->id, image_id, false_positive);
    return request_write(sending->request, work);
}

static void reply_sent(struct request *request, const char *image_id)
{
    AUTO_STR struct str text = {0};
    struct jout json = {.out = &text};
    jout_begin_object(&json);
    jout_put_string(&json, "plus_id", image_id);
    jout_put_bool(&json, "success", true);
    jout_end_object(&json);
    reply_json(request, 200, &text);
}

/* What comes before an event's first submission; with its image, of this time or of a time before
 * when a later step failed. */
static bool submit(struct sending *sending)
{
    struct request *request = sending->request;
    if (!sending->event.ended) {
        reply_message(request, 400, false, "Unable to load clean png for in-progress event");
    } else if (sending->event.plus_id != NULL) {
        reply_message(request, 400, false, "Already submitted to plus");
    } else {
        return sending->image_id != NULL || send_picture(sending);
    }
    return false;
}

/* ---- handlers ---- */

/* Runs `steps` with the event's claim. */
static void with_claim(struct request *request, void (*steps)(struct sending *sending))
{
    struct sending sending = {
        .request = request,
        .plus = server_plus(request->server),
        .id = request->args[0],
    };
    struct plus_claims *claims = plus_claims(sending.plus);
    if (!need_key(request) || !read_event(&sending)) {
        return;
    }
    if (!plus_claim(claims, sending.id, &sending.image_id)) {
        reply_message(request, 409, false, "Event %s is being submitted to plus", sending.id);
    } else {
        if (read_event(&sending)) { /* again: it may have been sent since */
            steps(&sending);
        }
        bool done = sending.event.plus_id != NULL || request->reply.status == 200;
        plus_claim_end(claims, sending.id, done ? NULL : sending.image_id);
    }
    free(sending.image_id);
    db_event_plus_finish(&sending.event);
}

static bool wants_annotation(struct request *request)
{
    json_t *wish = json_object_get(request_json(request), "include_annotation");
    return (wish != NULL && !json_is_null(wish)) || request_flag(request, "include_annotation");
}

static void submit_event(struct sending *sending)
{
    /* Boxes of before 0.13 are not relative: such events are sent without. */
    bool annotate = wants_annotation(sending->request) && sending->event.has_box;
    if (submit(sending) && (!annotate || send_object(sending, &annotation, sending->image_id)) &&
        record(sending, sending->image_id, false)) {
        reply_sent(sending->request, sending->image_id);
    }
}

void api_event_plus(struct request *request)
{
    with_claim(request, submit_event);
}

/* The picture is a submission of its own: it stands when only what follows fails. */
static void submit_mistake(struct sending *sending)
{
    struct request *request = sending->request;
    struct db_event_plus *event = &sending->event;
    if (!event->has_box) {
        reply_message(request, 400, false,
                      "Events prior to 0.13 cannot be submitted as false positives");
        return;
    }
    if (event->false_positive) {
        reply_message(request, 400, false, "False positive already submitted to Frigate+");
        return;
    }
    if (event->plus_id == NULL) {
        if (!submit(sending) || !record(sending, sending->image_id, false)) {
            return;
        }
        event->plus_id = mem_strdup(sending->image_id);
    }
    if (send_object(sending, &mistake, event->plus_id) && record(sending, event->plus_id, true)) {
        reply_sent(request, event->plus_id);
    }
}

void api_event_false_positive(struct request *request)
{
    with_claim(request, submit_mistake);
}

void api_recording_plus(struct request *request)
{
    double time, into;
    char number[32];
    AUTO_CLOSE int fd = http_open_recording(request, &time, &into);
    if (fd < 0 || !need_key(request)) {
        return;
    }
    AUTO_STR struct str png = {0}, image_id = {0};
    AUTO_PLUS_PICTURES struct plus_pictures pictures = {0};
    struct err err = ERR_NONE;
    if (render_picture(fd, llrint(into * 1e6), RENDER_PNG, 0, &png, &err) < 0 ||
        plus_pictures_make(png.data, png.length, &pictures, &err) < 0) {
        reply_message(request, 404, false, "Unable to parse frame at time %s",
                      str_double(number, time));
        return;
    }
    const char *camera = request->args[0];
    if (plus_upload(server_plus(request->server), camera, &pictures, &image_id, &err) < 0) {
        refuse(request, camera, &err, "Error uploading image");
        return;
    }
    reply_message(request, 200, true, "Successfully submitted image.");
}
