/* Calls src/media on files, for tests that compare with what ffmpeg sees:
 *
 *   media_tool clip FROM TO OUT (FILE START)...       times in seconds; one MP4
 *   media_tool hls OUT FILE...                        init section and media segments, end to end
 *   media_tool describe FILE                          codecs, size, rate, parameters
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "media/clip.h"
#include "media/hls.h"
#include "media/mp4.h"

static int open_file(void *context, const char *name)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    return 1;
}

/* In small pieces of odd sizes, so that every boundary is crossed somewhere. */
static int write_rope(struct rope *rope, const char *path)
{
    FILE *AUTO_FCLOSE out = fopen(path, "we");
    char data[4099];
    uint64_t at = 0;
    ssize_t got;
    while (out != NULL && (got = rope_read(rope, at, data, sizeof data)) > 0) {
        fwrite(data, 1, (size_t)got, out);
        at += (uint64_t)got;
    }
    bool whole = out != NULL && at == rope_length(rope);
    rope_destroy(rope);
    return whole ? 0 : fail(path, "not written wholly");
}

static int64_t us(const char *seconds)
{
    return (int64_t)(strtod(seconds, NULL) * 1e6 + 0.5);
}

static int do_clip(int argc, char **argv)
{
    struct clip *clip = clip_create(us(argv[2]), us(argv[3]));
    int bad = 0;
    for (int i = 5; i + 1 < argc; i += 2) {
        struct err err = ERR_NONE;
        AUTO_CLOSE int fd = open(argv[i], O_RDONLY | O_CLOEXEC);
        if (fd < 0 || clip_add(clip, argv[i], fd, us(argv[i + 1]), &err) < 0) {
            bad = fail(argv[i], err.text);
        }
    }
    struct rope *rope = clip_rope(clip, open_file, NULL, NULL);
    clip_destroy(clip);
    return rope == NULL ? fail(argv[4], "empty") : write_rope(rope, argv[4]) | bad;
}

static int do_hls(int argc, char **argv)
{
    struct rope *rope = rope_create(open_file, NULL, NULL);
    double base = 0;
    for (int i = 3; i < argc; i++) {
        struct err err = ERR_NONE;
        struct str init = {0};
        struct mp4 mp4;
        AUTO_CLOSE int fd = open(argv[i], O_RDONLY | O_CLOEXEC);
        if (fd < 0 || mp4_read_fd(fd, &mp4, &err) < 0) {
            return fail(argv[i], err.text);
        }
        if (i == 3 && hls_init(fd, &init, &err) == 0) {
            rope_add_str(rope, &init);
        }
        if (hls_segment(fd, argv[i], (uint64_t)(base * HLS_TIMESCALE + 0.5), rope, &err) < 0) {
            return fail(argv[i], err.text);
        }
        base += mp4_duration(&mp4);
        mp4_finish(&mp4);
    }
    return write_rope(rope, argv[2]);
}

static int do_describe(char **argv)
{
    struct err err = ERR_NONE;
    struct hls_stream stream;
    uint64_t parameters;
    AUTO_CLOSE int fd = open(argv[2], O_RDONLY | O_CLOEXEC);
    if (fd < 0 || hls_describe(fd, &stream, &err) < 0 ||
        hls_parameters(fd, &parameters, &err) < 0) {
        return fail(argv[2], err.text);
    }
    printf("%s %dx%d %.2f %016" PRIx64 "\n", stream.codecs, stream.width, stream.height, stream.fps,
           parameters);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc >= 7 && strcmp(argv[1], "clip") == 0) {
        return do_clip(argc, argv);
    }
    if (argc >= 4 && strcmp(argv[1], "hls") == 0) {
        return do_hls(argc, argv);
    }
    if (argc == 3 && strcmp(argv[1], "describe") == 0) {
        return do_describe(argv);
    }
    return fail("media_tool", "clip FROM TO OUT (FILE START)... | hls OUT FILE... | describe FILE");
}
