/* Load of graphics processors: NVIDIA through its own library, loaded when the driver is there; AMD
 * through /sys. One thread at a time. */
#ifndef CORVETTE_SERVER_GPU_H
#define CORVETTE_SERVER_GPU_H

#include <stddef.h>

#define GPU_MAX 16

struct gpu_load {
    char name[96];
    /* percent; negative = not known */
    double gpu, memory, encoder, decoder;
};

struct gpu;
struct gpu *gpu_create(void);      /* NULL when there is nothing to ask */
void gpu_destroy(struct gpu *gpu); /* NULL is fine */
/* Number of entries filled; names are distinct. */
size_t gpu_read(struct gpu *gpu, struct gpu_load loads[GPU_MAX]);

#endif
