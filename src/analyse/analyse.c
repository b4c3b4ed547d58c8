/* The analyse role: one process per camera. Woken by capture's eventfd it takes the newest picture
 * of the ring, runs the pipeline over it with the detectors' help and tells the server.
 *
 * One picture is in work at a time. While its regions are with the detector the loop goes on
 * (messages, stop, heartbeat); pictures that arrive meanwhile are passed over and counted. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "analyse/labels.h"
#include "analyse/pictures.h"
#include "analyse/pipeline.h"
#include "analyse/report.h"
#include "analyse/requests.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "ipc/worker.h"
#include "ring/frames.h"
#include "ring/tensors.h"

#define ANSWER_DEADLINE_US 1000000 /* for all regions of one picture */
#define AWAY_SAID_US 5000000       /* a model takes seconds to load: silence for less is not news */
#define SAY_INTERVAL_US (INT64_C(60) * 1000000)
#define PICTURES_MAX_BYTES ((size_t)32 << 20)
#define PICTURES_MIN_COUNT 4 /* of the camera's size, if that is more */
#define ENDED_KEPT 64        /* ended objects waiting for a server */
#define DISARMED_US (INT64_C(1000000) * 3600 * 24 * 365)
#define GRID_INTERVAL_US 900000000L /* between two grids sent */

enum analyse_state { STATE_STARTING, STATE_WORKING };

struct analyse {
    struct worker *worker;
    struct board_analyse *counters;
    /* given */
    struct frames *frames;
    struct tensors *tensors; /* until the requests have them */
    int ready_fd, work_fd, done_fd;
    struct loop_source *ready_source, *done_source, *deadline, *grid_timer;
    /* made from what was given */
    const struct cfg_model *model;
    struct cfg_labels names;
    struct labels *labels;
    struct requests *requests;
    struct pipeline *pipeline;
    struct pictures *pictures;
    struct report *report;
    struct msg_grid *grid_message;
    bool begun, detects;
    bool grid_received, grid_unsent;
    /* the picture in work */
    bool busy, deadline_armed;
    struct frame_info info;
    struct yuv_view view;
    uint64_t last_sequence;
    struct requests_counts counted; /* of the requests, already on the scoreboard */
    const char *trouble;            /* on the scoreboard, NULL = none */
    bool trouble_logged;
    struct log_limit say_limit;
    int64_t answered_us; /* when the detector last answered anything, or work began */
};

static struct analyse *of(struct worker *worker)
{
    return worker->context;
}

static void say(struct analyse *a, const char *trouble)
{
    unsigned swallowed;
    if (trouble == a->trouble) {
        return;
    }
    if (trouble == NULL) {
        if (a->trouble_logged) {
            log_info("detection works again");
        }
    } else if (log_allowed(&a->say_limit, SAY_INTERVAL_US, &swallowed)) {
        log_warning("%s", trouble);
        a->trouble_logged = true;
    } else {
        a->trouble_logged = false;
    }
    a->trouble = trouble;
    board_set_state(a->worker->entry, STATE_WORKING, trouble != NULL ? trouble : "");
}

/* ---- what the supervisor gives ---- */

static void replace_fd(int *kept, int *fd)
{
    if (*kept >= 0) {
        close(*kept);
    }
    *kept = *fd;
    *fd = -1;
}

static bool picture_valid(void *context)
{
    const struct analyse *a = context;
    return frames_still_valid(a->frames, &a->info);
}

static void on_answer(void *context, unsigned region, const struct tensor_box *boxes,
                      unsigned count)
{
    struct analyse *a = context;
    pipeline_answer(a->pipeline, region, boxes, count);
}

static enum tensor_pixels pixels_of(const struct cfg_model *model)
{
    switch (model->input_pixel_format) {
    case CFG_PIXELS_BGR:
        return TENSOR_PIXELS_BGR;
    case CFG_PIXELS_YUV:
        return TENSOR_PIXELS_YUV;
    case CFG_PIXELS_RGB:
        break;
    }
    return TENSOR_PIXELS_RGB;
}

/* Once slots and configuration are both there. */
static void make_requests(struct analyse *a)
{
    if (!a->detects || a->tensors == NULL) {
        return;
    }
    requests_destroy(a->requests);
    struct requests_setup setup = {
        .tensors = a->tensors,
        .format = {.width = a->model->width,
                   .height = a->model->height,
                   .pixels = pixels_of(a->model),
                   .layout = a->model->input_tensor == CFG_TENSOR_NCHW ? TENSOR_NCHW : TENSOR_NHWC},
        .work_fd = a->work_fd,
        .answer = on_answer,
        .valid = picture_valid,
        .context = a,
    };
    a->tensors = NULL;
    a->counted = (struct requests_counts){0};
    a->requests = requests_create(&setup);
    if (a->requests == NULL) {
        log_error("the shared tensor slots are smaller than the model's %dx%d input",
                  a->model->width, a->model->height);
    }
}

/* The camera's picture size is known: what depends on it is made, what was followed before ends. */
static void make_pipeline(struct analyse *a)
{
    int width = frames_width(a->frames), height = frames_height(a->frames);
    struct pipeline *old = a->pipeline;
    struct labels *old_labels = a->labels;
    a->labels = a->detects ? labels_create(&a->names, a->worker->camera, width, height) : NULL;
    struct pipeline_options options = {
        .camera = a->worker->camera,
        .labels = a->labels,
        .width = width,
        .height = height,
        .min_region = a->model->width > a->model->height ? a->model->width : a->model->height,
    };
    a->pipeline = pipeline_create(&options);
    if (old != NULL) {
        *pipeline_grid(a->pipeline) = *pipeline_grid(old);
    }
    pipeline_destroy(old);
    labels_destroy(old_labels);
    pictures_destroy(a->pictures);
    size_t room = PICTURES_MIN_COUNT * frames_picture_bytes(width, height);
    a->pictures = pictures_create(room > PICTURES_MAX_BYTES ? room : PICTURES_MAX_BYTES);
}

static void give_up_picture(struct analyse *a);
static void watch_descriptors(struct analyse *a);
static void work(struct analyse *a);

static void take_frames(struct analyse *a, int fd)
{
    struct frames *frames = frames_open(fd, false);
    if (frames == NULL) {
        log_error("the frame ring given is not usable: %s", err_name(errno));
        return;
    }
    give_up_picture(a);
    frames_close(a->frames);
    a->frames = frames;
    a->last_sequence = 0;
    if (a->begun) {
        make_pipeline(a);
        work(a); /* its first picture may be there already */
    }
}

static void on_give(struct worker *worker, const struct msg_give *give, int *fd)
{
    struct analyse *a = of(worker);
    if (a->worker == NULL) {
        a->worker = worker;
        a->ready_fd = a->work_fd = a->done_fd = -1;
    }
    switch (give->what) {
    case GIVE_FRAMES:
        take_frames(a, *fd);
        return;
    case GIVE_TENSORS:
        give_up_picture(a);
        tensors_close(a->tensors);
        a->tensors = tensors_open(*fd);
        break;
    case GIVE_FRAME_READY:
        loop_remove(a->ready_source);
        a->ready_source = NULL;
        replace_fd(&a->ready_fd, fd);
        break;
    case GIVE_WORK:
        replace_fd(&a->work_fd, fd);
        return;
    case GIVE_DONE:
        loop_remove(a->done_source);
        a->done_source = NULL;
        replace_fd(&a->done_fd, fd);
        break;
    default:
        return;
    }
    if (a->begun) {
        make_requests(a);
        watch_descriptors(a);
    }
}

/* ---- telling the server ---- */

static int send_picture(void *context, const struct picture_parcel *parcel)
{
    struct analyse *a = context;
    struct msg_best best = {
        .revision = parcel->revision,
        .time = parcel->time,
        .width = parcel->width,
        .height = parcel->height,
    };
    snprintf(best.camera, sizeof best.camera, "%s", a->worker->name);
    snprintf(best.id, sizeof best.id, "%s", parcel->id);
    return worker_send(a->worker, MSG_BEST, &best, parcel->memfd);
}

/* Pictures first: when a frame's message has arrived, so have all pictures it speaks of. */
static int send_frame(struct analyse *a)
{
    if (a->worker->server == NULL) {
        return -ENOTCONN;
    }
    int result = pictures_deliver(a->pictures, send_picture, a);
    if (result != 0) {
        return result;
    }
    return worker_send(a->worker, MSG_FRAME, report_frame(a->report, a->pipeline), -1);
}

static void tell(struct analyse *a)
{
    struct objects *objects = pipeline_objects(a->pipeline);
    size_t lost = 0;
    if (send_frame(a) == 0) {
        for (struct object *o = objects_next(objects, NULL); o != NULL;
             o = objects_next(objects, o)) {
            if (o->significant) {
                object_told(o, a->info.time);
            }
        }
        objects_forget_ended(objects, 0);
    } else {
        lost = 1;
        objects_forget_ended(objects, ENDED_KEPT);
    }
    atomic_fetch_add(&a->counters->messages_dropped, lost);
    pictures_sync(a->pictures, objects);
}

static void send_grid(struct analyse *a)
{
    a->grid_unsent |= pipeline_grid_changed(a->pipeline);
    if (!a->grid_unsent || a->worker->server == NULL) {
        return;
    }
    AUTO_STR struct str json = {0};
    grid_write(pipeline_grid(a->pipeline), &json);
    struct msg_grid *message = a->grid_message;
    if (json.length >= sizeof message->json) {
        return; /* the grid's bounds forbid it */
    }
    snprintf(message->camera, sizeof message->camera, "%s", a->worker->name);
    message->updated = wall_seconds(wall_now());
    memcpy(message->json, str_text(&json), json.length + 1);
    a->grid_unsent = worker_send(a->worker, MSG_GRID, message, -1) != 0;
}

static void on_grid_timer(void *context)
{
    struct analyse *a = context;
    if (a->pipeline != NULL) {
        send_grid(a);
    }
}

/* ---- one picture ---- */

static void keep_best_pictures(struct analyse *a, const uint8_t *picture)
{
    struct objects *objects = pipeline_objects(a->pipeline);
    struct shot *shot = NULL;
    for (struct object *o = objects_next(objects, NULL); o != NULL; o = objects_next(objects, o)) {
        if (!o->wants_best) {
            continue;
        }
        if (shot == NULL) {
            shot = pictures_shoot(a->pictures, picture, &a->info, picture_valid, a);
        }
        if (shot == NULL) {
            return; /* they want the next one all the more */
        }
        object_take_best(o, a->info.time);
        pictures_keep(a->pictures, o, shot);
    }
}

static void count_requests(struct analyse *a)
{
    const struct requests_counts *now = requests_counts(a->requests);
    atomic_fetch_add(&a->counters->detections,
                     now->answered + now->failed - a->counted.answered - a->counted.failed);
    atomic_fetch_add(&a->counters->detections_late, now->late - a->counted.late);
    a->counted = *now;
}

static void close_requests(struct analyse *a)
{
    int64_t now = mono_now().us;
    requests_end(a->requests, now);
    count_requests(a);
    pipeline_set_limit(a->pipeline, requests_limit(a->requests));
    if (!requests_away(a->requests)) {
        a->answered_us = now;
        say(a, NULL);
    } else if (requests_no_model(a->requests)) {
        say(a, "the detector has no usable model: no objects are detected");
    } else if (now - a->answered_us > AWAY_SAID_US) {
        say(a, "no detector answers: no objects are detected");
    }
}

static unsigned count_tracks(struct analyse *a)
{
    unsigned tracks = 0;
    struct tracker *tracker = pipeline_tracker(a->pipeline);
    for (struct track *t = tracker_next(tracker, NULL); t != NULL; t = tracker_next(tracker, t)) {
        tracks += t->stage == TRACK_LIVE;
    }
    return tracks;
}

static void finish_picture(struct analyse *a)
{
    a->busy = false;
    if (a->deadline_armed) {
        loop_set_timer(a->deadline, DISARMED_US, 0);
        a->deadline_armed = false;
    }
    if (a->requests != NULL) {
        close_requests(a);
    }
    const uint8_t *picture = picture_valid(a) ? a->view.planes[0] : NULL;
    pipeline_end(a->pipeline, picture);
    if (picture != NULL) {
        keep_best_pictures(a, picture);
    }
    atomic_fetch_add(&a->counters->frames, 1);
    atomic_fetch_add(&a->counters->regions_dropped, pipeline_regions(a->pipeline)->dropped);
    atomic_store(&a->counters->tracks, count_tracks(a));
    tell(a);
}

/* The newest picture of the ring, if there is one that was not looked at. */
static bool take_picture(struct analyse *a)
{
    const uint8_t *picture = frames_peek(a->frames, 0, &a->info);
    if (picture == NULL || a->info.sequence <= a->last_sequence) {
        return false;
    }
    if (a->last_sequence != 0) {
        atomic_fetch_add(&a->counters->frames_skipped, a->info.sequence - a->last_sequence - 1);
    }
    a->last_sequence = a->info.sequence;
    a->view = yuv_view(picture, (int)a->info.width, (int)a->info.height);
    return true;
}

static void start_picture(struct analyse *a)
{
    bool was_away = a->requests != NULL && requests_away(a->requests);
    pipeline_begin(a->pipeline, a->view.planes[0], &a->info);
    a->busy = true;
    if (a->requests == NULL) {
        finish_picture(a);
        return;
    }
    int64_t now = mono_now().us;
    requests_begin(a->requests, &a->view, pipeline_regions(a->pipeline), now,
                   now + ANSWER_DEADLINE_US);
    if (was_away && !requests_away(a->requests)) {
        pipeline_look_around(a->pipeline); /* who came while nobody looked? */
    }
    if (requests_waiting(a->requests)) {
        loop_set_timer(a->deadline, ANSWER_DEADLINE_US, 0);
        a->deadline_armed = true;
    } else {
        finish_picture(a);
    }
}

static void work(struct analyse *a)
{
    while (!a->busy && a->pipeline != NULL && take_picture(a)) {
        start_picture(a);
    }
}

static void on_ready(void *context, uint32_t events)
{
    struct analyse *a = context;
    eventfd_t value;
    eventfd_read(a->ready_fd, &value);
    work(a);
}

static void on_done(void *context, uint32_t events)
{
    struct analyse *a = context;
    eventfd_t value;
    eventfd_read(a->done_fd, &value);
    if (a->requests == NULL || !a->busy) {
        return; /* a knock: the next picture asks for its answer */
    }
    requests_collect(a->requests, mono_now().us);
    if (!requests_waiting(a->requests)) {
        finish_picture(a);
        work(a);
    }
}

static void on_deadline(void *context)
{
    struct analyse *a = context;
    if (a->busy) {
        finish_picture(a);
        work(a);
    }
}

/* The picture in work loses its ground (ring or slots are replaced). */
static void give_up_picture(struct analyse *a)
{
    if (a->busy) {
        finish_picture(a);
    }
}

/* ---- the role ---- */

static void watch_descriptors(struct analyse *a)
{
    struct loop *loop = a->worker->loop;
    if (a->ready_source == NULL && a->ready_fd >= 0) {
        a->ready_source = loop_add_fd(loop, a->ready_fd, EPOLLIN, on_ready, a);
    }
    if (a->done_source == NULL && a->done_fd >= 0) {
        a->done_source = loop_add_fd(loop, a->done_fd, EPOLLIN, on_done, a);
    }
}

static bool load_labels(struct analyse *a)
{
    struct err err = ERR_NONE;
    if (config_labels_load(a->model, &a->names, &err)) {
        return true;
    }
    log_error("no objects are detected: %s", err.text);
    board_set_state(a->worker->entry, STATE_WORKING, err.text);
    return false;
}

static int on_begin(struct worker *worker)
{
    struct analyse *a = of(worker);
    if (a->worker == NULL || worker->camera == NULL || a->frames == NULL) {
        worker_fatal(worker, "started without a camera or its frame ring");
        return 1;
    }
    const struct config *config = worker->config;
    a->counters = &worker->entry->analyse;
    a->model = config->detector_count > 0 ? &config->detectors[0].model : &config->model;
    board_set_state(worker->entry, STATE_WORKING, "");
    a->detects = worker->camera->detect.enabled && load_labels(a);
    atomic_store(&a->counters->detection_enabled, a->detects);
    atomic_store(&a->counters->tracks, 0);
    a->report = report_create(worker->name);
    a->grid_message = mem_alloc(sizeof *a->grid_message);
    a->begun = true;
    a->answered_us = mono_now().us;
    a->deadline = loop_add_timer(worker->loop, DISARMED_US, 0, on_deadline, a);
    a->grid_timer =
        loop_add_timer(worker->loop, GRID_INTERVAL_US, GRID_INTERVAL_US, on_grid_timer, a);
    make_requests(a);
    make_pipeline(a);
    watch_descriptors(a);
    work(a);
    return 0;
}

/* A server that comes anew knows nothing: pictures and grid go out again, objects do with every
 * frame anyway. */
static void on_linked(struct worker *worker)
{
    struct analyse *a = of(worker);
    if (a->pipeline == NULL) {
        return;
    }
    pictures_start_over(a->pictures, pipeline_objects(a->pipeline));
    if (a->grid_received) {
        send_grid(a);
    }
}

/* The first grid after a start is what was learned earlier; later ours is the newer one. */
static void take_grid(struct analyse *a, const struct msg_grid *message)
{
    struct err err = ERR_NONE;
    if (a->grid_received || a->pipeline == NULL) {
        return;
    }
    a->grid_received = true;
    struct grid *grid = mem_alloc(sizeof *grid);
    if (!grid_load(grid, message->json, strlen(message->json), &err)) {
        log_warning("the stored region grid is not usable and starts anew: %s", err.text);
    } else if (grid_is_empty(pipeline_grid(a->pipeline))) {
        *pipeline_grid(a->pipeline) = *grid;
    }
    free(grid);
}

static void on_message(struct worker *worker, struct message *message)
{
    if (message->type != MSG_GRID) {
        worker_fatal(worker, "unexpected message '%s' from the server",
                     msg_row(message->type)->name);
        return;
    }
    take_grid(of(worker), message->value);
}

static void on_stop(struct worker *worker)
{
    struct analyse *a = of(worker);
    if (a->pipeline != NULL) {
        give_up_picture(a);
        pipeline_finish(a->pipeline);
        if (a->last_sequence != 0) {
            tell(a);
        }
        send_grid(a);
    }
    worker_done(worker);
}

static void on_finish(struct worker *worker)
{
    struct analyse *a = of(worker);
    if (a->worker == NULL) {
        return;
    }
    loop_remove(a->ready_source);
    loop_remove(a->done_source);
    requests_destroy(a->requests);
    tensors_close(a->tensors);
    pipeline_destroy(a->pipeline);
    labels_destroy(a->labels);
    config_labels_free(&a->names);
    pictures_destroy(a->pictures);
    report_destroy(a->report);
    frames_close(a->frames);
    free(a->grid_message);
    int *fds[] = {&a->ready_fd, &a->work_fd, &a->done_fd};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        if (*fds[i] >= 0) {
            close(*fds[i]);
        }
    }
}

const struct worker_role analyse_role = {
    .role = BOARD_ANALYSE,
    .title = "analyse",
    .give = on_give,
    .begin = on_begin,
    .linked = on_linked,
    .message = on_message,
    .stop = on_stop,
    .finish = on_finish,
    .context_bytes = sizeof(struct analyse),
};
