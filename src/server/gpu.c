#include "server/gpu.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/scan.h"
#include "base/str.h"

#define CARDS_MAX 8

/* The part of NVIDIA's management interface that is used (its ABI is versioned by symbol name). */
typedef void *nvml_device;
struct nvml_utilization {
    unsigned gpu, memory;
};
struct nvml_memory {
    unsigned long long total, available, used;
};

struct nvml {
    void *library;
    int (*init)(void);
    int (*shutdown)(void);
    int (*count)(unsigned *count);
    int (*by_index)(unsigned index, nvml_device *device);
    int (*name)(nvml_device device, char *name, unsigned size);
    int (*utilization)(nvml_device device, struct nvml_utilization *utilization);
    int (*memory)(nvml_device device, struct nvml_memory *memory);
    int (*encoder)(nvml_device device, unsigned *percent, unsigned *period_us);
    int (*decoder)(nvml_device device, unsigned *percent, unsigned *period_us);
};

struct gpu {
    struct nvml nvml; /* library NULL: none */
    char amd_cards[CARDS_MAX][64];
    size_t amd_count;
};

static bool nvml_load(struct nvml *nvml)
{
    const struct {
        const char *symbol;
        void *slot;
    } wanted[] = {
        {"nvmlInit_v2", &nvml->init},
        {"nvmlShutdown", &nvml->shutdown},
        {"nvmlDeviceGetCount_v2", &nvml->count},
        {"nvmlDeviceGetHandleByIndex_v2", &nvml->by_index},
        {"nvmlDeviceGetName", &nvml->name},
        {"nvmlDeviceGetUtilizationRates", &nvml->utilization},
        {"nvmlDeviceGetMemoryInfo", &nvml->memory},
        {"nvmlDeviceGetEncoderUtilization", &nvml->encoder},
        {"nvmlDeviceGetDecoderUtilization", &nvml->decoder},
    };
    /* Without the driver's device the library could only fail, slowly. */
    if (access("/dev/nvidiactl", R_OK | W_OK) != 0) {
        return false;
    }
    nvml->library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    bool complete = nvml->library != NULL;
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0] && complete; i++) {
        void *symbol = dlsym(nvml->library, wanted[i].symbol);
        memcpy(wanted[i].slot, &symbol, sizeof symbol);
        complete = symbol != NULL;
    }
    if (complete && nvml->init() == 0) {
        return true;
    }
    log_info("an NVIDIA driver is there but its management library does not answer: no GPU load");
    if (nvml->library != NULL) {
        dlclose(nvml->library);
        nvml->library = NULL;
    }
    return false;
}

static size_t nvml_read(const struct nvml *nvml, struct gpu_load *loads, size_t room)
{
    unsigned devices = 0;
    if (nvml->count(&devices) != 0) {
        return 0;
    }
    size_t filled = 0;
    for (unsigned i = 0; i < devices && filled < room; i++) {
        nvml_device device;
        struct gpu_load *load = &loads[filled];
        *load = (struct gpu_load){.gpu = -1, .memory = -1, .encoder = -1, .decoder = -1};
        if (nvml->by_index(i, &device) != 0 ||
            nvml->name(device, load->name, sizeof load->name) != 0) {
            continue;
        }
        struct nvml_utilization utilization;
        struct nvml_memory memory;
        unsigned percent;
        unsigned period_us;
        if (nvml->utilization(device, &utilization) == 0) {
            load->gpu = utilization.gpu;
        }
        if (nvml->memory(device, &memory) == 0 && memory.total > 0) {
            load->memory = 100.0 * (double)memory.used / (double)memory.total;
        }
        if (nvml->encoder(device, &percent, &period_us) == 0) {
            load->encoder = percent;
        }
        if (nvml->decoder(device, &percent, &period_us) == 0) {
            load->decoder = percent;
        }
        filled++;
    }
    return filled;
}

static bool read_number(const char *directory, const char *name, int64_t *value)
{
    char path[128];
    AUTO_STR struct str text = {0};
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return str_read_file(&text, path, 64) == 0 && scan_numbers(str_text(&text), value, 1) == 1;
}

static void find_amd(struct gpu *gpu)
{
    for (unsigned i = 0; i < CARDS_MAX; i++) {
        char *directory = gpu->amd_cards[gpu->amd_count];
        int64_t busy;
        snprintf(directory, sizeof gpu->amd_cards[0], "/sys/class/drm/card%u/device", i);
        if (read_number(directory, "gpu_busy_percent", &busy)) {
            gpu->amd_count++;
        }
    }
}

static bool amd_read(const char *directory, struct gpu_load *load)
{
    int64_t busy;
    int64_t total;
    int64_t used;
    *load = (struct gpu_load){.gpu = -1, .memory = -1, .encoder = -1, .decoder = -1};
    snprintf(load->name, sizeof load->name, "amd-gpu");
    if (!read_number(directory, "gpu_busy_percent", &busy)) {
        return false;
    }
    load->gpu = (double)busy;
    if (read_number(directory, "mem_info_vram_total", &total) && total > 0 &&
        read_number(directory, "mem_info_vram_used", &used)) {
        load->memory = 100.0 * (double)used / (double)total;
    }
    return true;
}

struct gpu *gpu_create(void)
{
    struct gpu *gpu = mem_alloc(sizeof *gpu);
    bool nvidia = nvml_load(&gpu->nvml);
    find_amd(gpu);
    if (!nvidia && gpu->amd_count == 0) {
        gpu_destroy(gpu);
        return NULL;
    }
    return gpu;
}

void gpu_destroy(struct gpu *gpu)
{
    if (gpu != NULL && gpu->nvml.library != NULL) {
        gpu->nvml.shutdown();
        dlclose(gpu->nvml.library);
    }
    free(gpu);
}

/* "NVIDIA A2", "NVIDIA A2 2", ... */
static void make_distinct(struct gpu_load *loads, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        unsigned same = 1;
        for (size_t j = 0; j < i; j++) {
            same += strncmp(loads[j].name, loads[i].name, strlen(loads[i].name)) == 0;
        }
        if (same > 1) {
            size_t length = strlen(loads[i].name);
            snprintf(loads[i].name + length, sizeof loads[i].name - length, " %u", same);
        }
    }
}

size_t gpu_read(struct gpu *gpu, struct gpu_load loads[GPU_MAX])
{
    size_t count = gpu->nvml.library != NULL ? nvml_read(&gpu->nvml, loads, GPU_MAX) : 0;
    for (size_t i = 0; i < gpu->amd_count && count < GPU_MAX; i++) {
        count += amd_read(gpu->amd_cards[i], &loads[count]);
    }
    make_distinct(loads, count);
    return count;
}
