/* One recording file while it is open: hidden beside its final name, so that finishing it is a
 * rename.
 *
 *     MEDIA/recordings/YYYY-MM-DD/HH/CAMERA/.MM.SS.mp4.part   open (locked with flock)
 *     MEDIA/recordings/YYYY-MM-DD/HH/CAMERA/MM.SS.mp4         finished; MM.SS-2.mp4 when that
 * second is taken
 *
 * Names are UTC and come from the first picture's time. Bytes are only appended. A file whose
 * process died is adopted by the camera's next capture: cut after its last whole fragment and
 * renamed. */
#ifndef CORVETTE_CAPTURE_SEGMENT_H
#define CORVETTE_CAPTURE_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#define SEGMENT_PATH 512

/* What the server is told of a finished file. */
struct segment_info {
    char path[SEGMENT_PATH]; /* relative to the media folder */
    int64_t start_us;        /* wall time of the first picture */
    double duration;         /* seconds of video */
    uint64_t bytes;
    uint64_t parameters; /* hls_parameters(): differs when the stream's did; 0 = unknown */
    bool has_audio;
    int dbfs; /* rounded mean level, 0 = nothing was heard */
};

struct segment {
    int fd;                        /* -1: none open */
    int folder;                    /* descriptor of its directory */
    char name[64];                 /* final name */
    char part[80];                 /* hidden name */
    char where[SEGMENT_PATH - 64]; /* directory, relative to the media folder */
    uint64_t bytes;
    bool folder_synced;
};

#define SEGMENT_NONE ((struct segment){.fd = -1, .folder = -1})

/* All return 0 or -errno. */
int segment_open(struct segment *segment, const char *media_dir, const char *camera,
                 int64_t start_us);
/* Appends everything or nothing: on failure the file is cut back to what it was. `parts` is used
 * up. */
int segment_append(struct segment *segment, struct iovec *parts, size_t count);
/* Asks the file system for room ahead of what is written, so that it runs out before it matters;
 * what is not used goes back when the segment is finished. -EOPNOTSUPP is fine. */
int segment_reserve(struct segment *segment, uint64_t bytes);
int segment_sync(struct segment *segment);
/* Syncs, renames, syncs the directory; `path` gets the final name. The segment is closed whatever
 * happens; an empty one (`keep` false) is removed. */
int segment_finish(struct segment *segment, bool keep, char path[SEGMENT_PATH]);

/* Finds what a dead process left under the media folder for this camera and finishes it; `found` is
 * called for each file that holds anything. */
typedef void (*segment_found_fn)(void *context, const struct segment_info *info);
void segment_adopt(const char *media_dir, const char *camera, segment_found_fn found,
                   void *context);

#endif
