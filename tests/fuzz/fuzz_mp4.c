/* Recorded files: samples, HLS segments, init sections and the sending of them. */
#include "fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "media/hls.h"
#include "media/mp4.h"
#include "media/rope.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    log_set_level(LOG_CRITICAL);
    return 0;
}

static void check_samples(const struct mp4 *mp4, size_t size)
{
    for (int kind = 0; kind < MP4_KINDS; kind++) {
        const struct mp4_track *track = &mp4->tracks[kind];
        for (size_t i = 0; i < track->count; i++) {
            const struct mp4_sample *sample = &track->samples[i];
            FUZZ_CHECK(sample->offset <= size && sample->bytes <= size - sample->offset);
        }
    }
}

static int open_again(void *context, const char *name)
{
    return dup(*(int *)context);
}

static void read_rope(int fd)
{
    struct err err = ERR_NONE;
    struct rope *rope = rope_create(open_again, &fd, NULL);
    if (hls_segment(fd, "it", 90000, rope, &err) == 0) {
        static char buffer[4096];
        for (uint64_t at = 0; at < rope_length(rope); at += sizeof buffer) {
            if (rope_read(rope, at, buffer, sizeof buffer) <= 0) {
                break;
            }
        }
    } else {
        FUZZ_CHECK(err.text[0] != '\0');
    }
    rope_destroy(rope);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    FUZZ_CHECK(fd >= 0 && file_write_all(fd, data, size) == 0);
    struct err err = ERR_NONE;
    struct mp4 mp4 = {0};
    if (mp4_read_fd(fd, &mp4, &err) == 0) {
        check_samples(&mp4, size);
        mp4_duration(&mp4);
    } else {
        FUZZ_CHECK(err.text[0] != '\0');
    }
    mp4_finish(&mp4);
    AUTO_STR struct str init = {0};
    struct hls_stream stream;
    uint64_t parameters = 0;
    hls_init(fd, &init, &err);
    hls_describe(fd, &stream, &err);
    if (hls_parameters(fd, &parameters, &err) == 0) {
        FUZZ_CHECK(parameters != 0);
    }
    hls_init_parameters(data, size);
    read_rope(fd);
    close(fd);
    return 0;
}
