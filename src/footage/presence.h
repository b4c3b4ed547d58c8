/* Which recorded files are really there: one look into each folder instead of one at each file, as
 * a day of a camera is thousands of files in 24 folders. What was seen is remembered until the
 * folder changes. */
#ifndef CORVETTE_FOOTAGE_PRESENCE_H
#define CORVETTE_FOOTAGE_PRESENCE_H

#include <stdbool.h>

struct presence;
struct presence_memory;

/* Of folders seen, a bounded number; any thread. */
struct presence_memory *presence_memory_create(void);
void presence_memory_destroy(struct presence_memory *memory);

struct presence *presence_create(struct presence_memory *memory, const char *data_dir,
                                 const char *camera);
void presence_destroy(struct presence *presence);
/* Whether a file named after that second (UTC) is where a recording of the camera belongs that
 * began then. Cheap when asked in the order of time. False is no proof: a row may name another
 * place. */
bool presence_at(struct presence *presence, double start);
/* Where there is no recordings folder at all (the disk is not mounted), absence says nothing. */
bool presence_is_known(const struct presence *presence);

#endif
