/* Space on the volumes that matter, and readings of /sys. Any thread; may take as long as a file
 * system wants (network), so never on the loop. */
#ifndef CORVETTE_SERVER_VOLUMES_H
#define CORVETTE_SERVER_VOLUMES_H

#include "base/jout.h"

/* The object `storage` of /api/stats: Frigate's four places, whatever the data folder is. */
void volumes_json(const char *data_dir, struct jout *json);
/* The object `temperatures`: Coral PCIe devices, degrees Celsius. */
void temperatures_json(struct jout *json);
/* File system type of the mount that holds the path ("ext4"); "" when unknown. */
void volumes_type(const char *path, const char *mountinfo, char *type, size_t size);

#endif
