#include "link/ptz.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "link/ptz_private.h"

/* A camera that could not be asked is not asked again so soon: whoever wants it meanwhile gets the
 * same sentence at once instead of waiting as well. */
#define FAILED_US 5000000
#define PRESETS_US 30000000 /* older ones are asked for again before they are shown */

struct ptz {
    const struct config *config;
    int stop_fd;
    struct ptz_camera *cameras;
};

struct ptz *ptz_create(const struct config *config)
{
    struct ptz *ptz = mem_alloc(sizeof *ptz);
    ptz->config = config;
    ptz->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (ptz->stop_fd < 0) {
        free(ptz);
        return NULL;
    }
    ptz->cameras = mem_array(config->camera_count, sizeof *ptz->cameras);
    for (size_t i = 0; i < config->camera_count; i++) {
        struct ptz_camera *camera = &ptz->cameras[i];
        camera->config = &config->cameras[i];
        pthread_mutex_init(&camera->lock, NULL);
        pthread_cond_init(&camera->turn, NULL);
        const struct cfg_onvif *onvif = &camera->config->onvif;
        if (onvif->host[0] != '\0') {
            struct onvif_setup setup = {
                .host = onvif->host,
                .port = onvif->port,
                .user = onvif->user,
                .password = onvif->password,
                .follow_clock = onvif->ignore_time_mismatch,
                .stop_fd = ptz->stop_fd,
            };
            camera->onvif = onvif_create(&setup);
        }
    }
    return ptz;
}

void ptz_destroy(struct ptz *ptz)
{
    if (ptz == NULL) {
        return;
    }
    for (size_t i = 0; i < ptz->config->camera_count; i++) {
        onvif_destroy(ptz->cameras[i].onvif);
        pthread_cond_destroy(&ptz->cameras[i].turn);
        pthread_mutex_destroy(&ptz->cameras[i].lock);
    }
    free(ptz->cameras);
    close(ptz->stop_fd);
    free(ptz);
}

void ptz_stop(struct ptz *ptz)
{
    eventfd_write(ptz->stop_fd, 1);
}

/* ---- talking to one camera ---- */

/* Puts the camera and its host before the sentence. */
static int name_it(const struct ptz_camera *camera, struct err *err)
{
    const struct cfg_onvif *onvif = &camera->config->onvif;
    return err_prefix(err, "camera %s (ONVIF %s:%d)", camera->config->name, onvif->host,
                      onvif->port);
}

static void leave(struct ptz_camera *camera)
{
    pthread_mutex_lock(&camera->lock);
    camera->now_serving++;
    pthread_cond_broadcast(&camera->turn);
    pthread_mutex_unlock(&camera->lock);
}

/* Waits for a turn, which those before it bound: each is over at its deadline. */
static bool take_turn(struct ptz_camera *camera)
{
    pthread_mutex_lock(&camera->lock);
    bool room = camera->next_ticket - camera->now_serving < PTZ_WAITING_MAX;
    if (room) {
        uint64_t ticket = camera->next_ticket++;
        while (camera->now_serving != ticket) {
            pthread_cond_wait(&camera->turn, &camera->lock);
        }
    }
    pthread_mutex_unlock(&camera->lock);
    return room;
}

/* Begins a call: the camera is ours until leave(). */
static int enter(struct ptz_camera *camera, struct err *err)
{
    const char *name = camera->config->name;
    if (camera->onvif == NULL) {
        return err_set(err, ENODEV, "camera %s has no onvif.host in the configuration", name);
    }
    struct mono deadline = {mono_now().us + (int64_t)PTZ_WAIT_MS * 1000};
    if (!take_turn(camera)) {
        return err_set(err, EBUSY, "camera %s: it is still busy with %d requests before this one",
                       name, PTZ_WAITING_MAX);
    }
    if (mono_now().us >= deadline.us) {
        leave(camera);
        return err_set(err, EBUSY, "camera %s: the requests before this one took all the time",
                       name);
    }
    onvif_set_deadline(camera->onvif, deadline);
    return 0;
}

/* Sees to it that the camera is known. `urgent`: however lately it failed. */
static int know(struct ptz_camera *camera, bool urgent, struct err *err)
{
    if (camera->known) {
        return 0;
    }
    if (!urgent && camera->failed_at.us != 0 && mono_since_us(camera->failed_at) < FAILED_US) {
        *err = camera->failure;
        return -err->code;
    }
    int result = onvif_learn(camera->onvif, err);
    camera->known = result == 0;
    camera->active = false;
    camera->failed_at = (struct mono){0};
    camera->presets_at = mono_now();
    if (result == -ECANCELED) {
        return result;
    }
    if (result < 0) {
        name_it(camera, err);
        camera->failed_at = mono_now();
        camera->failure = *err;
        log_warning("%s", err->text);
    } else {
        struct onvif_facts facts;
        onvif_get_facts(camera->onvif, &facts);
        log_info("camera %s: ONVIF %s, %zu presets", camera->config->name,
                 facts.features != 0 ? "with motors" : "without motors", facts.preset_count);
    }
    return result;
}

/* Whether what we know may be wrong: the camera has restarted with other tokens, another address of
 * its services, another login. */
static bool may_be_stale(int result)
{
    return result == -EREMOTEIO || result == -EACCES || result == -EBADMSG;
}

/* Takes the step if the camera is known or can be. */
static int try_step(struct ptz_camera *camera, bool urgent, ptz_step_fn fn, void *context,
                    struct err *err)
{
    *err = ERR_NONE;
    int result = know(camera, urgent, err);
    if (result == 0) {
        result = fn(camera, context, err);
        if (result < 0) {
            name_it(camera, err);
        }
    }
    return result;
}

int ptz_step(struct ptz *ptz, int index, bool urgent, ptz_step_fn fn, void *context,
             struct err *err)
{
    struct ptz_camera *camera = &ptz->cameras[index];
    int result = enter(camera, err);
    if (result < 0) {
        return result;
    }
    bool known_before = camera->known;
    result = try_step(camera, urgent, fn, context, err);
    if (known_before && may_be_stale(result)) {
        camera->known = false;
        result = try_step(camera, urgent, fn, context, err);
    }
    leave(camera);
    return result;
}

/* ---- asking ---- */

static const struct {
    enum onvif_feature feature;
    const char *name;
} features[] = {
    {ONVIF_PT, "pt"},         {ONVIF_ZOOM, "zoom"},     {ONVIF_PT_R, "pt-r"},
    {ONVIF_ZOOM_R, "zoom-r"}, {ONVIF_ZOOM_A, "zoom-a"}, {ONVIF_PT_R_FOV, "pt-r-fov"},
};

/* Users make presets in the camera: they are asked for again now and then. */
static int refresh_presets(struct ptz_camera *camera, struct err *err)
{
    if (mono_since_us(camera->presets_at) < PRESETS_US) {
        return 0;
    }
    int result = onvif_refresh_presets(camera->onvif, err);
    if (result < 0) {
        return name_it(camera, err);
    }
    camera->presets_at = mono_now();
    return 0;
}

int ptz_info_json(struct ptz *ptz, int index, struct jout *json, struct err *err)
{
    struct ptz_camera *camera = &ptz->cameras[index];
    struct onvif_facts facts = {0};
    int result = enter(camera, err);
    bool entered = result == 0;
    if (entered) {
        result = know(camera, false, err);
    }
    if (result == 0) {
        result = refresh_presets(camera, err);
    }
    if (camera->known) {
        onvif_get_facts(camera->onvif, &facts);
    }
    jout_begin_object(json);
    if (result < 0 && camera->onvif != NULL) {
        jout_put_string(json, "error", err->text);
    }
    if (camera->onvif != NULL) {
        jout_key(json, "features");
        jout_begin_array(json);
        for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
            if ((facts.features & features[i].feature) != 0) {
                jout_string(json, features[i].name);
            }
        }
        jout_end_array(json);
        jout_put_string(json, "name", camera->config->name);
        jout_key(json, "presets");
        jout_begin_array(json);
        for (size_t i = 0; i < facts.preset_count; i++) {
            jout_string(json, facts.presets[i].name);
        }
        jout_end_array(json);
    }
    jout_end_object(json);
    if (entered) {
        leave(camera);
    }
    return result;
}

static int get_status(struct ptz_camera *camera, void *context, struct err *err)
{
    return onvif_get_status(camera->onvif, context, err);
}

static void put_number(struct jout *json, const char *key, bool has, double value)
{
    jout_key(json, key);
    if (has) {
        jout_double(json, value);
    } else {
        jout_null(json);
    }
}

int ptz_status_json(struct ptz *ptz, int camera, struct jout *json, struct err *err)
{
    struct onvif_status status = {0};
    int result = ptz_step(ptz, camera, false, get_status, &status, err);
    if (result < 0) {
        return result;
    }
    jout_begin_object(json);
    jout_key(json, "moving");
    if (status.has_move) {
        jout_bool(json, status.moving);
    } else {
        jout_null(json);
    }
    jout_put_string(json, "name", ptz->cameras[camera].config->name);
    put_number(json, "pan", status.has_pan_tilt, status.pan);
    put_number(json, "tilt", status.has_pan_tilt, status.tilt);
    put_number(json, "zoom", status.has_zoom, status.zoom);
    jout_end_object(json);
    return 0;
}
