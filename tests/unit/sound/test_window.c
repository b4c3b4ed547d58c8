/* Hops into overlapping windows: none twice, none across a hole, none torn when overtaken. */
#include "../cmocka_all.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sound/window.h"

struct rig {
    int fd;
    struct sounds *writer, *reader;
    uint64_t count;
};

static int setup(void **state)
{
    static struct rig rig;
    rig = (struct rig){.fd = sounds_create("yard")};
    rig.writer = sounds_open(rig.fd, true);
    rig.reader = sounds_open(rig.fd, false);
    *state = &rig;
    return rig.reader == NULL;
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    sounds_close(rig->writer);
    sounds_close(rig->reader);
    close(rig->fd);
    return 0;
}

/* Hop n holds the number n and begins n halves of a chunk after 1000 s. */
static void write_hop(struct rig *rig, bool joined)
{
    int16_t hop[SOUNDS_HOP];
    rig->count++;
    for (size_t i = 0; i < SOUNDS_HOP; i++) {
        hop[i] = (int16_t)rig->count;
    }
    sounds_write(rig->writer, hop, 1000 + (double)rig->count * SOUNDS_HOP / SOUNDS_RATE, joined);
}

static void assert_window(const struct window *window, int first)
{
    assert_int_equal(window->samples[0], first);
    assert_int_equal(window->samples[SOUNDS_HOP - 1], first);
    assert_int_equal(window->samples[SOUNDS_HOP], first + 1);
    assert_int_equal(window->samples[SOUNDS_CHUNK - 1], first + 1);
    assert_true(fabs(window->start - (1000 + (double)first * SOUNDS_HOP / SOUNDS_RATE)) < 1e-6);
}

static void windows_overlap_by_half(void **state)
{
    struct rig *rig = *state;
    struct window window = {0};
    assert_false(window_next(&window, rig->reader));
    write_hop(rig, false);
    assert_false(window_next(&window, rig->reader));
    assert_false(window_next(&window, rig->reader));
    for (int n = 1; n < 50; n++) {
        write_hop(rig, true);
        assert_true(window_next(&window, rig->reader));
        assert_window(&window, n);
        assert_false(window_next(&window, rig->reader));
    }
    assert_int_equal(window.lost, 0);
}

static void none_across_a_hole(void **state)
{
    struct rig *rig = *state;
    struct window window = {0};
    write_hop(rig, false);
    write_hop(rig, true);
    write_hop(rig, false);
    write_hop(rig, false);
    write_hop(rig, true);
    assert_true(window_next(&window, rig->reader));
    assert_window(&window, 1);
    assert_true(window_next(&window, rig->reader));
    assert_window(&window, 4);
    assert_false(window_next(&window, rig->reader));
}

/* Who comes late begins with what is still there; who is overtaken goes on from there, and it
 * counts. */
static void overtaken(void **state)
{
    struct rig *rig = *state;
    struct window late = {0}, slow = {0};
    write_hop(rig, false);
    write_hop(rig, true);
    assert_true(window_next(&slow, rig->reader));
    for (int n = 0; n < 2 * SOUNDS_SLOTS; n++) {
        write_hop(rig, true);
    }
    int oldest = (int)sounds_oldest(rig->reader);
    struct window *windows[] = {&late, &slow};
    for (size_t i = 0; i < ARRAY_SIZE(windows); i++) {
        assert_true(window_next(windows[i], rig->reader));
        assert_window(windows[i], oldest);
        int count = 1;
        while (window_next(windows[i], rig->reader)) {
            count++;
        }
        assert_int_equal(count, SOUNDS_SLOTS - 2);
        assert_window(windows[i], (int)rig->count - 1);
    }
    assert_int_equal(late.lost, 0);
    assert_int_equal(slow.lost, oldest - 3);
}

/* Where the ring keeps the number of its newest hop. */
static off_t place_of_latest(const struct rig *rig)
{
    uint64_t words[32];
    assert_int_equal(pread(rig->fd, words, sizeof words, 0), sizeof words);
    size_t at = 0;
    while (at < ARRAY_SIZE(words) && words[at] != rig->count) {
        at++;
    }
    assert_in_range(at, 1, ARRAY_SIZE(words) - 1);
    return (off_t)(at * sizeof words[0]);
}

/* A ring that claims to hold more than there are numbers: looking at it ends. */
static void nonsense(void **state)
{
    struct rig *rig = *state;
    struct window window = {0};
    const uint64_t huge = UINT64_MAX;
    write_hop(rig, false);
    write_hop(rig, true);
    write_hop(rig, true);
    assert_int_equal(pwrite(rig->fd, &huge, sizeof huge, place_of_latest(rig)), sizeof huge);
    for (int i = 0; i < 5; i++) {
        assert_false(window_next(&window, rig->reader));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(windows_overlap_by_half, setup, teardown),
        cmocka_unit_test_setup_teardown(none_across_a_hole, setup, teardown),
        cmocka_unit_test_setup_teardown(overtaken, setup, teardown),
        cmocka_unit_test_setup_teardown(nonsense, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
