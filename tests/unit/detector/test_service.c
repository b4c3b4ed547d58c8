/* The service with a backend of our own, so that order, failure and hanging are in our hands. */
#include "cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "detector/service.h"
#include "onnx_file.h"

#define INPUT (28 * 28 * 3)
#define WAIT_MS 20000 /* only ever reached by a failing test */

/* The fake: each detect() waits until the test lets it go on, notes the first byte of the picture
 * it was given and answers with it as label. Byte 255 fails. */
static struct {
    int go_fd; /* semaphore: one count lets one detect() through */
    atomic_uint entered, opened, closed;
    atomic_bool interrupted;
    _Atomic uint8_t order[64];
    atomic_bool refuse_open;
} fake;

static void *fake_open(const struct cfg_detector *config, const struct cfg_labels *labels,
                       struct err *err)
{
    if (atomic_load(&fake.refuse_open)) {
        err_set(err, ENOENT, "there is no model");
        return NULL;
    }
    atomic_fetch_add(&fake.opened, 1);
    return &fake;
}

static void fake_close(void *context)
{
    atomic_fetch_add(&fake.closed, 1);
}

static int fake_detect(void *context, const uint8_t *input,
                       struct tensor_box boxes[TENSOR_MAX_BOXES], unsigned *count, struct err *err)
{
    unsigned n = atomic_fetch_add(&fake.entered, 1);
    atomic_store(&fake.order[n % 64], input[0]);
    uint64_t one;
    while (!atomic_load(&fake.interrupted) && read(fake.go_fd, &one, sizeof one) < 0) {
        struct pollfd poll_go = {fake.go_fd, POLLIN, 0};
        poll(&poll_go, 1, 20);
    }
    if (input[0] == 255 || atomic_load(&fake.interrupted)) {
        return err_set(err, EIO, "the picture hurts");
    }
    boxes[0] = (struct tensor_box){.label = input[0], .score = 0.5f, .x2 = 1, .y2 = 1};
    *count = 1;
    return 0;
}

static void fake_interrupt(void *context)
{
    atomic_store(&fake.interrupted, true);
}

static const struct backend fake_backend = {
    .title = "fake",
    .open = fake_open,
    .close = fake_close,
    .detect = fake_detect,
    .interrupt = fake_interrupt,
};

enum { CAMERAS = 3 };

static struct bench {
    struct cfg_detector config;
    struct cfg_labels labels;
    struct board *board;
    struct service *service;
    struct service_options options;
    int work_fd;
    struct {
        int memory_fd, done_fd;
        struct tensors *tensors;
    } cameras[CAMERAS];
} bench;

static const char *const names[CAMERAS] = {"one", "two", "three"};

static void start_service(void)
{
    bench.service = service_create(&bench.options);
    service_give(bench.service, GIVE_WORK, "", dup(bench.work_fd));
    for (int i = 0; i < CAMERAS; i++) {
        service_give(bench.service, GIVE_TENSORS, names[i], dup(bench.cameras[i].memory_fd));
        service_give(bench.service, GIVE_DONE, names[i], dup(bench.cameras[i].done_fd));
    }
    service_start(bench.service);
}

static int setup(void **state)
{
    memset(&fake, 0, sizeof fake);
    memset(&bench, 0, sizeof bench);
    fake.go_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
    bench.config.name = (char *)"cpu";
    bench.config.type = (char *)"deepstack"; /* no file to look at: opening is simply tried again */
    bench.config.model.width = bench.config.model.height = 28;
    AUTO_CLOSE int board = board_create(2);
    bench.board = board_open(board);
    bench.options = (struct service_options){
        .backend = &fake_backend,
        .config = &bench.config,
        .labels = &bench.labels,
        .entry = &bench.board->entries[0],
        .number = 4,
    };
    bench.work_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    for (int i = 0; i < CAMERAS; i++) {
        bench.cameras[i].memory_fd = tensors_create(names[i], INPUT);
        bench.cameras[i].tensors = tensors_open(bench.cameras[i].memory_fd);
        bench.cameras[i].done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    }
    return 0;
}

static int teardown(void **state)
{
    service_destroy(bench.service);
    for (int i = 0; i < CAMERAS; i++) {
        tensors_close(bench.cameras[i].tensors);
        close(bench.cameras[i].memory_fd);
        close(bench.cameras[i].done_fd);
    }
    close(bench.work_fd);
    close(fake.go_fd);
    board_close(bench.board);
    return 0;
}

static void count_up(int fd, uint64_t n)
{
    assert_int_equal(write(fd, &n, sizeof n), sizeof n);
}

struct request {
    int camera, slot;
    uint64_t id;
};

static struct request ask_until(int camera, uint8_t byte, int64_t deadline_us)
{
    struct request request = {.camera = camera};
    uint8_t *input;
    request.slot = tensors_begin(bench.cameras[camera].tensors, &input);
    assert_true(request.slot >= 0);
    memset(input, byte, INPUT);
    request.id = tensors_submit(bench.cameras[camera].tensors, request.slot, deadline_us);
    return request;
}

static struct request ask(int camera, uint8_t byte)
{
    return ask_until(camera, byte, mono_now().us + INT64_C(60000000));
}

static void call(void)
{
    count_up(bench.work_fd, 1);
}

static enum tensor_status answer_of(const struct request *request, struct tensor_box *box)
{
    struct tensor_box boxes[TENSOR_MAX_BOXES];
    enum tensor_status status;
    unsigned count;
    for (;;) {
        int rc = tensors_take(bench.cameras[request->camera].tensors, request->slot, request->id,
                              &status, boxes, &count);
        if (rc == 0) {
            assert_int_equal(count, status == TENSOR_OK ? 1 : 0);
            *box = boxes[0];
            return status;
        }
        assert_int_equal(rc, -EAGAIN);
        struct pollfd fd = {bench.cameras[request->camera].done_fd, POLLIN, 0};
        assert_int_equal(poll(&fd, 1, WAIT_MS), 1);
        uint64_t n;
        assert_int_equal(read(fd.fd, &n, sizeof n), sizeof n);
    }
}

static void is_answered(const struct request *request, uint32_t label)
{
    struct tensor_box box;
    assert_int_equal(answer_of(request, &box), TENSOR_OK);
    assert_int_equal(box.label, label);
}

static void wait_until(atomic_uint *value, unsigned wanted)
{
    int64_t limit_us = mono_now().us + INT64_C(1000) * WAIT_MS;
    while (atomic_load(value) < wanted) {
        assert_true(mono_now().us < limit_us);
        usleep(500);
    }
}

static struct board_detector *counters(void)
{
    return &bench.board->entries[0].detector;
}

static void state_says(const char *expected)
{
    const struct board_entry *entry = &bench.board->entries[0];
    char text[sizeof entry->state_text];
    board_read_text(entry->state_text, sizeof text, text);
    if (*expected == '\0' ? *text != '\0' : strstr(text, expected) == NULL) {
        fail_msg("'%s' does not say '%s'", text, expected);
    }
}

static void test_answers_and_counts(void **state)
{
    start_service();
    struct request request = ask(1, 7);
    call();
    wait_until(&fake.entered, 1);
    int64_t since_us = atomic_load(&counters()->start_mono_us);
    assert_true(since_us > 0 && since_us <= mono_now().us);
    assert_true(atomic_load(&counters()->start_wall_us) > 0);
    count_up(fake.go_fd, 1);
    is_answered(&request, 7);
    assert_int_equal(atomic_load(&counters()->start_mono_us), 0);
    assert_int_equal(atomic_load(&counters()->inferences), 1);
    assert_true(atomic_load(&counters()->inference_us_ema) > 0);
    assert_int_equal(atomic_load(&bench.board->entries[0].state), SERVICE_WORKING);
}

/* Camera 0 has asked for four before the others for one each: they need not wait for all four. */
static void test_fair_between_cameras(void **state)
{
    start_service();
    struct request requests[7];
    requests[0] = ask(0, 10);
    call();
    wait_until(&fake.entered, 1); /* it is busy with that one */
    for (int i = 1; i < 4; i++) {
        requests[i] = ask(0, (uint8_t)(10 + i));
    }
    requests[4] = ask(1, 20);
    requests[5] = ask(2, 30);
    requests[6] = ask(2, 31);
    call();
    count_up(fake.go_fd, 7);
    for (int i = 0; i < 7; i++) {
        is_answered(&requests[i], (const uint32_t[]){10, 11, 12, 13, 20, 30, 31}[i]);
    }
    static const uint8_t expected[] = {10, 20, 30, 11, 31, 12, 13};
    for (int i = 0; i < 7; i++) {
        assert_int_equal(atomic_load(&fake.order[i]), expected[i]);
    }
}

static void test_deadlines(void **state)
{
    start_service();
    struct request first = ask(0, 1);
    call();
    wait_until(&fake.entered, 1);
    struct request late = ask_until(0, 2, mono_now().us), good = ask(0, 3);
    struct tensor_box box;
    count_up(fake.go_fd, 2);
    is_answered(&first, 1);
    assert_int_equal(answer_of(&late, &box), TENSOR_EXPIRED);
    is_answered(&good, 3);
    assert_int_equal(atomic_load(&fake.entered), 2);
    assert_int_equal(atomic_load(&counters()->expired), 1);
}

static void test_failure_is_told_and_passes(void **state)
{
    start_service();
    count_up(fake.go_fd, 2);
    struct request bad = ask(0, 255);
    call();
    struct tensor_box box;
    assert_int_equal(answer_of(&bad, &box), TENSOR_FAILED);
    assert_int_equal(atomic_load(&counters()->failed), 1);
    state_says("the picture hurts");
    struct request good = ask(0, 5);
    call();
    is_answered(&good, 5);
    state_says("");
}

static void test_wrong_size_of_slots(void **state)
{
    bench.config.model.width = 32;
    start_service();
    struct request request = ask(0, 1);
    call();
    struct tensor_box box;
    assert_int_equal(answer_of(&request, &box), TENSOR_FAILED);
    assert_int_equal(atomic_load(&fake.entered), 0);
}

static void test_no_model_then_model(void **state)
{
    atomic_store(&fake.refuse_open, true);
    start_service();
    struct request request = ask(2, 1);
    call();
    struct tensor_box box;
    assert_int_equal(answer_of(&request, &box), TENSOR_NO_MODEL);
    assert_int_equal(atomic_load(&bench.board->entries[0].state), SERVICE_NO_MODEL);
    state_says("there is no model");
    atomic_store(&fake.refuse_open, false);
    wait_until(&fake.opened, 1);
    count_up(fake.go_fd, 1);
    request = ask(2, 9);
    call();
    is_answered(&request, 9);
    assert_int_equal(atomic_load(&bench.board->entries[0].state), SERVICE_WORKING);
}

/* With the real backend: a model that is put into place later, then used. */
static void test_model_file_appears(void **state)
{
    char path[] = "/tmp/corvette-appears-XXXXXX";
    close(mkstemp(path));
    unlink(path);
    bench.config.type = (char *)"cpu";
    bench.config.num_threads = 1;
    bench.config.model.path = path;
    bench.config.model.input_tensor = CFG_TENSOR_NHWC;
    bench.config.model.model_type = CFG_MODEL_YOLONAS;
    bench.options.backend = &model_backend;
    start_service();
    struct request request = ask(0, 1);
    call();
    struct tensor_box box;
    assert_int_equal(answer_of(&request, &box), TENSOR_NO_MODEL);
    state_says("No such file");
    const struct onnx_shape input = {{1, 28, 28, 3}, 4}, rows = {{336, 7}, 2};
    onnx_file_write(path, ONNX_U8, input, rows, rows);
    int64_t limit_us = mono_now().us + INT64_C(1000) * WAIT_MS;
    while (atomic_load(&bench.board->entries[0].state) != SERVICE_WORKING) {
        assert_true(mono_now().us < limit_us);
        usleep(500);
    }
    uint8_t *input_bytes;
    request.slot = tensors_begin(bench.cameras[0].tensors, &input_bytes);
    memset(input_bytes, 0, INPUT);
    memcpy(input_bytes, (const uint8_t[]){0, 7, 7, 14, 21, 1, 3}, 7);
    request.id =
        tensors_submit(bench.cameras[0].tensors, request.slot, mono_now().us + INT64_C(60000000));
    call();
    is_answered(&request, 3);
    unlink(path);
}

static void test_stop_interrupts(void **state)
{
    start_service();
    ask(0, 1);
    call();
    wait_until(&fake.entered, 1); /* and nobody lets it go on */
    service_stop(bench.service);
    struct pollfd fd = {service_ended_fd(bench.service), POLLIN, 0};
    assert_int_equal(poll(&fd, 1, WAIT_MS), 1);
    assert_int_equal(atomic_load(&fake.closed), 1);
}

static void test_takes_over_from_a_dead_one(void **state)
{
    struct request request = ask(0, 6);
    struct tensors *dead = tensors_open(bench.cameras[0].memory_fd);
    const uint8_t *input;
    assert_int_equal(tensors_next(dead, bench.options.number, 0, &input), request.slot);
    tensors_close(dead);
    atomic_store(&counters()->start_mono_us, 1); /* it died in the middle */
    start_service();
    count_up(fake.go_fd, 1);
    is_answered(&request, 6); /* no new call was needed */
    assert_int_equal(atomic_load(&counters()->start_mono_us), 0);
}

/* Slots of a camera may be given again, others may be no slots at all. */
static void test_gifts_while_running(void **state)
{
    start_service();
    service_give(bench.service, GIVE_TENSORS, "bad", open("/dev/null", O_RDWR | O_CLOEXEC));
    service_give(bench.service, GIVE_TENSORS, "one", dup(bench.cameras[0].memory_fd));
    service_give(bench.service, GIVE_DONE, "one", dup(bench.cameras[0].done_fd));
    count_up(fake.go_fd, 1);
    struct request request = ask(0, 8);
    call();
    is_answered(&request, 8);
}

/* Two detectors share the cameras; both calls may have gone to one of them. */
static void test_two_detectors_share(void **state)
{
    bench.options.shared = true;
    start_service();
    struct service_options other_options = bench.options;
    other_options.number = 5;
    other_options.entry = &bench.board->entries[1];
    struct service *other = service_create(&other_options);
    service_give(other, GIVE_WORK, "", dup(bench.work_fd));
    for (int i = 0; i < CAMERAS; i++) {
        service_give(other, GIVE_TENSORS, names[i], dup(bench.cameras[i].memory_fd));
        service_give(other, GIVE_DONE, names[i], dup(bench.cameras[i].done_fd));
    }
    service_start(other);
    wait_until(&fake.opened, 2);
    for (unsigned round = 1; round <= 50; round++) {
        struct request a = ask(0, 1), b = ask(1, 2);
        call();
        wait_until(&fake.entered, 2 * round); /* at the same time: none is let go before */
        count_up(fake.go_fd, 2);
        is_answered(&a, 1);
        is_answered(&b, 2);
    }
    service_destroy(other);
}

int main(void)
{
    log_set_level(LOG_CRITICAL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers_and_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fair_between_cameras, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deadlines, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failure_is_told_and_passes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_size_of_slots, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_model_then_model, setup, teardown),
        cmocka_unit_test_setup_teardown(test_model_file_appears, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop_interrupts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_takes_over_from_a_dead_one, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gifts_while_running, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_detectors_share, setup, teardown),
    };
    return cmocka_run_group_tests_name("detector/service", tests, NULL, NULL);
}
