/* Frigate+: pictures sent for training, with what was found in them. Any thread; calls wait for the
 * service, each at most PLUS_WAIT_MS in all. The protocol is the one Frigate speaks. */
#ifndef CORVETTE_LINK_PLUS_H
#define CORVETTE_LINK_PLUS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "link/plus_claims.h"
#include "link/plus_picture.h"

#define PLUS_HOST "https://api.frigate.video"
#define PLUS_WAIT_MS 60000

struct plus;

/* `key`: "<id>:<secret>", or NULL: there is none; `host`: where the service is, or NULL for
 * PLUS_HOST. NULL when there are no descriptors left. */
struct plus *plus_create(const char *key, const char *host);
/* No call may run any more. NULL is fine. */
void plus_destroy(struct plus *plus);
/* Calls that wait end at once with -ECANCELED, and later ones do not begin. */
void plus_stop(struct plus *plus);

bool plus_active(const struct plus *plus); /* there is a key: the calls below may be made */
struct plus_claims *plus_claims(struct plus *plus);

/* What follows returns 0, or -errno with a sentence that may be shown and holds no secret. */

/* Sends the pictures; their id at the service is appended to `image_id`. */
int plus_upload(struct plus *plus, const char *camera, const struct plus_pictures *pictures,
                struct str *image_id, struct err *err);

/* What was found in a picture; boxes are relative: left, top, width, height. */
struct plus_object {
    const char *label;
    double box[4];
    double region[4]; /* this and all below: of false positives alone */
    double score;
    const char *model_hash, *model_type, *detector_type; /* or NULL */
};

/* -EOPNOTSUPP: the service does not know the label. */
int plus_annotate(struct plus *plus, const char *image_id, const struct plus_object *object,
                  struct err *err);
int plus_false_positive(struct plus *plus, const char *image_id, const struct plus_object *object,
                        struct err *err);

#endif
