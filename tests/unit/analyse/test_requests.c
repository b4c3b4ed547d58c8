/* The client's side of the tensor slots, against a detector played by the test. */
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../cmocka_all.h"
#include "analyse/requests.h"
#include "base/cleanup.h"
#include "camera.h"

#define SIDE 32
#define SECOND 1000000

struct desk {
    struct requests *requests;
    struct tensors *detector;
    int work_fd;
    uint8_t picture[TEST_PICTURE_BYTES];
    struct yuv_view view;
    struct regions regions;
    bool picture_valid;
    unsigned answered[REGIONS_MAX]; /* boxes + 1 */
    int64_t now_us;
};

static void on_answer(void *context, unsigned region, const struct tensor_box *boxes,
                      unsigned count)
{
    struct desk *desk = context;
    assert_true(region < desk->regions.count);
    assert_int_equal(desk->answered[region], 0);
    desk->answered[region] = count + 1;
}

static bool on_valid(void *context)
{
    struct desk *desk = context;
    return desk->picture_valid;
}

static int set_up(void **state)
{
    struct desk *desk = calloc(1, sizeof *desk);
    AUTO_CLOSE int memfd = tensors_create("back", SIDE * SIDE * 3);
    assert_true(memfd >= 0);
    desk->work_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    desk->detector = tensors_open(memfd);
    struct requests_setup setup = {
        .tensors = tensors_open(memfd),
        .format = {SIDE, SIDE, TENSOR_PIXELS_RGB, TENSOR_NHWC},
        .work_fd = desk->work_fd,
        .answer = on_answer,
        .valid = on_valid,
        .context = desk,
    };
    desk->requests = requests_create(&setup);
    assert_non_null(desk->requests);
    test_paint(desk->picture, (struct box){100, 100, 200, 200});
    desk->view = yuv_view(desk->picture, TEST_WIDTH, TEST_HEIGHT);
    desk->picture_valid = true;
    desk->now_us = 100 * (int64_t)SECOND;
    *state = desk;
    return 0;
}

static int tear_down(void **state)
{
    struct desk *desk = *state;
    requests_destroy(desk->requests);
    tensors_close(desk->detector);
    close(desk->work_fd);
    free(desk);
    return 0;
}

static void begin(struct desk *desk, unsigned regions)
{
    memset(desk->answered, 0, sizeof desk->answered);
    desk->regions.count = regions;
    for (unsigned i = 0; i < regions; i++) {
        int x = (int)i * 20;
        desk->regions.items[i] = (struct box){x, 0, x + 320, 320};
    }
    requests_begin(desk->requests, &desk->view, &desk->regions, desk->now_us,
                   desk->now_us + SECOND);
}

/* Answers up to `most` queued requests with one box each; returns how many there were. */
static unsigned serve(struct desk *desk, unsigned most, enum tensor_status status)
{
    unsigned served = 0;
    const uint8_t *input;
    int slot;
    while (served < most && (slot = tensors_next(desk->detector, 0, desk->now_us, &input)) >= 0) {
        struct tensor_box box = {0, 0.9f, 0.1f, 0.1f, 0.5f, 0.5f};
        tensors_answer(desk->detector, slot, status, &box, status == TENSOR_OK);
        served++;
    }
    return served;
}

static bool end_after(struct desk *desk, int64_t us)
{
    desk->now_us += us;
    return requests_end(desk->requests, desk->now_us);
}

/* All regions of a picture are on their way before the first answer, as many as there are slots. */
static void test_many_at_a_time(void **state)
{
    struct desk *desk = *state;
    begin(desk, 10);
    eventfd_t woken = 0;
    assert_int_equal(eventfd_read(desk->work_fd, &woken), 0);
    assert_int_equal(tensors_queued(desk->detector), TENSOR_SLOTS);
    unsigned rounds = 0;
    while (requests_waiting(desk->requests)) {
        assert_true(serve(desk, 3, TENSOR_OK) > 0);
        requests_collect(desk->requests, desk->now_us);
        assert_true(++rounds < 10);
    }
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(desk->answered[i], 2);
    }
    assert_true(end_after(desk, 50000));
    assert_int_equal(requests_counts(desk->requests)->answered, 10);
    assert_int_equal(requests_counts(desk->requests)->late, 0);
}

static void test_no_regions(void **state)
{
    struct desk *desk = *state;
    begin(desk, 0);
    assert_false(requests_waiting(desk->requests));
    assert_true(end_after(desk, 0));
    assert_int_equal(tensors_queued(desk->detector), 0);
}

/* Some come too late: what came counts, the next picture asks for no more than that, then for one
 * more each time all goes well. An old answer never reaches a new picture. */
static void test_slow_detector(void **state)
{
    struct desk *desk = *state;
    begin(desk, 8);
    assert_int_equal(serve(desk, 2, TENSOR_OK), 2);
    requests_collect(desk->requests, desk->now_us);
    const uint8_t *input;
    int slow = tensors_next(desk->detector, 0, desk->now_us, &input);
    assert_true(slow >= 0);
    assert_false(end_after(desk, SECOND));
    assert_false(requests_away(desk->requests));
    assert_int_equal(requests_limit(desk->requests), 2);
    assert_true(requests_counts(desk->requests)->late >= 4);

    begin(desk, 2);
    struct tensor_box box = {0, 0.9f, 0, 0, 1, 1};
    tensors_answer(desk->detector, slow, TENSOR_OK, &box, 1); /* for the picture before */
    requests_collect(desk->requests, desk->now_us);
    assert_int_equal(desk->answered[0] + desk->answered[1], 0);
    assert_int_equal(serve(desk, 9, TENSOR_OK), 2);
    requests_collect(desk->requests, desk->now_us);
    assert_false(requests_waiting(desk->requests));
    assert_true(end_after(desk, 1000));
    assert_int_equal(requests_limit(desk->requests), 3);
}

/* Nobody answers: the first picture waits, later ones do not; a knock a second; then it is back. */
static void test_away_and_back(void **state)
{
    struct desk *desk = *state;
    begin(desk, 3);
    assert_true(requests_waiting(desk->requests));
    assert_false(end_after(desk, SECOND));
    assert_true(requests_away(desk->requests));
    unsigned knocks = 0;
    eventfd_t value;
    eventfd_read(desk->work_fd, &value);
    for (unsigned i = 0; i < 50; i++) { /* ten seconds */
        begin(desk, 3);
        assert_false(requests_waiting(desk->requests));
        assert_false(end_after(desk, SECOND / 5));
        assert_true(tensors_queued(desk->detector) <= 1);
        knocks += eventfd_read(desk->work_fd, &value) == 0;
    }
    assert_in_range(knocks, 8, 11);
    /* one that takes and never answers holds every slot in the end; its replacement frees them */
    for (unsigned i = 0; i < 50; i++) {
        const uint8_t *input;
        begin(desk, 3);
        end_after(desk, SECOND / 5);
        tensors_next(desk->detector, 0, desk->now_us, &input);
    }
    assert_true(requests_away(desk->requests));
    tensors_reset_detector(desk->detector, 0); /* replaced */
    for (unsigned i = 0; i < 15 && requests_away(desk->requests); i++) {
        serve(desk, 9, TENSOR_OK);
        begin(desk, 3);
        serve(desk, 9, TENSOR_OK);
        requests_collect(desk->requests, desk->now_us);
        end_after(desk, SECOND / 5);
    }
    assert_false(requests_away(desk->requests));
    begin(desk, 3);
    assert_int_equal(serve(desk, 9, TENSOR_OK), 3);
    requests_collect(desk->requests, desk->now_us);
    assert_true(end_after(desk, 1000));
    assert_int_equal(desk->answered[2], 2);
}

static void test_bad_answers(void **state)
{
    struct desk *desk = *state;
    begin(desk, 2);
    serve(desk, 9, TENSOR_FAILED);
    requests_collect(desk->requests, desk->now_us);
    assert_false(requests_waiting(desk->requests));
    assert_false(end_after(desk, 1000)); /* not looked at, but nobody waits */
    assert_false(requests_away(desk->requests));
    assert_int_equal(requests_counts(desk->requests)->failed, 2);

    begin(desk, 2);
    serve(desk, 9, TENSOR_NO_MODEL);
    requests_collect(desk->requests, desk->now_us);
    assert_false(requests_waiting(desk->requests));
    assert_false(end_after(desk, 1000));
    assert_true(requests_away(desk->requests) && requests_no_model(desk->requests));

    desk->now_us += 2 * SECOND; /* a model was found meanwhile */
    begin(desk, 2);
    assert_int_equal(serve(desk, 9, TENSOR_OK), 1);
    end_after(desk, 1000);
    begin(desk, 2);
    assert_false(requests_away(desk->requests) || requests_no_model(desk->requests));
    assert_int_equal(serve(desk, 9, TENSOR_OK), 2);
    requests_collect(desk->requests, desk->now_us);
    assert_true(end_after(desk, 1000));
}

/* The picture was overwritten under our hands: nothing of it is asked. */
static void test_overwritten_picture(void **state)
{
    struct desk *desk = *state;
    desk->picture_valid = false;
    begin(desk, 3);
    assert_false(requests_waiting(desk->requests));
    assert_int_equal(tensors_queued(desk->detector), 0);
    assert_false(end_after(desk, 1000));
    desk->picture_valid = true;
    begin(desk, 3);
    assert_int_equal(serve(desk, 9, TENSOR_OK), 3);
    requests_collect(desk->requests, desk->now_us);
    assert_true(end_after(desk, 1000));
}

static void test_slots_too_small(void **state)
{
    AUTO_CLOSE int memfd = tensors_create("back", 100);
    struct requests_setup setup = {
        .tensors = tensors_open(memfd),
        .format = {SIDE, SIDE, TENSOR_PIXELS_RGB, TENSOR_NHWC},
    };
    assert_null(requests_create(&setup));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_many_at_a_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_regions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_slow_detector, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_away_and_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bad_answers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_overwritten_picture, set_up, tear_down),
        cmocka_unit_test(test_slots_too_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
