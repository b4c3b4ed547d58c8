/* The ring of sound, and how loud sound is. */
#include "forked.h"

#include <fcntl.h>
#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/mem.h"
#include "ring/frames.h"
#include "ring/sounds.h"

/* Every sample of hop n is n. */
static void write_one(struct sounds *sounds, bool joined)
{
    uint64_t next = sounds_latest(sounds) + 1;
    int16_t hop[SOUNDS_HOP];
    for (size_t i = 0; i < SOUNDS_HOP; i++) {
        hop[i] = (int16_t)next;
    }
    sounds_write(sounds, hop, 1000.5 + (double)next, joined);
}

static bool hop_is(const int16_t *hop, uint64_t sequence)
{
    return hop[0] == (int16_t)sequence && memcmp(hop, hop + 1, (SOUNDS_HOP - 1) * sizeof *hop) == 0;
}

static void test_write_and_read(void **state)
{
    AUTO_CLOSE int fd = sounds_create("back");
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    struct sounds *writer = sounds_open(fd, true), *reader = sounds_open(fd, false);
    struct sounds_info info;
    int16_t hop[SOUNDS_HOP];
    assert_non_null(writer);
    assert_non_null(reader);
    assert_int_equal(sounds_latest(reader), 0);
    assert_int_equal(sounds_oldest(reader), 1);
    assert_int_equal(sounds_copy(reader, 0, hop, &info), -ENOENT);
    assert_int_equal(sounds_copy(reader, 1, hop, &info), -ENOENT);
    for (uint64_t n = 1; n <= 3 * SOUNDS_SLOTS; n++) {
        write_one(writer, n % 3 != 0);
        assert_int_equal(sounds_latest(reader), n);
        assert_int_equal(sounds_copy(reader, n, hop, &info), 0);
        assert_true(hop_is(hop, n));
        assert_int_equal(info.sequence, n);
        assert_true(info.time == 1000.5 + (double)n);
        assert_int_equal(info.joined, n % 3 != 0);
        uint64_t oldest = sounds_oldest(reader);
        assert_int_equal(oldest, n < SOUNDS_SLOTS ? 1 : n - SOUNDS_SLOTS + 2);
        assert_int_equal(sounds_copy(reader, oldest, hop, &info), 0);
        assert_true(hop_is(hop, oldest));
        if (n > SOUNDS_SLOTS) {
            assert_int_equal(sounds_copy(reader, n - SOUNDS_SLOTS, hop, &info), -ESTALE);
        }
    }
    sounds_close(writer);
    /* A new writer goes on where the last one stopped. */
    writer = sounds_open(fd, true);
    write_one(writer, false);
    assert_int_equal(sounds_latest(reader), 3 * SOUNDS_SLOTS + 1);
    sounds_close(writer);
    sounds_close(reader);
    sounds_close(NULL);
}

static void test_other_memory_is_refused(void **state)
{
    AUTO_CLOSE int empty = file_memfd("empty", 4096), pictures = frames_create("x", 640, 360, 4);
    assert_null(sounds_open(empty, false));
    assert_int_equal(errno, EINVAL);
    assert_null(sounds_open(pictures, false));
    assert_null(sounds_open(-1, false));
}

/* A reader beside a writer that laps it: whatever is read is whole. */
static void test_beside_a_writer(void **state)
{
    AUTO_CLOSE int fd = sounds_create("back");
    struct sounds *reader = sounds_open(fd, false);
    pid_t writer_pid = fork();
    if (writer_pid == 0) {
        struct sounds *writer = sounds_open(fd, true);
        for (int n = 0; n < 20000; n++) {
            write_one(writer, true);
        }
        _exit(0);
    }
    uint64_t next = 1, read = 0;
    int16_t hop[SOUNDS_HOP];
    struct sounds_info info;
    while (next <= 20000) {
        int result = sounds_copy(reader, next, hop, &info);
        if (result == 0) {
            assert_true(hop_is(hop, next));
            assert_true(info.time == 1000.5 + (double)next);
            next++;
            read++;
        } else if (result == -ESTALE) {
            uint64_t oldest = sounds_oldest(reader);
            next = oldest > next ? oldest : next + 1;
        }
    }
    int status;
    assert_int_equal(waitpid(writer_pid, &status, 0), writer_pid);
    assert_int_equal(status, 0);
    assert_true(read > 0);
    sounds_close(reader);
}

static void test_levels(void **state)
{
    static int16_t sine[SOUNDS_CHUNK], square[SOUNDS_CHUNK];
    for (size_t i = 0; i < SOUNDS_CHUNK; i++) {
        sine[i] = (int16_t)lround(32767 * sin((double)i * 2 * M_PI / 16));
        square[i] = i % 2 == 0 ? INT16_MIN : INT16_MAX;
    }
    struct sounds_level level = sounds_level(sine, SOUNDS_CHUNK);
    assert_true(fabs(level.rms - 32767 / sqrt(2)) < 1);
    assert_true(fabs(level.dbfs + 3.0103) < 0.001);
    level = sounds_level(square, SOUNDS_CHUNK);
    assert_true(fabs(level.dbfs) < 0.001);
    level = sounds_level((int16_t[4]){3, -4, 3, -4}, 4);
    assert_true(fabs(level.rms - sqrt(12.5)) < 1e-12);
    assert_true(fabs(level.dbfs - 20 * log10(sqrt(12.5) / 32768)) < 1e-12);
    level = sounds_level((int16_t[4]){0}, 4);
    assert_true(level.rms == 0 && level.dbfs == 0);
    assert_true(sounds_level(NULL, 0).rms == 0);
    assert_true(fabs(sounds_dbfs(500) + 36.33) < 0.01);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_and_read),
        cmocka_unit_test(test_other_memory_is_refused),
        cmocka_unit_test(test_beside_a_writer),
        cmocka_unit_test(test_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
