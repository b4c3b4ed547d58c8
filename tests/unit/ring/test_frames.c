#include "forked.h"

#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "ring/board.h"
#include "ring/frames.h"

#define WIDTH 321 /* odd on purpose */
#define HEIGHT 181
#define PICTURE_BYTES (WIDTH * HEIGHT + 2 * 161 * 91)
#define SLOTS 4
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* Every byte of picture n is n's low byte, its time is n. */
static void write_one(struct frames *frames)
{
    uint64_t next = frames_latest(frames) + 1;
    memset(frames_write_begin(frames), (int)(next & 0xff), frames_picture_bytes(WIDTH, HEIGHT));
    frames_write_end(frames, (double)next);
}

static bool picture_is(const uint8_t *picture, uint64_t sequence)
{
    size_t bytes = frames_picture_bytes(WIDTH, HEIGHT);
    return picture[0] == (uint8_t)sequence && memcmp(picture, picture + 1, bytes - 1) == 0;
}

static void test_geometry(void **state)
{
    assert_int_equal(frames_picture_bytes(4, 4), 24);
    assert_int_equal(frames_picture_bytes(5, 3), 15 + 2 * 3 * 2);
    assert_int_equal(frames_picture_bytes(WIDTH, HEIGHT), PICTURE_BYTES);
    assert_int_equal(frames_bytes(64, 64, 3) % 4096, 0);
    static const struct {
        int width, height;
        unsigned slots;
    } bad[] = {{0, 10, 4}, {10, -1, 4}, {10, 10, 1}, {10, 10, 65}, {20000, 10, 4}};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_int_equal(frames_create("x", bad[i].width, bad[i].height, bad[i].slots), -EINVAL);
    }
}

static void test_write_and_read(void **state)
{
    AUTO_CLOSE int fd = frames_create("back", WIDTH, HEIGHT, SLOTS);
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_GET_SEALS), SEALS);
    struct frames *writer = frames_open(fd, true), *reader = frames_open(fd, false);
    assert_non_null(writer);
    assert_non_null(reader);
    assert_int_equal(frames_width(reader), WIDTH);
    assert_int_equal(frames_height(reader), HEIGHT);

    struct frame_info info;
    uint8_t copy[PICTURE_BYTES];
    assert_int_equal(frames_latest(reader), 0);
    assert_null(frames_peek(reader, 0, &info));
    assert_null(frames_peek(reader, 1, &info));
    assert_int_equal(frames_copy(reader, 0, copy, &info), -ENOENT);

    int64_t before_us = mono_now().us;
    for (uint64_t n = 1; n <= 10; n++) {
        write_one(writer);
        assert_int_equal(frames_latest(reader), n);
        assert_int_equal(frames_copy(reader, 0, copy, &info), 0);
        assert_int_equal(info.sequence, n);
        assert_true(info.time == (double)n);
        assert_true(info.mono_us >= before_us && info.mono_us <= mono_now().us);
        assert_int_equal(info.width, WIDTH);
        assert_true(picture_is(copy, n));
    }
    for (uint64_t n = 1; n <= 6; n++) { /* a lap behind: gone */
        assert_null(frames_peek(reader, n, &info));
        assert_int_equal(frames_copy(reader, n, copy, &info), -ENOENT);
    }
    for (uint64_t n = 7; n <= 10; n++) { /* still there */
        assert_int_equal(frames_copy(reader, n, copy, &info), 0);
        assert_true(picture_is(copy, n));
    }
    assert_null(frames_peek(reader, 11, &info));
    frames_close(writer);
    frames_close(reader);
    frames_close(NULL);
}

static void test_overrun_is_seen(void **state)
{
    AUTO_CLOSE int fd = frames_create("back", WIDTH, HEIGHT, SLOTS);
    struct frames *writer = frames_open(fd, true), *reader = frames_open(fd, false);
    write_one(writer);
    struct frame_info info;
    const uint8_t *picture = frames_peek(reader, 0, &info);
    assert_non_null(picture);
    for (int i = 0; i < SLOTS - 1; i++) {
        write_one(writer);
        assert_true(frames_still_valid(reader, &info));
        assert_true(picture_is(picture, 1));
    }
    frames_write_begin(writer); /* enters the slot that is being read */
    assert_false(frames_still_valid(reader, &info));
    assert_null(frames_peek(reader, 1, &info));
    frames_close(writer);
    frames_close(reader);
}

static void spoil_magic(uint8_t *memory)
{
    memory[0] ^= 1;
}
static void spoil_version(uint8_t *memory)
{
    memory[4] ^= 0xff;
}
static void spoil_width(uint8_t *memory)
{
    memset(memory + 8, 0xff, 4);
}
static void spoil_height(uint8_t *memory)
{
    memset(memory + 12, 0, 4);
}
static void spoil_slots(uint8_t *memory)
{
    memory[16] = 200;
}
static void spoil_more_slots(uint8_t *memory)
{
    memory[16] += 1;
}

static void test_foreign_descriptors(void **state)
{
    size_t bytes = frames_bytes(WIDTH, HEIGHT, SLOTS);
    AUTO_CLOSE int good = frames_create("back", WIDTH, HEIGHT, SLOTS);
    static void (*const spoils[])(uint8_t *) = {spoil_magic,  spoil_version, spoil_width,
                                                spoil_height, spoil_slots,   spoil_more_slots};
    for (size_t i = 0; i < ARRAY_SIZE(spoils); i++) {
        AUTO_CLOSE int bad = spoilt_copy(good, bytes, spoils[i], SEALS);
        errno = 0;
        assert_null(frames_open(bad, false));
        assert_int_equal(errno, EINVAL);
    }
    AUTO_CLOSE int unsealed = spoilt_copy(good, bytes, NULL, F_SEAL_GROW);
    assert_null(frames_open(unsealed, false));
    AUTO_CLOSE int shorter = spoilt_copy(good, bytes - 4096, NULL, SEALS);
    assert_null(frames_open(shorter, false));
    AUTO_CLOSE int tiny = spoilt_copy(good, 8, NULL, SEALS);
    assert_null(frames_open(tiny, false));
    AUTO_CLOSE int empty = spoilt_copy(good, 0, NULL, SEALS);
    assert_null(frames_open(empty, false));
    AUTO_CLOSE int same = spoilt_copy(good, bytes, NULL, SEALS);
    struct frames *frames = frames_open(same, false);
    assert_non_null(frames);
    frames_close(frames);

    AUTO_CLOSE int board = board_create(4);
    assert_null(frames_open(board, false));
    AUTO_CLOSE int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    assert_null(frames_open(file, false));
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_null(frames_open(ends[0], false));
    close(ends[0]);
    close(ends[1]);
    assert_null(frames_open(-1, false));
    assert_int_equal(errno, EBADF);
}

static int writer_forever(int fd)
{
    struct frames *frames = frames_open(fd, true);
    if (frames == NULL) {
        return 1;
    }
    for (;;) {
        write_one(frames);
    }
}

/* Reads 3000 pictures while they are overwritten at full speed: every one it accepts is whole. */
static int reader_checks(int fd)
{
    struct frames *frames = frames_open(fd, false);
    if (frames == NULL) {
        return 1;
    }
    uint8_t copy[PICTURE_BYTES];
    uint64_t last = 0;
    for (int good = 0; good < 3000;) {
        struct frame_info info;
        int rc = frames_copy(frames, 0, copy, &info);
        if (rc == -ESTALE || rc == -ENOENT) {
            continue;
        }
        if (rc != 0 || !picture_is(copy, info.sequence) || info.time != (double)info.sequence ||
            info.sequence < last) {
            return 2;
        }
        last = info.sequence;
        good++;
    }
    frames_close(frames);
    return 0;
}

static void wait_for_pictures(struct frames *frames, uint64_t sequence)
{
    while (frames_latest(frames) < sequence) {
        usleep(500);
    }
}

static void test_readers_never_see_a_torn_picture(void **state)
{
    AUTO_CLOSE int fd = frames_create("back", WIDTH, HEIGHT, 2);
    pid_t writer = forked(writer_forever, fd);
    pid_t readers[2] = {forked(reader_checks, fd), forked(reader_checks, fd)};
    forked_ok(readers[0]);
    forked_ok(readers[1]);
    forked_kill(writer);
}

/* Writers die at arbitrary moments, the ring goes on and numbers never come back. */
static void test_writer_crashes(void **state)
{
    AUTO_CLOSE int fd = frames_create("back", WIDTH, HEIGHT, SLOTS);
    struct frames *reader = frames_open(fd, false);
    uint8_t copy[PICTURE_BYTES];
    uint64_t last = 0;
    for (int round = 0; round < 20; round++) {
        pid_t writer = forked(writer_forever, fd);
        wait_for_pictures(reader, last + 20);
        forked_kill(writer);
        struct frame_info info;
        assert_int_equal(frames_copy(reader, 0, copy, &info), 0);
        assert_true(info.sequence > last);
        assert_true(picture_is(copy, info.sequence));
        last = info.sequence;
    }
    frames_close(reader);
}

static int begin_and_die(int fd)
{
    struct frames *frames = frames_open(fd, true);
    memset(frames_write_begin(frames), 0xee, 1000);
    raise(SIGKILL);
    return 0;
}

static void test_half_written_picture_is_never_shown(void **state)
{
    AUTO_CLOSE int fd = frames_create("back", WIDTH, HEIGHT, SLOTS);
    struct frames *reader = frames_open(fd, false);
    struct frames *writer = frames_open(fd, true);
    for (int i = 0; i < SLOTS; i++) {
        write_one(writer);
    }
    frames_close(writer);
    int status = forked_wait(forked(begin_and_die, fd));
    assert_true(WIFSIGNALED(status));

    struct frame_info info;
    assert_int_equal(frames_latest(reader), SLOTS);
    assert_null(frames_peek(reader, 1, &info)); /* its slot holds the torn one */
    assert_null(frames_peek(reader, SLOTS + 1, &info));
    writer = frames_open(fd, true);
    write_one(writer);
    uint8_t copy[PICTURE_BYTES];
    assert_int_equal(frames_copy(reader, 0, copy, &info), 0);
    assert_int_equal(info.sequence, SLOTS + 1);
    assert_true(picture_is(copy, info.sequence));
    frames_close(writer);
    frames_close(reader);
}

/* Dead between completing picture 3 and announcing it: latest still says 2. */
static void spoil_latest(uint8_t *memory)
{
    const uint64_t three = 3, two = 2;
    for (size_t at = 0; at < 4096; at += 8) { /* `latest` is the only such word before the slots */
        if (memcmp(memory + at, &three, 8) == 0) {
            memcpy(memory + at, &two, 8);
            return;
        }
    }
    fail_msg("no such word");
}

static void test_complete_but_unannounced_picture(void **state)
{
    AUTO_CLOSE int fd = frames_create("back", WIDTH, HEIGHT, SLOTS);
    struct frames *writer = frames_open(fd, true);
    for (int i = 0; i < 3; i++) {
        write_one(writer);
    }
    frames_close(writer);
    AUTO_CLOSE int copy = spoilt_copy(fd, frames_bytes(WIDTH, HEIGHT, SLOTS), spoil_latest, SEALS);
    struct frames *reader = frames_open(copy, false);
    struct frame_info info;
    assert_int_equal(frames_latest(reader), 2);
    assert_null(frames_peek(reader, 3, &info));
    writer = frames_open(copy, true);
    assert_int_equal(frames_latest(reader), 3);
    write_one(writer);
    assert_int_equal(frames_latest(reader), 4);
    frames_close(writer);
    frames_close(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_geometry),
        cmocka_unit_test(test_write_and_read),
        cmocka_unit_test(test_overrun_is_seen),
        cmocka_unit_test(test_foreign_descriptors),
        cmocka_unit_test(test_readers_never_see_a_torn_picture),
        cmocka_unit_test(test_writer_crashes),
        cmocka_unit_test(test_half_written_picture_is_never_shown),
        cmocka_unit_test(test_complete_but_unannounced_picture),
    };
    return cmocka_run_group_tests_name("ring/frames", tests, NULL, NULL);
}
