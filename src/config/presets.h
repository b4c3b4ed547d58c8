/* Named sets of options for `input_args`, `hwaccel_args` and `output_args.record`, as the peer has
 * them, and what an ffmpeg command of the peer would look like. Nothing here runs ffmpeg: capture
 * maps the expanded options to its own settings, and /api/config shows the commands. */
#ifndef CORVETTE_CONFIG_PRESETS_H
#define CORVETTE_CONFIG_PRESETS_H

#include "config/config.h"

enum cfg_preset {
    CFG_PRESET_NONE = 0,
    CFG_PRESET_INPUT,   /* how to read a stream */
    CFG_PRESET_HWACCEL, /* how to decode it */
    CFG_PRESET_RECORD,  /* what to write */
};

/* Whether `args` is a preset (a single item "preset-..."), and its name or NULL. */
const char *config_preset_name(const struct cfg_list *args);
bool config_preset_exists(enum cfg_preset kind, const char *name);
/* The known preset most like it, or NULL. */
const char *config_preset_nearest(enum cfg_preset kind, const char *name);

/* What stands in presets for what is only known later. */
struct cfg_preset_values {
    double fps;        /* detect.fps */
    int width, height; /* of the detect picture */
    const char *gpu;   /* render node, see config_gpu_device(); NULL: asked for when needed */
};

/* The options as a list: a preset's with its values put in, others as they are; "auto" and unknown
 * presets give an empty list. The list is the caller's, freed with config_list_finish(). */
void config_presets_expand(enum cfg_preset kind, const struct cfg_list *args,
                           const struct cfg_preset_values *values, struct cfg_list *out);
void config_presets_expand_input(const struct cfg_list *args, double detect_fps,
                                 struct cfg_list *out);
void config_presets_expand_record(const struct cfg_list *args, struct cfg_list *out);

/* Options that scale to the detect size where `hwaccel_args` leaves the pictures. */
void config_presets_scale(const struct cfg_list *hwaccel_args,
                          const struct cfg_preset_values *values, struct cfg_list *out);

/* The whole command of one input as one text with credentials masked, appended; false (and nothing
 * appended) when the input has nothing to do. */
bool config_input_command(const struct cfg_camera *camera, const struct cfg_input *input,
                          struct str *out);

/* First render node under /dev/dri, or "" without one. Caller frees. */
char *config_gpu_device(void);

/* For lists that own their items (those made here). */
void config_list_add(struct cfg_list *list, const char *text);
void config_list_finish(struct cfg_list *list);

#endif
