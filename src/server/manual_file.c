#include "server/manual_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/manual_picture.h"
#include "server/server.h"

bool manual_file_write(const char *data_dir, const struct cfg_camera *camera, const char *id,
                       const char *suffix, const struct str *data)
{
    AUTO_STR struct str path = {0};
    server_clip_path(data_dir, camera->name, id, suffix, &path);
    int result = file_write_atomic(str_text(&path), data->data, data->length);
    if (result < 0) {
        log_error("event %s: cannot write %s: %s", id, str_text(&path), err_name(result));
    }
    return result == 0;
}

void manual_file_remove(const char *data_dir, const struct cfg_camera *camera, const char *id,
                        const char *suffix)
{
    AUTO_STR struct str path = {0};
    server_clip_path(data_dir, camera->name, id, suffix, &path);
    unlink(str_text(&path));
}

void manual_file_write_clean(const char *data_dir, const struct cfg_camera *camera, const char *id,
                             const struct live_picture *picture)
{
    AUTO_STR struct str jpeg = {0}, png = {0};
    server_clip_path(data_dir, camera->name, id, ".jpg", &jpeg);
    if (access(str_text(&jpeg), R_OK) == 0 && manual_picture_png(camera, picture, &png) == 0) {
        manual_file_write(data_dir, camera, id, "-clean.png", &png);
    }
    if (access(str_text(&jpeg), R_OK) != 0) { /* deleted meanwhile */
        manual_file_remove(data_dir, camera, id, "-clean.png");
    }
}

struct clean {
    struct manual_cleans *cleans;
    const struct cfg_camera *camera;
    char id[IPC_ID];
    struct live_picture *picture; /* NULL: the camera has none */
};

static void write_clean(void *data)
{
    const struct clean *clean = data;
    manual_file_write_clean(clean->cleans->data_dir, clean->camera, clean->id, clean->picture);
}

static void clean_free(void *data)
{
    struct clean *clean = data;
    atomic_fetch_sub(&clean->cleans->waiting, 1);
    live_picture_unref(clean->picture);
    free(clean);
}

void manual_file_clean(struct manual_cleans *cleans, const struct cfg_camera *camera,
                       const char *id, struct live_picture *picture)
{
    struct clean *clean = mem_alloc(sizeof *clean);
    *clean =
        (struct clean){.cleans = cleans, .camera = camera, .picture = live_picture_ref(picture)};
    snprintf(clean->id, sizeof clean->id, "%s", id);
    atomic_fetch_add(&cleans->waiting, 1);
    if (jobs_submit(cleans->jobs, JOB_LATER, write_clean, clean_free, clean) < 0) {
        log_warning("event %s: too many pictures wait to be written, it gets no clean copy", id);
        clean_free(clean);
    }
}
