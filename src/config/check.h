/* Shared by check.c, check_camera.c and check_sound.c. */
#ifndef CORVETTE_CONFIG_CHECK_H
#define CORVETTE_CONFIG_CHECK_H

#include "config/loader.h"

struct cfg_checker {
    struct cfg_loader *loader;
    const struct config *config;
    const struct cfg_node *root;
    bool renamed; /* a camera has a `name` that is not its key */
};

struct cfg_camera_checker {
    const struct cfg_checker *all;
    const struct cfg_camera *camera;
    const struct cfg_entry *entry; /* of the camera in the file */
};

/* Whether a key is there, by dots from a map. */
bool cfg_has(const struct cfg_node *map, const char *dotted);
/* About a key at the top of the file. */
void cfg_tell(const struct cfg_checker *c, bool is_warning, const char *dotted,
              const char *message);
bool cfg_is_camera(const struct cfg_checker *c, const char *name);

struct cfg_camera_checker cfg_camera_checker(const struct cfg_checker *c, size_t index);
/* About a key of the camera; the line is where it stands, in the camera or in a global section. */
void cfg_tell_camera(const struct cfg_camera_checker *c, bool is_warning, const char *dotted,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));
void cfg_check_camera(const struct cfg_camera_checker *c);
void cfg_check_sound(const struct cfg_checker *c);

#endif
