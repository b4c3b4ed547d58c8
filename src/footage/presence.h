/* Which recorded files are really there: one look into each folder instead of one at each file, as
 * a day of a camera is thousands of files in 24 folders. */
#ifndef CORVETTE_FOOTAGE_PRESENCE_H
#define CORVETTE_FOOTAGE_PRESENCE_H

#include <stdbool.h>

struct presence;

struct presence *presence_create(const char *data_dir);
void presence_destroy(struct presence *presence);
/* Whether the file (relative to the media folder) is there. Cheap when asked for files
 * of one folder after the other. Where there is no recordings folder at all (the disk is not
 * mounted) everything counts as there: its absence then says nothing about single files. */
bool presence_has(struct presence *presence, const char *relative);

#endif
