/* What listening needs: a sound model, and labels for what it says. */
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "config/check.h"

#define PATH_KEY "corvette.sound_model_path"
#define LABELS_KEY "corvette.sound_labels_path"

bool config_listens(const struct config *config)
{
    for (size_t i = 0; i < config->camera_count; i++) {
        if (config->cameras[i].enabled && config->cameras[i].audio.enabled) {
            return true;
        }
    }
    return false;
}

static bool knows(const struct cfg_labels *labels, const char *label)
{
    for (size_t i = 0; i < labels->count; i++) {
        if (strcmp(labels->items[i], label) == 0) {
            return true;
        }
    }
    return false;
}

/* Each label once, at the first camera that listens for it. */
static void check_listened(const struct cfg_checker *c, const struct cfg_labels *labels)
{
    for (size_t i = 0; i < c->config->camera_count; i++) {
        const struct cfg_audio *audio = &c->config->cameras[i].audio;
        for (size_t k = 0; audio->enabled && k < audio->listen.count; k++) {
            const char *label = audio->listen.items[k];
            bool told = false;
            for (size_t j = 0; j < i && !told; j++) {
                const struct cfg_audio *before = &c->config->cameras[j].audio;
                told = before->enabled && config_list_has(&before->listen, label);
            }
            if (!told && !knows(labels, label)) {
                struct cfg_camera_checker cc = cfg_camera_checker(c, i);
                cfg_tell_camera(&cc, true, "audio.listen",
                                "the sound model knows no \"%s\"; it will not be heard", label);
            }
        }
    }
}

void cfg_check_sound(const struct cfg_checker *c)
{
    if (!config_listens(c->config)) {
        return;
    }
    const char *path = c->config->sound_model.path;
    if (path == NULL) {
        cfg_tell(c, true, PATH_KEY,
                 "no sound model is given, so only the small demo sound model listens, which "
                 "knows generated speech, barks and alarms and is not made for real cameras: give "
                 "an ONNX file laid out like YAMNet");
        return;
    }
    if (access(path, R_OK) != 0) {
        cfg_tell(c, true, PATH_KEY,
                 "the file cannot be read; levels are measured, but no sound is recognised");
        return;
    }
    struct cfg_labels labels;
    struct err err = ERR_NONE;
    if (!config_sound_labels_load(c->config, &labels, &err)) {
        AUTO_STR struct str text = {0};
        str_addf(&text, "%s; levels are measured, but no sound is recognised", err.text);
        cfg_tell(c, true, LABELS_KEY, str_text(&text));
        return;
    }
    check_listened(c, &labels);
    config_labels_free(&labels);
}
