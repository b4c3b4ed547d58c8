/* One MP4 out of several recorded files, cut to an exact span, without re-encoding and without a
 * temporary file: ftyp and moov (in front, so that it plays while it loads) are computed, the
 * samples are ranges of the files.
 *
 * It holds the pictures from the key picture at or before `from` to the last one shown before `to`;
 * an edit list makes it begin at `from` and last to `to`, to the tick. Files follow each other
 * without holes: where nothing was recorded between two of them the clip is shorter by that much.
 * Files whose parameters differ get sample entries of their own. Sound is cut the same way. */
#ifndef CORVETTE_MEDIA_CLIP_H
#define CORVETTE_MEDIA_CLIP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "media/rope.h"

struct clip;

/* Wall times in microseconds since the epoch. */
struct clip *clip_create(int64_t from_us, int64_t to_us);
void clip_destroy(struct clip *clip); /* NULL is fine */

/* The next file: `name` as its opener will get it, read through `fd` (the caller's, as large as it
 * is now), its first picture shown at `start_us`. Files come in the order of time; one outside the
 * span adds nothing. 0, or -errno with a sentence (nothing was added: go on with the next). */
int clip_add(struct clip *clip, const char *name, int fd, int64_t start_us, struct err *err);

bool clip_is_empty(const struct clip *clip);
int64_t clip_duration_us(const struct clip *clip);

/* The MP4 as a rope (arguments as of rope_create()); the clip can be destroyed afterwards. NULL
 * when it is empty. */
struct rope *clip_rope(struct clip *clip, rope_open_fn open_file, void *context,
                       void (*free_context)(void *));

#endif
