/* The whole worker, in a process of its own: the test plays supervisor, capture, detector (which
 * really looks at its input: the brightest thing is a person) and server. Nothing is timed: each
 * picture is written when the message about the one before has come. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../cmocka_all.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/loop.h"
#include "base/mem.h"
#include "camera.h"
#include "ipc/channel.h"
#include "ipc/worker.h"
#include "ring/board.h"
#include "ring/frames.h"
#include "ring/tensors.h"

#define SIDE 64
#define PATIENCE_US (30 * INT64_C(1000000))
#define TICK_US 5000

static const char config_text[] =
    "mqtt: {enabled: false}\n"
    "model: {path: /nowhere/model.onnx, width: 64, height: 64,\n"
    "        input_tensor: nhwc, input_pixel_format: rgb}\n"
    "detectors: {one: {type: cpu}}\n"
    "cameras:\n"
    "  back:\n"
    "    ffmpeg: {inputs: [{path: 'rtsp://127.0.0.1/x', roles: [detect]}]}\n"
    "    detect: {width: 640, height: 480, fps: 5}\n"
    "    objects: {track: [person]}\n";

struct stage {
    struct loop *loop;
    pid_t child;
    struct channel *control, *link;
    struct board *board;
    struct board_entry *entry;
    struct frames *frames;
    struct tensors *tensors;
    int config_fd, board_fd, frames_fd, ready_fd, tensors_fd, work_fd, done_fd;
    bool greeted, detector_works;
    double time;
    /* what came over the link */
    unsigned frame_messages, object_messages, best_messages, grid_messages, ended;
    uint64_t last_sequence;
    struct msg_object object; /* the last one seen; its arrays are not ours */
    char best_id[IPC_ID];
    uint32_t best_revision;
    uint8_t best_luma; /* in the middle of the object's best box */
};

/* ---- the other processes ---- */

/* Brightest part of the tensor. */
static unsigned look(const uint8_t *input, struct tensor_box *box)
{
    int x1 = SIDE, y1 = SIDE, x2 = -1, y2 = -1;
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            if (input[(y * SIDE + x) * 3] > 200) {
                x1 = x < x1 ? x : x1;
                x2 = x > x2 ? x : x2;
                y1 = y < y1 ? y : y1;
                y2 = y > y2 ? y : y2;
            }
        }
    }
    if (x2 < x1 + 4) {
        return 0;
    }
    *box = (struct tensor_box){0,
                               0.9f,
                               (float)x1 / SIDE,
                               (float)y1 / SIDE,
                               (float)(x2 + 1) / SIDE,
                               (float)(y2 + 1) / SIDE};
    return 1;
}

static void on_work(void *context, uint32_t events)
{
    struct stage *stage = context;
    eventfd_t value;
    eventfd_read(stage->work_fd, &value);
    if (!stage->detector_works) {
        return;
    }
    const uint8_t *input;
    int slot;
    while ((slot = tensors_next(stage->tensors, 0, mono_now().us, &input)) >= 0) {
        struct tensor_box box;
        unsigned count = look(input, &box);
        tensors_answer(stage->tensors, slot, TENSOR_OK, &box, count);
    }
    eventfd_write(stage->done_fd, 1);
}

static void take_best(struct stage *stage, const struct msg_best *best, int fd)
{
    assert_int_equal(best->width, TEST_WIDTH);
    assert_int_equal(best->height, TEST_HEIGHT);
    uint8_t *pixels = mmap(NULL, TEST_PICTURE_BYTES, PROT_READ, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(pixels, MAP_FAILED);
    int walked = (int)lround((best->time - 1000) / 0.2) - 40; /* see walker_at */
    int x = 40 + 8 * walked + 30, y = 280;
    stage->best_luma = pixels[y * TEST_WIDTH + x];
    munmap(pixels, TEST_PICTURE_BYTES);
    stage->best_messages++;
    stage->best_revision = best->revision;
    snprintf(stage->best_id, sizeof stage->best_id, "%s", best->id);
}

static void take_frame(struct stage *stage, const struct msg_frame *frame)
{
    assert_string_equal(frame->camera, "back");
    stage->frame_messages++;
    stage->last_sequence = frame->sequence;
    assert_true(frame->objects.count <= 1);
    if (frame->objects.count == 1) {
        stage->object_messages++;
        stage->object = frame->objects.items[0];
        stage->ended += stage->object.end_time != 0;
    }
}

static void on_link(void *context, struct channel *channel, struct message *message)
{
    struct stage *stage = context;
    if (message->type == MSG_BEST) {
        take_best(stage, message->value, message->fd);
    } else if (message->type == MSG_FRAME) {
        take_frame(stage, message->value);
    } else if (message->type == MSG_GRID) {
        stage->grid_messages++;
    }
    loop_stop(stage->loop, 0);
}

static void on_control(void *context, struct channel *channel, struct message *message)
{
    struct stage *stage = context;
    if (message->type == MSG_FATAL) {
        fail_msg("worker: %s", ((struct msg_fatal *)message->value)->reason);
    }
    assert_int_equal(message->type, MSG_HELLO);
    stage->greeted = true;
    loop_stop(stage->loop, 0);
}

static void on_closed(void *context, struct channel *channel, int error)
{
    struct stage *stage = context;
    assert_int_equal(error, 0);
    *(channel == stage->link ? &stage->link : &stage->control) = NULL;
    channel_destroy(channel);
    loop_stop(stage->loop, 0);
}

/* Lets waiting loops look at their condition again, for what comes without a message. */
static void on_tick(void *context)
{
    struct stage *stage = context;
    loop_stop(stage->loop, 0);
}

static void turn(struct stage *stage, int64_t deadline_us)
{
    assert_true(mono_now().us < deadline_us);
    loop_run(stage->loop);
}

static int64_t patience(void)
{
    return mono_now().us + PATIENCE_US;
}

/* Turns the loop until the number has grown to `wanted`. */
static void wait_until(struct stage *stage, const unsigned *number, unsigned wanted)
{
    int64_t deadline = patience();
    while (*number < wanted) {
        turn(stage, deadline);
    }
}

/* ---- the supervisor ---- */

static void give(struct stage *stage, enum give_what what, int fd)
{
    struct msg_give message = {.what = what, .role = BOARD_SERVER};
    snprintf(message.name, sizeof message.name, "back");
    assert_int_equal(channel_send(stage->control, MSG_GIVE, &message, fd), 0);
}

static void give_link(struct stage *stage)
{
    int fds[2];
    assert_int_equal(channel_pair(fds), 0);
    channel_destroy(stage->link);
    stage->link = channel_create(stage->loop, fds[0], on_link, on_closed, stage);
    give(stage, GIVE_LINK, fds[1]);
    close(fds[1]);
}

static void start_worker(struct stage *stage)
{
    int fds[2];
    assert_int_equal(channel_pair(fds), 0);
    fflush(NULL);
    stage->child = fork();
    assert_true(stage->child >= 0);
    if (stage->child == 0) {
        dup2(fds[1], 3);
        _exit(worker_main(&analyse_role, "back"));
    }
    close(fds[1]);
    stage->loop = loop_create();
    loop_add_timer(stage->loop, TICK_US, TICK_US, on_tick, stage);
    stage->control = channel_create(stage->loop, fds[0], on_control, on_closed, stage);
    int64_t deadline = patience();
    while (!stage->greeted) {
        turn(stage, deadline);
    }
}

static int set_up(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);
    stage->time = 1000;
    stage->detector_works = true;
    stage->config_fd = file_memfd("config", sizeof config_text - 1);
    assert_int_equal(file_write_all(stage->config_fd, config_text, sizeof config_text - 1), 0);
    stage->board_fd = board_create(1);
    stage->board = board_open(stage->board_fd);
    stage->entry = &stage->board->entries[0];
    stage->entry->role = BOARD_ANALYSE;
    snprintf(stage->entry->name, sizeof stage->entry->name, "back");
    stage->frames_fd = frames_create("back", TEST_WIDTH, TEST_HEIGHT, FRAMES_SLOTS);
    stage->frames = frames_open(stage->frames_fd, true);
    stage->tensors_fd = tensors_create("back", SIDE * SIDE * 3);
    stage->tensors = tensors_open(stage->tensors_fd);
    stage->ready_fd = eventfd(0, EFD_NONBLOCK);
    stage->work_fd = eventfd(0, EFD_NONBLOCK);
    stage->done_fd = eventfd(0, EFD_NONBLOCK);
    start_worker(stage);
    loop_add_fd(stage->loop, stage->work_fd, EPOLLIN, on_work, stage);
    give(stage, GIVE_CONFIG, stage->config_fd);
    give(stage, GIVE_BOARD, stage->board_fd);
    give(stage, GIVE_FRAMES, stage->frames_fd);
    give(stage, GIVE_FRAME_READY, stage->ready_fd);
    give(stage, GIVE_TENSORS, stage->tensors_fd);
    give(stage, GIVE_WORK, stage->work_fd);
    give(stage, GIVE_DONE, stage->done_fd);
    give_link(stage);
    struct msg_start start = {.config_path = "test.yml", .data_dir = "/nowhere"};
    assert_int_equal(channel_send(stage->control, MSG_START, &start, -1), 0);
    *state = stage;
    return 0;
}

static int tear_down(void **state)
{
    struct stage *stage = *state;
    if (stage->child > 0) {
        kill(stage->child, SIGKILL);
        waitpid(stage->child, NULL, 0);
    }
    channel_destroy(stage->link);
    channel_destroy(stage->control);
    loop_destroy(stage->loop);
    frames_close(stage->frames);
    tensors_close(stage->tensors);
    board_close(stage->board);
    const int fds[] = {stage->config_fd,  stage->board_fd, stage->frames_fd, stage->ready_fd,
                       stage->tensors_fd, stage->work_fd,  stage->done_fd};
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        close(fds[i]);
    }
    free(stage);
    return 0;
}

/* ---- capture ---- */

static struct box walker_at(int i)
{
    return (struct box){40 + 8 * i, 200, 100 + 8 * i, 360};
}

static void write_picture(struct stage *stage, struct box box)
{
    test_paint(frames_write_begin(stage->frames), box);
    frames_write_end(stage->frames, stage->time);
    stage->time += 0.2;
}

static void show(struct stage *stage, struct box box)
{
    write_picture(stage, box);
    eventfd_write(stage->ready_fd, 1);
    int64_t deadline = patience();
    while (stage->last_sequence != frames_latest(stage->frames)) {
        turn(stage, deadline);
    }
}

/* One picture that is looked at, whether its message arrives or not. */
static void show_unheard(struct stage *stage, struct box box)
{
    uint64_t done = atomic_load(&stage->entry->analyse.frames);
    int64_t deadline = patience();
    write_picture(stage, box);
    eventfd_write(stage->ready_fd, 1);
    while (atomic_load(&stage->entry->analyse.frames) == done) {
        turn(stage, deadline);
    }
}

/* The worker takes up a new link when it comes to it: pictures until one is heard. */
static void link_anew(struct stage *stage, struct box box)
{
    int64_t deadline = patience();
    give_link(stage);
    unsigned turns = 0;
    do {
        if (turns++ % 8 == 0) {
            show_unheard(stage, box);
        }
        turn(stage, deadline);
    } while (stage->last_sequence != frames_latest(stage->frames));
}

/* Forty quiet pictures, then someone walks for `steps`. */
static void walk(struct stage *stage, int steps)
{
    for (int i = 0; i < 40; i++) {
        show(stage, (struct box){0});
    }
    assert_int_equal(stage->object_messages, 0);
    for (int i = 0; i < steps; i++) {
        show(stage, walker_at(i));
    }
}

static void stop_worker(struct stage *stage)
{
    struct msg_empty nothing = {0};
    assert_int_equal(channel_send(stage->control, MSG_STOP, &nothing, -1), 0);
    int64_t deadline = patience();
    while (stage->control != NULL) {
        turn(stage, deadline);
    }
    int status;
    assert_int_equal(waitpid(stage->child, &status, 0), stage->child);
    stage->child = 0;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- what is tested ---- */

static void test_sees_a_walk(void **state)
{
    struct stage *stage = *state;
    walk(stage, 40);
    const struct msg_object *object = &stage->object;
    assert_string_equal(object->label, "person");
    assert_false(object->false_positive);
    assert_true(object->active);
    struct box box = walker_at(39);
    assert_true(abs(object->box[0] - box.x1) < 16 && abs(object->box[2] - box.x2) < 16);
    assert_true(abs(object->box[1] - box.y1) < 16 && abs(object->box[3] - box.y2) < 16);
    assert_true(stage->best_messages > 0);
    assert_string_equal(stage->best_id, object->id);
    assert_int_equal(stage->best_revision, object->best_revision);
    assert_true(stage->best_luma > 200); /* the picture shows it where it was then */
    assert_true(atomic_load(&stage->entry->analyse.detections) > 30);
    assert_int_equal(atomic_load(&stage->entry->analyse.frames), 80);
    assert_int_equal(atomic_load(&stage->entry->analyse.frames_skipped), 0);
    assert_int_equal(atomic_load(&stage->entry->analyse.tracks), 1);

    /* a new server is told all there is to know */
    char id[IPC_ID];
    memcpy(id, object->id, sizeof id);
    stage->best_messages = 0;
    memset(stage->best_id, 0, sizeof stage->best_id);
    link_anew(stage, walker_at(40));
    assert_string_equal(stage->object.id, id);
    assert_int_equal(stage->best_messages, 1);
    assert_string_equal(stage->best_id, id);

    /* pictures that came while it was at work are passed over and counted */
    stage->detector_works = false;
    write_picture(stage, walker_at(41));
    eventfd_write(stage->ready_fd, 1);
    int64_t deadline = patience();
    while (tensors_queued(stage->tensors) == 0) {
        turn(stage, deadline);
    }
    uint64_t skipped = atomic_load(&stage->entry->analyse.frames_skipped);
    for (int i = 42; i < 46; i++) {
        write_picture(stage, walker_at(i));
    }
    eventfd_write(stage->ready_fd, 1);
    stage->detector_works = true;
    on_work(stage, 0);
    while (stage->last_sequence != frames_latest(stage->frames)) {
        turn(stage, deadline);
    }
    assert_int_equal(atomic_load(&stage->entry->analyse.frames_skipped), skipped + 3);
    assert_string_equal(stage->object.id, id);

    /* stopped: the object ends, and the grid that was learned goes out */
    stop_worker(stage);
    assert_int_equal(stage->ended, 1);
    assert_int_equal(stage->grid_messages, 1);
}

/* No server for a while: objects that ended then are told when there is one again. */
static void test_server_away(void **state)
{
    struct stage *stage = *state;
    walk(stage, 20);
    char id[IPC_ID];
    memcpy(id, stage->object.id, sizeof id);
    channel_destroy(stage->link);
    stage->link = NULL;
    for (int i = 0; i < 40; i++) {
        show_unheard(stage, (struct box){0});
    }
    assert_true(atomic_load(&stage->entry->analyse.messages_dropped) >= 39);
    link_anew(stage, (struct box){0});
    assert_int_equal(stage->ended, 1);
    assert_string_equal(stage->object.id, id);
    unsigned before = stage->object_messages;
    show(stage, (struct box){0});
    assert_int_equal(stage->object_messages, before); /* told once */
}

/* The detector hangs in the middle of a walk: pictures go on, the object stays. */
static void test_detector_away(void **state)
{
    struct stage *stage = *state;
    walk(stage, 20);
    char id[IPC_ID];
    memcpy(id, stage->object.id, sizeof id);
    stage->detector_works = false;
    for (int i = 20; i < 40; i++) {
        show(stage, walker_at(i));
        assert_string_equal(stage->object.id, id);
    }
    assert_true(atomic_load(&stage->entry->analyse.detections_late) > 0);
    int64_t deadline = patience();
    while (stage->entry->state_text[0] == '\0') { /* not at once: models take time to load */
        show(stage, walker_at(40));
        turn(stage, deadline);
    }
    assert_string_equal(stage->entry->state_text, "no detector answers: no objects are detected");
    stage->detector_works = true;
    deadline = patience();
    for (int i = 40; stage->entry->state_text[0] != '\0'; i++) {
        show(stage, walker_at(i < 60 ? i : 60));
        on_work(stage, 0);
        turn(stage, deadline);
    }
    assert_string_equal(stage->object.id, id);
}

/* The ring is replaced by one of another size: everything of the old one ends, nothing crashes. */
static void test_new_ring(void **state)
{
    struct stage *stage = *state;
    walk(stage, 20);
    AUTO_CLOSE int memfd = frames_create("back", 320, 240, FRAMES_SLOTS);
    struct frames *small = frames_open(memfd, true);
    give(stage, GIVE_FRAMES, memfd);
    for (unsigned i = 0; i < 5; i++) {
        memset(frames_write_begin(small), 100, frames_picture_bytes(320, 240));
        frames_write_end(small, stage->time += 0.2);
        eventfd_write(stage->ready_fd, 1);
        wait_until(stage, &stage->frame_messages, stage->frame_messages + 1);
    }
    assert_int_equal(stage->last_sequence, 5);
    assert_int_equal(atomic_load(&stage->entry->analyse.tracks), 0);
    stop_worker(stage);
    frames_close(small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sees_a_walk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_away, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_detector_away, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_new_ring, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
