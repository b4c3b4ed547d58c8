#include "fixture.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../cmocka_all.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

/* What the sanitizers cannot know: fontconfig keeps its configuration for the life of the process;
 * cairo passes memory from thread to thread with atomics of its own, which they do not see. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig";
}

const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "called_from_lib:libcairo.so\nrace:libcairo.so\n";
}

#define WAIT_US 10000000
#define POLL_US 2000

/* The tests' times are long past: nothing expires. */
static const char yaml[] = "mqtt:\n"
                           "  enabled: false\n"
                           "record:\n"
                           "  retain:\n"
                           "    days: 100000\n"
                           "  events:\n"
                           "    retain:\n"
                           "      default: 100000\n"
                           "snapshots:\n"
                           "  retain:\n"
                           "    default: 100000\n"
                           "detectors:\n"
                           "  cpu1:\n"
                           "    type: cpu\n"
                           "cameras:\n"
                           "  yard:\n"
                           "    ffmpeg:\n"
                           "      inputs:\n"
                           "        - path: rtsp://user:secret@127.0.0.1:1/yard\n"
                           "          roles: [detect, record, audio]\n"
                           "    detect:\n"
                           "      width: 640\n"
                           "      height: 360\n"
                           "      fps: 5\n"
                           "    record:\n"
                           "      enabled: true\n"
                           "    snapshots:\n"
                           "      enabled: true\n"
                           "    zones:\n"
                           "      lawn:\n"
                           "        coordinates: 0,0.5,0.5,0.5,0.5,1,0,1\n"
                           "      drive:\n"
                           "        coordinates: 0.5,0.5,1,0.5,1,1,0.5,1\n"
                           "%s"
                           "  door:\n"
                           "    ffmpeg:\n"
                           "      inputs:\n"
                           "        - path: rtsp://127.0.0.1:1/door\n"
                           "          roles: [detect]\n"
                           "    detect:\n"
                           "      width: 640\n"
                           "      height: 360\n"
                           "%s";

static struct config *load(const char *yard, const char *more)
{
    AUTO_STR struct str text = {0};
    str_addf(&text, yaml, yard, more);
    struct cfg_issues issues = {0};
    struct config *config = config_load("test.yml", str_text(&text), text.length, &issues);
    if (config == NULL) {
        AUTO_STR struct str complaints = {0};
        config_issues_format(&issues, "test.yml", &complaints);
        fail_msg("%s", str_text(&complaints));
    }
    config_issues_finish(&issues);
    return config;
}

static void name_entry(struct board *board, unsigned index, enum board_role role, const char *name)
{
    board->entries[index].role = role;
    snprintf(board->entries[index].name, sizeof board->entries[index].name, "%s", name);
}

void fixture_init(struct fixture *fixture, const char *yard, const char *more)
{
    memset(fixture, 0, sizeof *fixture);
    snprintf(fixture->data_dir, sizeof fixture->data_dir, "/tmp/corvette-server-XXXXXX");
    assert_non_null(mkdtemp(fixture->data_dir));
    fixture->config = load(yard, more);
    fixture->loop = loop_create();
    int fd = board_create(6);
    assert_true(fd >= 0);
    fixture->board = board_open(fd);
    close(fd);
    assert_non_null(fixture->board);
    name_entry(fixture->board, 0, BOARD_SERVER, "");
    name_entry(fixture->board, 1, BOARD_CAPTURE, "yard");
    name_entry(fixture->board, 2, BOARD_ANALYSE, "yard");
    name_entry(fixture->board, 3, BOARD_CAPTURE, "door");
    name_entry(fixture->board, 4, BOARD_ANALYSE, "door");
    name_entry(fixture->board, 5, BOARD_DETECTOR, "cpu1");
    atomic_store(&fixture->board->entries[0].pid, getpid());
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    return remove(path);
}

void fixture_finish(struct fixture *fixture)
{
    server_destroy(fixture->server);
    loop_destroy(fixture->loop);
    board_close(fixture->board);
    config_free(fixture->config);
    nftw(fixture->data_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void fixture_serve(struct fixture *fixture)
{
    struct server_setup setup = {
        .loop = fixture->loop,
        .config = fixture->config,
        .board = fixture->board,
        .entry = &fixture->board->entries[0],
        .data_dir = fixture->data_dir,
    };
    struct err err = ERR_NONE;
    fixture->server = server_create();
    if (server_begin(fixture->server, &setup, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

static void stopped(void *context)
{
    *(bool *)context = true;
}

void fixture_stop(struct fixture *fixture)
{
    bool done = false;
    server_stop(fixture->server, stopped, &done);
    assert_true(done);
    fixture_crash(fixture);
}

void fixture_crash(struct fixture *fixture)
{
    server_destroy(fixture->server);
    fixture->server = NULL;
}

struct waiting {
    struct fixture *fixture;
    fixture_condition condition;
    void *context;
    struct mono since;
};

static void check(void *context)
{
    struct waiting *waiting = context;
    if (waiting->condition(waiting->context)) {
        loop_stop(waiting->fixture->loop, 1);
    } else if (mono_since_us(waiting->since) > WAIT_US) {
        loop_stop(waiting->fixture->loop, 0);
    }
}

bool fixture_wait(struct fixture *fixture, fixture_condition condition, void *context)
{
    struct waiting waiting = {fixture, condition, context, mono_now()};
    struct loop_source *timer = loop_add_timer(fixture->loop, POLL_US, POLL_US, check, &waiting);
    int result = loop_run(fixture->loop);
    loop_remove(timer);
    return result == 1;
}

static bool at_once(void *context)
{
    return true;
}

void fixture_settle(struct fixture *fixture)
{
    fixture_wait(fixture, at_once, NULL);
    assert_int_equal(store_flush(server_store(fixture->server), 10000), 0);
}

const char *fixture_query(struct fixture *fixture, const char *sql)
{
    static char text[8192];
    AUTO_READER struct db *db = store_reader(server_store(fixture->server));
    AUTO_STR struct str wrapped = {0};
    str_addf(&wrapped, "SELECT CAST((%s) AS TEXT) AS x", sql);
    AUTO_QUERY struct db_query *query = db_query(db, str_text(&wrapped));
    text[0] = '\0';
    if (db_step(query) == 1) {
        snprintf(text, sizeof text, "%s", db_text(query, db_column(query, "x"), NULL));
    }
    return text;
}

struct msg_object fixture_object(const char *id, const char *label, double start_time)
{
    struct msg_object object = {
        .start_time = start_time,
        .frame_time = start_time,
        .score = 0.8F,
        .computed_score = 0.8F,
        .top_score = 0.8F,
        .box = {100, 100, 164, 200},
        .region = {0, 0, 320, 320},
        .area = 6400,
        .ratio = 0.64F,
        .position_changes = 1,
        .best_revision = 1,
        .best_time = start_time,
        .best_score = 0.8125F,
        .best_box = {96, 90, 160, 180},
        .best_region = {0, 0, 320, 320},
        .best_area = 5760,
    };
    snprintf(object.id, sizeof object.id, "%s", id);
    snprintf(object.label, sizeof object.label, "%s", label);
    return object;
}

void fixture_send(struct fixture *fixture, enum board_role role, const char *camera,
                  enum msg_type type, const void *value, int fd)
{
    const struct record *record = msg_row(type)->record;
    AUTO_STR struct str wire = {0};
    record_encode(record, value, &wire);
    struct message message = {.type = type, .value = mem_alloc(record->size), .fd = fd};
    assert_int_equal(record_decode(record, wire.data, wire.length, message.value), 0);
    server_message(fixture->server, role, camera, &message);
    record_finish(record, message.value);
    free(message.value);
    if (message.fd >= 0) {
        close(message.fd);
    }
}

void fixture_send_frame(struct fixture *fixture, const char *camera, double time,
                        const struct msg_object *objects, size_t count, size_t motion_boxes)
{
    struct msg_box motion[8] = {{{10, 20, 50, 60}}};
    struct msg_box region = {{0, 0, 320, 320}};
    struct msg_frame frame = {
        .sequence = 1,
        .time = time,
        .motion = {motion, motion_boxes},
        .regions = {&region, 1},
        .objects = {(struct msg_object *)(uintptr_t)objects, count},
    };
    snprintf(frame.camera, sizeof frame.camera, "%s", camera);
    fixture_send(fixture, BOARD_ANALYSE, camera, MSG_FRAME, &frame, -1);
}

int fixture_picture_fd(int width, int height, uint8_t y, uint8_t u, uint8_t v)
{
    size_t bytes = frames_picture_bytes(width, height);
    size_t luma = (size_t)width * (size_t)height;
    size_t chroma = (bytes - luma) / 2;
    int fd = file_memfd("picture", bytes);
    assert_true(fd >= 0);
    uint8_t *pixels = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(pixels, MAP_FAILED);
    memset(pixels, y, luma);
    memset(pixels + luma, u, chroma);
    memset(pixels + luma + chroma, v, chroma);
    munmap(pixels, bytes);
    return fd;
}

int fixture_send_best(struct fixture *fixture, const char *camera, const char *id,
                      uint32_t revision, double time, uint8_t luma)
{
    struct msg_best best = {
        .revision = revision, .time = time, .width = FIXTURE_WIDTH, .height = FIXTURE_HEIGHT};
    snprintf(best.camera, sizeof best.camera, "%s", camera);
    snprintf(best.id, sizeof best.id, "%s", id);
    struct message message = {
        .type = MSG_BEST,
        .value = &best,
        .fd = fixture_picture_fd(FIXTURE_WIDTH, FIXTURE_HEIGHT, luma, 128, 128),
    };
    server_message(fixture->server, BOARD_ANALYSE, camera, &message);
    int left = message.fd;
    if (left >= 0) {
        close(left);
    }
    return left;
}

void fixture_give_ring(struct fixture *fixture, const char *camera, uint8_t y, uint8_t u, uint8_t v,
                       double time)
{
    int fd = frames_create(camera, FIXTURE_WIDTH, FIXTURE_HEIGHT, FRAMES_SLOTS);
    assert_true(fd >= 0);
    struct frames *ring = frames_open(fd, true);
    assert_non_null(ring);
    fixture_write_frame(ring, y, u, v, time);
    struct msg_give give = {.what = GIVE_FRAMES};
    snprintf(give.name, sizeof give.name, "%s", camera);
    server_give(fixture->server, &give, &fd);
    assert_int_equal(fd, -1);
    frames_close(ring);
}

void fixture_write_frame(struct frames *ring, uint8_t y, uint8_t u, uint8_t v, double time)
{
    size_t luma = (size_t)FIXTURE_WIDTH * FIXTURE_HEIGHT;
    uint8_t *picture = frames_write_begin(ring);
    memset(picture, y, luma);
    memset(picture + luma, u, luma / 4);
    memset(picture + luma + luma / 4, v, luma / 4);
    frames_write_end(ring, time);
}

bool fixture_file_exists(struct fixture *fixture, const char *relative)
{
    AUTO_STR struct str path = {0};
    str_addf(&path, "%s/%s", fixture->data_dir, relative);
    return access(str_text(&path), R_OK) == 0;
}
