/* What is right by itself but not together, for the file as a whole. Cameras: check_camera.c. */
#include <arpa/inet.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "config/check.h"

bool cfg_has(const struct cfg_node *map, const char *dotted)
{
    while (map != NULL && *dotted != '\0') {
        char key[64];
        size_t length = strcspn(dotted, ".");
        if (length >= sizeof key) {
            return false;
        }
        memcpy(key, dotted, length);
        key[length] = '\0';
        map = cfg_get(map, key);
        dotted += length + (dotted[length] == '.');
    }
    return map != NULL;
}

void cfg_tell(const struct cfg_checker *c, bool is_warning, const char *dotted, const char *message)
{
    const struct cfg_path path = {.key = dotted};
    int line = cfg_line_of(c->root, dotted, 0);
    if (is_warning) {
        cfg_warn(c->loader->issues, line, &path, "%s", message);
    } else {
        cfg_error(c->loader->issues, line, &path, "%s", message);
    }
}

static bool matches(const char *text, const char *pattern)
{
    regex_t regex;
    if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0) {
        abort();
    }
    bool found = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

static bool is_given(const struct cfg_node *map, const char *key)
{
    const struct cfg_node *value = cfg_get(map, key);
    return value != NULL && value->kind != CFG_NULL;
}

static void check_mqtt(const struct cfg_checker *c)
{
    const struct cfg_mqtt *mqtt = &c->config->mqtt;
    /* By the keys, not the values: a value that was refused is not a missing one. */
    bool user = is_given(cfg_get(c->root, "mqtt"), "user");
    bool password = is_given(cfg_get(c->root, "mqtt"), "password");
    if (user != password) {
        cfg_tell(c, false, user ? "mqtt.user" : "mqtt.password",
                 user ? "needs mqtt.password too, or neither" : "needs mqtt.user too, or neither");
    }
    if (mqtt->enabled && cfg_has(c->root, "mqtt") && mqtt->host[0] == '\0') {
        cfg_tell(c, true, "mqtt.host",
                 "is empty, so no broker can be reached; give it, or set mqtt.enabled: false");
    }
    if (mqtt->topic_prefix[0] == '\0' || strpbrk(mqtt->topic_prefix, "+#") != NULL) {
        cfg_tell(c, false, "mqtt.topic_prefix", "must be a topic: not empty, without + and #");
    }
    if ((mqtt->tls_client_cert == NULL) != (mqtt->tls_client_key == NULL)) {
        cfg_tell(c, true, "mqtt.tls_client_cert", "counts only together with mqtt.tls_client_key");
    }
}

static void check_auth(const struct cfg_checker *c)
{
    const struct cfg_auth *auth = &c->config->auth;
    if (!matches(auth->cookie_name, "^[a-z0-9_]+$")) {
        cfg_tell(c, false, "auth.cookie_name",
                 "may hold small letters, digits and underscores only");
    }
    if (auth->failed_login_rate_limit != NULL &&
        strcmp(auth->failed_login_rate_limit, "None") != 0 &&
        !matches(auth->failed_login_rate_limit,
                 "^ *[0-9]+ *(/|per) *[0-9]* *(second|minute|hour|day|month|year)s?"
                 "( *[;,|] *[0-9]+ *(/|per) *[0-9]* *(second|minute|hour|day|month|year)s?)* *$")) {
        cfg_tell(c, true, "auth.failed_login_rate_limit",
                 "is not understood, so logins are not limited; write such as 1/second;5/minute");
    }
    for (size_t i = 0; i < auth->trusted_proxies.count; i++) {
        AUTO_STR struct str address = {0};
        const char *text = auth->trusted_proxies.items[i];
        str_add_bytes(&address, text, strcspn(text, "/"));
        unsigned char bytes[16];
        if (inet_pton(AF_INET, str_text(&address), bytes) != 1 &&
            inet_pton(AF_INET6, str_text(&address), bytes) != 1) {
            cfg_tell(c, true, "auth.trusted_proxies",
                     "an entry is no network such as 172.16.0.0/12, and is ignored");
        }
    }
}

static void check_ui(const struct cfg_checker *c)
{
    const char *zone = c->config->ui.timezone;
    if (zone == NULL || access("/usr/share/zoneinfo/UTC", R_OK) != 0) {
        return;
    }
    AUTO_STR struct str path = {0};
    str_addf(&path, "/usr/share/zoneinfo/%s", zone);
    if (zone[0] == '\0' || strstr(zone, "..") != NULL || access(str_text(&path), R_OK) != 0) {
        cfg_tell(c, true, "ui.timezone", "is no time zone known here; write such as Europe/Berlin");
    }
}

static void check_groups(const struct cfg_checker *c)
{
    const struct cfg_path top = {.key = "camera_groups"};
    for (size_t i = 0; i < c->config->camera_group_count; i++) {
        const struct cfg_camera_group *group = &c->config->camera_groups[i];
        const struct cfg_entry *entry = cfg_entry(cfg_get(c->root, "camera_groups"), group->name);
        const struct cfg_path at_group = {.up = &top, .key = group->name};
        const struct cfg_path path = {.up = &at_group, .key = "cameras"};
        for (size_t j = 0; j < group->cameras.count; j++) {
            const char *name = group->cameras.items[j];
            if (!cfg_is_camera(c, name) && strcmp(name, "birdseye") != 0) {
                cfg_warn(c->loader->issues,
                         entry != NULL ? cfg_line_of(entry->value, "cameras", entry->line) : 0,
                         &path, "there is no camera \"%s\"", name);
            }
        }
    }
}

static void check_stream(const struct cfg_checker *c, const char *name,
                         const struct cfg_node *source, const struct cfg_path *up)
{
    const struct cfg_path path = {.up = up, .key = name};
    if (source->kind == CFG_LIST) {
        for (size_t i = 0; i < source->count; i++) {
            if (source->items[i]->kind == CFG_STRING) {
                check_stream(c, name, source->items[i], up);
            }
        }
        return;
    }
    AUTO_STR struct str replaced = {0};
    struct err err = ERR_NONE;
    if (source->kind == CFG_STRING && strpbrk(source->text, "{}") != NULL &&
        !cfg_substitute(c->loader->vars, source->text, &replaced, &err)) {
        cfg_warn(c->loader->issues, source->line, &path, "%s", err.text);
    }
}

static void check_go2rtc(const struct cfg_checker *c)
{
    const struct cfg_node *streams = cfg_get(c->config->go2rtc, "streams");
    const struct cfg_path top = {.key = "go2rtc"};
    const struct cfg_path path = {.up = &top, .key = "streams"};
    if (c->config->go2rtc != NULL && c->config->go2rtc->kind != CFG_MAP &&
        c->config->go2rtc->kind != CFG_NULL) {
        cfg_tell(c, false, "go2rtc", "must be a section with keys of its own");
    }
    for (size_t i = 0; streams != NULL && streams->kind == CFG_MAP && i < streams->count; i++) {
        check_stream(c, streams->entries[i].key, streams->entries[i].value, &path);
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, *(char *const *)b);
}

static int by_two_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

#define MAX_UNKNOWN_LABELS 50 /* told of; finding the place of each looks through all cameras */

/* The first camera that tracks a label, for the place of a warning. */
static void tell_label(const struct cfg_checker *c, const char *label)
{
    for (size_t i = 0; i < c->config->camera_count; i++) {
        const struct cfg_camera *camera = &c->config->cameras[i];
        if (config_list_has(&camera->objects.track, label)) {
            struct cfg_camera_checker cc = cfg_camera_checker(c, i);
            cfg_tell_camera(&cc, true, "objects.track",
                            "the %s knows no \"%s\"; it will not be found",
                            c->config->detectors[0].model.is_demo ? "demo model" : "model", label);
            return;
        }
    }
}

static void check_labels(const struct cfg_checker *c)
{
    struct cfg_labels labels;
    struct err err = ERR_NONE;
    if (c->config->detector_count == 0) {
        return;
    }
    const struct cfg_model *model = &c->config->detectors[0].model;
    if (!config_labels_load(model, &labels, &err)) {
        if (!model->is_demo) {
            cfg_tell(c, true, "model.labelmap_path", err.text);
        }
        return;
    }
    qsort(labels.items, labels.count, sizeof *labels.items, by_two_texts);
    size_t told = 0;
    for (size_t i = 0; i < c->config->colormap.count && told < MAX_UNKNOWN_LABELS; i++) {
        const char *label = c->config->colormap.items[i].name;
        bool known = bsearch(label, labels.items, labels.count, sizeof *labels.items, by_text);
        if (!known && !config_is_attribute(label)) {
            tell_label(c, label);
            told++;
        }
    }
    config_labels_free(&labels);
}

bool cfg_is_camera(const struct cfg_checker *c, const char *name)
{
    return cfg_entry(cfg_get(c->root, "cameras"), name) != NULL ||
           (c->renamed && config_camera_index(c->config, name) >= 0);
}

/* Two cameras of one name, which only a `name` inside a camera can bring about. */
static void check_names(struct cfg_checker *c)
{
    const struct cfg_node *cameras = cfg_get(c->root, "cameras");
    for (size_t i = 0; i < c->config->camera_count; i++) {
        const struct cfg_camera *camera = &c->config->cameras[i];
        if (strcmp(camera->name, cameras->entries[i].key) == 0) {
            continue;
        }
        c->renamed = true;
        struct cfg_camera_checker cc = cfg_camera_checker(c, i);
        if (config_camera_index(c->config, camera->name) != (int)i ||
            cfg_entry(cameras, camera->name) != NULL) {
            cfg_tell_camera(&cc, false, "name", "another camera has this name");
        } else {
            cfg_tell_camera(&cc, true, "name",
                            "gives the camera another name than its key; better use one");
        }
    }
}

void cfg_check(struct cfg_loader *loader, const struct config *config, const struct cfg_node *root)
{
    struct cfg_checker c = {.loader = loader, .config = config, .root = root};
    check_mqtt(&c);
    check_auth(&c);
    check_ui(&c);
    check_go2rtc(&c);
    check_groups(&c);
    cfg_check_sound(&c);
    check_names(&c);
    for (size_t i = 0; i < config->camera_count; i++) {
        struct cfg_camera_checker cc = cfg_camera_checker(&c, i);
        cfg_check_camera(&cc);
    }
    check_labels(&c);
    if (config->version > 0.14) {
        cfg_tell(&c, true, "version",
                 "is that of a later form than 0.14; keys that are new in it are not known here");
    }
    const struct cfg_node *cameras = cfg_get(root, "cameras");
    if (cameras != NULL && cameras->kind == CFG_MAP && cameras->count == 0) {
        cfg_tell(&c, true, "cameras", "names no camera");
    }
}
