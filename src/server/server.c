#include "server/server.h"
#include "server/config_file.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "footage/adopt.h"
#include "footage/exports.h"
#include "footage/keeper.h"
#include "ipc/channel.h"
#include "link/plus.h"
#include "link/ptz.h"
#include "server/config_file.h"
#include "server/events.h"
#include "server/grids.h"
#include "server/jobs.h"
#include "server/live.h"
#include "server/manual.h"
#include "server/model_facts.h"
#include "server/previews.h"
#include "server/probes.h"
#include "server/recordings.h"
#include "server/review.h"
#include "server/server_report.h"
#include "server/sound.h"
#include "server/stats.h"
#include "server/timeline.h"
#include "store/store.h"
#include "version.h"

#define TICK_US 500000
/* How long the objects of a camera outlive the link to its analyse: its successor normally speaks
 * within two seconds, and then says itself what lives. */
#define ANALYSE_GONE_US 5000000
#define START_REPAIR_MS 500
/* Of the second that a clean stop may take. */
#define STOP_FILES_MS 600
#define STOP_ROWS_MS 300

/* LINK_ENDS are per camera; the sound worker serves all. */
enum link_end { LINK_CAPTURE, LINK_ANALYSE, LINK_ENDS, LINK_SOUND = LINK_ENDS, LINK_KINDS };

static const struct {
    enum board_role role;
    const char *name;
} link_kinds[LINK_KINDS] = {[LINK_CAPTURE] = {BOARD_CAPTURE, "capture"},
                            [LINK_ANALYSE] = {BOARD_ANALYSE, "analyse"},
                            [LINK_SOUND] = {BOARD_SOUND, "sound"}};

/* The channel to one worker. */
struct link {
    struct server *server;
    enum link_end end;
    int camera;              /* -1: of all */
    struct channel *channel; /* NULL: nobody there */
    int64_t lost_us;         /* analyse: when the last one went, 0 once that is dealt with */
};

/* Something given before begin. */
struct given {
    struct msg_give give;
    int fd;
};

struct server {
    struct server_setup setup;
    bool begun;
    struct given *given;
    size_t given_count, given_capacity;

    struct store *store;
    struct live *live;
    struct jobs *jobs;
    struct timeline *timeline;
    struct events *events;
    struct manual *manual;
    struct recordings *recordings;
    struct review *review;
    struct sound *sound;
    struct grids *grids;
    struct adopt *adopt;
    struct keeper *keeper;
    struct exports *exports;
    struct ptz *ptz;
    struct previews *previews;
    struct plus *plus;
    struct stats *stats;
    struct config_file *config_file;
    struct probes *probes;
    struct link *links; /* [camera * LINK_ENDS + end] */
    struct link sound_link;
    struct loop_source *tick;

    atomic_bool hangs_up;                  /* what waits for others leaves off */
    atomic_uint_fast64_t messages_refused; /* of the wrong kind or camera */
    struct log_limit refused_limit;
};

const char *server_version(void)
{
    return CORVETTE_API_VERSION;
}

void server_clip_path(const char *data_dir, const char *camera, const char *id, const char *suffix,
                      struct str *out)
{
    str_addf(out, "%s/media/clips/%s-%s%s", data_dir, camera, id, suffix);
}

/* --- messages --- */

static unsigned on_object(void *context, int camera, const struct live_object *object, bool ended)
{
    struct server *server = context;
    unsigned flags = events_update(server->events, camera, object, ended);
    timeline_update(server->timeline, camera, object, ended, flags);
    return flags;
}

static void refuse(struct server *server, const char *name, const struct message *message)
{
    unsigned swallowed;
    atomic_fetch_add(&server->messages_refused, 1);
    if (log_allowed(&server->refused_limit, 10000000, &swallowed)) {
        log_error("camera %s: a worker sent a '%s' that is not its own (%u more before)", name,
                  msg_row(message->type)->name, swallowed);
    }
}

static int take_frame(struct server *server, int camera, struct message *message)
{
    struct msg_frame *frame = message->value;
    if (!isfinite(frame->time) || frame->time <= 0) {
        return -EINVAL; /* rows, ids and names of files are made of it */
    }
    server->links[camera * LINK_ENDS + LINK_ANALYSE].lost_us = 0;
    recordings_frame(server->recordings, camera, frame);
    review_frame(server->review, camera, frame);
    previews_frame(server->previews, camera, frame);
    live_take_frame(server->live, camera, frame, on_object, server);
    events_flush(server->events);
    review_flush(server->review);
    timeline_flush(server->timeline);
    recordings_flush(server->recordings, false);
    return 0;
}

static int take_segment(struct server *server, int camera, struct message *message)
{
    const struct msg_segment *segment = message->value;
    recordings_segment(server->recordings, camera, segment);
    keeper_recorded(server->keeper, camera, segment->bytes, segment->duration);
    return 0;
}

static int take_gap(struct server *server, int camera, struct message *message)
{
    return recordings_gap(server->recordings, camera, message->value);
}

static int take_space(struct server *server, int camera, struct message *message)
{
    const struct msg_space *space = message->value;
    keeper_need(server->keeper, camera, space->needed);
    return 0;
}

static int take_best(struct server *server, int camera, struct message *message)
{
    return live_take_best(server->live, camera, message->value, &message->fd);
}

static int take_grid(struct server *server, int camera, struct message *message)
{
    return grids_take(server->grids, camera, message->value);
}

static int take_sound(struct server *server, int camera, struct message *message)
{
    int result = sound_take(server->sound, camera, message->value);
    review_flush(server->review);
    return result;
}

/* Whose message it is, and what is done with it: 0, or -errno when it cannot be. */
static const struct {
    enum board_role from;
    int (*take)(struct server *server, int camera, struct message *message);
} takers[MSG_TYPE_COUNT] = {
    [MSG_SEGMENT] = {BOARD_CAPTURE, take_segment}, [MSG_GAP] = {BOARD_CAPTURE, take_gap},
    [MSG_SPACE] = {BOARD_CAPTURE, take_space},     [MSG_FRAME] = {BOARD_ANALYSE, take_frame},
    [MSG_BEST] = {BOARD_ANALYSE, take_best},       [MSG_GRID] = {BOARD_ANALYSE, take_grid},
    [MSG_SOUND] = {BOARD_SOUND, take_sound},
};

/* All of them begin with the name of the camera they are about. */
#define BEGINS_WITH_CAMERA(struct_) \
    _Static_assert(offsetof(struct struct_, camera) == 0, #struct_ ": the camera comes first")
BEGINS_WITH_CAMERA(msg_segment);
BEGINS_WITH_CAMERA(msg_gap);
BEGINS_WITH_CAMERA(msg_space);
BEGINS_WITH_CAMERA(msg_frame);
BEGINS_WITH_CAMERA(msg_best);
BEGINS_WITH_CAMERA(msg_grid);
BEGINS_WITH_CAMERA(msg_sound);

/* A camera's own worker speaks of that camera only: one camera's trouble is its own. A worker
 * without a name serves all of them. */
void server_message(struct server *server, enum board_role role, const char *name,
                    struct message *message)
{
    bool known = takers[message->type].take != NULL && takers[message->type].from == role;
    const char *about = known ? message->value : name;
    int camera = config_camera_index(server->setup.config, about);
    bool its_own = name[0] == '\0' || strcmp(about, name) == 0;
    if (!known || camera < 0 || !its_own ||
        takers[message->type].take(server, camera, message) < 0) {
        refuse(server, about, message);
    }
}

/* --- links --- */

static const char *link_name(const struct link *link)
{
    return link->camera >= 0 ? link->server->setup.config->cameras[link->camera].name : "";
}

static void on_link_message(void *context, struct channel *channel, struct message *message)
{
    struct link *link = context;
    server_message(link->server, link_kinds[link->end].role, link_name(link), message);
}

static void drop_link(struct link *link)
{
    if (link->channel != NULL) {
        channel_destroy(link->channel);
        link->channel = NULL;
        link->lost_us = mono_now().us;
    }
}

static void on_link_closed(void *context, struct channel *channel, int error)
{
    struct link *link = context;
    if (error != 0) {
        log_error("%s %s spoke nonsense and is cut off", link_kinds[link->end].name,
                  link_name(link));
    }
    drop_link(link);
}

/* The place of a worker's link; NULL: it has nothing to tell us. */
static struct link *find_link(struct server *server, const struct msg_give *give)
{
    int camera = config_camera_index(server->setup.config, give->name);
    for (int end = 0; camera >= 0 && end < LINK_ENDS; end++) {
        if (link_kinds[end].role == give->role) {
            return &server->links[camera * LINK_ENDS + end];
        }
    }
    return give->role == BOARD_SOUND ? &server->sound_link : NULL;
}

static void take_link(struct server *server, const struct msg_give *give, int *fd)
{
    struct link *link = find_link(server, give);
    if (link == NULL) {
        return;
    }
    drop_link(link);
    link->channel = channel_create(server->setup.loop, *fd, on_link_message, on_link_closed, link);
    *fd = -1;
    if (link->end == LINK_ANALYSE) {
        grids_send(server->grids, link->camera, link->channel);
    } else if (link->end == LINK_CAPTURE) {
        /* What the last capture could not tell us before it went is on the disk. */
        adopt_again(server->adopt);
    }
}

static void take_ring(struct server *server, const struct msg_give *give, int fd)
{
    int camera = config_camera_index(server->setup.config, give->name);
    int result = camera >= 0 ? live_set_ring(server->live, camera, fd) : 0;
    if (result < 0) {
        log_error("camera %s: the ring of pictures cannot be used: %s", give->name,
                  err_name(result));
    }
}

void server_give(struct server *server, const struct msg_give *give, int *fd)
{
    if (give->what != GIVE_LINK && give->what != GIVE_FRAMES) {
        return;
    }
    if (!server->begun) {
        *MEM_PUSH(server->given, server->given_count, server->given_capacity) =
            (struct given){.give = *give, .fd = steal_fd(fd)};
    } else if (give->what == GIVE_LINK) {
        take_link(server, give, fd);
    } else {
        take_ring(server, give, *fd);
        close(steal_fd(fd));
    }
}

static void take_given(struct server *server)
{
    for (size_t i = 0; i < server->given_count; i++) {
        struct given *given = &server->given[i];
        if (server->begun) {
            server_give(server, &given->give, &given->fd);
        }
        if (given->fd >= 0) {
            close(given->fd);
        }
    }
    free(server->given);
    server->given = NULL;
    server->given_count = server->given_capacity = 0;
}

/* --- life --- */

static void end_orphans(struct server *server)
{
    for (size_t i = 0; i < server->setup.config->camera_count; i++) {
        struct link *link = &server->links[i * LINK_ENDS + LINK_ANALYSE];
        if (link->lost_us != 0 && mono_now().us - link->lost_us > ANALYSE_GONE_US) {
            link->lost_us = 0;
            live_end_all(server->live, (int)i, on_object, server);
        }
    }
}

static void publish_counters(struct server *server)
{
    struct events_state events;
    struct recordings_state recordings;
    struct review_state review;
    struct store_state store;
    events_get_state(server->events, &events);
    recordings_get_state(server->recordings, &recordings);
    review_get_state(server->review, &review);
    store_get_state(server->store, &store);
    struct board_server *counters = &server->setup.entry->server;
    atomic_store(&counters->rows_written, events.rows + recordings.rows + review.rows);
    atomic_store(&counters->rows_delayed, events.delayed + review.delayed + store.delays);
    board_set_state(server->setup.entry, 1, store.trouble);
}

static void on_tick(void *context)
{
    struct server *server = context;
    end_orphans(server);
    events_tick(server->events);
    review_tick(server->review);
    sound_tick(server->sound, wall_seconds(wall_now()));
    manual_tick(server->manual);
    timeline_flush(server->timeline);
    recordings_flush(server->recordings, false);
    grids_flush(server->grids, false);
    if (recordings_take_dropped(server->recordings)) {
        adopt_again(server->adopt);
    }
    if (server->setup.entry != NULL) {
        publish_counters(server);
    }
}

/* The statistics thread, or one that asks. */
static void write_report(void *context, struct jout *json)
{
    struct server *server = context;
    struct server_report report = {
        .messages_refused = atomic_load(&server->messages_refused),
    };
    adopt_get_state(server->adopt, &report.adopt);
    store_get_state(server->store, &report.store);
    events_get_state(server->events, &report.events);
    live_get_state(server->live, &report.live);
    manual_get_state(server->manual, &report.manual);
    report.sound = server->sound;
    recordings_get_state(server->recordings, &report.recordings);
    review_get_state(server->review, &report.review);
    timeline_get_state(server->timeline, &report.timeline);
    report.keeper = server->keeper;
    report.previews = server->previews;
    server_report_json(&report, json);
}

static int make_folders(const char *data_dir, struct err *err)
{
    static const char *const folders[] = {"media/recordings", "media/clips/review", "media/exports",
                                          "cache/preview_frames"};
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
        AUTO_FREE char *path = mem_printf("%s/%s", data_dir, folders[i]);
        int result = file_make_dirs(path);
        if (result < 0) {
            return err_set(err, -result, "cannot make the folder %s: %s", path, err_name(result));
        }
    }
    return 0;
}

static int open_store(struct server *server, struct err *err)
{
    const struct config *config = server->setup.config;
    AUTO_FREE char *path = config->database.is_default
                               ? mem_printf("%s/corvette.db", server->setup.data_dir)
                               : mem_strdup(config->database.path);
    int result = file_make_parent_dirs(path);
    if (result < 0) {
        return err_set(err, -result, "cannot make the folder of the database %s: %s", path,
                       err_name(result));
    }
    server->store = store_open(path, err);
    return server->store != NULL ? 0 : -err->code;
}

static void make_links(struct server *server)
{
    size_t cameras = server->setup.config->camera_count;
    server->links = mem_array(cameras * LINK_ENDS, sizeof *server->links);
    for (size_t i = 0; i < cameras * LINK_ENDS; i++) {
        server->links[i] =
            (struct link){.server = server, .end = i % LINK_ENDS, .camera = (int)(i / LINK_ENDS)};
    }
    server->sound_link = (struct link){.server = server, .end = LINK_SOUND, .camera = -1};
}

struct server *server_create(void)
{
    return mem_alloc(sizeof(struct server));
}

int server_begin(struct server *server, const struct server_setup *setup, struct err *err)
{
    server->setup = *setup;
    const struct config *config = setup->config;
    int result = make_folders(setup->data_dir, err);
    if (result == 0) {
        result = open_store(server, err);
    }
    if (result < 0) {
        return result;
    }
    store_repair(server->store);
    /* Who asks right after the start sees it done; a locked database may hold us up only so long.
     */
    store_flush(server->store, START_REPAIR_MS);
    server->jobs = jobs_create(setup->loop);
    if (server->jobs == NULL) {
        return err_set(err, EAGAIN, "cannot start a thread");
    }
    server->live = live_create(config);
    server->timeline = timeline_create(config, server->store);
    server->events =
        events_create(config, server->store, server->jobs, server->timeline, setup->data_dir);
    server->review =
        review_create(config, server->store, server->jobs, server->live, setup->data_dir);
    server->manual = manual_create(&(struct manual_setup){
        .config = config,
        .store = server->store,
        .live = server->live,
        .jobs = server->jobs,
        .review = server->review,
        .data_dir = setup->data_dir,
    });
    server->recordings = recordings_create(config, server->store, server->manual);
    server->sound = sound_create(&(struct sound_setup){
        .config = config,
        .manual = server->manual,
        .review = server->review,
        .recordings = server->recordings,
    });
    server->grids = grids_create(config, server->store);
    model_facts_find(config, server->jobs, server->events);
    server->keeper = keeper_create(config, server->store, setup->data_dir);
    server->exports = exports_create(config, server->store, setup->data_dir);
    server->previews = previews_create(config, server->store, server->live, setup->data_dir);
    if (server->previews == NULL) {
        return err_set(err, EAGAIN, "cannot start a thread");
    }
    server->adopt = adopt_create(config, server->store, setup->data_dir);
    server->ptz = ptz_create(config);
    server->plus = plus_create(config->plus_key, config->plus_host);
    if (server->ptz == NULL || server->plus == NULL) {
        return err_set(err, EMFILE, "no eventfd");
    }
    struct stats_setup stats = {
        .config = config,
        .board = setup->board,
        .data_dir = setup->data_dir,
        .version = server_version(),
        .extra = write_report,
        .extra_context = server,
    };
    server->stats = stats_create(&stats);
    stats_start(server->stats);
    server->config_file = config_file_create(setup->config_path);
    server->probes = probes_create(config, setup->data_dir);
    make_links(server);
    server->tick = loop_add_timer(setup->loop, TICK_US, TICK_US, on_tick, server);
    server->begun = true;
    take_given(server);
    return 0;
}

static void drop_links(struct server *server)
{
    for (size_t i = 0; server->links != NULL && i < server->setup.config->camera_count * LINK_ENDS;
         i++) {
        drop_link(&server->links[i]);
    }
    drop_link(&server->sound_link);
}

void server_stop(struct server *server, server_done_fn done, void *context)
{
    if (server->begun) {
        drop_links(server);
        loop_remove(server->tick);
        server->tick = NULL;
        recordings_flush(server->recordings, true);
        grids_flush(server->grids, true);
        double now = wall_seconds(wall_now());
        timeline_end_all(server->timeline, now);
        events_end_all(server->events, now);
        sound_end_all(server->sound);
        review_end_all(server->review, now);
        if (jobs_drain(server->jobs, STOP_FILES_MS) < 0) {
            log_warning("stopping: not all pictures could be written");
        }
        events_finish(server->events);
        review_finish(server->review);
        manual_finish(server->manual);
        timeline_flush(server->timeline);
        if (store_flush(server->store, STOP_ROWS_MS) < 0) {
            log_warning("stopping: the database has not taken all rows yet");
        }
    }
    done(context);
}

void server_destroy(struct server *server)
{
    if (server == NULL) {
        return;
    }
    drop_links(server);
    take_given(server); /* not begun: closes them */
    loop_remove(server->tick);
    stats_destroy(server->stats);
    adopt_destroy(server->adopt);
    keeper_destroy(server->keeper);
    exports_destroy(server->exports);
    ptz_destroy(server->ptz);
    previews_destroy(server->previews);
    plus_destroy(server->plus);
    jobs_destroy(server->jobs);
    events_destroy(server->events);
    manual_destroy(server->manual);
    sound_destroy(server->sound);
    review_destroy(server->review);
    timeline_destroy(server->timeline);
    recordings_destroy(server->recordings);
    grids_destroy(server->grids);
    live_destroy(server->live);
    store_close(server->store);
    config_file_destroy(server->config_file);
    probes_destroy(server->probes);
    free(server->links);
    free(server);
}

struct store *server_store(struct server *server)
{
    return server->store;
}

struct exports *server_exports(struct server *server)
{
    return server->exports;
}

struct plus *server_plus(struct server *server)
{
    return server->plus;
}

struct ptz *server_ptz(struct server *server)
{
    return server->ptz;
}

void server_hang_up(struct server *server)
{
    atomic_store(&server->hangs_up, true);
    ptz_stop(server->ptz);
    plus_stop(server->plus);
    probes_stop(server->probes);
    previews_hang_up(server->previews);
}

bool server_hangs_up(void *server)
{
    return atomic_load(&((struct server *)server)->hangs_up);
}

struct previews *server_previews(struct server *server)
{
    return server->previews;
}

struct keeper *server_keeper(struct server *server)
{
    return server->keeper;
}

struct live *server_live(struct server *server)
{
    return server->live;
}

struct events *server_events(struct server *server)
{
    return server->events;
}

struct sound *server_sound(struct server *server)
{
    return server->sound;
}

struct review *server_review(struct server *server)
{
    return server->review;
}

struct manual *server_manual(struct server *server)
{
    return server->manual;
}

struct stats *server_stats(struct server *server)
{
    return server->stats;
}

struct config_file *server_config_file(struct server *server)
{
    return server->config_file;
}

struct timeline *server_timeline(struct server *server)
{
    return server->timeline;
}

struct probes *server_probes(struct server *server)
{
    return server->probes;
}

const struct config *server_config(struct server *server)
{
    return server->setup.config;
}

const char *server_data_dir(struct server *server)
{
    return server->setup.data_dir;
}
