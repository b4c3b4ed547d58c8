/* What makes a review item, how grave it is, when it ends, what its thumbnail shows. Contract:
 * pipeline section 13. Pure. */
#ifndef CORVETTE_SERVER_REVIEW_RULES_H
#define CORVETTE_SERVER_REVIEW_RULES_H

#include <stdbool.h>

#include "config/config.h"
#include "ipc/messages.h"
#include "vision/geometry.h"

/* In rising order: an item takes the greatest it meets. */
enum review_severity { REVIEW_NONE = 0, REVIEW_DETECTION, REVIEW_ALERT };

/* "detection", "alert": column severity. */
const char *review_severity_name(enum review_severity severity);
enum review_severity review_severity_from(const char *name); /* REVIEW_NONE: another one */

/* An item ends after so many seconds without activity. */
double review_idle_max_s(enum review_severity severity);

/* A true positive that moves and was seen in this picture, of a label that may concern anybody. */
bool review_is_active(const struct cfg_camera *camera, const struct msg_object *object);
/* By its label and the zones it is in now; REVIEW_NONE: it begins nothing. */
enum review_severity review_object_severity(const struct cfg_camera *camera,
                                            const struct msg_object *object);
enum review_severity review_sound_severity(const struct cfg_camera *camera, const char *label);

/* What a picture has to say. */
struct review_sight {
    unsigned active;
    enum review_severity severity; /* greatest */
    struct box around;             /* all active objects; valid with active > 0 */
};
struct review_sight review_look(const struct cfg_camera *camera, const struct msg_frame *frame);

/* The part of a width x height picture that shows `around`, as nearly 16:9 as that allows; the
 * whole picture when no such part does. Never empty for a picture of at least 1 x 1. */
struct box review_crop(int width, int height, struct box around);

#endif
