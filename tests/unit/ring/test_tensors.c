#include "forked.h"

#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ring/board.h"
#include "ring/tensors.h"

#define INPUT 3000
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
#define LATER_US INT64_C(1000)
#define NOW_US INT64_C(500)

struct pair {
    int fd;
    struct tensors *client, *detector;
};

static int setup(void **state)
{
    static struct pair pair;
    pair.fd = tensors_create("back", INPUT);
    assert_true(pair.fd >= 0);
    pair.client = tensors_open(pair.fd);
    pair.detector = tensors_open(pair.fd);
    assert_non_null(pair.client);
    assert_non_null(pair.detector);
    *state = &pair;
    return 0;
}

static int teardown(void **state)
{
    struct pair *pair = *state;
    tensors_close(pair->client);
    tensors_close(pair->detector);
    close(pair->fd);
    return 0;
}

static uint64_t ask(struct tensors *client, uint8_t value, int64_t deadline_us, int *slot)
{
    uint8_t *input;
    *slot = tensors_begin(client, &input);
    assert_true(*slot >= 0);
    memset(input, value, INPUT);
    uint64_t id = tensors_submit(client, *slot, deadline_us);
    assert_true(id != 0);
    return id;
}

static const struct tensor_box BOX = {
    .label = 3, .score = 0.5f, .x1 = 0.1f, .y1 = 0.2f, .x2 = 0.3f, .y2 = 0.4f};

static void test_request_and_answer(void **state)
{
    struct pair *pair = *state;
    int slot;
    uint64_t id = ask(pair->client, 7, LATER_US, &slot);
    enum tensor_status status;
    struct tensor_box boxes[TENSOR_MAX_BOXES];
    unsigned count;
    assert_int_equal(tensors_take(pair->client, slot, id, &status, boxes, &count), -EAGAIN);
    assert_int_equal(tensors_queued(pair->detector), 1);

    const uint8_t *input;
    assert_int_equal(tensors_next(pair->detector, 0, NOW_US, &input), slot);
    assert_int_equal(input[0], 7);
    assert_int_equal(input[INPUT - 1], 7);
    assert_int_equal(tensors_queued(pair->detector), 0);
    assert_int_equal(tensors_take(pair->client, slot, id, &status, boxes, &count), -EAGAIN);
    tensors_answer(pair->detector, slot, TENSOR_OK, &BOX, 1);

    assert_int_equal(tensors_take(pair->client, slot, id + 1, &status, boxes, &count), -ESTALE);
    assert_int_equal(tensors_take(pair->client, slot, id, &status, boxes, &count), 0);
    assert_int_equal(status, TENSOR_OK);
    assert_int_equal(count, 1);
    assert_memory_equal(&boxes[0], &BOX, sizeof BOX);
    assert_int_equal(tensors_take(pair->client, slot, id, &status, boxes, &count), -ESTALE);
    assert_int_equal(tensors_take(pair->client, 99, id, &status, boxes, &count), -EINVAL);
}

static void test_all_slots_in_use(void **state)
{
    struct pair *pair = *state;
    int slot;
    uint8_t *input;
    for (int i = 0; i < TENSOR_SLOTS; i++) {
        ask(pair->client, 0, LATER_US, &slot);
    }
    assert_int_equal(tensors_begin(pair->client, &input), -EAGAIN);
    tensors_abandon(pair->client, slot);
    assert_int_equal(tensors_begin(pair->client, &input), slot);
}

static void test_oldest_first(void **state)
{
    struct pair *pair = *state;
    int slots[3];
    const uint8_t *input;
    for (int i = 0; i < 3; i++) {
        ask(pair->client, (uint8_t)i, LATER_US, &slots[i]);
    }
    tensors_abandon(pair->client, slots[0]);
    ask(pair->client, 3, LATER_US, &slots[0]); /* low slot, newest request */
    for (int expected = 1; expected <= 3; expected++) {
        int slot = tensors_next(pair->detector, 0, NOW_US, &input);
        assert_int_equal(input[0], expected);
        tensors_answer(pair->detector, slot, TENSOR_OK, NULL, 0);
    }
    assert_int_equal(tensors_next(pair->detector, 0, NOW_US, &input), -EAGAIN);
}

static void test_deadline(void **state)
{
    struct pair *pair = *state;
    int late, good;
    uint64_t late_id = ask(pair->client, 1, NOW_US - 1, &late);
    ask(pair->client, 2, NOW_US, &good);
    const uint8_t *input;
    assert_int_equal(tensors_next(pair->detector, 0, NOW_US, &input), good);
    assert_int_equal(tensors_expired(pair->detector), 1);
    enum tensor_status status;
    struct tensor_box boxes[TENSOR_MAX_BOXES];
    unsigned count;
    assert_int_equal(tensors_take(pair->client, late, late_id, &status, boxes, &count), 0);
    assert_int_equal(status, TENSOR_EXPIRED);
    assert_int_equal(count, 0);
}

static void test_late_answer_is_discarded(void **state)
{
    struct pair *pair = *state;
    int slot;
    const uint8_t *input;
    uint64_t id = ask(pair->client, 1, LATER_US, &slot);
    assert_int_equal(tensors_next(pair->detector, 0, NOW_US, &input), slot);
    tensors_abandon(pair->client, slot);
    uint8_t *mine;
    for (int i = 0; i < TENSOR_SLOTS - 1; i++) { /* the running one is not given out again */
        int other = tensors_begin(pair->client, &mine);
        assert_true(other >= 0 && other != slot);
    }
    assert_int_equal(tensors_begin(pair->client, &mine), -EAGAIN);
    tensors_answer(pair->detector, slot, TENSOR_OK, &BOX, 1);
    assert_int_equal(tensors_begin(pair->client, &mine), slot);
    uint64_t next = tensors_submit(pair->client, slot, LATER_US);
    assert_true(next > id);
    tensors_answer(pair->detector, slot, TENSOR_OK, &BOX, 1); /* twice: nothing */
    enum tensor_status status;
    struct tensor_box boxes[TENSOR_MAX_BOXES];
    unsigned count;
    assert_int_equal(tensors_take(pair->client, slot, next, &status, boxes, &count), -EAGAIN);
}

static void test_too_many_boxes_are_bounded(void **state)
{
    struct pair *pair = *state;
    struct tensor_box many[TENSOR_MAX_BOXES + 10];
    for (size_t i = 0; i < ARRAY_SIZE(many); i++) {
        many[i] = BOX;
    }
    int slot;
    const uint8_t *input;
    uint64_t id = ask(pair->client, 1, LATER_US, &slot);
    tensors_next(pair->detector, 0, NOW_US, &input);
    tensors_answer(pair->detector, slot, TENSOR_OK, many, ARRAY_SIZE(many));
    enum tensor_status status;
    struct tensor_box boxes[TENSOR_MAX_BOXES];
    unsigned count;
    assert_int_equal(tensors_take(pair->client, slot, id, &status, boxes, &count), 0);
    assert_int_equal(count, TENSOR_MAX_BOXES);
}

static void test_client_reset(void **state)
{
    struct pair *pair = *state;
    int running, queued, done;
    uint8_t *mine;
    const uint8_t *input;
    ask(pair->client, 1, LATER_US, &done);
    tensors_answer(pair->detector, tensors_next(pair->detector, 0, NOW_US, &input), TENSOR_OK, NULL,
                   0);
    ask(pair->client, 2, LATER_US, &running);
    assert_int_equal(tensors_next(pair->detector, 0, NOW_US, &input), running);
    ask(pair->client, 3, LATER_US, &queued);
    assert_true(tensors_begin(pair->client, &mine) >= 0); /* died while filling */

    struct tensors *fresh = tensors_open(pair->fd);
    tensors_reset_client(fresh);
    assert_int_equal(tensors_queued(fresh), 0);
    for (int i = 0; i < TENSOR_SLOTS - 1; i++) {
        int slot = tensors_begin(fresh, &mine);
        assert_true(slot >= 0 && slot != running);
    }
    assert_int_equal(tensors_begin(fresh, &mine), -EAGAIN);
    tensors_answer(pair->detector, running, TENSOR_OK, &BOX, 1);
    assert_int_equal(tensors_begin(fresh, &mine), running);
    tensors_close(fresh);
}

static void test_detector_reset(void **state)
{
    struct pair *pair = *state;
    int first, second, third;
    const uint8_t *input;
    uint64_t first_id = ask(pair->client, 1, LATER_US, &first);
    ask(pair->client, 2, LATER_US, &second);
    ask(pair->client, 3, LATER_US, &third);
    assert_int_equal(tensors_next(pair->detector, 5, NOW_US, &input), first);
    assert_int_equal(tensors_next(pair->detector, 5, NOW_US, &input), second);
    struct tensors *other = tensors_open(pair->fd);
    assert_int_equal(tensors_next(other, 6, NOW_US, &input), third);
    tensors_abandon(pair->client, second);

    struct tensors *fresh = tensors_open(pair->fd);
    tensors_reset_detector(fresh, 5);
    assert_int_equal(tensors_queued(fresh), 1); /* first; the abandoned is free, third is 6's */
    assert_int_equal(tensors_next(fresh, 5, NOW_US, &input), first);
    tensors_answer(pair->detector, first, TENSOR_OK, &BOX, 1); /* a ghost: see below */
    tensors_answer(fresh, first, TENSOR_OK, &BOX, 1);
    enum tensor_status status;
    struct tensor_box boxes[TENSOR_MAX_BOXES];
    unsigned count;
    assert_int_equal(tensors_take(pair->client, first, first_id, &status, boxes, &count), 0);
    uint8_t *mine;
    assert_int_equal(tensors_begin(pair->client, &mine), first);
    assert_int_equal(tensors_begin(pair->client, &mine), second);
    tensors_close(other);
    tensors_close(fresh);
}

/* A detector that answers every request with one box made from the input, and sometimes dies. */
static int serve(int fd)
{
    struct tensors *tensors = tensors_open(fd);
    if (tensors == NULL) {
        return 1;
    }
    tensors_reset_detector(tensors, 1);
    for (unsigned served = 0;;) {
        const uint8_t *input;
        int slot = tensors_next(tensors, 1, mono_now().us, &input);
        if (slot < 0) {
            usleep(100);
            continue;
        }
        if (++served % 50 == 0) {
            raise(SIGKILL); /* with a request in hand */
        }
        const struct tensor_box box = {.label = input[INPUT - 1], .score = 1.0f};
        tensors_answer(tensors, slot, TENSOR_OK, &box, 1);
    }
}

/* No request is lost or mixed up while detectors die in the middle of their work. */
static void test_crashing_detectors(void **state)
{
    struct pair *pair = *state;
    pid_t detector = forked(serve, pair->fd);
    unsigned restarts = 0;
    struct {
        bool used;
        uint64_t id;
        uint8_t value;
    } flight[TENSOR_SLOTS] = {0};
    uint8_t next_value = 0;
    for (unsigned answered = 0; answered < 400;) {
        uint8_t *input;
        int slot = tensors_begin(pair->client, &input);
        if (slot >= 0) {
            memset(input, ++next_value, INPUT);
            flight[slot].used = true;
            flight[slot].value = next_value;
            flight[slot].id = tensors_submit(pair->client, slot, mono_now().us + INT64_C(60000000));
        }
        for (int i = 0; i < TENSOR_SLOTS; i++) {
            enum tensor_status status;
            struct tensor_box boxes[TENSOR_MAX_BOXES];
            unsigned count;
            if (flight[i].used &&
                tensors_take(pair->client, i, flight[i].id, &status, boxes, &count) == 0) {
                assert_int_equal(status, TENSOR_OK);
                assert_int_equal(count, 1);
                assert_int_equal(boxes[0].label, flight[i].value);
                flight[i].used = false;
                answered++;
            }
        }
        if (waitpid(detector, NULL, WNOHANG) == detector) {
            detector = forked(serve, pair->fd);
            restarts++;
        }
    }
    assert_true(restarts >= 5);
    forked_kill(detector);
}

static int ask_forever(int fd)
{
    struct tensors *tensors = tensors_open(fd);
    if (tensors == NULL) {
        return 1;
    }
    tensors_reset_client(tensors);
    for (unsigned asked = 0;;) {
        uint8_t *input;
        int slot = tensors_begin(tensors, &input);
        if (slot < 0) {
            for (int i = 0; i < TENSOR_SLOTS; i++) {
                tensors_abandon(tensors, i);
            }
            usleep(100);
            continue;
        }
        if (++asked == 100) {
            raise(SIGKILL); /* while filling */
        }
        tensors_submit(tensors, slot, mono_now().us + 1000000);
    }
}

static void test_crashing_clients(void **state)
{
    struct pair *pair = *state;
    pid_t detector = fork();
    assert_true(detector >= 0);
    if (detector == 0) {
        for (;;) {
            const uint8_t *input;
            int slot = tensors_next(pair->detector, 2, mono_now().us, &input);
            if (slot >= 0) {
                tensors_answer(pair->detector, slot, TENSOR_OK, &BOX, 1);
            }
        }
    }
    for (int i = 0; i < 10; i++) {
        assert_true(WIFSIGNALED(forked_wait(forked(ask_forever, pair->fd))));
    }
    tensors_reset_client(pair->client);
    int slot;
    uint64_t id = ask(pair->client, 9, mono_now().us + INT64_C(60000000), &slot);
    enum tensor_status status;
    struct tensor_box boxes[TENSOR_MAX_BOXES];
    unsigned count;
    int rc;
    while ((rc = tensors_take(pair->client, slot, id, &status, boxes, &count)) == -EAGAIN) {
        usleep(100);
    }
    assert_int_equal(rc, 0);
    assert_int_equal(status, TENSOR_OK);
    forked_kill(detector);
}

static void spoil_magic(uint8_t *memory)
{
    memory[0] ^= 1;
}
static void spoil_version(uint8_t *memory)
{
    memory[4] ^= 0xff;
}
static void spoil_size(uint8_t *memory)
{
    memory[9] += 0x40;
}
static void spoil_size_huge(uint8_t *memory)
{
    memset(memory + 8, 0xff, 8);
}
static void spoil_size_zero(uint8_t *memory)
{
    memset(memory + 8, 0, 8);
}

static void test_foreign_descriptors(void **state)
{
    struct pair *pair = *state;
    size_t bytes = tensors_bytes(INPUT);
    static void (*const spoils[])(uint8_t *) = {spoil_magic, spoil_version, spoil_size,
                                                spoil_size_huge, spoil_size_zero};
    for (size_t i = 0; i < ARRAY_SIZE(spoils); i++) {
        AUTO_CLOSE int bad = spoilt_copy(pair->fd, bytes, spoils[i], SEALS);
        errno = 0;
        assert_null(tensors_open(bad));
        assert_int_equal(errno, EINVAL);
    }
    AUTO_CLOSE int unsealed = spoilt_copy(pair->fd, bytes, NULL, F_SEAL_SHRINK);
    assert_null(tensors_open(unsealed));
    AUTO_CLOSE int board = board_create(40);
    assert_null(tensors_open(board));
    assert_null(tensors_open(-1));
    assert_int_equal(tensors_create("x", 0), -EINVAL);
    assert_int_equal(tensors_create("x", (size_t)1 << 40), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_request_and_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all_slots_in_use, setup, teardown),
        cmocka_unit_test_setup_teardown(test_oldest_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deadline, setup, teardown),
        cmocka_unit_test_setup_teardown(test_late_answer_is_discarded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_many_boxes_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_client_reset, setup, teardown),
        cmocka_unit_test_setup_teardown(test_detector_reset, setup, teardown),
        cmocka_unit_test_setup_teardown(test_crashing_detectors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_crashing_clients, setup, teardown),
        cmocka_unit_test_setup_teardown(test_foreign_descriptors, setup, teardown),
    };
    return cmocka_run_group_tests_name("ring/tensors", tests, NULL, NULL);
}
