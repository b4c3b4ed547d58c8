/* What streams hold and what the graphics card can do, found out on demand. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jout.h"
#include "base/mem.h"
#include "http/api.h"
#include "http/request.h"
#include "server/probes.h"
#include "server/server.h"

#define CAMERA "camera"

static void reply_probed(struct request *request, int result, const struct err *err,
                         struct str *text)
{
    if (result < 0) {
        reply_message(request, 503, false, "%s", err->text);
    } else {
        reply_json(request, 200, text);
    }
}

static void probe(struct request *request, const char *const *paths, size_t count)
{
    AUTO_STR struct str text = {0};
    struct jout json = {.out = &text};
    struct err err = ERR_NONE;
    if (count > PROBES_PATHS_MAX) {
        reply_message(request, 400, false, "More than %d paths at once", PROBES_PATHS_MAX);
        return;
    }
    int result = probes_streams(server_probes(request->server), paths, count, &json, &err);
    reply_probed(request, result, &err, &text);
}

/* "camera:NAME" */
static void probe_camera(struct request *request, const char *name)
{
    const struct cfg_camera *camera = config_camera(request->config, name);
    const char *paths[PROBES_PATHS_MAX];
    size_t count = 0;
    if (camera == NULL) {
        reply_message(request, 404, false, "%s is not a valid camera.", name);
    } else if (!camera->enabled) {
        reply_message(request, 404, false, "%s is not enabled.", name);
    } else {
        for (; count < camera->ffmpeg.count && count < PROBES_PATHS_MAX; count++) {
            paths[count] = camera->ffmpeg.inputs[count].path;
        }
        probe(request, paths, count);
    }
}

/* Whether an address begins here: letters and "://". */
static bool begins_address(const char *text)
{
    size_t letters = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    return letters > 0 && strncmp(text + letters, "://", 3) == 0;
}

/* A comma in a password does not part two paths: where masking hides all commas, only those before
 * an address do. */
static void probe_paths(struct request *request, const char *text)
{
    const char *paths[PROBES_PATHS_MAX + 1];
    AUTO_STR struct str masked = {0};
    config_mask_url(text, &masked);
    bool any_comma = strchr(str_text(&masked), ',') != NULL;
    char *at = request_keep(request, mem_strdup(text));
    size_t count = 0;
    paths[count++] = at;
    while (count <= PROBES_PATHS_MAX && (at = strchr(at, ',')) != NULL) {
        if (any_comma || begins_address(at + 1)) {
            *at = '\0';
            paths[count++] = at + 1;
        }
        at++;
    }
    probe(request, paths, count);
}

void api_ffprobe(struct request *request)
{
    const char *paths = request_text(request, "paths");
    if (paths == NULL || *paths == '\0') {
        reply_message(request, 404, false, "Path needs to be provided.");
    } else if (strncmp(paths, CAMERA, strlen(CAMERA)) == 0) {
        const char *name = paths + strlen(CAMERA);
        probe_camera(request, *name != '\0' ? name + 1 : name);
    } else {
        probe_paths(request, paths);
    }
}

void api_vainfo(struct request *request)
{
    AUTO_STR struct str text = {0};
    struct jout json = {.out = &text};
    struct err err = ERR_NONE;
    int result = probes_graphics(server_probes(request->server), &json, &err);
    reply_probed(request, result, &err, &text);
}
