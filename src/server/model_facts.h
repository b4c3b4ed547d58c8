/* Columns model_hash, model_type, detector_type of the events: from the first detector, as Frigate
 * does. The file is read on the jobs thread. */
#ifndef CORVETTE_SERVER_MODEL_FACTS_H
#define CORVETTE_SERVER_MODEL_FACTS_H

#include "config/config.h"
#include "server/events.h"
#include "server/jobs.h"

/* Both must outlive the job. */
void model_facts_find(const struct config *config, struct jobs *jobs, struct events *events);

/* Lower-case hex MD5 of a file; 0 or -errno. */
int model_facts_md5(const char *path, char hex[static 33]);

#endif
