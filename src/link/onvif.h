/* One ONVIF device (profile S: device, media and PTZ services), from its address to its motors.
 * Basis: ONVIF Core, Media and PTZ service specifications (www.onvif.org/ver10 and ver20 WSDL).
 *
 * What the device offers is learned once, by onvif_learn(), and kept. Every call waits for the
 * device, at most until the deadline last set. One thread at a time. */
#ifndef CORVETTE_LINK_ONVIF_H
#define CORVETTE_LINK_ONVIF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/err.h"

struct onvif;

/* Texts must outlive the onvif. */
struct onvif_setup {
    const char *host; /* name or address; may begin with http:// or https:// */
    int port;
    const char *user, *password; /* or NULL */
    bool follow_clock;           /* log in by the device's clock instead of ours */
    int stop_fd;                 /* see web.h */
};

/* What the motors can do, as Frigate names it. */
enum onvif_feature {
    ONVIF_PT = 1,        /* pt: pans and tilts until stopped */
    ONVIF_ZOOM = 2,      /* zoom: zooms until stopped */
    ONVIF_PT_R = 4,      /* pt-r: pans and tilts by a distance */
    ONVIF_ZOOM_R = 8,    /* zoom-r: zooms by a distance */
    ONVIF_ZOOM_A = 16,   /* zoom-a: zooms to a position */
    ONVIF_PT_R_FOV = 32, /* pt-r-fov: pans and tilts by a distance measured in the picture */
};

struct onvif_preset {
    char *name; /* lower case */
    char *token;
};

/* Valid after onvif_learn(); belongs to the onvif. */
struct onvif_facts {
    unsigned features; /* 0: no motors */
    const struct onvif_preset *presets;
    size_t preset_count;
};

struct onvif *onvif_create(const struct onvif_setup *setup);
void onvif_destroy(struct onvif *onvif); /* NULL is fine */

void onvif_set_deadline(struct onvif *onvif, struct mono deadline);

/* Forgets what was known and asks the device again. All calls from here on: 0, or -errno with a
 * sentence (see soap_call(); -EOPNOTSUPP: the device cannot do that). */
int onvif_learn(struct onvif *onvif, struct err *err);
/* Asks for the presets again; those that are known stay when that fails. */
int onvif_refresh_presets(struct onvif *onvif, struct err *err);
void onvif_get_facts(const struct onvif *onvif, struct onvif_facts *facts);

/* Speeds and distances are -1..1 of what the device can do; right, up and nearer are positive. */
int onvif_pan_tilt(struct onvif *onvif, double pan, double tilt, struct err *err);
int onvif_zoom(struct onvif *onvif, double zoom, struct err *err);
int onvif_stop(struct onvif *onvif, struct err *err);
/* By the picture when the device can (1 is half the picture's width or height), else by whatever
 * its generic space means. */
int onvif_pan_tilt_by(struct onvif *onvif, double pan, double tilt, struct err *err);
int onvif_zoom_by(struct onvif *onvif, double zoom, struct err *err);
int onvif_zoom_to(struct onvif *onvif, double zoom /* 0..1 */, struct err *err);
int onvif_go_to(struct onvif *onvif, const char *preset_token, struct err *err);

struct onvif_status {
    bool has_move, moving; /* whether it says, and says it moves */
    bool has_pan_tilt, has_zoom;
    double pan, tilt, zoom; /* in the device's own units */
};
int onvif_get_status(struct onvif *onvif, struct onvif_status *status, struct err *err);

#endif
