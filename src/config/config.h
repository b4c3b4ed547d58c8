/* The running configuration: one plain tree of structs whose member path is the YAML path, so
 * `cameras.back.detect.fps` is `camera->detect.fps`. Produced by config_load() fully merged,
 * defaulted, substituted and checked; read-only afterwards and safe to read from any thread.
 *
 * Conventions: strings are never NULL unless the comment says "or NULL"; an optional number that
 * was not given has its `has_` flag false; lists are (items, count); maps keep declaration order
 * and carry their key as `name`. Lengths are pixels, times are in the unit of the name. */
#ifndef CORVETTE_CONFIG_CONFIG_H
#define CORVETTE_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "base/str.h"

struct cfg_node; /* a piece of the document, see config/tree.h */

struct cfg_list { /* of strings */
    char **items;
    size_t count;
    char *text; /* as written, when one text stood where a list may; else NULL */
};

struct cfg_opt_int {
    bool has;
    int64_t value;
};

struct cfg_opt_bool {
    bool has, value;
};

struct cfg_pair { /* label -> number, or name -> text */
    char *name;
    double number;
    char *text; /* NULL for number maps */
};

struct cfg_pairs {
    struct cfg_pair *items;
    size_t count;
};

/* Polygon corners relative to the detect picture, 0..1, x then y. */
struct cfg_polygon {
    float *xy; /* 2 * count numbers */
    size_t count;
};

/* A mask as the user wrote it and as polygons. `text` keeps the relative-coordinate source strings
 * for /api/config; `is_list` says whether it was written as a list. */
struct cfg_mask {
    struct cfg_list text;
    bool is_list;
    bool present; /* false: key absent or null */
    struct cfg_polygon *polygons;
    size_t count;
};

enum cfg_retain_mode { CFG_RETAIN_ALL = 1, CFG_RETAIN_MOTION, CFG_RETAIN_ACTIVE_OBJECTS };
enum cfg_quality {
    CFG_QUALITY_VERY_LOW = 1,
    CFG_QUALITY_LOW,
    CFG_QUALITY_MEDIUM,
    CFG_QUALITY_HIGH,
    CFG_QUALITY_VERY_HIGH
};
enum cfg_position { CFG_TOP_LEFT = 1, CFG_TOP_RIGHT, CFG_BOTTOM_LEFT, CFG_BOTTOM_RIGHT };
enum cfg_effect { CFG_EFFECT_NONE = 1, CFG_EFFECT_SOLID, CFG_EFFECT_SHADOW };
enum cfg_birdseye_mode { CFG_BIRDSEYE_OBJECTS = 1, CFG_BIRDSEYE_MOTION, CFG_BIRDSEYE_CONTINUOUS };
enum cfg_zooming { CFG_ZOOM_DISABLED = 1, CFG_ZOOM_ABSOLUTE, CFG_ZOOM_RELATIVE };
enum cfg_tensor { CFG_TENSOR_NHWC = 1, CFG_TENSOR_NCHW };
enum cfg_pixels { CFG_PIXELS_RGB = 1, CFG_PIXELS_BGR, CFG_PIXELS_YUV };
/* ssd, yolox, yolonas are Frigate 0.14's; yolo-generic (v8/v9 output layout) is later Frigate's
 * name. */
/* Later Frigate's `input_dtype`; 0 when not given. */
enum cfg_dtype { CFG_DTYPE_INT = 1, CFG_DTYPE_FLOAT, CFG_DTYPE_FLOAT_DENORM };
enum cfg_model_type {
    CFG_MODEL_SSD = 1,
    CFG_MODEL_YOLOX,
    CFG_MODEL_YOLONAS,
    CFG_MODEL_YOLO_GENERIC
};
/* Bits of a camera input's roles. */
enum cfg_role { CFG_ROLE_DETECT = 1, CFG_ROLE_RECORD = 2, CFG_ROLE_AUDIO = 4 };

struct cfg_ffmpeg_output {
    struct cfg_list detect; /* already split with shell rules */
    struct cfg_list record;
};

/* Arguments as given: a preset is a one-item list holding its name. */
struct cfg_ffmpeg {
    struct cfg_list global_args;
    struct cfg_list hwaccel_args; /* "auto" stays one item "auto" */
    struct cfg_list input_args;
    struct cfg_ffmpeg_output output_args;
    double retry_interval; /* seconds */
};

struct cfg_input {
    char *path;     /* substituted; may hold credentials: print only through config_mask_url() */
    unsigned roles; /* enum cfg_role bits */
    struct cfg_list role_names; /* as /api/config shows them */
    struct cfg_list global_args, hwaccel_args,
        input_args; /* resolved: input's own or the camera's */
    bool own_global_args, own_hwaccel_args, own_input_args; /* set on the input itself */
};

struct cfg_camera_ffmpeg {
    struct cfg_ffmpeg common;
    struct cfg_input *inputs;
    size_t count;
};

struct cfg_detect {
    int width, height; /* 0 until known: not in the file, to be probed by capture */
    int fps;
    bool enabled;
    int min_initialized; /* frames; resolved */
    int max_disappeared; /* frames; resolved */
    struct {
        int interval;  /* frames; resolved */
        int threshold; /* frames; resolved */
        struct {
            struct cfg_opt_int default_frames; /* YAML key "default" */
            struct cfg_pairs objects;
        } max_frames;
    } stationary;
    int annotation_offset; /* ms */
};

struct cfg_motion {
    bool enabled;
    bool enabled_in_config;
    int threshold;
    double lightning_threshold;
    bool improve_contrast;
    int contour_area; /* pixels of the motion picture */
    double delta_alpha;
    double frame_alpha;
    int frame_height;
    struct cfg_mask mask;
    int mqtt_off_delay; /* seconds */
};

struct cfg_filter {
    char *name;                  /* label */
    int64_t min_area, max_area;  /* pixels of the detect picture */
    double min_ratio, max_ratio; /* width / height */
    double threshold, min_score;
    struct cfg_mask mask; /* own masks followed by objects.mask */
};

struct cfg_filters {
    struct cfg_filter *items;
    size_t count;
};

struct cfg_objects {
    struct cfg_list track;
    struct cfg_filters filters; /* one per tracked label at least (cameras); see config_filter() */
    struct cfg_mask mask;
};

struct cfg_zone {
    char *name;
    struct cfg_mask coordinates; /* exactly one polygon */
    struct cfg_filters filters;
    int inertia;             /* frames */
    int loitering_time;      /* seconds */
    struct cfg_list objects; /* empty: all */
    uint8_t color[3];        /* b, g, r as Frigate's tables have it */
};

struct cfg_retain {
    double default_days; /* YAML key "default" */
    enum cfg_retain_mode mode;
    struct cfg_pairs objects;
};

struct cfg_record {
    bool enabled;
    bool enabled_in_config;
    bool sync_recordings;
    int expire_interval; /* minutes */
    struct {
        double days;
        enum cfg_retain_mode mode;
    } retain;
    struct {
        int pre_capture, post_capture; /* seconds */
        struct cfg_list objects;       /* valid when has_objects */
        bool has_objects;
        struct cfg_retain retain;
    } events;
    struct {
        char *timelapse_args;
    } export_; /* YAML key "export" */
    struct {
        enum cfg_quality quality;
    } preview;
};

struct cfg_snapshots {
    bool enabled, clean_copy, timestamp, bounding_box, crop;
    struct cfg_list required_zones;
    struct cfg_opt_int height;
    struct cfg_retain retain;
    int quality;
};

struct cfg_review {
    struct {
        struct cfg_list labels;
        struct cfg_list required_zones;
    } alerts;
    struct {
        struct cfg_list labels; /* valid when has_labels, else all */
        bool has_labels;
        struct cfg_list required_zones;
    } detections;
};

struct cfg_audio {
    bool enabled;
    bool enabled_in_config;
    int max_not_heard; /* seconds */
    int min_volume;    /* rms on the int16 scale */
    struct cfg_list listen;
    struct cfg_pairs filters; /* label -> threshold */
    bool has_filters;
    int num_threads;
};

struct cfg_live {
    char *stream_name;
    int height;
    int quality;
};

struct cfg_birdseye { /* global; cameras use enabled, order, mode */
    bool enabled, restream;
    int width, height, quality;
    int inactivity_threshold; /* seconds */
    enum cfg_birdseye_mode mode;
    struct {
        double scaling_factor;
        struct cfg_opt_int max_cameras;
    } layout;
    int order;
};

struct cfg_timestamp_style {
    enum cfg_position position;
    char *format; /* strftime */
    struct {
        int red, green, blue;
    } color;
    int thickness;
    enum cfg_effect effect;
};

struct cfg_onvif {
    char *host;
    int port;
    char *user, *password; /* or NULL; substituted */
    bool ignore_time_mismatch;
    struct {
        bool enabled, enabled_in_config, calibrate_on_startup;
        enum cfg_zooming zooming;
        double zoom_factor;
        struct cfg_list track;
        struct cfg_list required_zones;
        char *return_preset;
        int timeout; /* seconds */
        struct cfg_list movement_weights;
    } autotracking;
};

struct cfg_camera_mqtt {
    bool enabled, timestamp, bounding_box, crop;
    int height;
    struct cfg_list required_zones;
    int quality;
};

struct cfg_camera {
    char *name;
    bool enabled;
    struct cfg_camera_ffmpeg ffmpeg;
    int best_image_timeout; /* seconds */
    char *webui_url;        /* or NULL */
    struct cfg_zone *zones;
    size_t zone_count; /* at most CFG_MAX_ZONES */
    struct cfg_record record;
    struct cfg_snapshots snapshots;
    struct cfg_live live;
    struct cfg_objects objects;
    struct cfg_review review;
    struct cfg_audio audio;
    struct cfg_motion motion;
    struct cfg_detect detect;
    struct cfg_birdseye birdseye;
    struct cfg_timestamp_style timestamp_style;
    struct cfg_camera_mqtt mqtt;
    struct cfg_onvif onvif;
    struct {
        int order;
        bool dashboard;
    } ui;
};

#define CFG_MAX_ZONES 64
#define CFG_MAX_NAME 64     /* letters of a camera's name, which becomes part of file names */
#define CFG_MAX_LABELS 4096 /* of one model */

struct cfg_model {
    char *path;                /* or NULL: the demo model */
    char *labelmap_path;       /* or NULL */
    int width, height;         /* pixels of the model's input */
    struct cfg_pairs labelmap; /* user's overrides: index as decimal text -> label */
    enum cfg_tensor input_tensor;
    enum cfg_pixels input_pixel_format;
    enum cfg_model_type model_type;
    enum cfg_dtype input_dtype; /* 0: what the model file asks for */
    bool is_demo;               /* no model.path was given: our own small model is used */
};

struct cfg_detector {
    char *name;
    char *type;       /* as written */
    bool substituted; /* a type this build lacks: runs as cpu (a warning was issued) */
    struct cfg_model model;
    int num_threads;    /* cpu, onnx */
    char *device;       /* or NULL */
    char *api_url;      /* deepstack */
    double api_timeout; /* seconds */
    char *api_key;
};

struct cfg_camera_group {
    char *name;
    struct cfg_list cameras;
    char *icon;
    int order;
};

struct cfg_auth {
    bool enabled, reset_admin_password;
    char *cookie_name;
    bool cookie_secure;
    int session_length, refresh_time; /* seconds */
    char *failed_login_rate_limit;    /* or NULL */
    struct cfg_list trusted_proxies;
    int hash_iterations;
};

struct cfg_mqtt {
    bool enabled;
    char *host;
    int port;
    char *topic_prefix, *client_id;
    int stats_interval;                                                      /* seconds */
    char *user, *password, *tls_ca_certs, *tls_client_cert, *tls_client_key; /* or NULL */
    struct cfg_opt_bool tls_insecure;
};

struct config {
    struct cfg_mqtt mqtt;
    /* The sections at the top of the file that cameras inherit from, defaulted; what is only read
     * globally (record.expire_interval, record.sync_recordings) is read here. No name, inputs or
     * zones; detect sizes and frame counts may be unset (0, -1). */
    struct cfg_camera global;
    struct cfg_camera *cameras; /* in declaration order, disabled ones too */
    size_t camera_count;
    struct {
        char *path; /* as configured; the default means DATA/corvette.db */
        bool is_default;
    } database;
    struct {
        bool enabled;
    } tls;
    struct {
        char *header_map_user, *logout_url, *auth_secret; /* or NULL */
    } proxy;
    struct cfg_auth auth;
    struct cfg_pairs environment_vars;
    struct {
        char *timezone; /* or NULL */
        char *time_format, *date_style, *time_style;
        char *strftime_fmt; /* or NULL */
    } ui;
    struct {
        struct cfg_list network_interfaces;
        bool amd_gpu_stats, intel_gpu_stats, network_bandwidth; /* YAML: telemetry.stats.* */
        bool version_check;
    } telemetry;
    struct {
        enum log_level default_level; /* YAML key "default" */
        struct cfg_pairs logs;        /* name -> level name in text */
    } logger;
    struct cfg_model model;
    struct {
        char *path;        /* or NULL: our own small model */
        char *labels_path; /* counts only beside `path` */
    } sound_model;         /* YAML: corvette.sound_model_path, corvette.sound_labels_path */
    struct cfg_detector *detectors;
    size_t detector_count;
    struct cfg_camera_group *camera_groups;
    size_t camera_group_count;
    struct cfg_birdseye birdseye;
    const struct cfg_node *go2rtc; /* as written, or NULL; its streams: config_go2rtc_has() */
    double version;                /* of the form the file was written in */
    struct cfg_pairs colormap;     /* label -> colour packed 0xBBGGRR... see config_color() */

    bool plus_enabled; /* there is a Frigate+ key */
    char *plus_key;    /* "<id>:<secret>", or NULL; see plus_key.h */
    char *plus_host;   /* PLUS_API_HOST of the environment, or NULL */

    /* The document /api/config answers with (masked, Frigate's shape, keys sorted, compact). */
    char *api_json;

    struct cfg_private *private_; /* owned by config.c: arena, tree, source text */
};

/* One complaint about a configuration. */
struct cfg_issue {
    bool is_warning;
    int line;      /* 1-based, 0 when none */
    char *path;    /* "cameras.back.detect.fps" */
    char *message; /* a sentence; names what was wrong and what would be right */
};

struct cfg_issues {
    struct cfg_issue *items;
    size_t count, capacity;
};

void config_issues_finish(struct cfg_issues *issues);
/* "file:line: path: message" per line, warnings marked "warning: ". */
void config_issues_format(const struct cfg_issues *issues, const char *file, struct str *out);

/* Parses, merges, defaults, substitutes and checks; collects every complaint in `issues` (never
 * NULL). NULL when there is an error among them. `text` is the file's content (YAML 1.1 or JSON);
 * `name` its path, for messages and relative files. */
struct config *config_load(const char *name, const char *text, size_t length,
                           struct cfg_issues *issues);
void config_free(struct config *config); /* NULL is fine */

const struct cfg_camera *config_camera(const struct config *config, const char *name); /* or NULL */
/* All of them in the order of their names, which is that of keys in answers; malloc'd. */
const struct cfg_camera **config_cameras_by_name(const struct config *config);
/* Index of the camera in config->cameras, or -1. */
int config_camera_index(const struct config *config, const char *name);
/* The filter for a label; a built-in default one when none was configured (never NULL). */
const struct cfg_filter *config_filter(const struct cfg_filters *filters, const char *label);
/* Whether go2rtc.streams has a stream of that name. */
bool config_go2rtc_has(const struct config *config, const char *stream);
bool config_list_has(const struct cfg_list *list, const char *text);
double config_pairs_number(const struct cfg_pairs *pairs, const char *name, double otherwise);
/* Drawing colour of a label, b g r; grey-white for an unknown label. */
void config_color(const struct config *config, const char *label, uint8_t bgr[3]);
/* Attribute labels (face, amazon, ups, fedex, license_plate) are never tracked by themselves. */
bool config_is_attribute(const char *label);
/* Whether an attribute may belong to an object of this label. */
bool config_attribute_fits(const char *attribute, const char *label);

/* Labels of the merged label map of a model: file overlaid with the user's entries; `labels[i]` may
 * be "unknown". Reads the label file: false with a sentence when that fails. Free with
 * config_labels_free. */
struct cfg_labels {
    char **items;
    size_t count;
};
bool config_labels_load(const struct cfg_model *model, struct cfg_labels *labels, struct err *err);
void config_labels_free(struct cfg_labels *labels);
/* The labels of the sound model's scores; a label may stand on several lines, as similar sounds do.
 */
bool config_sound_labels_load(const struct config *config, struct cfg_labels *labels,
                              struct err *err);

/* Hides the credentials of a camera URL the way Frigate shows it; appended to out. */
void config_mask_url(const char *url, struct str *out);

/* Paths of the demo model and its labels: beside the program when installed or built. */
const char *config_demo_model_path(void);
const char *config_demo_labels_path(void);
/* The same of the sound model that runs: configured, or our own. */
const char *config_sound_model_path(const struct config *config);
bool config_listens(const struct config *config); /* some enabled camera has audio enabled */

#endif
