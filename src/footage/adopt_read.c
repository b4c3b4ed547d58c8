/* adopt_read(): our own fragmented segments by src/media's reader; plain MP4 (an existing Frigate
 * folder) by its movie header. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "footage/adopt.h"
#include "media/fmp4.h"

/* A start stamp this far from the file's name is not to be believed. */
#define START_TRUST_S 3600.0
#define DURATION_MAX_S 600.0
#define MVHD_SEARCH_MAX (1 << 20)

static uint64_t big_endian(const uint8_t *at, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++) {
        value = value << 8 | at[i];
    }
    return value;
}

/* Duration out of the mvhd box's payload (ISO/IEC 14496-12, 8.2.2); negative when it has none. */
static double mvhd_duration(const uint8_t *payload, size_t length)
{
    bool wide = length > 0 && payload[0] == 1;
    size_t needed = wide ? 32 : 20;
    if (length < needed) {
        return -1;
    }
    double timescale = (double)big_endian(payload + (wide ? 20 : 12), 4);
    double ticks = (double)big_endian(payload + (wide ? 24 : 16), wide ? 8 : 4);
    return timescale > 0 ? ticks / timescale : -1;
}

static double moov_duration(int fd, off_t offset, uint64_t bytes)
{
    uint8_t data[4096];
    off_t end = offset + (off_t)(bytes < MVHD_SEARCH_MAX ? bytes : MVHD_SEARCH_MAX);
    while (offset + 8 <= end) {
        ssize_t got = pread(fd, data, sizeof data, offset);
        if (got < 8) {
            return -1;
        }
        uint64_t size = big_endian(data, 4);
        if (memcmp(data + 4, "mvhd", 4) == 0) {
            return mvhd_duration(data + 8, (size_t)got - 8);
        }
        if (size < 8) {
            return -1;
        }
        offset += (off_t)size;
    }
    return -1;
}

static double plain_duration(int fd, uint64_t file_bytes)
{
    uint64_t offset = 0;
    uint8_t header[16];
    while (offset + 16 <= file_bytes &&
           pread(fd, header, sizeof header, (off_t)offset) == (ssize_t)sizeof header) {
        uint64_t size = big_endian(header, 4);
        uint64_t head = 8;
        if (size == 1) {
            size = big_endian(header + 8, 8);
            head = 16;
        }
        if (size < head || size > file_bytes - offset) {
            return -1;
        }
        if (memcmp(header + 4, "moov", 4) == 0) {
            return moov_duration(fd, (off_t)(offset + head), size - head);
        }
        offset += size;
    }
    return -1;
}

int adopt_read(const char *path, double *start, double *duration, uint64_t *bytes)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0) {
        return -errno;
    }
    if (!S_ISREG(status.st_mode)) {
        return -EBADMSG;
    }
    *bytes = (uint64_t)status.st_size;
    struct fmp4_index index = {0};
    struct err err = ERR_NONE;
    bool fragmented = fmp4_read_fd(fd, &index, &err) == 0;
    if (fragmented && index.fragment_count > 0) {
        *duration = index.duration;
        double told = (double)index.start_us / 1e6 + index.first_offset;
        if (index.has_start && fabs(told - *start) < START_TRUST_S) {
            *start = told;
        }
    } else {
        *duration = plain_duration(fd, *bytes);
    }
    if (fragmented) {
        fmp4_finish(&index);
    }
    return *duration > 0 && *duration < DURATION_MAX_S ? 0 : -EBADMSG;
}
