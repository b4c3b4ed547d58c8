#include "link/onvif.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "link/onvif_private.h"

struct onvif *onvif_create(const struct onvif_setup *setup)
{
    struct onvif *onvif = mem_alloc(sizeof *onvif);
    onvif->setup = *setup;
    const char *host = setup->host, *scheme = "http://";
    if (strncasecmp(host, "https://", 8) == 0) {
        scheme = "https://";
        host += 8;
    } else if (strncasecmp(host, "http://", 7) == 0) {
        host += 7;
    }
    size_t length = strcspn(host, "/");
    bool bare_v6 = *host != '[' && memchr(host, ':', length) != NULL;
    onvif->base =
        mem_printf(bare_v6 ? "%s[%.*s]:%d" : "%s%.*s:%d", scheme, (int)length, host, setup->port);
    onvif->device_url = mem_printf("%s/onvif/device_service", onvif->base);
    onvif->soap = (struct soap){
        .web = web_create(setup->stop_fd, true),
        .user = setup->user,
        .password = setup->password != NULL ? setup->password : "",
    };
    return onvif;
}

void onvif_destroy(struct onvif *onvif)
{
    if (onvif == NULL) {
        return;
    }
    onvif_forget(onvif);
    web_destroy(onvif->soap.web);
    free(onvif->device_url);
    free(onvif->base);
    free(onvif);
}

void onvif_set_deadline(struct onvif *onvif, struct mono deadline)
{
    onvif->soap.deadline = deadline;
}

void onvif_get_facts(const struct onvif *onvif, struct onvif_facts *facts)
{
    *facts = (struct onvif_facts){
        .features = onvif->features,
        .presets = onvif->presets,
        .preset_count = onvif->preset_count,
    };
}

/* ---- moving ---- */

/* -1..1 onto a range. */
static double scaled(double value, double low, double high)
{
    double clamped = fmax(-1, fmin(1, value));
    return low + (clamped + 1) / 2 * (high - low);
}

static void add_space(struct str *out, const struct onvif_space *space)
{
    if (space->uri != NULL) {
        str_add(out, " space=\"");
        xml_escape(out, space->uri);
        str_add_char(out, '"');
    }
}

static void add_pan_tilt(struct str *out, const struct onvif_space *space, double pan, double tilt)
{
    char x[32], y[32];
    str_addf(out, "<PanTilt xmlns=\"" ONVIF_SCHEMA "\" x=\"%s\" y=\"%s\"",
             str_double(x, scaled(pan, space->x_min, space->x_max)),
             str_double(y, scaled(tilt, space->y_min, space->y_max)));
    add_space(out, space);
    str_add(out, "/>");
}

static void add_zoom(struct str *out, const struct onvif_space *space, double zoom)
{
    char x[32];
    str_addf(out, "<Zoom xmlns=\"" ONVIF_SCHEMA "\" x=\"%s\"",
             str_double(x, scaled(zoom, space->x_min, space->x_max)));
    add_space(out, space);
    str_add(out, "/>");
}

/* <Name><ProfileToken>..</ProfileToken>inner</Name> to the PTZ service. */
static int command(struct onvif *onvif, const char *name, const char *inner,
                   struct soap_answer *answer, struct err *err)
{
    AUTO_STR struct str content = {0};
    AUTO_FREE char *action = mem_printf(ONVIF_PTZ "/%s", name);
    str_addf(&content, "<%s xmlns=\"" ONVIF_PTZ "\"><ProfileToken>", name);
    xml_escape(&content, onvif->profile);
    str_addf(&content, "</ProfileToken>%s</%s>", inner, name);
    int result =
        soap_call(&onvif->soap, onvif->ptz_url, action, true, str_text(&content), answer, err);
    return result < 0 ? err_prefix(err, "%s", name) : 0;
}

static int order(struct onvif *onvif, const char *name, const char *inner, struct err *err)
{
    AUTO_SOAP_ANSWER struct soap_answer answer = {0};
    return command(onvif, name, inner, &answer, err);
}

static int need(const struct onvif *onvif, unsigned any_of, const char *what, struct err *err)
{
    return (onvif->features & any_of) != 0 ? 0 : err_set(err, EOPNOTSUPP, "it cannot %s", what);
}

int onvif_pan_tilt(struct onvif *onvif, double pan, double tilt, struct err *err)
{
    int result = need(onvif, ONVIF_PT, "pan and tilt", err);
    if (result < 0) {
        return result;
    }
    AUTO_STR struct str inner = {0};
    str_add(&inner, "<Velocity>");
    add_pan_tilt(&inner, &onvif->spaces[ONVIF_SPACE_PT], pan, tilt);
    str_add(&inner, "</Velocity>");
    return order(onvif, "ContinuousMove", str_text(&inner), err);
}

int onvif_zoom(struct onvif *onvif, double zoom, struct err *err)
{
    int result = need(onvif, ONVIF_ZOOM, "zoom", err);
    if (result < 0) {
        return result;
    }
    AUTO_STR struct str inner = {0};
    str_add(&inner, "<Velocity>");
    add_zoom(&inner, &onvif->spaces[ONVIF_SPACE_ZOOM], zoom);
    str_add(&inner, "</Velocity>");
    return order(onvif, "ContinuousMove", str_text(&inner), err);
}

int onvif_stop(struct onvif *onvif, struct err *err)
{
    int result = need(onvif, ~0u, "move", err);
    return result < 0 ? result
                      : order(onvif, "Stop", "<PanTilt>true</PanTilt><Zoom>true</Zoom>", err);
}

int onvif_pan_tilt_by(struct onvif *onvif, double pan, double tilt, struct err *err)
{
    int result = need(onvif, ONVIF_PT_R | ONVIF_PT_R_FOV, "pan and tilt by a distance", err);
    if (result < 0) {
        return result;
    }
    bool fov = (onvif->features & ONVIF_PT_R_FOV) != 0;
    AUTO_STR struct str inner = {0};
    str_add(&inner, "<Translation>");
    add_pan_tilt(&inner, &onvif->spaces[fov ? ONVIF_SPACE_PT_R_FOV : ONVIF_SPACE_PT_R], pan, tilt);
    str_add(&inner, "</Translation>");
    return order(onvif, "RelativeMove", str_text(&inner), err);
}

int onvif_zoom_by(struct onvif *onvif, double zoom, struct err *err)
{
    int result = need(onvif, ONVIF_ZOOM_R, "zoom by a distance", err);
    if (result < 0) {
        return result;
    }
    AUTO_STR struct str inner = {0};
    str_add(&inner, "<Translation>");
    add_zoom(&inner, &onvif->spaces[ONVIF_SPACE_ZOOM_R], zoom);
    str_add(&inner, "</Translation>");
    return order(onvif, "RelativeMove", str_text(&inner), err);
}

int onvif_zoom_to(struct onvif *onvif, double zoom, struct err *err)
{
    int result = need(onvif, ONVIF_ZOOM_A, "zoom to a position", err);
    if (result < 0) {
        return result;
    }
    AUTO_STR struct str inner = {0};
    str_add(&inner, "<Position>");
    add_zoom(&inner, &onvif->spaces[ONVIF_SPACE_ZOOM_A], zoom * 2 - 1);
    str_add(&inner, "</Position>");
    return order(onvif, "AbsoluteMove", str_text(&inner), err);
}

int onvif_go_to(struct onvif *onvif, const char *preset_token, struct err *err)
{
    int result = need(onvif, ~0u, "move", err);
    if (result < 0) {
        return result;
    }
    AUTO_STR struct str inner = {0};
    str_add(&inner, "<PresetToken>");
    xml_escape(&inner, preset_token);
    str_add(&inner, "</PresetToken>");
    return order(onvif, "GotoPreset", str_text(&inner), err);
}

/* ---- status ---- */

static bool attribute_number(xmlNode *node, const char *name, double *value)
{
    AUTO_FREE char *text = xml_attribute(node, name);
    return text != NULL && str_to_double(text, value);
}

int onvif_get_status(struct onvif *onvif, struct onvif_status *status, struct err *err)
{
    *status = (struct onvif_status){0};
    AUTO_SOAP_ANSWER struct soap_answer answer = {0};
    int result = need(onvif, ~0u, "move", err);
    if (result == 0) {
        result = command(onvif, "GetStatus", "", &answer, err);
    }
    if (result < 0) {
        return result;
    }
    xmlNode *found = xml_find(answer.body, "PTZStatus");
    xmlNode *pan_tilt = xml_find(found, "Position/PanTilt");
    AUTO_FREE char *pan_tilt_move = xml_text(found, "MoveStatus/PanTilt");
    AUTO_FREE char *zoom_move = xml_text(found, "MoveStatus/Zoom");
    status->has_move = pan_tilt_move != NULL || zoom_move != NULL;
    status->moving = str_equal(pan_tilt_move, "MOVING") || str_equal(zoom_move, "MOVING");
    status->has_pan_tilt = attribute_number(pan_tilt, "x", &status->pan) &&
                           attribute_number(pan_tilt, "y", &status->tilt);
    status->has_zoom = attribute_number(xml_find(found, "Position/Zoom"), "x", &status->zoom);
    return 0;
}
