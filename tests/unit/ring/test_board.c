#include "forked.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ring/board.h"
#include "ring/frames.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static void name_entry(struct board *board, unsigned i, enum board_role role, const char *name)
{
    board->entries[i].role = role;
    snprintf(board->entries[i].name, sizeof board->entries[i].name, "%s", name);
}

static void test_find(void **state)
{
    AUTO_CLOSE int fd = board_create(4);
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_GET_SEALS), SEALS);
    struct board *board = board_open(fd);
    assert_non_null(board);
    assert_int_equal(board->count, 4);
    name_entry(board, 0, BOARD_SERVER, "");
    name_entry(board, 1, BOARD_CAPTURE, "back");
    name_entry(board, 2, BOARD_ANALYSE, "back");
    assert_ptr_equal(board_find(board, BOARD_SERVER, ""), &board->entries[0]);
    assert_ptr_equal(board_find(board, BOARD_CAPTURE, "back"), &board->entries[1]);
    assert_ptr_equal(board_find(board, BOARD_ANALYSE, "back"), &board->entries[2]);
    assert_null(board_find(board, BOARD_DETECTOR, "back"));
    assert_null(board_find(board, BOARD_CAPTURE, "bac"));
    board_close(board);
    board_close(NULL);
}

static void test_bad_counts(void **state)
{
    assert_int_equal(board_create(0), -EINVAL);
    assert_int_equal(board_create(100000), -EINVAL);
}

static void test_state_and_beat(void **state)
{
    AUTO_CLOSE int fd = board_create(1);
    struct board *board = board_open(fd), *other = board_open(fd);
    struct board_entry *entry = &board->entries[0];
    const struct board_entry *seen = &other->entries[0];
    int64_t before_us = mono_now().us;
    board_beat(entry);
    assert_true(atomic_load(&entry->heartbeat_us) >= before_us);
    board_set_state(entry, 1, "no model file at /x");
    assert_int_equal(atomic_load(&seen->state), 1);
    assert_string_equal(seen->state_text, "no model file at /x");
    board_set_state(entry, 2, NULL);
    assert_string_equal(seen->state_text, "");
    char text[400];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    board_set_state(entry, 3, text);
    assert_int_equal(strlen(seen->state_text), sizeof seen->state_text - 1);
    board_close(board);
    board_close(other);
}

static int count_to(int fd)
{
    struct board *board = board_open(fd);
    if (board == NULL) {
        return 1;
    }
    for (int i = 0; i < 100000; i++) {
        atomic_fetch_add_explicit(&board->entries[0].capture.packets, 1, memory_order_relaxed);
    }
    raise(SIGKILL); /* what was counted stays */
    return 0;
}

static void test_counters_survive(void **state)
{
    AUTO_CLOSE int fd = board_create(1);
    pid_t children[2] = {forked(count_to, fd), forked(count_to, fd)};
    assert_true(WIFSIGNALED(forked_wait(children[0])));
    assert_true(WIFSIGNALED(forked_wait(children[1])));
    struct board *board = board_open(fd);
    assert_int_equal(atomic_load(&board->entries[0].capture.packets), 200000);
    board_close(board);
}

static void spoil_magic(uint8_t *memory)
{
    memory[0] ^= 1;
}
static void spoil_version(uint8_t *memory)
{
    memory[4] ^= 0xff;
}
static void spoil_count(uint8_t *memory)
{
    memory[8] += 1;
}
static void spoil_count_zero(uint8_t *memory)
{
    memset(memory + 8, 0, 4);
}
static void spoil_count_huge(uint8_t *memory)
{
    memset(memory + 8, 0xff, 4);
}

static void test_foreign_descriptors(void **state)
{
    size_t bytes = sizeof(struct board) + 3 * sizeof(struct board_entry);
    AUTO_CLOSE int good = board_create(3);
    static void (*const spoils[])(uint8_t *) = {spoil_magic, spoil_version, spoil_count,
                                                spoil_count_zero, spoil_count_huge};
    for (size_t i = 0; i < ARRAY_SIZE(spoils); i++) {
        AUTO_CLOSE int bad = spoilt_copy(good, bytes, spoils[i], SEALS);
        errno = 0;
        assert_null(board_open(bad));
        assert_int_equal(errno, EINVAL);
    }
    AUTO_CLOSE int unsealed = spoilt_copy(good, bytes, NULL, F_SEAL_SHRINK);
    assert_null(board_open(unsealed));
    AUTO_CLOSE int frames = frames_create("x", 64, 64, 3);
    assert_null(board_open(frames));
    assert_null(board_open(-1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_bad_counts),
        cmocka_unit_test(test_state_and_beat),
        cmocka_unit_test(test_counters_survive),
        cmocka_unit_test(test_foreign_descriptors),
    };
    return cmocka_run_group_tests_name("ring/board", tests, NULL, NULL);
}
