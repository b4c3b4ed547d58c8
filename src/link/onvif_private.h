/* What the parts of the ONVIF client share: learning (onvif_learn.c) and moving (onvif.c). */
#ifndef CORVETTE_LINK_ONVIF_PRIVATE_H
#define CORVETTE_LINK_ONVIF_PRIVATE_H

#include "link/onvif.h"
#include "link/soap.h"

#define ONVIF_DEVICE "http://www.onvif.org/ver10/device/wsdl"
#define ONVIF_MEDIA "http://www.onvif.org/ver10/media/wsdl"
#define ONVIF_PTZ "http://www.onvif.org/ver20/ptz/wsdl"
#define ONVIF_SCHEMA "http://www.onvif.org/ver10/schema"

/* A coordinate system of the motors. */
struct onvif_space {
    char *uri; /* NULL: the device does not name it; its default is meant */
    double x_min, x_max, y_min, y_max;
};

enum onvif_space_kind {
    ONVIF_SPACE_PT = 0,
    ONVIF_SPACE_ZOOM,
    ONVIF_SPACE_PT_R,
    ONVIF_SPACE_PT_R_FOV,
    ONVIF_SPACE_ZOOM_R,
    ONVIF_SPACE_ZOOM_A,
    ONVIF_SPACES,
};

struct onvif {
    struct onvif_setup setup;
    struct soap soap;
    char *base; /* "http://host:port" */
    /* learned: */
    char *device_url, *media_url, *ptz_url; /* ptz_url NULL: no motors */
    char *profile;                          /* token */
    int64_t clock_offset_us;                /* how far the device's clock is ahead of ours */
    unsigned features;
    struct onvif_space spaces[ONVIF_SPACES];
    struct onvif_preset *presets;
    size_t preset_count, preset_capacity;
};

/* Takes everything learned back. */
void onvif_forget(struct onvif *onvif);

#endif
