/* The whole detector process, with this test as its supervisor. */
#include "cmocka_all.h"

#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "ipc/worker.h"
#include "onnx_file.h"
#include "ring/tensors.h"

#define SIDE 28
#define CONTROL_FD 3
#define WAIT_MS 20000 /* only ever reached by a failing test */

static char folder[] = "/tmp/corvette-role-XXXXXX";
static char *model_path;

static struct {
    struct loop *loop;
    struct channel *channel;
    pid_t pid;
    int board_fd, tensors_fd, work_fd, done_fd, config_fd;
    struct board *board;
    struct tensors *tensors;
    bool fatal;
} sup;

static void give(enum give_what what, const char *name, int fd)
{
    struct msg_give give = {.what = what};
    snprintf(give.name, sizeof give.name, "%s", name);
    assert_int_equal(channel_send(sup.channel, MSG_GIVE, &give, fd), 0);
}

static void on_message(void *context, struct channel *channel, struct message *message)
{
    if (message->type == MSG_FATAL) {
        sup.fatal = true;
        return;
    }
    assert_int_equal(message->type, MSG_HELLO);
    const struct msg_hello *hello = message->value;
    assert_int_equal(hello->role, BOARD_DETECTOR);
    give(GIVE_CONFIG, "c.yml", sup.config_fd);
    give(GIVE_BOARD, "", sup.board_fd);
    give(GIVE_WORK, "", sup.work_fd);
    give(GIVE_TENSORS, "back", sup.tensors_fd);
    give(GIVE_DONE, "back", sup.done_fd);
    struct msg_start start = {.config_path = "c.yml", .data_dir = "/tmp", .detector = 3};
    assert_int_equal(channel_send(channel, MSG_START, &start, -1), 0);
}

static void on_closed(void *context, struct channel *channel, int error)
{
    sup.channel = NULL;
    channel_destroy(channel);
    loop_stop(sup.loop, 1);
}

static int config_memfd(void)
{
    char *text = mem_printf(
        "mqtt: {enabled: false}\n"
        "detectors: {first: {type: cpu, num_threads: 1}}\n"
        "model: {path: %s, width: %d, height: %d, input_tensor: nchw, model_type: yolonas}\n"
        "cameras:\n  back:\n    ffmpeg: {inputs: [{path: 'rtsp://h/x', roles: [detect]}]}\n"
        "    detect: {width: 64, height: 64}\n",
        model_path, SIDE, SIDE);
    int fd = file_memfd("config", strlen(text));
    assert_int_equal(file_write_all(fd, text, strlen(text)), 0);
    free(text);
    return fd;
}

static void start_worker(const char *name)
{
    int ends[2];
    assert_int_equal(channel_pair(ends), 0);
    sup.pid = fork();
    assert_true(sup.pid >= 0);
    if (sup.pid == 0) {
        if (dup2(ends[1], CONTROL_FD) < 0) {
            _exit(9);
        }
        _exit(worker_main(&detector_role, name));
    }
    close(ends[1]);
    sup.loop = loop_create();
    sup.channel = channel_create(sup.loop, ends[0], on_message, on_closed, NULL);
}

static int setup(void **state)
{
    memset(&sup, 0, sizeof sup);
    sup.board_fd = board_create(1);
    sup.board = board_open(sup.board_fd);
    sup.board->entries[0].role = BOARD_DETECTOR;
    strcpy(sup.board->entries[0].name, "first");
    sup.tensors_fd = tensors_create("back", SIDE * SIDE * 3);
    sup.tensors = tensors_open(sup.tensors_fd);
    sup.work_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    sup.done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    sup.config_fd = config_memfd();
    return 0;
}

static int teardown(void **state)
{
    channel_destroy(sup.channel);
    loop_destroy(sup.loop);
    tensors_close(sup.tensors);
    board_close(sup.board);
    const int fds[] = {sup.board_fd, sup.tensors_fd, sup.work_fd, sup.done_fd, sup.config_fd};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        close(fds[i]);
    }
    return 0;
}

static void stop_loop(void *context)
{
    loop_stop(sup.loop, 0);
}

static void on_done(void *context, uint32_t events)
{
    uint64_t n;
    assert_int_equal(read(sup.done_fd, &n, sizeof n), sizeof n);
    loop_stop(sup.loop, 2);
}

/* Runs the supervisor until an answer, the worker's end (1), or the time limit (0). */
static int run_until_something(void)
{
    struct loop_source *done = loop_add_fd(sup.loop, sup.done_fd, EPOLLIN, on_done, NULL);
    struct loop_source *limit =
        loop_add_timer(sup.loop, INT64_C(1000) * WAIT_MS, 0, stop_loop, NULL);
    int result = loop_run(sup.loop);
    loop_remove(done);
    loop_remove(limit);
    return result;
}

static enum tensor_status ask(unsigned *count, struct tensor_box *boxes)
{
    uint8_t *input;
    int slot = tensors_begin(sup.tensors, &input);
    assert_true(slot >= 0);
    memset(input, 0, SIDE * SIDE * 3);
    memcpy(input, (const uint8_t[]){0, 7, 7, 14, 21, 1, 3}, 7);
    uint64_t id = tensors_submit(sup.tensors, slot, mono_now().us + INT64_C(1000) * WAIT_MS);
    const uint64_t one = 1;
    assert_int_equal(write(sup.work_fd, &one, sizeof one), sizeof one);
    assert_int_equal(run_until_something(), 2);
    enum tensor_status status = TENSOR_OK;
    assert_int_equal(tensors_take(sup.tensors, slot, id, &status, boxes, count), 0);
    return status;
}

static void write_model(void)
{
    const struct onnx_shape input = {{1, 3, SIDE, SIDE}, 4}, rows = {{SIDE * SIDE * 3 / 7, 7}, 2};
    onnx_file_write(model_path, ONNX_U8, input, rows, rows);
}

static void ends_with(int expected)
{
    while (sup.channel != NULL) {
        assert_int_equal(run_until_something(), 1);
    }
    int status;
    assert_int_equal(waitpid(sup.pid, &status, 0), sup.pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), expected);
}

static void test_serves_and_stops(void **state)
{
    write_model();
    start_worker("first");
    struct tensor_box boxes[TENSOR_MAX_BOXES];
    unsigned count;
    assert_int_equal(ask(&count, boxes), TENSOR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(boxes[0].label, 3);
    assert_true(fabsf(boxes[0].x1 - 0.25f) < 1e-5f && fabsf(boxes[0].y2 - 0.75f) < 1e-5f);
    const struct board_entry *entry = &sup.board->entries[0];
    assert_int_equal(atomic_load(&entry->detector.inferences), 1);
    assert_true(atomic_load(&entry->heartbeat_us) > 0);
    struct mono asked = mono_now();
    const struct msg_empty empty = {0};
    assert_int_equal(channel_send(sup.channel, MSG_STOP, &empty, -1), 0);
    ends_with(0);
    assert_true(mono_since_us(asked) < 2000000);
}

/* Killed with a request in hand, or stopped for good: its successor answers. */
static void test_successor_of_a_killed_one(void **state)
{
    write_model();
    start_worker("first");
    struct tensor_box boxes[TENSOR_MAX_BOXES];
    unsigned count;
    assert_int_equal(ask(&count, boxes), TENSOR_OK);
    kill(sup.pid, SIGSTOP);
    uint8_t *input;
    int slot = tensors_begin(sup.tensors, &input);
    memset(input, 0, SIDE * SIDE * 3);
    uint64_t id = tensors_submit(sup.tensors, slot, mono_now().us + INT64_C(1000) * WAIT_MS);
    kill(sup.pid, SIGKILL);
    while (sup.channel != NULL) {
        assert_int_equal(run_until_something(), 1);
    }
    waitpid(sup.pid, NULL, 0);
    loop_destroy(sup.loop);
    start_worker("first");
    assert_int_equal(run_until_something(), 2);
    enum tensor_status status;
    assert_int_equal(tensors_take(sup.tensors, slot, id, &status, boxes, &count), 0);
    assert_int_equal(status, TENSOR_OK);
    kill(sup.pid, SIGTERM);
    ends_with(0);
}

static void test_missing_model(void **state)
{
    unlink(model_path);
    start_worker("first");
    struct tensor_box boxes[TENSOR_MAX_BOXES];
    unsigned count;
    assert_int_equal(ask(&count, boxes), TENSOR_NO_MODEL);
    const struct board_entry *entry = &sup.board->entries[0];
    char text[sizeof entry->state_text];
    board_read_text(entry->state_text, sizeof text, text);
    assert_non_null(strstr(text, model_path));
    assert_non_null(strstr(text, "No such file"));
    kill(sup.pid, SIGTERM);
    ends_with(0);
}

int main(void)
{
    assert_non_null(mkdtemp(folder));
    model_path = mem_printf("%s/model.onnx", folder);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_serves_and_stops, setup, teardown),
        cmocka_unit_test_setup_teardown(test_successor_of_a_killed_one, setup, teardown),
        cmocka_unit_test_setup_teardown(test_missing_model, setup, teardown),
    };
    int failed = cmocka_run_group_tests_name("detector/role", tests, NULL, NULL);
    unlink(model_path);
    rmdir(folder);
    free(model_path);
    return failed;
}
