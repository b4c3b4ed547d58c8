/* Which recorded files are really there: one look into each folder instead of one at each file, as
 * a day of a camera is thousands of files in 24 folders. */
#ifndef CORVETTE_FOOTAGE_PRESENCE_H
#define CORVETTE_FOOTAGE_PRESENCE_H

#include <stdbool.h>

struct presence;

struct presence *presence_create(const char *data_dir, const char *camera);
void presence_destroy(struct presence *presence);
/* Whether a file named after that second (UTC) is where a recording of the camera belongs that
 * began then. Cheap when asked in the order of time. False is no proof: a row may name another
 * place. */
bool presence_at(struct presence *presence, double start);
/* Where there is no recordings folder at all (the disk is not mounted), absence says nothing. */
bool presence_is_known(const struct presence *presence);

#endif
