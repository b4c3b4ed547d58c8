/* Asking a device what it is: clock, services, profile, spaces, presets. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "link/onvif_private.h"

#define PRESETS_MAX 512
#define CLOCK_TOLERANCE_US 5000000 /* devices accept some seconds of difference */

static int call_device(struct onvif *onvif, const char *name, bool login, const char *content,
                       struct soap_answer *answer, struct err *err)
{
    AUTO_FREE char *action = mem_printf(ONVIF_DEVICE "/%s", name);
    int result = soap_call(&onvif->soap, onvif->device_url, action, login, content, answer, err);
    return result < 0 ? err_prefix(err, "%s", name) : 0;
}

/* ---- clock ---- */

static bool read_clock(xmlNode *answer, int64_t *us)
{
    struct tm tm = {0};
    xmlNode *utc = xml_find(answer, "SystemDateAndTime/UTCDateTime");
    if (!xml_integer(utc, "Date/Year", &tm.tm_year) ||
        !xml_integer(utc, "Date/Month", &tm.tm_mon) || !xml_integer(utc, "Date/Day", &tm.tm_mday) ||
        !xml_integer(utc, "Time/Hour", &tm.tm_hour) ||
        !xml_integer(utc, "Time/Minute", &tm.tm_min) ||
        !xml_integer(utc, "Time/Second", &tm.tm_sec) || tm.tm_year < 1970 || tm.tm_year > 9999 ||
        tm.tm_mon < 1 || tm.tm_mon > 12) {
        return false;
    }
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *us = (int64_t)timegm(&tm) * 1000000;
    return true;
}

/* The one call that needs no login. A device that does not answer it sensibly keeps no clock worth
 * following; only one that cannot be reached is the end. */
static int learn_clock(struct onvif *onvif, struct err *err)
{
    AUTO_SOAP_ANSWER struct soap_answer answer = {0};
    int64_t before = wall_now().us, device;
    int result = call_device(onvif, "GetSystemDateAndTime", false,
                             "<GetSystemDateAndTime xmlns=\"" ONVIF_DEVICE "\"/>", &answer, err);
    onvif->clock_offset_us = 0;
    if (result == 0 && read_clock(answer.body, &device)) {
        onvif->clock_offset_us = device - (before + wall_now().us) / 2;
    }
    onvif->soap.clock_offset_us = onvif->setup.follow_clock ? onvif->clock_offset_us : 0;
    return result == -EACCES || result == -EREMOTEIO || result == -EBADMSG ? 0 : result;
}

/* A refused login of a device whose clock is wrong says so: that is mostly why. */
static int explain_clock(struct onvif *onvif, int result, struct err *err)
{
    int64_t off = llabs(onvif->clock_offset_us);
    if (result != -EACCES || off <= CLOCK_TOLERANCE_US) {
        return result;
    }
    long long seconds = off / 1000000;
    AUTO_FREE char *why = mem_strdup(err->text);
    return err_set(err, EACCES,
                   onvif->setup.follow_clock
                       ? "%s; its clock is %lld s off, which was taken into account"
                       : "%s; its clock is %lld s off: set it, or onvif.ignore_time_mismatch",
                   why, seconds);
}

/* ---- services ---- */

/* A service's address as the device gives it, on the host and port that were configured: behind
 * address translation devices give addresses nobody can reach, and a login must not go to another
 * machine. A port of its own counts when the host is the configured one. */
static char *local_address(const struct onvif *onvif, const char *given)
{
    const char *own = strstr(onvif->base, "://") + 3;
    size_t scheme = (size_t)(own - onvif->base), name = (size_t)(strrchr(own, ':') - own);
    bool absolute = strstr(given, "://") != NULL;
    const char *host = absolute ? strstr(given, "://") + 3 : given;
    size_t length = strcspn(host, "/");
    const char *path = host[length] != '\0' ? host + length : "/";
    bool same = absolute && strncasecmp(given, onvif->base, scheme + name) == 0 &&
                (length == name || (host[name] == ':' && length <= name + 6 &&
                                    strspn(host + name + 1, "0123456789") == length - name - 1));
    return same ? mem_printf("%.*s%.*s%s", (int)scheme, onvif->base, (int)length, host, path)
                : mem_printf("%s%s", onvif->base, path);
}

static void set_address(struct onvif *onvif, char **url, char *given)
{
    if (given != NULL && *given != '\0' && *url == NULL) {
        *url = local_address(onvif, given);
    }
    free(given);
}

/* GetCapabilities is what every device knows; GetServices what newer ones prefer. */
static int learn_services(struct onvif *onvif, struct err *err)
{
    AUTO_SOAP_ANSWER struct soap_answer answer = {0};
    int result = call_device(onvif, "GetCapabilities", true,
                             "<GetCapabilities xmlns=\"" ONVIF_DEVICE
                             "\"><Category>All</Category></GetCapabilities>",
                             &answer, err);
    xmlNode *all = xml_find(answer.body, "Capabilities");
    set_address(onvif, &onvif->media_url, xml_text(all, "Media/XAddr"));
    set_address(onvif, &onvif->ptz_url, xml_text(all, "PTZ/XAddr"));
    bool answered = result == 0 || result == -EREMOTEIO || result == -EBADMSG;
    if (!answered || (onvif->media_url != NULL && onvif->ptz_url != NULL)) {
        return result;
    }
    struct err second = ERR_NONE;
    int other = call_device(onvif, "GetServices", true,
                            "<GetServices xmlns=\"" ONVIF_DEVICE
                            "\"><IncludeCapability>false</IncludeCapability></GetServices>",
                            &answer, &second);
    for (xmlNode *at = xml_find(answer.body, "Service"); at != NULL; at = xml_again(at)) {
        AUTO_FREE char *name = xml_text(at, "Namespace");
        if (str_equal(name, ONVIF_MEDIA)) {
            set_address(onvif, &onvif->media_url, xml_text(at, "XAddr"));
        } else if (str_equal(name, ONVIF_PTZ)) {
            set_address(onvif, &onvif->ptz_url, xml_text(at, "XAddr"));
        }
    }
    if (result < 0 && other == 0) {
        *err = ERR_NONE;
        return 0;
    }
    return result;
}

/* ---- profile and spaces ---- */

/* Which default space of the PTZ configuration, and which space of its options, make a feature. */
static const struct {
    enum onvif_space_kind kind;
    enum onvif_feature feature;
    const char *by_default; /* element of the configuration */
    const char *element;    /* element of the options */
    const char *uri_part;   /* in its URI; NULL: the first one */
    bool must_be_listed;    /* the default alone is not enough */
} spaces[] = {
    {ONVIF_SPACE_PT, ONVIF_PT, "DefaultContinuousPanTiltVelocitySpace",
     "ContinuousPanTiltVelocitySpace", NULL, false},
    {ONVIF_SPACE_ZOOM, ONVIF_ZOOM, "DefaultContinuousZoomVelocitySpace",
     "ContinuousZoomVelocitySpace", NULL, false},
    {ONVIF_SPACE_PT_R, ONVIF_PT_R, "DefaultRelativePanTiltTranslationSpace",
     "RelativePanTiltTranslationSpace", "TranslationGenericSpace", false},
    {ONVIF_SPACE_PT_R_FOV, ONVIF_PT_R_FOV, "DefaultRelativePanTiltTranslationSpace",
     "RelativePanTiltTranslationSpace", "TranslationSpaceFov", true},
    {ONVIF_SPACE_ZOOM_R, ONVIF_ZOOM_R, "DefaultRelativeZoomTranslationSpace",
     "RelativeZoomTranslationSpace", NULL, false},
    {ONVIF_SPACE_ZOOM_A, ONVIF_ZOOM_A, "DefaultAbsoluteZoomPositionSpace",
     "AbsoluteZoomPositionSpace", NULL, false},
};

/* The first H.264 profile whose motors move continuously, as Frigate chooses; failing that, the
 * first with motors at all. */
static xmlNode *choose_profile(xmlNode *answer)
{
    xmlNode *fallback = NULL;
    for (xmlNode *at = xml_find(answer, "Profiles"); at != NULL; at = xml_again(at)) {
        xmlNode *ptz = xml_find(at, "PTZConfiguration");
        AUTO_FREE char *encoding = xml_text(at, "VideoEncoderConfiguration/Encoding");
        if (ptz != NULL && encoding != NULL && strcasecmp(encoding, "H264") == 0 &&
            xml_find(ptz, "DefaultContinuousPanTiltVelocitySpace") != NULL) {
            return at;
        }
        if (fallback == NULL && ptz != NULL) {
            fallback = at;
        }
    }
    return fallback;
}

static void read_range(xmlNode *node, const char *name, double *low, double *high)
{
    xmlNode *range = xml_find(node, name);
    double from, to;
    if (xml_number(range, "Min", &from) && xml_number(range, "Max", &to) && from < to) {
        *low = from;
        *high = to;
    }
}

/* False when the options do not list it. */
static bool read_space(xmlNode *listed, const char *element, const char *uri_part,
                       struct onvif_space *space)
{
    for (xmlNode *at = xml_find(listed, element); at != NULL; at = xml_again(at)) {
        AUTO_FREE char *uri = xml_text(at, "URI");
        if (uri != NULL && (uri_part == NULL || strstr(uri, uri_part) != NULL)) {
            space->uri = steal_ptr(&uri);
            read_range(at, "XRange", &space->x_min, &space->x_max);
            read_range(at, "YRange", &space->y_min, &space->y_max);
            return true;
        }
    }
    return false;
}

static void read_spaces(struct onvif *onvif, xmlNode *configuration, xmlNode *listed)
{
    for (size_t i = 0; i < ARRAY_SIZE(spaces); i++) {
        struct onvif_space *space = &onvif->spaces[spaces[i].kind];
        *space = (struct onvif_space){.x_min = -1, .x_max = 1, .y_min = -1, .y_max = 1};
        if (spaces[i].kind == ONVIF_SPACE_ZOOM_A) {
            space->x_min = 0;
        }
        bool found = read_space(listed, spaces[i].element, spaces[i].uri_part, space);
        AUTO_FREE char *uri = xml_text(configuration, spaces[i].by_default);
        if (uri != NULL && (found || !spaces[i].must_be_listed)) {
            onvif->features |= spaces[i].feature;
        }
    }
}

static int call_ptz(struct onvif *onvif, const char *name, const char *content,
                    struct soap_answer *answer, struct err *err)
{
    AUTO_FREE char *action = mem_printf(ONVIF_PTZ "/%s", name);
    int result = soap_call(&onvif->soap, onvif->ptz_url, action, true, content, answer, err);
    return result < 0 ? err_prefix(err, "%s", name) : 0;
}

/* Asks with one token in it: <Name><Element>token</Element></Name>. */
static int ask_ptz(struct onvif *onvif, const char *name, const char *element, const char *token,
                   struct soap_answer *answer, struct err *err)
{
    AUTO_STR struct str content = {0};
    str_addf(&content, "<%s xmlns=\"" ONVIF_PTZ "\"><%s>", name, element);
    xml_escape(&content, token);
    str_addf(&content, "</%s></%s>", element, name);
    return call_ptz(onvif, name, str_text(&content), answer, err);
}

/* The configuration's options list its spaces; a device that does not know the question has them
 * in its node. Without either the defaults stand. */
static int learn_spaces(struct onvif *onvif, xmlNode *configuration, struct err *err)
{
    AUTO_SOAP_ANSWER struct soap_answer answer = {0};
    AUTO_FREE char *token = xml_attribute(configuration, "token");
    AUTO_FREE char *node = xml_text(configuration, "NodeToken");
    int result = ask_ptz(onvif, "GetConfigurationOptions", "ConfigurationToken",
                         token != NULL ? token : "", &answer, err);
    xmlNode *listed = xml_find(answer.body, "PTZConfigurationOptions/Spaces");
    if (result == -EREMOTEIO && node != NULL) {
        *err = ERR_NONE;
        result = ask_ptz(onvif, "GetNode", "NodeToken", node, &answer, err);
        listed = xml_find(answer.body, "PTZNode/SupportedPTZSpaces");
    }
    if (result < 0 && result != -EREMOTEIO) {
        return result;
    }
    *err = ERR_NONE;
    read_spaces(onvif, configuration, listed);
    return 0;
}

/* ---- presets ---- */

static void lower(char *text)
{
    for (; *text != '\0'; text++) {
        if (*text >= 'A' && *text <= 'Z') {
            *text += 'a' - 'A';
        }
    }
}

static void add_preset(struct onvif *onvif, xmlNode *node)
{
    char *token = xml_attribute(node, "token");
    if (token == NULL || onvif->preset_count == PRESETS_MAX) {
        free(token);
        return;
    }
    char *name = xml_text(node, "Name");
    if (name == NULL || *name == '\0') {
        free(name);
        name = mem_printf("preset %s", token);
    }
    lower(name);
    for (size_t i = 0; i < onvif->preset_count; i++) {
        if (strcmp(onvif->presets[i].name, name) == 0) { /* the later of two wins, as in Frigate */
            free(name);
            free(onvif->presets[i].token);
            onvif->presets[i].token = token;
            return;
        }
    }
    *MEM_PUSH(onvif->presets, onvif->preset_count, onvif->preset_capacity) =
        (struct onvif_preset){.name = name, .token = token};
}

static void forget_presets(struct onvif *onvif)
{
    for (size_t i = 0; i < onvif->preset_count; i++) {
        free(onvif->presets[i].name);
        free(onvif->presets[i].token);
    }
    free(onvif->presets);
    onvif->presets = NULL;
    onvif->preset_count = onvif->preset_capacity = 0;
}

/* Presets are an extra: without them the motors still move. */
int onvif_refresh_presets(struct onvif *onvif, struct err *err)
{
    if (onvif->features == 0) {
        return 0;
    }
    AUTO_SOAP_ANSWER struct soap_answer answer = {0};
    int result = ask_ptz(onvif, "GetPresets", "ProfileToken", onvif->profile, &answer, err);
    if (result == 0) {
        forget_presets(onvif);
    }
    for (xmlNode *at = xml_find(answer.body, "Preset"); at != NULL; at = xml_again(at)) {
        add_preset(onvif, at);
    }
    if (result == -EREMOTEIO) {
        log_debug("%s: no presets: %s", onvif->setup.host, err->text);
        *err = ERR_NONE;
        return 0;
    }
    return result;
}

static int learn_motors(struct onvif *onvif, struct err *err)
{
    AUTO_SOAP_ANSWER struct soap_answer answer = {0};
    int result = soap_call(&onvif->soap, onvif->media_url, ONVIF_MEDIA "/GetProfiles", true,
                           "<GetProfiles xmlns=\"" ONVIF_MEDIA "\"/>", &answer, err);
    if (result < 0) {
        return err_prefix(err, "GetProfiles");
    }
    xmlNode *profile = choose_profile(answer.body);
    onvif->profile = xml_attribute(profile, "token");
    if (onvif->profile == NULL) {
        return 0;
    }
    result = learn_spaces(onvif, xml_find(profile, "PTZConfiguration"), err);
    return result == 0 ? onvif_refresh_presets(onvif, err) : result;
}

void onvif_forget(struct onvif *onvif)
{
    char **texts[] = {&onvif->media_url, &onvif->ptz_url, &onvif->profile};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        free(*texts[i]);
        *texts[i] = NULL;
    }
    for (size_t i = 0; i < ONVIF_SPACES; i++) {
        free(onvif->spaces[i].uri);
        onvif->spaces[i] = (struct onvif_space){0};
    }
    forget_presets(onvif);
    onvif->features = 0;
    onvif->soap.http_digest = false;
}

int onvif_learn(struct onvif *onvif, struct err *err)
{
    onvif_forget(onvif);
    int result = learn_clock(onvif, err);
    if (result == 0) {
        *err = ERR_NONE;
        result = learn_services(onvif, err);
    }
    if (result == 0 && onvif->media_url != NULL && onvif->ptz_url != NULL) {
        result = learn_motors(onvif, err);
    }
    return explain_clock(onvif, result, err);
}
