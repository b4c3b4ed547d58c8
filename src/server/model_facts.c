#include "server/model_facts.h"

#include <errno.h>
#include <fcntl.h>
#include <libavutil/md5.h>
#include <libavutil/mem.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"

struct facts {
    const struct config *config;
    struct events *events;
    char hash[33]; /* "" = unknown */
};

int model_facts_md5(const char *path, char hex[static 33])
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    struct AVMD5 *md5 = av_md5_alloc();
    if (md5 == NULL) {
        return -ENOMEM;
    }
    av_md5_init(md5);
    uint8_t *buffer = mem_alloc(1 << 16);
    ssize_t got;
    while ((got = read(fd, buffer, 1 << 16)) > 0) {
        av_md5_update(md5, buffer, (size_t)got);
    }
    int result = got < 0 ? -errno : 0;
    uint8_t digest[16];
    av_md5_final(md5, digest);
    for (int i = 0; i < 16; i++) {
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    }
    free(buffer);
    av_free(md5);
    return result;
}

static const struct cfg_model *first_model(const struct config *config)
{
    return config->detector_count > 0 ? &config->detectors[0].model : &config->model;
}

static void run(void *data)
{
    struct facts *facts = data;
    const struct cfg_model *model = first_model(facts->config);
    const char *path = model->path != NULL ? model->path : config_demo_model_path();
    if (path == NULL || model_facts_md5(path, facts->hash) < 0) {
        facts->hash[0] = '\0';
    }
}

static const char *type_name(enum cfg_model_type type)
{
    switch (type) {
    case CFG_MODEL_SSD:
        return "ssd";
    case CFG_MODEL_YOLOX:
        return "yolox";
    case CFG_MODEL_YOLONAS:
        return "yolonas";
    case CFG_MODEL_YOLO_GENERIC:
        return "yolo-generic";
    }
    return NULL;
}

static void set(const struct facts *facts)
{
    const struct config *config = facts->config;
    events_set_model(facts->events, facts->hash[0] != '\0' ? facts->hash : NULL,
                     type_name(first_model(config)->model_type),
                     config->detector_count > 0 ? config->detectors[0].type : "cpu");
}

static void done(void *data)
{
    set(data);
    free(data);
}

void model_facts_find(const struct config *config, struct jobs *jobs, struct events *events)
{
    struct facts *facts = mem_alloc(sizeof *facts);
    facts->config = config;
    facts->events = events;
    set(facts); /* all but the hash, which takes a moment */
    if (jobs_submit(jobs, JOB_LATER, run, done, facts) < 0) {
        free(facts);
    }
}
