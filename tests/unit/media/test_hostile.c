/* Damaged files: whatever is in them, reading ends, stays within the file, and gives a result or an
 * error. Runs under the sanitizers too, which is where it says most. */
#include "../cmocka_all.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/mem.h"
#include "media/clip.h"
#include "media/fmp4.h"
#include "media/hls.h"
#include "media/mp4.h"
#include "stamped.h"

#define MUTATIONS 2000

static struct str plain, fragmented; /* a good file of each kind */

static int as_file(const void *data, size_t bytes)
{
    int fd = file_memfd("media", bytes > 0 ? bytes : 1);
    assert_true(fd >= 0);
    if (bytes > 0) {
        assert_int_equal(pwrite(fd, data, bytes, 0), (ssize_t)bytes);
    }
    return fd;
}

static int open_again(void *context, const char *name)
{
    return dup(*(const int *)context);
}

/* Everything the server does with a recording. True when the file was of use. */
static bool exercise(int fd, uint64_t file_bytes)
{
    struct err err = ERR_NONE;
    struct mp4 mp4;
    struct fmp4_index index;
    struct hls_stream stream;
    uint64_t parameters;
    bool good = mp4_read_fd(fd, &mp4, &err) == 0;
    if (good) {
        for (int kind = 0; kind < MP4_KINDS; kind++) {
            for (size_t i = 0; i < mp4.tracks[kind].count; i++) {
                const struct mp4_sample *sample = &mp4.tracks[kind].samples[i];
                assert_true(sample->offset <= file_bytes &&
                            sample->bytes <= file_bytes - sample->offset);
            }
        }
        mp4_finish(&mp4);
    } else {
        assert_true(err.text[0] != '\0');
    }
    if (fmp4_read_fd(fd, &index, &err) == 0) {
        fmp4_finish(&index);
    }
    hls_describe(fd, &stream, &err);
    hls_parameters(fd, &parameters, &err);
    struct rope *rope = rope_create(open_again, &fd, NULL);
    char *AUTO_FREE data = mem_alloc(65536);
    if (hls_segment(fd, "x", 1234567, rope, &err) == 0) {
        for (uint64_t at = 0; at < rope_length(rope) && at < 1 << 20; at += 65536) {
            rope_read(rope, at, data, 65536);
        }
    }
    rope_destroy(rope);
    struct clip *clip = clip_create(1000500000, 1002500000);
    clip_add(clip, "x", fd, 1000000000, &err);
    clip_add(clip, "x", fd, 1002000000, &err);
    rope = clip_rope(clip, open_again, &fd, NULL);
    clip_destroy(clip);
    for (uint64_t at = 0; rope != NULL && at < rope_length(rope) && at < 1 << 20; at += 65536) {
        rope_read(rope, at, data, 65536);
    }
    rope_destroy(rope);
    return good;
}

static bool exercise_bytes(const void *data, size_t bytes)
{
    AUTO_CLOSE int fd = as_file(data, bytes);
    /* A sealed file of one byte stands for an empty one. */
    return exercise(fd, bytes > 0 ? bytes : 1);
}

static void good_files_are_good(void **state)
{
    assert_true(exercise_bytes(plain.data, plain.length));
    assert_true(exercise_bytes(fragmented.data, fragmented.length));
}

static void cut_anywhere(void **state)
{
    const struct str *const files[] = {&plain, &fragmented};
    for (size_t f = 0; f < ARRAY_SIZE(files); f++) {
        size_t step = files[f]->length / 200 + 1;
        for (size_t bytes = 0; bytes < files[f]->length; bytes += bytes < 3000 ? 7 : step) {
            exercise_bytes(files[f]->data, bytes);
        }
    }
}

/* Bytes in the boxes above the pictures are where the harm is: most changes go there. */
static void mutate(struct str *file, size_t head, size_t tail)
{
    static const uint32_t nasty[] = {0, 1, 2, 7, 8, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff8};
    int changes = 1 + rand() % 4;
    for (int i = 0; i < changes; i++) {
        size_t at = rand() % 2 ? (size_t)rand() % head : file->length - 1 - (size_t)rand() % tail;
        if (rand() % 2) {
            file->data[at] = (char)rand();
        } else if (at + 4 <= file->length) {
            uint32_t value = nasty[(size_t)rand() % ARRAY_SIZE(nasty)];
            const uint8_t bytes[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16),
                                     (uint8_t)(value >> 8), (uint8_t)value};
            memcpy(file->data + at, bytes, 4);
        }
    }
}

static void changed_anywhere(void **state)
{
    const struct str *const files[] = {&plain, &fragmented};
    srand(42);
    int useful = 0;
    for (int i = 0; i < MUTATIONS; i++) {
        const struct str *file = files[i % 2];
        struct str AUTO_STR changed = {0};
        str_add_bytes(&changed, file->data, file->length);
        /* A plain file has its boxes at the end, a fragmented one all over the beginning. */
        mutate(&changed, i % 2 ? 2500 : 100, i % 2 ? 100 : 3000);
        useful += exercise_bytes(changed.data, changed.length);
    }
    assert_true(useful > MUTATIONS / 10); /* else nothing below the first box was ever read */
}

static void nothing_at_all(void **state)
{
    static const char noise[] = "this is not a film, whatever its name says";
    assert_false(exercise_bytes(noise, sizeof noise));
    assert_false(exercise_bytes("", 0));
}

/* ---- ropes ---- */

static void ropes_read_alike_in_any_steps(void **state)
{
    static const char text[] = "the quick brown fox jumps over the lazy dog";
    AUTO_CLOSE int fd = as_file(text, sizeof text - 1);
    struct rope *rope = rope_create(open_again, &fd, NULL);
    rope_add_bytes(rope, "<", 1);
    size_t file = rope_add_file(rope, "text");
    rope_add_range(rope, file, 4, 5);
    rope_add_range(rope, file, 9, 7); /* goes on */
    rope_add_bytes(rope, "|", 1);
    rope_add_range(rope, file, 40, 3);
    rope_add_bytes(rope, "", 0);
    rope_add_bytes(rope, ">", 1);
    static const char expected[] = "<quick brown |dog>";
    assert_int_equal(rope_length(rope), sizeof expected - 1);
    for (size_t step = 1; step < sizeof expected + 3; step++) {
        char data[64] = "";
        for (size_t at = 0; at < sizeof expected - 1; at += step) {
            size_t left = sizeof expected - 1 - at;
            assert_int_equal(rope_read(rope, at, data + at, step), left < step ? left : step);
        }
        assert_string_equal(data, expected);
    }
    char byte;
    assert_int_equal(rope_read(rope, sizeof expected - 1, &byte, 1), 0);
    assert_int_equal(rope_read(rope, 7, &byte, 1), 1); /* backwards */
    assert_int_equal(byte, 'b');
    rope_destroy(rope);
}

static int refuse(void *context, const char *name)
{
    return -ENOENT;
}

static void files_that_went_or_shrank_are_errors(void **state)
{
    char data[16];
    struct rope *rope = rope_create(refuse, NULL, NULL);
    rope_add_bytes(rope, "ab", 2);
    rope_add_range(rope, rope_add_file(rope, "gone"), 0, 10);
    assert_int_equal(rope_read(rope, 0, data, sizeof data), 2); /* what there is */
    assert_int_equal(rope_read(rope, 2, data, sizeof data), -ENOENT);
    uint64_t hash = rope_hash(rope);
    rope_add_bytes(rope, "c", 1);
    assert_true(rope_hash(rope) != hash);
    rope_destroy(rope);
    AUTO_CLOSE int fd = as_file("short", 5);
    rope = rope_create(open_again, &fd, NULL);
    rope_add_range(rope, rope_add_file(rope, "short"), 3, 10);
    assert_int_equal(rope_read(rope, 0, data, sizeof data), 2);
    assert_int_equal(rope_read(rope, 2, data, sizeof data), -EIO);
    rope_destroy(rope);
}

/* ---- the files ---- */

static int make_files(void **state)
{
    char path[] = "/tmp/corvette-hostile-XXXXXX.mp4";
    AUTO_CLOSE int fd = mkstemps(path, 4);
    assert_true(fd >= 0);
    struct stamped_options options = {.codec = AV_CODEC_ID_H264,
                                      .width = 256,
                                      .height = 64,
                                      .fps = 10,
                                      .gop = 10,
                                      .b_frames = 2,
                                      .frames = 20,
                                      .sound_rate = 16000,
                                      .sound_codec = AV_CODEC_ID_AAC};
    stamped_write_file(path, &options);
    assert_int_equal(str_read_file(&plain, path, 10 << 20), 0);
    AUTO_CLOSE int source = as_file(plain.data, plain.length);
    struct err err = ERR_NONE;
    assert_int_equal(hls_init(source, &fragmented, &err), 0);
    struct rope *rope = rope_create(open_again, &source, NULL);
    assert_int_equal(hls_segment(source, "x", 0, rope, &err), 0);
    size_t bytes = (size_t)rope_length(rope);
    str_reserve(&fragmented, bytes);
    assert_int_equal(rope_read(rope, 0, fragmented.data + fragmented.length, bytes), bytes);
    fragmented.length += bytes;
    rope_destroy(rope);
    unlink(path);
    return 0;
}

static int free_files(void **state)
{
    str_finish(&plain);
    str_finish(&fragmented);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_files_are_good),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(changed_anywhere),
        cmocka_unit_test(nothing_at_all),
        cmocka_unit_test(ropes_read_alike_in_any_steps),
        cmocka_unit_test(files_that_went_or_shrank_are_errors),
    };
    return cmocka_run_group_tests(tests, make_files, free_files);
}
