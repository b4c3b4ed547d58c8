#include "server/previews.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <webp/encode.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "footage/preview_hours.h"
#include "server/preview_rule.h"
#include "vision/yuv.h"

#define NICE 5   /* pictures that somebody waits for go first */
#define METHOD 0 /* of WebP: the quickest; the files live for an hour */
#define TELL_US 60000000
#define AHEAD_MAX_S 60.0
#define MAKING_MAX 2  /* more only make each other wait for the same cores */
#define ENTERED_MAX 6 /* each holds a thread of http/later.h */

struct slot {
    bool waiting;
    uint64_t sequence; /* of the ring */
};

struct previews {
    const struct config *config;
    struct live *live;
    struct preview_frames *frames;
    struct preview_hours *hours;
    struct preview_rule *rules; /* loop's thread */
    struct log_limit told;      /* our thread */
    atomic_uint_fast64_t written, dropped, missed, failed;

    pthread_t thread;
    pthread_mutex_t lock; /* all below */
    pthread_cond_t changed, turn;
    bool stop;
    struct slot *slots; /* config->camera_count */
    size_t waiting;
    unsigned making, entered;
    bool hung_up;
    uint64_t made, refused;
};

/* ------------------------------------------------------------------ the picture */

struct small {
    uint8_t *pixels;
    int width, height;
    double time;
};

/* The whole picture of the ring, made small. */
static void shrink(void *context, const uint8_t *picture, const struct frame_info *info)
{
    struct small *small = context;
    int width = (int)info->width, height = (int)info->height;
    preview_size(width, height, &small->width, &small->height);
    if (small->pixels == NULL) {
        small->pixels = mem_alloc(yuv_bytes(small->width, small->height));
    }
    struct yuv_view view = yuv_view(picture, width, height);
    struct yuv_canvas canvas = yuv_canvas(small->pixels, small->width, small->height);
    yuv_scale(&view, (struct box){0, 0, width, height}, &canvas);
    small->time = info->time;
}

static int append(const uint8_t *data, size_t size, const WebPPicture *picture)
{
    str_add_bytes(picture->custom_ptr, data, size);
    return 1;
}

/* As it is: WebP's own colours are the ring's, BT.601 of limited range at half the size. */
static int encode(const struct small *small, int quality, struct str *out)
{
    WebPConfig config;
    WebPPicture picture;
    if (!WebPConfigInit(&config) || !WebPPictureInit(&picture)) {
        return -EIO; /* a library of another version: cannot happen with shared packages */
    }
    config.quality = (float)quality;
    config.method = METHOD;
    struct yuv_canvas canvas = yuv_canvas(small->pixels, small->width, small->height);
    picture.width = small->width;
    picture.height = small->height;
    picture.y = canvas.planes[0];
    picture.u = canvas.planes[1];
    picture.v = canvas.planes[2];
    picture.y_stride = canvas.strides[0];
    picture.uv_stride = canvas.strides[1];
    picture.writer = append;
    picture.custom_ptr = out;
    bool done = WebPEncode(&config, &picture) != 0;
    WebPPictureFree(&picture);
    return done ? 0 : -EIO;
}

/* Files are named by it, and capture's word in the ring is not enough. */
static bool is_time(double time)
{
    return time > 0 && time < wall_seconds(wall_now()) + AHEAD_MAX_S;
}

static void make(struct previews *previews, int camera, uint64_t sequence)
{
    const struct cfg_camera *rules = &previews->config->cameras[camera];
    struct small small = {0};
    AUTO_STR struct str webp = {0};
    int result = live_look(previews->live, camera, sequence, shrink, &small);
    if (result < 0 || !is_time(small.time)) {
        atomic_fetch_add(&previews->missed, 1);
        free(small.pixels);
        return;
    }
    result = encode(&small, preview_webp_quality(rules->record.preview.quality), &webp);
    free(small.pixels);
    if (result == 0) {
        result =
            preview_frames_add(previews->frames, rules->name, small.time, webp.data, webp.length);
    }
    atomic_fetch_add(result == 0 ? &previews->written : &previews->failed, 1);
    unsigned swallowed;
    if (result < 0 && log_allowed(&previews->told, TELL_US, &swallowed)) {
        log_error("camera %s: a preview picture cannot be written: %s (%u more before)",
                  rules->name, err_name(result), swallowed);
    }
}

/* ------------------------------------------------------------------ the thread */

/* Under the lock: the next camera that waits, after `*camera`. */
static uint64_t take_next(struct previews *previews, size_t *camera)
{
    do {
        *camera = (*camera + 1) % previews->config->camera_count;
    } while (!previews->slots[*camera].waiting);
    previews->slots[*camera].waiting = false;
    previews->waiting--;
    return previews->slots[*camera].sequence;
}

static void *run(void *context)
{
    struct previews *previews = context;
    size_t camera = 0;
    pthread_setname_np(pthread_self(), "previews");
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
    pthread_mutex_lock(&previews->lock);
    while (!previews->stop) {
        if (previews->waiting == 0) {
            pthread_cond_wait(&previews->changed, &previews->lock);
            continue;
        }
        uint64_t sequence = take_next(previews, &camera);
        pthread_mutex_unlock(&previews->lock);
        make(previews, (int)camera, sequence);
        pthread_mutex_lock(&previews->lock);
    }
    pthread_mutex_unlock(&previews->lock);
    return NULL;
}

struct previews *previews_create(const struct config *config, struct store *store,
                                 struct live *live, const char *data_dir)
{
    struct previews *previews = mem_alloc(sizeof *previews);
    previews->config = config;
    previews->live = live;
    previews->rules = mem_array(config->camera_count, sizeof *previews->rules);
    previews->slots = mem_array(config->camera_count, sizeof *previews->slots);
    pthread_mutex_init(&previews->lock, NULL);
    pthread_cond_init(&previews->changed, NULL);
    pthread_cond_init(&previews->turn, NULL);
    previews->frames = preview_frames_create(data_dir);
    if (pthread_create(&previews->thread, NULL, run, previews) != 0) {
        preview_frames_destroy(previews->frames);
        pthread_cond_destroy(&previews->changed);
        pthread_cond_destroy(&previews->turn);
        pthread_mutex_destroy(&previews->lock);
        free(previews->slots);
        free(previews->rules);
        free(previews);
        return NULL;
    }
    previews->hours = preview_hours_create(config, store, data_dir, previews->frames);
    return previews;
}

void previews_destroy(struct previews *previews)
{
    if (previews == NULL) {
        return;
    }
    pthread_mutex_lock(&previews->lock);
    previews->stop = true;
    pthread_cond_broadcast(&previews->changed);
    pthread_mutex_unlock(&previews->lock);
    pthread_join(previews->thread, NULL);
    preview_hours_destroy(previews->hours);
    preview_frames_destroy(previews->frames);
    pthread_cond_destroy(&previews->changed);
    pthread_cond_destroy(&previews->turn);
    pthread_mutex_destroy(&previews->lock);
    free(previews->slots);
    free(previews->rules);
    free(previews);
}

void previews_frame(struct previews *previews, int camera, const struct msg_frame *frame)
{
    if (!preview_rule_takes(&previews->rules[camera], frame)) {
        return;
    }
    struct slot *slot = &previews->slots[camera];
    pthread_mutex_lock(&previews->lock);
    if (slot->waiting) {
        atomic_fetch_add(&previews->dropped, 1);
    } else {
        slot->waiting = true;
        previews->waiting++;
    }
    slot->sequence = frame->sequence;
    pthread_cond_signal(&previews->changed);
    pthread_mutex_unlock(&previews->lock);
}

struct preview_frames *previews_frames(struct previews *previews)
{
    return previews->frames;
}

bool previews_enter(struct previews *previews)
{
    pthread_mutex_lock(&previews->lock);
    bool entered = previews->entered < ENTERED_MAX && !previews->hung_up;
    if (entered) {
        previews->entered++;
        while (previews->making >= MAKING_MAX && !previews->hung_up) {
            pthread_cond_wait(&previews->turn, &previews->lock);
        }
        entered = !previews->hung_up;
        previews->making += entered;
        previews->entered -= !entered;
    }
    previews->refused += !entered;
    pthread_mutex_unlock(&previews->lock);
    return entered;
}

void previews_leave(struct previews *previews)
{
    pthread_mutex_lock(&previews->lock);
    previews->making--;
    previews->entered--;
    previews->made++;
    pthread_cond_signal(&previews->turn);
    pthread_mutex_unlock(&previews->lock);
}

void previews_hang_up(struct previews *previews)
{
    pthread_mutex_lock(&previews->lock);
    previews->hung_up = true;
    pthread_cond_broadcast(&previews->turn);
    pthread_mutex_unlock(&previews->lock);
}

bool previews_hung_up(struct previews *previews)
{
    pthread_mutex_lock(&previews->lock);
    bool hung_up = previews->hung_up;
    pthread_mutex_unlock(&previews->lock);
    return hung_up;
}

void previews_report(struct previews *previews, struct jout *json)
{
    struct preview_hours_state hours;
    preview_hours_get_state(previews->hours, &hours);
    pthread_mutex_lock(&previews->lock);
    uint64_t made = previews->made, refused = previews->refused;
    pthread_mutex_unlock(&previews->lock);
    jout_begin_object(json);
    jout_put_int(json, "dropped", (int64_t)atomic_load(&previews->dropped));
    jout_put_int(json, "failed", (int64_t)atomic_load(&previews->failed));
    jout_put_int(json, "films", (int64_t)hours.films);
    jout_put_int(json, "films_failed", (int64_t)hours.failed);
    jout_put_int(json, "films_from_recordings", (int64_t)hours.repaired);
    jout_put_int(json, "films_missing", (int64_t)hours.missing);
    jout_put_int(json, "kept", (int64_t)preview_frames_count(previews->frames));
    jout_put_int(json, "missed", (int64_t)atomic_load(&previews->missed));
    jout_put_int(json, "requested", (int64_t)made);
    jout_put_int(json, "requests_refused", (int64_t)refused);
    jout_put_int(json, "written", (int64_t)atomic_load(&previews->written));
    jout_end_object(json);
}
