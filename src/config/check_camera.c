/* What is right by itself but not together, within one camera. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/check.h"
#include "config/presets.h"

struct cfg_camera_checker cfg_camera_checker(const struct cfg_checker *c, size_t index)
{
    return (struct cfg_camera_checker){.all = c,
                                       .camera = &c->config->cameras[index],
                                       .entry = &cfg_get(c->root, "cameras")->entries[index]};
}

void cfg_tell_camera(const struct cfg_camera_checker *c, bool is_warning, const char *dotted,
                     const char *format, ...)
{
    AUTO_STR struct str message = {0};
    va_list args;
    va_start(args, format);
    str_addv(&message, format, args);
    va_end(args);
    const struct cfg_path at_cameras = {.key = "cameras"};
    const struct cfg_path at_camera = {.up = &at_cameras, .key = c->entry->key};
    const struct cfg_path path = {.up = &at_camera, .key = dotted};
    bool own = cfg_has(c->entry->value, dotted) || !cfg_has(c->all->root, dotted);
    int line = own ? cfg_line_of(c->entry->value, dotted, c->entry->line)
                   : cfg_line_of(c->all->root, dotted, c->entry->line);
    struct cfg_issues *issues = c->all->loader->issues;
    if (is_warning) {
        cfg_warn(issues, line, *dotted != '\0' ? &path : &at_camera, "%s", str_text(&message));
    } else {
        cfg_error(issues, line, *dotted != '\0' ? &path : &at_camera, "%s", str_text(&message));
    }
}

#define ERROR(c, dotted, ...) cfg_tell_camera((c), false, (dotted), __VA_ARGS__)
#define WARN(c, dotted, ...) cfg_tell_camera((c), true, (dotted), __VA_ARGS__)

/* --- name --------------------------------------------------------------------------------------
 */

static void check_name(const struct cfg_camera_checker *c)
{
    /* GET /api/<camera> gives the camera's picture, unless one of our own pages has that name. */
    static const char *const pages[] = {
        "auth",    "birdseye",   "config",   "event",      "events",  "export",  "exports",
        "go2rtc",  "labels",     "login",    "logout",     "logs",    "metrics", "plus",
        "preview", "profile",    "ptz",      "recordings", "restart", "review",  "reviews",
        "stats",   "sub_labels", "timeline", "users",      "vainfo",  "version", "vod"};
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    const char *name = c->camera->name;
    if (name[0] == '\0' || name[strspn(name, allowed)] != '\0') {
        ERROR(c, "", "a camera's name may hold letters, digits, _ and - only");
    } else if (strlen(name) > CFG_MAX_NAME) {
        ERROR(c, "", "a camera's name may have at most %d letters", CFG_MAX_NAME);
    }
    for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
        if (strcmp(name, pages[i]) == 0) {
            WARN(c, "",
                 "/api/%s is something else, so the picture cannot be had there; "
                 "another name is better",
                 name);
        }
    }
}

/* --- inputs ------------------------------------------------------------------------------------
 */

static void check_input(const struct cfg_camera_checker *c, const struct cfg_node *written,
                        size_t index)
{
    const struct cfg_input *input = &c->camera->ffmpeg.inputs[index];
    char dotted[64];
    if (cfg_has(written, "path") && cfg_get(written, "path")->kind == CFG_STRING &&
        cfg_get(written, "path")->text[0] == '\0') {
        snprintf(dotted, sizeof dotted, "ffmpeg.inputs.%zu.path", index);
        ERROR(c, dotted, "is empty");
    }
    if (!cfg_has(written, "roles") && c->camera->ffmpeg.count > 1) {
        snprintf(dotted, sizeof dotted, "ffmpeg.inputs.%zu.roles", index);
        ERROR(c, dotted, "is missing: with several inputs, each must say what it is for");
    } else if (cfg_has(written, "roles") && c->camera->ffmpeg.count > 1 &&
               input->role_names.count == 0 && cfg_get(written, "roles")->count == 0 &&
               cfg_get(written, "roles")->kind == CFG_LIST) {
        snprintf(dotted, sizeof dotted, "ffmpeg.inputs.%zu.roles", index);
        WARN(c, dotted, "is empty, so this input is not used");
    }
}

/* Whether every input's roles were readable; if not, that was told and the rest would mislead. */
static bool roles_are_known(const struct cfg_camera_checker *c, const struct cfg_node *inputs)
{
    for (size_t i = 0; i < c->camera->ffmpeg.count; i++) {
        const struct cfg_node *roles = cfg_get(inputs->items[i], "roles");
        if (c->camera->ffmpeg.count > 1 &&
            (roles == NULL || roles->kind != CFG_LIST ||
             roles->count != c->camera->ffmpeg.inputs[i].role_names.count)) {
            return false;
        }
    }
    return true;
}

static unsigned check_role_once(const struct cfg_camera_checker *c)
{
    static const struct {
        unsigned role;
        const char *name;
    } roles[] = {
        {CFG_ROLE_DETECT, "detect"}, {CFG_ROLE_RECORD, "record"}, {CFG_ROLE_AUDIO, "audio"}};
    unsigned all = 0;
    for (size_t r = 0; r < ARRAY_SIZE(roles); r++) {
        size_t times = 0;
        for (size_t i = 0; i < c->camera->ffmpeg.count; i++) {
            const struct cfg_list *names = &c->camera->ffmpeg.inputs[i].role_names;
            for (size_t j = 0; j < names->count; j++) {
                times += strcmp(names->items[j], roles[r].name) == 0;
            }
        }
        all |= times > 0 ? roles[r].role : 0;
        if (times > 1) {
            ERROR(c, "ffmpeg.inputs", "the role %s is given to more than one input", roles[r].name);
        }
    }
    return all;
}

static void check_inputs(const struct cfg_camera_checker *c)
{
    const struct cfg_node *inputs = cfg_get(cfg_get(c->entry->value, "ffmpeg"), "inputs");
    if (inputs == NULL || inputs->kind != CFG_LIST) {
        return; /* told already */
    }
    if (inputs->count == 0) {
        ERROR(c, "ffmpeg.inputs", "names no input; a camera needs at least one");
        return;
    }
    for (size_t i = 0; i < c->camera->ffmpeg.count; i++) {
        check_input(c, inputs->items[i], i);
    }
    if (!roles_are_known(c, inputs)) {
        return;
    }
    unsigned roles = check_role_once(c);
    if ((roles & CFG_ROLE_DETECT) == 0) {
        ERROR(c, "ffmpeg.inputs", "no input has the role detect");
    }
    if (c->camera->record.enabled && (roles & CFG_ROLE_RECORD) == 0) {
        ERROR(c, "record.enabled", "is on, but no input has the role record");
    }
    if (c->camera->audio.enabled && (roles & CFG_ROLE_AUDIO) == 0) {
        ERROR(c, "audio.enabled", "is on, but no input has the role audio");
    }
}

/* Own options must cut segments, and short ones: everything else relies on it. */
static void check_record_args(const struct cfg_camera_checker *c)
{
    const struct cfg_list *args = &c->camera->ffmpeg.common.output_args.record;
    if (config_preset_name(args) != NULL) {
        return;
    }
    for (size_t i = 0; i + 1 < args->count; i++) {
        if (strcmp(args->items[i], "-segment_time") == 0) {
            double seconds;
            if (!str_to_double(args->items[i + 1], &seconds) || seconds <= 0 || seconds > 60) {
                ERROR(c, "ffmpeg.output_args.record", "-segment_time must be 1 to 60 seconds");
            }
            return;
        }
    }
    ERROR(c, "ffmpeg.output_args.record",
          "must hold -segment_time, or be a preset such as preset-record-generic");
}

/* --- detection ---------------------------------------------------------------------------------
 */

static void check_detect(const struct cfg_camera_checker *c)
{
    const struct cfg_detect *detect = &c->camera->detect;
    if (detect->width % 2 != 0) {
        ERROR(c, "detect.width", "must be even");
    }
    if (detect->height % 2 != 0) {
        ERROR(c, "detect.height", "must be even");
    }
    if (detect->min_initialized >= detect->max_disappeared) {
        ERROR(c,
              cfg_has(c->entry->value, "detect.max_disappeared") ? "detect.max_disappeared"
                                                                 : "detect.min_initialized",
              "min_initialized (%d) must be less than max_disappeared (%d)",
              detect->min_initialized, detect->max_disappeared);
    }
    if (detect->fps > 10) {
        WARN(c, "detect.fps", "more than 10 costs much and finds hardly more; 5 is recommended");
    }
    if (detect->enabled && !c->camera->motion.enabled) {
        ERROR(c, "motion.enabled", "detection needs motion: turn it on, or detect.enabled off");
    }
}

static void check_filter(const struct cfg_camera_checker *c, const struct cfg_filter *filter,
                         const char *where)
{
    AUTO_STR struct str dotted = {0};
    str_addf(&dotted, "%s.%s", where, filter->name);
    const char *at = str_text(&dotted);
    if (filter->min_area > filter->max_area) {
        WARN(c, at, "min_area is above max_area, so nothing passes");
    }
    if (filter->min_ratio > filter->max_ratio) {
        WARN(c, at, "min_ratio is above max_ratio, so nothing passes");
    }
    if (filter->threshold > 1 || filter->min_score > 1) {
        WARN(c, at, "scores go from 0 to 1, so nothing passes a threshold or min_score above 1");
    }
}

static void check_filters(const struct cfg_camera_checker *c)
{
    const struct cfg_filters *filters = &c->camera->objects.filters;
    for (size_t i = 0; i < filters->count; i++) {
        check_filter(c, &filters->items[i], "objects.filters");
    }
}

/* --- zones -------------------------------------------------------------------------------------
 */

static bool has_zone(const struct cfg_camera *camera, const char *name)
{
    for (size_t i = 0; i < camera->zone_count; i++) {
        if (strcmp(camera->zones[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void check_zone(const struct cfg_camera_checker *c, const struct cfg_zone *zone)
{
    AUTO_STR struct str dotted = {0}, filters = {0};
    str_addf(&dotted, "zones.%s", zone->name);
    const char *at = str_text(&dotted);
    if (cfg_is_camera(c->all, zone->name)) {
        ERROR(c, at, "a zone may not have the name of a camera");
    }
    if (zone->name[0] == '\0') {
        ERROR(c, at, "a zone needs a name");
    }
    for (size_t i = 0; i < zone->objects.count; i++) {
        if (!config_list_has(&c->camera->objects.track, zone->objects.items[i])) {
            AUTO_STR struct str objects = {0};
            str_addf(&objects, "%s.objects", at);
            ERROR(c, str_text(&objects), "\"%s\" is not tracked by this camera (objects.track)",
                  zone->objects.items[i]);
        }
    }
    str_addf(&filters, "%s.filters", at);
    for (size_t i = 0; i < zone->filters.count; i++) {
        check_filter(c, &zone->filters.items[i], str_text(&filters));
    }
}

static void check_required_zones(const struct cfg_camera_checker *c)
{
    const struct cfg_camera *camera = c->camera;
    const struct {
        const struct cfg_list *zones;
        const char *dotted;
        bool is_warning; /* the peer lets these pass */
    } lists[] = {
        {&camera->review.alerts.required_zones, "review.alerts.required_zones", false},
        {&camera->review.detections.required_zones, "review.detections.required_zones", false},
        {&camera->snapshots.required_zones, "snapshots.required_zones", true},
        {&camera->mqtt.required_zones, "mqtt.required_zones", true},
        {&camera->onvif.autotracking.required_zones, "onvif.autotracking.required_zones", true},
    };
    for (size_t l = 0; l < ARRAY_SIZE(lists); l++) {
        for (size_t i = 0; i < lists[l].zones->count; i++) {
            const char *name = lists[l].zones->items[i];
            if (has_zone(camera, name)) {
                continue;
            }
            struct cfg_nearest nearest = {.word = name};
            for (size_t z = 0; z < camera->zone_count; z++) {
                cfg_nearest_offer(&nearest, camera->zones[z].name);
            }
            const char *best = cfg_nearest_best(&nearest);
            /* A global list cannot know every camera's zones: such a camera just never alerts. */
            bool own = cfg_has(c->entry->value, lists[l].dotted);
            cfg_tell_camera(c, lists[l].is_warning || !own, lists[l].dotted,
                            "the camera has no zone \"%s\"%s%s%s", name,
                            best != NULL ? "; did you mean " : "", best != NULL ? best : "",
                            best != NULL ? "?" : "");
        }
    }
}

/* --- the rest ----------------------------------------------------------------------------------
 */

static void check_onvif(const struct cfg_camera_checker *c)
{
    const struct cfg_onvif *onvif = &c->camera->onvif;
    const struct cfg_node *written = cfg_get(c->entry->value, "onvif");
    if (onvif->autotracking.enabled && onvif->autotracking.required_zones.count == 0) {
        ERROR(c, "onvif.autotracking.enabled", "needs required_zones");
    }
    if (onvif->autotracking.enabled && onvif->host[0] == '\0') {
        WARN(c, "onvif.autotracking.enabled", "is on, but onvif.host is empty");
    }
    if (cfg_has(written, "user") != cfg_has(written, "password")) {
        ERROR(c, cfg_has(written, "user") ? "onvif.user" : "onvif.password",
              "user and password must be given both, or neither");
    }
}

/* Footage of events is kept by the stricter of two rules only where both say so. */
static void check_retention(const struct cfg_camera_checker *c)
{
    const struct cfg_record *record = &c->camera->record;
    if (record->enabled && record->retain.days > 0 &&
        record->retain.mode > record->events.retain.mode) {
        WARN(c, "record.retain.mode",
             "is stricter than record.events.retain.mode, so footage that events should keep may "
             "be gone before they end");
    }
}

static void check_live(const struct cfg_camera_checker *c)
{
    const struct cfg_node *streams = cfg_get(c->all->config->go2rtc, "streams");
    if (streams != NULL && cfg_has(c->entry->value, "live.stream_name") &&
        !config_go2rtc_has(c->all->config, c->camera->live.stream_name)) {
        WARN(c, "live.stream_name", "go2rtc.streams has no stream \"%s\"",
             c->camera->live.stream_name);
    }
}

void cfg_check_camera(const struct cfg_camera_checker *c)
{
    check_name(c);
    check_inputs(c);
    check_record_args(c);
    check_detect(c);
    check_filters(c);
    for (size_t i = 0; i < c->camera->zone_count; i++) {
        check_zone(c, &c->camera->zones[i]);
    }
    check_required_zones(c);
    check_onvif(c);
    check_retention(c);
    check_live(c);
}
