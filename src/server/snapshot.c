#include "server/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/picture.h"
#include "server/server.h"

struct snapshot {
    const struct config *config;
    const char *data_dir;
    int camera;
    struct live_object object;
    bool ok;
    snapshot_done_fn done;
    void *context;
};

static struct snapshot *snapshot_new(const struct snapshot *from, const struct live_object *object)
{
    struct snapshot *snapshot = mem_dup(from, sizeof *from);
    live_object_copy(&snapshot->object, object);
    return snapshot;
}

static void snapshot_free(void *data)
{
    struct snapshot *snapshot = data;
    live_object_finish(&snapshot->object);
    free(snapshot);
}

static int write_file(const struct snapshot *snapshot, const char *suffix, const struct str *data)
{
    AUTO_STR struct str path = {0};
    server_clip_path(snapshot->data_dir, snapshot->config->cameras[snapshot->camera].name,
                     snapshot->object.state.id, suffix, &path);
    int result = file_write_atomic(str_text(&path), data->data, data->length);
    if (result < 0) {
        log_error("event %s: cannot write %s: %s", snapshot->object.state.id, str_text(&path),
                  err_name(result));
    }
    return result;
}

static bool jpeg_is_there(const struct snapshot *snapshot)
{
    AUTO_STR struct str path = {0};
    server_clip_path(snapshot->data_dir, snapshot->config->cameras[snapshot->camera].name,
                     snapshot->object.state.id, ".jpg", &path);
    return access(str_text(&path), R_OK) == 0;
}

static void write_jpeg(void *data)
{
    struct snapshot *snapshot = data;
    if (snapshot->object.best.picture == NULL) {
        snapshot->ok = jpeg_is_there(snapshot);
        return;
    }
    AUTO_STR struct str jpeg = {0};
    snapshot->ok =
        picture_snapshot_file(snapshot->config, &snapshot->config->cameras[snapshot->camera],
                              &snapshot->object, &jpeg) == 0 &&
        write_file(snapshot, ".jpg", &jpeg) == 0;
}

static void write_clean(void *data)
{
    struct snapshot *snapshot = data;
    AUTO_STR struct str png = {0};
    /* The JPEG came first. Is it gone, then so is the event: deleted, or the disk is full. */
    if (jpeg_is_there(snapshot) && picture_clean(&snapshot->object, &png) == 0) {
        write_file(snapshot, "-clean.png", &png);
    }
}

static void report(void *data)
{
    struct snapshot *snapshot = data;
    snapshot->done(snapshot->context, snapshot->camera, snapshot->object.state.id, snapshot->ok);
    snapshot_free(snapshot);
}

int snapshot_submit(struct jobs *jobs, const struct config *config, const char *data_dir,
                    int camera, const struct live_object *object, snapshot_done_fn done,
                    void *context)
{
    struct snapshot common = {
        .config = config,
        .data_dir = data_dir,
        .camera = camera,
        .done = done,
        .context = context,
    };
    struct snapshot *jpeg = snapshot_new(&common, object);
    int result = jobs_submit(jobs, JOB_SOON, write_jpeg, report, jpeg);
    if (result < 0) {
        snapshot_free(jpeg);
        return result;
    }
    if (object->best.picture != NULL && config->cameras[camera].snapshots.clean_copy) {
        struct snapshot *clean = snapshot_new(&common, object);
        if (jobs_submit(jobs, JOB_LATER, write_clean, snapshot_free, clean) < 0) {
            log_warning("event %s: too many pictures wait to be written, it gets no clean copy",
                        object->state.id);
            snapshot_free(clean);
        }
    }
    return 0;
}

void snapshot_remove(const char *data_dir, const char *camera, const char *id)
{
    static const char *const suffixes[] = {".jpg", "-clean.png"};
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        AUTO_STR struct str path = {0};
        server_clip_path(data_dir, camera, id, suffixes[i], &path);
        unlink(str_text(&path));
    }
}
