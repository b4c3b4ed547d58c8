#include "server/review_thumb.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/canvas.h"

#define QUALITY 60

struct job {
    struct review_thumb thumb;
    char *id;
    bool ok;
};

void review_thumb_path(const char *camera, const char *id, struct str *out)
{
    str_addf(out, "clips/review/thumb-%s-%s.webp", camera, id);
}

static char *path_on_disk(const char *data_dir, const char *camera, const char *id)
{
    AUTO_STR struct str relative = {0};
    review_thumb_path(camera, id, &relative);
    return mem_printf("%s/media/%s", data_dir, str_text(&relative));
}

bool review_thumb_exists(const char *data_dir, const char *camera, const char *id)
{
    AUTO_FREE char *path = path_on_disk(data_dir, camera, id);
    return access(path, R_OK) == 0;
}

void review_thumb_remove(const char *data_dir, const char *camera, const char *id)
{
    AUTO_FREE char *path = path_on_disk(data_dir, camera, id);
    unlink(path);
}

int review_thumb_encode(const struct live_picture *picture, struct box area, struct str *out)
{
    int width;
    if (!picture_size_ok(box_width(area), box_height(area), REVIEW_THUMB_HEIGHT, &width)) {
        return -EINVAL;
    }
    AUTO_CANVAS struct canvas canvas;
    int result = canvas_init(&canvas, picture, area, width, REVIEW_THUMB_HEIGHT);
    return result < 0 ? result : canvas_encode(&canvas, PICTURE_WEBP, QUALITY, out);
}

/* --- the job --- */

static void write_thumb(void *data)
{
    struct job *job = data;
    const struct review_thumb *thumb = &job->thumb;
    AUTO_STR struct str webp = {0};
    AUTO_FREE char *path = path_on_disk(thumb->data_dir, thumb->camera_name, job->id);
    int result = review_thumb_encode(thumb->picture, thumb->area, &webp);
    if (result == 0) {
        result = file_write_atomic(path, webp.data, webp.length);
    }
    job->ok = result == 0;
    if (result < 0) {
        log_error("review item %s of camera %s: cannot write %s: %s", job->id, thumb->camera_name,
                  path, err_name(result));
    }
}

static void report(void *data)
{
    struct job *job = data;
    job->thumb.done(job->thumb.context, job->thumb.camera, job->id, job->ok);
    live_picture_unref(job->thumb.picture);
    free(job->id);
    free(job);
}

int review_thumb_submit(struct jobs *jobs, const struct review_thumb *thumb)
{
    struct job *job = mem_alloc(sizeof *job);
    job->thumb = *thumb;
    job->thumb.picture = live_picture_ref(thumb->picture);
    job->id = mem_strdup(thumb->id);
    job->thumb.id = job->id;
    int result = jobs_submit(jobs, JOB_SOON, write_thumb, report, job);
    if (result < 0) {
        live_picture_unref(job->thumb.picture);
        free(job->id);
        free(job);
    }
    return result;
}
