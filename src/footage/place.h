/* Where recorded video lies, in rows and on disk: the one place that knows the names.
 *
 * Rows and answers hold Frigate's canonical form, "/media/frigate/recordings/YYYY-MM-DD/HH/CAMERA/
 * MM.SS.mp4" (UTC), whatever the data folder is. On disk the part after "/media/frigate/" lies in
 * DATA/media; that part is what "path relative to the media folder" means here. */
#ifndef CORVETTE_FOOTAGE_PLACE_H
#define CORVETTE_FOOTAGE_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#define PLACE_CANONICAL "/media/frigate/"

/* The part of a canonical path that is relative to the media folder, or NULL when it is not one, or
 * leads elsewhere ("..", "//", a hidden name). */
const char *place_relative(const char *canonical);
/* "recordings/YYYY-MM-DD/HH/<camera>/<name>.mp4" and nothing that leads elsewhere. */
bool place_is_segment(const char *relative, const char *camera);
/* Opens a file or folder relative to DATA/media for reading; nothing leads out of its tree (clips,
 * recordings, exports), which may itself be a link to another disk. fd or -errno. */
int place_open(const char *data_dir, const char *relative);
/* MiB with one decimal: column segment_size. */
double place_mib(uint64_t bytes);

#endif
