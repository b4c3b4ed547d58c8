#include "config/table.h"

#include <pthread.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/str.h"
#include "config/config.h"

/* Maps and lists of structs are a pointer with its count behind it. */
_Static_assert(offsetof(struct config, camera_count) ==
                   offsetof(struct config, cameras) + sizeof(void *),
               "count follows pointer");
_Static_assert(offsetof(struct config, detector_count) ==
                   offsetof(struct config, detectors) + sizeof(void *),
               "count follows pointer");
_Static_assert(offsetof(struct config, camera_group_count) ==
                   offsetof(struct config, camera_groups) + sizeof(void *),
               "count follows pointer");
_Static_assert(offsetof(struct cfg_camera, zone_count) ==
                   offsetof(struct cfg_camera, zones) + sizeof(void *),
               "count follows pointer");
_Static_assert(offsetof(struct cfg_camera_ffmpeg, count) ==
                   offsetof(struct cfg_camera_ffmpeg, inputs) + sizeof(void *),
               "count follows pointer");
_Static_assert(offsetof(struct cfg_filters, count) == sizeof(void *), "count follows pointer");
_Static_assert(offsetof(struct cfg_pairs, count) == sizeof(void *), "count follows pointer");

#define CHOICES(name, ...) static const struct cfg_choice name[] = {__VA_ARGS__, {NULL, 0}}

CHOICES(retain_modes, {"all", CFG_RETAIN_ALL}, {"motion", CFG_RETAIN_MOTION},
        {"active_objects", CFG_RETAIN_ACTIVE_OBJECTS});
CHOICES(qualities, {"very_low", CFG_QUALITY_VERY_LOW}, {"low", CFG_QUALITY_LOW},
        {"medium", CFG_QUALITY_MEDIUM}, {"high", CFG_QUALITY_HIGH},
        {"very_high", CFG_QUALITY_VERY_HIGH});
CHOICES(positions, {"tl", CFG_TOP_LEFT}, {"tr", CFG_TOP_RIGHT}, {"bl", CFG_BOTTOM_LEFT},
        {"br", CFG_BOTTOM_RIGHT});
CHOICES(effects, {"solid", CFG_EFFECT_SOLID}, {"shadow", CFG_EFFECT_SHADOW});
CHOICES(birdseye_modes, {"objects", CFG_BIRDSEYE_OBJECTS}, {"motion", CFG_BIRDSEYE_MOTION},
        {"continuous", CFG_BIRDSEYE_CONTINUOUS});
CHOICES(zoomings, {"disabled", CFG_ZOOM_DISABLED}, {"absolute", CFG_ZOOM_ABSOLUTE},
        {"relative", CFG_ZOOM_RELATIVE});
CHOICES(tensors, {"nhwc", CFG_TENSOR_NHWC}, {"nchw", CFG_TENSOR_NCHW});
CHOICES(pixels, {"rgb", CFG_PIXELS_RGB}, {"bgr", CFG_PIXELS_BGR}, {"yuv", CFG_PIXELS_YUV});
CHOICES(model_types, {"ssd", CFG_MODEL_SSD}, {"yolox", CFG_MODEL_YOLOX},
        {"yolonas", CFG_MODEL_YOLONAS}, {"yolo-generic", CFG_MODEL_YOLO_GENERIC});
CHOICES(dtypes, {"int", CFG_DTYPE_INT}, {"float", CFG_DTYPE_FLOAT},
        {"float_denorm", CFG_DTYPE_FLOAT_DENORM});
CHOICES(role_names, {"record", CFG_ROLE_RECORD}, {"detect", CFG_ROLE_DETECT},
        {"audio", CFG_ROLE_AUDIO});
CHOICES(log_levels, {"debug", LOG_DEBUG}, {"info", LOG_INFO}, {"warning", LOG_WARNING},
        {"error", LOG_ERROR}, {"critical", LOG_CRITICAL});
CHOICES(time_formats, {"browser", 1}, {"12hour", 2}, {"24hour", 3});
CHOICES(styles, {"full", 1}, {"long", 2}, {"medium", 3}, {"short", 4});

#define ROOT(member) .in = CFG_B_ROOT, .offset = offsetof(struct config, member)
#define CAMERA(member) .in = CFG_B_CAMERA, .offset = offsetof(struct cfg_camera, member)
#define INPUT(member) .in = CFG_B_INPUT, .offset = offsetof(struct cfg_input, member)
#define ZONE(member) .in = CFG_B_ZONE, .offset = offsetof(struct cfg_zone, member)
#define FILTER(member) .in = CFG_B_FILTER, .offset = offsetof(struct cfg_filter, member)
#define MODEL(member) .in = CFG_B_MODEL, .offset = offsetof(struct cfg_model, member)
#define DETECTOR(member) .in = CFG_B_DETECTOR, .offset = offsetof(struct cfg_detector, member)
#define GROUP(member) .in = CFG_B_GROUP, .offset = offsetof(struct cfg_camera_group, member)

#define BOOL(text) .type = CFG_T_BOOL, .def = text
#define INT(text) .type = CFG_T_INT, .def = text
#define INT_OR_UNSET(value) .type = CFG_T_INT, .unset = value, .flags = CFG_F_NULL
#define OPT_INT .type = CFG_T_OPT_INT, .flags = CFG_F_NULL
#define OPT_BOOL .type = CFG_T_OPT_BOOL, .flags = CFG_F_NULL
#define FLOAT(text) .type = CFG_T_FLOAT, .def = text
#define STRING(text) .type = CFG_T_STRING, .def = text
#define OPT_STRING .type = CFG_T_STRING
#define ENUM(table, text) .type = CFG_T_ENUM, .choices = table, .def = text
#define STRINGS(text) .type = CFG_T_STRINGS, .def = text
#define ARGS(text) .type = CFG_T_ARGS, .def = text
#define SECTION .type = CFG_T_SECTION
#define IN_CAMERA SECTION, .in = CFG_B_CAMERA

#define AT_LEAST(n) .limits = CFG_L_MIN, .min = (n)
#define BETWEEN(a, b) .limits = CFG_L_MIN | CFG_L_MAX, .min = (a), .max = (b)
#define ABOVE(n) .limits = CFG_L_MIN | CFG_L_ABOVE, .min = (n)
/* a <= x < b */
#define UP_TO(a, b) .limits = CFG_L_MIN | CFG_L_MAX | CFG_L_BELOW, .min = (a), .max = (b)

#define CAP CFG_R_CAPTURE
#define ANA CFG_R_ANALYSE
#define DET CFG_R_DETECTOR
#define SRV CFG_R_SERVER
#define SND CFG_R_SOUND

#define MAX_PIXELS 16384 /* per side; far beyond any camera, small enough for 32-bit areas */

/* clang-format off */
const struct cfg_row cfg_rows[] = {
    /* --- top of the file ------------------------------------------------------------------ */
    {.path = "mqtt", SECTION, .in = CFG_B_ROOT, .flags = CFG_F_REQUIRED,
     .help = "The MQTT broker to publish to; without one, write mqtt: {enabled: false}."},
    {.path = "mqtt.enabled", ROOT(mqtt.enabled), BOOL("true"), .restarts = SRV,
     .help = "Whether to connect to a broker at all."},
    {.path = "mqtt.host", ROOT(mqtt.host), STRING(""), .restarts = SRV,
     .help = "Name or address of the broker."},
    {.path = "mqtt.port", ROOT(mqtt.port), INT("1883"), BETWEEN(1, 65535), .restarts = SRV,
     .help = "TCP port of the broker."},
    {.path = "mqtt.topic_prefix", ROOT(mqtt.topic_prefix), STRING("frigate"), .restarts = SRV,
     .help = "First part of every topic; must differ between two systems on one broker."},
    {.path = "mqtt.client_id", ROOT(mqtt.client_id), STRING("frigate"), .restarts = SRV,
     .help = "Client name at the broker; must differ between two systems on one broker."},
    {.path = "mqtt.stats_interval", ROOT(mqtt.stats_interval), INT("60"), AT_LEAST(15),
     .unit = "seconds", .restarts = SRV, .help = "How often statistics are published."},
    {.path = "mqtt.user", ROOT(mqtt.user), OPT_STRING, .flags = CFG_F_NULL | CFG_F_SUBST,
     .restarts = SRV, .help = "User at the broker; needs a password too."},
    {.path = "mqtt.password", ROOT(mqtt.password), OPT_STRING,
     .flags = CFG_F_NULL | CFG_F_SUBST | CFG_F_HIDDEN, .restarts = SRV,
     .help = "Password at the broker; needs a user too."},
    {.path = "mqtt.tls_ca_certs", ROOT(mqtt.tls_ca_certs), OPT_STRING, .flags = CFG_F_NULL,
     .restarts = SRV, .help = "File of certificates that the broker's is checked against."},
    {.path = "mqtt.tls_client_cert", ROOT(mqtt.tls_client_cert), OPT_STRING, .flags = CFG_F_NULL,
     .restarts = SRV, .help = "File of our own certificate."},
    {.path = "mqtt.tls_client_key", ROOT(mqtt.tls_client_key), OPT_STRING, .flags = CFG_F_NULL,
     .restarts = SRV, .help = "File of the key of our own certificate."},
    {.path = "mqtt.tls_insecure", ROOT(mqtt.tls_insecure), OPT_BOOL, .restarts = SRV,
     .help = "Whether a broker certificate with another host name is accepted."},

    {.path = "database", SECTION, .in = CFG_B_ROOT, .help = "The event and recording database."},
    {.path = "database.path", ROOT(database.path), STRING("/config/frigate.db"), .restarts = SRV,
     .help = "The SQLite file; left at its default it is corvette.db in the data folder."},

    {.path = "tls", SECTION, .in = CFG_B_ROOT, .help = "Encryption of the authenticated port."},
    {.path = "tls.enabled", ROOT(tls.enabled), BOOL("true"), .restarts = SRV,
     .help = "Whether the authenticated port speaks TLS."},

    {.path = "proxy", SECTION, .in = CFG_B_ROOT, .help = "A proxy in front that authenticates."},
    {.path = "proxy.header_map", SECTION, .in = CFG_B_ROOT,
     .help = "Which headers of the proxy mean what."},
    {.path = "proxy.header_map.user", ROOT(proxy.header_map_user), OPT_STRING, .flags = CFG_F_NULL,
     .restarts = SRV, .help = "Header that names the user."},
    {.path = "proxy.logout_url", ROOT(proxy.logout_url), OPT_STRING, .flags = CFG_F_NULL,
     .restarts = SRV, .help = "Where logging out leads to."},
    {.path = "proxy.auth_secret", ROOT(proxy.auth_secret), OPT_STRING,
     .flags = CFG_F_NULL | CFG_F_SUBST | CFG_F_HIDDEN, .restarts = SRV,
     .help = "Expected X-Proxy-Secret header; without it every request is trusted."},

    {.path = "auth", SECTION, .in = CFG_B_ROOT, .help = "Users and sessions of the web page."},
    {.path = "auth.enabled", ROOT(auth.enabled), BOOL("true"), .restarts = SRV,
     .help = "Whether the authenticated port asks for a login."},
    {.path = "auth.reset_admin_password", ROOT(auth.reset_admin_password), BOOL("false"),
     .restarts = SRV, .help = "Give admin a new password at start and print it in the log."},
    {.path = "auth.cookie_name", ROOT(auth.cookie_name), STRING("frigate_token"), .restarts = SRV,
     .help = "Cookie that holds the session; small letters, digits and underscores."},
    {.path = "auth.cookie_secure", ROOT(auth.cookie_secure), BOOL("false"), .restarts = SRV,
     .help = "Send the cookie over TLS only."},
    {.path = "auth.session_length", ROOT(auth.session_length), INT("86400"), AT_LEAST(60),
     .unit = "seconds", .restarts = SRV, .help = "How long a session lasts."},
    {.path = "auth.refresh_time", ROOT(auth.refresh_time), INT("43200"), AT_LEAST(30),
     .unit = "seconds", .restarts = SRV,
     .help = "A session with less than this left is prolonged when used."},
    {.path = "auth.failed_login_rate_limit", ROOT(auth.failed_login_rate_limit), OPT_STRING,
     .flags = CFG_F_NULL, .restarts = SRV,
     .help = "Limits on failed logins, such as 1/second;5/minute;20/hour."},
    {.path = "auth.trusted_proxies", ROOT(auth.trusted_proxies), STRINGS(""), .restarts = SRV,
     .help = "Networks whose X-Forwarded-For is believed when limiting logins."},
    {.path = "auth.hash_iterations", ROOT(auth.hash_iterations), INT("600000"), AT_LEAST(1),
     .restarts = SRV, .help = "PBKDF2 rounds of new password hashes."},

    {.path = "environment_vars", ROOT(environment_vars), .type = CFG_T_TEXTS,
     .flags = CFG_F_NUMBER_TOO, .restarts = CAP | ANA | DET | SRV | SND,
     .help = "Environment variables for the processes."},

    {.path = "ui", SECTION, .in = CFG_B_ROOT, .help = "How the web page shows things."},
    {.path = "ui.timezone", ROOT(ui.timezone), OPT_STRING, .flags = CFG_F_NULL,
     .help = "Time zone of the page, such as Europe/Berlin; default: the browser's."},
    {.path = "ui.time_format", ROOT(ui.time_format), STRING("browser"), .choices = time_formats,
     .help = "12 or 24 hour clock."},
    {.path = "ui.date_style", ROOT(ui.date_style), STRING("short"), .choices = styles,
     .help = "Length of dates."},
    {.path = "ui.time_style", ROOT(ui.time_style), STRING("medium"), .choices = styles,
     .help = "Length of times."},
    {.path = "ui.strftime_fmt", ROOT(ui.strftime_fmt), OPT_STRING, .flags = CFG_F_NULL,
     .help = "A strftime format that overrides the styles."},

    {.path = "telemetry", SECTION, .in = CFG_B_ROOT, .help = "What is measured."},
    {.path = "telemetry.network_interfaces", ROOT(telemetry.network_interfaces), STRINGS(""),
     .restarts = SRV, .help = "Name prefixes of interfaces to measure."},
    {.path = "telemetry.stats", SECTION, .in = CFG_B_ROOT, .help = "Which statistics to gather."},
    {.path = "telemetry.stats.amd_gpu_stats", ROOT(telemetry.amd_gpu_stats), BOOL("true"),
     .restarts = SRV, .help = "Measure AMD graphics."},
    {.path = "telemetry.stats.intel_gpu_stats", ROOT(telemetry.intel_gpu_stats), BOOL("true"),
     .restarts = SRV, .help = "Measure Intel graphics."},
    {.path = "telemetry.stats.network_bandwidth", ROOT(telemetry.network_bandwidth), BOOL("false"),
     .restarts = SRV, .help = "Measure each process's network traffic."},
    {.path = "telemetry.version_check", ROOT(telemetry.version_check), BOOL("true"),
     .restarts = SRV, .help = "Look for newer versions."},

    {.path = "logger", SECTION, .in = CFG_B_ROOT, .help = "What is logged."},
    {.path = "logger.default", ROOT(logger.default_level), ENUM(log_levels, "info"),
     .restarts = CAP | ANA | DET | SRV | SND, .help = "Least level that is logged."},
    {.path = "logger.logs", ROOT(logger.logs), .type = CFG_T_TEXTS, .choices = log_levels,
     .restarts = CAP | ANA | DET | SRV | SND, .help = "Levels of single components."},

    {.path = "model", ROOT(model), .type = CFG_T_BLOCK, .block = CFG_B_MODEL,
     .help = "The object detection model."},
    {.path = "corvette", SECTION, .in = CFG_B_ROOT,
     .help = "What Frigate has no key for; take it out before going back to Frigate."},
    {.path = "corvette.sound_model_path", ROOT(sound_model.path), OPT_STRING, .flags = CFG_F_NULL,
     .restarts = SND,
     .help = "The sound model file (ONNX, laid out like YAMNet); without it the small demo sound "
             "model runs."},
    {.path = "corvette.sound_labels_path", ROOT(sound_model.labels_path),
     STRING("/audio-labelmap.txt"), .restarts = SND,
     .help = "File with one label per line of the sound model's scores, as Frigate's "
             "audio-labelmap.txt."},
    {.path = "detectors", ROOT(detectors), .type = CFG_T_MAP, .block = CFG_B_DETECTOR,
     .size = sizeof(struct cfg_detector), .restarts = DET,
     .help = "What runs the model; one of type cpu when left out."},
    {.path = "go2rtc", ROOT(go2rtc), .type = CFG_T_FREE, .flags = CFG_F_URL | CFG_F_NULL,
     .restarts = SRV,
     .help = "Restreaming; any content, `streams` is a map of name to one or more sources."},
    {.path = "camera_groups", ROOT(camera_groups), .type = CFG_T_MAP, .block = CFG_B_GROUP,
     .size = sizeof(struct cfg_camera_group), .help = "Groups of cameras on the web page."},
    {.path = "version", ROOT(version), FLOAT("0.14"), .flags = CFG_F_NULL,
     .help = "Version of the configuration's form; older forms are converted as they are read."},
    {.path = "cameras", ROOT(cameras), .type = CFG_T_MAP, .block = CFG_B_CAMERA,
     .flags = CFG_F_REQUIRED, .size = sizeof(struct cfg_camera), .help = "The cameras by name."},

    /* --- model, detectors, groups ---------------------------------------------------------- */
    {.path = "path", MODEL(path), OPT_STRING, .flags = CFG_F_NULL, .restarts = DET,
     .help = "The model file (ONNX); without it the small demo model runs."},
    {.path = "labelmap_path", MODEL(labelmap_path), OPT_STRING, .flags = CFG_F_NULL,
     .restarts = DET | ANA | SRV,
     .help = "File with one label per line; default: the labels the model type usually has."},
    {.path = "width", MODEL(width), INT("320"), BETWEEN(1, 4096), .unit = "pixels",
     .restarts = DET | ANA, .help = "Width of the model's input."},
    {.path = "height", MODEL(height), INT("320"), BETWEEN(1, 4096), .unit = "pixels",
     .restarts = DET | ANA, .help = "Height of the model's input."},
    {.path = "labelmap", MODEL(labelmap), .type = CFG_T_TEXTS, .flags = CFG_F_INTEGER,
     .at_most = CFG_MAX_LABELS, .restarts = DET | ANA | SRV,
     .help = "Labels that replace those of the file, by index."},
    {.path = "input_tensor", MODEL(input_tensor), ENUM(tensors, "nhwc"), .restarts = DET | ANA,
     .help = "Order of the input's dimensions."},
    {.path = "input_pixel_format", MODEL(input_pixel_format), ENUM(pixels, "rgb"),
     .restarts = DET | ANA, .help = "Order of the input's colours."},
    {.path = "input_dtype", MODEL(input_dtype), .type = CFG_T_ENUM, .choices = dtypes,
     .flags = CFG_F_NULL, .restarts = DET | ANA,
     .help = "Number format of the input; default: what the model file asks for."},
    {.path = "model_type", MODEL(model_type), ENUM(model_types, "ssd"), .restarts = DET,
     .help = "Layout of the model's output."},

    {.path = "type", DETECTOR(type), STRING("cpu"), .restarts = DET,
     .help = "cpu, onnx or deepstack; other known types run as cpu with a warning."},
    {.path = "model", DETECTOR(model), .type = CFG_T_BLOCK, .block = CFG_B_MODEL,
     .flags = CFG_F_NULL, .restarts = DET,
     .help = "Only `path` counts here; the rest comes from the global model."},
    {.path = "num_threads", DETECTOR(num_threads), INT("3"), BETWEEN(1, 256), .restarts = DET,
     .help = "Threads of a cpu or onnx detector."},
    {.path = "device", DETECTOR(device), OPT_STRING, .flags = CFG_F_NULL | CFG_F_NUMBER_TOO,
     .restarts = DET, .help = "Device of a detector that has one."},
    {.path = "api_url", DETECTOR(api_url), STRING("http://localhost:80/v1/vision/detection"),
     .flags = CFG_F_URL, .restarts = DET, .help = "Address of a deepstack detector."},
    {.path = "api_timeout", DETECTOR(api_timeout), FLOAT("0.1"), ABOVE(0), .unit = "seconds",
     .restarts = DET, .help = "How long a deepstack detector may take."},
    {.path = "api_key", DETECTOR(api_key), STRING(""), .flags = CFG_F_SECRET, .restarts = DET,
     .help = "Key of a deepstack detector."},

    {.path = "cameras", GROUP(cameras), STRINGS(""), .flags = CFG_F_ONE,
     .help = "Names of the cameras (and birdseye) in the group."},
    {.path = "icon", GROUP(icon), STRING("generic"), .help = "Icon of the group."},
    {.path = "order", GROUP(order), INT("0"), .help = "Place among the groups."},

    /* --- cameras, and the sections they inherit -------------------------------------------- */
    {.path = "name", CAMERA(name), OPT_STRING, .scope = CFG_CAMERA, .flags = CFG_F_NULL,
     .restarts = CAP | ANA | SRV, .help = "Another name than the key; better left out."},
    {.path = "enabled", CAMERA(enabled), BOOL("true"), .scope = CFG_CAMERA, .restarts = CAP | ANA,
     .help = "Whether the camera is used."},

    {.path = "ffmpeg", IN_CAMERA, .help = "Where pictures come from and how they are taken."},
    {.path = "ffmpeg.inputs", CAMERA(ffmpeg.inputs), .type = CFG_T_LIST, .block = CFG_B_INPUT,
     .scope = CFG_CAMERA, .flags = CFG_F_REQUIRED, .size = sizeof(struct cfg_input), .at_most = 16,
     .restarts = CAP, .help = "The camera's streams."},
    {.path = "ffmpeg.global_args", CAMERA(ffmpeg.common.global_args),
     ARGS("-hide_banner -loglevel warning -threads 2"), .restarts = CAP,
     .help = "Options that come first."},
    {.path = "ffmpeg.hwaccel_args", CAMERA(ffmpeg.common.hwaccel_args), ARGS("auto"),
     .restarts = CAP, .help = "Hardware decoding: a preset, options, or auto."},
    {.path = "ffmpeg.input_args", CAMERA(ffmpeg.common.input_args), ARGS("preset-rtsp-generic"),
     .restarts = CAP, .help = "How to read the stream: a preset or options."},
    {.path = "ffmpeg.output_args", IN_CAMERA, .help = "What is made of the stream."},
    {.path = "ffmpeg.output_args.detect", CAMERA(ffmpeg.common.output_args.detect),
     ARGS("-threads 2 -f rawvideo -pix_fmt yuv420p"), .restarts = CAP,
     .help = "Options of the pictures for detection."},
    {.path = "ffmpeg.output_args.record", CAMERA(ffmpeg.common.output_args.record),
     ARGS("preset-record-generic"), .restarts = CAP,
     .help = "Options of the recordings: a preset or options."},
    {.path = "ffmpeg.retry_interval", CAMERA(ffmpeg.common.retry_interval), FLOAT("10.0"),
     AT_LEAST(0), .unit = "seconds", .restarts = CAP,
     .help = "Longest wait before a lost camera is tried again."},

    {.path = "best_image_timeout", CAMERA(best_image_timeout), INT("60"), AT_LEAST(0),
     .scope = CFG_CAMERA, .unit = "seconds", .restarts = ANA,
     .help = "How long a best picture stands before a lesser one may follow."},
    {.path = "webui_url", CAMERA(webui_url), OPT_STRING, .scope = CFG_CAMERA,
     .flags = CFG_F_NULL | CFG_F_URL, .help = "The camera's own web page, to link to."},
    {.path = "zones", CAMERA(zones), .type = CFG_T_MAP, .block = CFG_B_ZONE, .scope = CFG_CAMERA,
     .flags = CFG_F_LENIENT, .size = sizeof(struct cfg_zone), .at_most = CFG_MAX_ZONES,
     .restarts = ANA, .help = "Named areas of the picture."},

    {.path = "record", IN_CAMERA, .help = "Recording and how long footage is kept."},
    {.path = "record.enabled", CAMERA(record.enabled), BOOL("false"), .restarts = CAP,
     .help = "Whether to record."},
    {.path = "record.sync_recordings", CAMERA(record.sync_recordings), BOOL("false"),
     .restarts = SRV, .help = "Compare files and database at start and daily (global only)."},
    {.path = "record.expire_interval", CAMERA(record.expire_interval), INT("60"), AT_LEAST(1),
     .unit = "minutes", .restarts = SRV, .help = "How often old footage is removed (global only)."},
    {.path = "record.retain", IN_CAMERA, .help = "Footage without an event."},
    {.path = "record.retain.days", CAMERA(record.retain.days), FLOAT("0"), AT_LEAST(0),
     .unit = "days", .help = "How long footage is kept whatever happens in it."},
    {.path = "record.retain.mode", CAMERA(record.retain.mode), ENUM(retain_modes, "all"),
     .help = "Which of it: all, with motion, or with moving objects."},
    {.path = "record.events", IN_CAMERA, .help = "Footage of events."},
    {.path = "record.events.pre_capture", CAMERA(record.events.pre_capture), INT("5"),
     BETWEEN(0, 60), .unit = "seconds", .help = "Kept before an event."},
    {.path = "record.events.post_capture", CAMERA(record.events.post_capture), INT("5"),
     AT_LEAST(0), .unit = "seconds", .help = "Kept after an event."},
    {.path = "record.events.objects", CAMERA(record.events.objects), .type = CFG_T_STRINGS,
     .flags = CFG_F_NULL, .present = offsetof(struct cfg_camera, record.events.has_objects),
     .help = "Labels whose events keep footage; default: all."},
    {.path = "record.events.retain", IN_CAMERA, .help = "How long footage of events is kept."},
    {.path = "record.events.retain.default", CAMERA(record.events.retain.default_days),
     FLOAT("10"), AT_LEAST(0), .unit = "days", .help = "For labels not listed in `objects`."},
    {.path = "record.events.retain.mode", CAMERA(record.events.retain.mode),
     ENUM(retain_modes, "motion"), .help = "Which part of an event's footage."},
    {.path = "record.events.retain.objects", CAMERA(record.events.retain.objects),
     .type = CFG_T_NUMBERS, AT_LEAST(0), .unit = "days", .help = "By label."},
    {.path = "record.export", IN_CAMERA, .help = "Exported clips."},
    {.path = "record.export.timelapse_args", CAMERA(record.export_.timelapse_args),
     STRING("-vf setpts=0.04*PTS -r 30"), .help = "Options of timelapse exports."},
    {.path = "record.preview", IN_CAMERA, .help = "The small preview films."},
    {.path = "record.preview.quality", CAMERA(record.preview.quality), ENUM(qualities, "medium"),
     .help = "Quality of previews."},
    {.path = "record.enabled_in_config", CAMERA(record.enabled_in_config), .type = CFG_T_BOOL,
     .scope = CFG_CAMERA, .flags = CFG_F_DERIVED, .help = "`enabled` as the file has it."},

    {.path = "snapshots", IN_CAMERA, .help = "Pictures of events."},
    {.path = "snapshots.enabled", CAMERA(snapshots.enabled), BOOL("false"),
     .help = "Whether to keep a picture of each event."},
    {.path = "snapshots.clean_copy", CAMERA(snapshots.clean_copy), BOOL("true"),
     .help = "Also keep one as PNG with nothing drawn on it."},
    {.path = "snapshots.timestamp", CAMERA(snapshots.timestamp), BOOL("false"),
     .help = "Write the time on it."},
    {.path = "snapshots.bounding_box", CAMERA(snapshots.bounding_box), BOOL("true"),
     .help = "Draw the object's box on it."},
    {.path = "snapshots.crop", CAMERA(snapshots.crop), BOOL("false"),
     .help = "Cut it to the object."},
    {.path = "snapshots.required_zones", CAMERA(snapshots.required_zones), STRINGS(""),
     .help = "Zones one of which the object must have entered."},
    {.path = "snapshots.height", CAMERA(snapshots.height), OPT_INT, BETWEEN(1, MAX_PIXELS),
     .unit = "pixels", .help = "Height to scale to; default: as it is."},
    {.path = "snapshots.retain", IN_CAMERA, .help = "How long pictures are kept."},
    {.path = "snapshots.retain.default", CAMERA(snapshots.retain.default_days), FLOAT("10"),
     AT_LEAST(0), .unit = "days", .help = "For labels not listed in `objects`."},
    {.path = "snapshots.retain.mode", CAMERA(snapshots.retain.mode), ENUM(retain_modes, "motion"),
     .help = "Has no effect on pictures."},
    {.path = "snapshots.retain.objects", CAMERA(snapshots.retain.objects), .type = CFG_T_NUMBERS,
     AT_LEAST(0), .unit = "days", .help = "By label."},
    {.path = "snapshots.quality", CAMERA(snapshots.quality), INT("70"), BETWEEN(0, 100),
     .help = "JPEG quality."},

    {.path = "live", IN_CAMERA, .help = "The live picture on the web page."},
    {.path = "live.stream_name", CAMERA(live.stream_name), STRING(""),
     .help = "Stream of go2rtc to show; default: the camera's name."},
    {.path = "live.height", CAMERA(live.height), INT("720"), BETWEEN(1, MAX_PIXELS),
     .unit = "pixels", .restarts = ANA, .help = "Height of the low-bandwidth stream."},
    {.path = "live.quality", CAMERA(live.quality), INT("8"), BETWEEN(1, 31), .restarts = ANA,
     .help = "Its quality: 1 is best."},

    {.path = "objects", IN_CAMERA, .help = "What is looked for."},
    {.path = "objects.track", CAMERA(objects.track), STRINGS("person"), .restarts = ANA,
     .help = "Labels to track."},
    {.path = "objects.filters", CAMERA(objects.filters.items), .type = CFG_T_MAP,
     .block = CFG_B_FILTER, .size = sizeof(struct cfg_filter), .restarts = ANA,
     .help = "What an object of a label must be like, by label."},
    {.path = "objects.mask", CAMERA(objects.mask), .type = CFG_T_MASK, .def = "",
     .flags = CFG_F_NULL, .restarts = ANA,
     .help = "Areas where no object may stand (bottom centre of its box)."},

    {.path = "review", IN_CAMERA, .help = "What has to be looked at."},
    {.path = "review.alerts", IN_CAMERA, .help = "What is most important."},
    {.path = "review.alerts.labels", CAMERA(review.alerts.labels), STRINGS("person, car"),
     .help = "Labels that make an alert."},
    {.path = "review.alerts.required_zones", CAMERA(review.alerts.required_zones), STRINGS(""),
     .flags = CFG_F_ONE, .help = "Zones one of which the object must have entered."},
    {.path = "review.detections", IN_CAMERA, .help = "What is less important."},
    {.path = "review.detections.labels", CAMERA(review.detections.labels), .type = CFG_T_STRINGS,
     .flags = CFG_F_NULL, .present = offsetof(struct cfg_camera, review.detections.has_labels),
     .help = "Labels that make a detection; default: all tracked ones."},
    {.path = "review.detections.required_zones", CAMERA(review.detections.required_zones),
     STRINGS(""), .flags = CFG_F_ONE, .help = "Zones one of which the object must have entered."},

    {.path = "audio", IN_CAMERA, .help = "Listening."},
    {.path = "audio.enabled", CAMERA(audio.enabled), BOOL("false"),
     .restarts = CAP | SND | SRV, .help = "Whether to listen."},
    {.path = "audio.max_not_heard", CAMERA(audio.max_not_heard), INT("30"), AT_LEAST(0),
     .restarts = SRV, .unit = "seconds", .help = "Silence after which an audio event ends."},
    {.path = "audio.min_volume", CAMERA(audio.min_volume), INT("500"), AT_LEAST(0),
     .restarts = CAP | SND, .help = "RMS volume from which sound is looked at."},
    {.path = "audio.listen", CAMERA(audio.listen),
     STRINGS("bark, fire_alarm, scream, speech, yell"), .restarts = SND, .help = "Sounds to listen for."},
    {.path = "audio.filters", CAMERA(audio.filters), .type = CFG_T_MAP, .restarts = SND,
     .block = CFG_B_AUDIO_FILTER, .flags = CFG_F_NULL, .size = sizeof(struct cfg_pair),
     .present = offsetof(struct cfg_camera, audio.has_filters), .help = "By label."},
    {.path = "audio.num_threads", CAMERA(audio.num_threads), INT("2"), BETWEEN(1, 256),
     .restarts = SND, .help = "Threads of the sound model; the most that any camera wants."},
    {.path = "audio.enabled_in_config", CAMERA(audio.enabled_in_config), .type = CFG_T_BOOL,
     .scope = CFG_CAMERA, .flags = CFG_F_DERIVED, .help = "`enabled` as the file has it."},

    {.path = "motion", IN_CAMERA, .flags = CFG_F_NULL, .help = "How motion is found."},
    {.path = "motion.enabled", CAMERA(motion.enabled), BOOL("true"),
     .help = "Whether to look for motion; needed for detection."},
    {.path = "motion.threshold", CAMERA(motion.threshold), INT("30"), BETWEEN(1, 255),
     .help = "Change of brightness that counts; higher is less sensitive."},
    {.path = "motion.lightning_threshold", CAMERA(motion.lightning_threshold), FLOAT("0.8"),
     BETWEEN(0.3, 1.0), .help = "Part of the picture that must change at once to be lightning."},
    {.path = "motion.improve_contrast", CAMERA(motion.improve_contrast), BOOL("true"),
     .help = "Stretch the contrast first, for night pictures."},
    {.path = "motion.contour_area", CAMERA(motion.contour_area), INT("10"), AT_LEAST(0),
     .flags = CFG_F_NULL, .unit = "pixels", .help = "Least area of motion, in the small picture."},
    {.path = "motion.delta_alpha", CAMERA(motion.delta_alpha), FLOAT("0.2"),
     .help = "Has no effect."},
    {.path = "motion.frame_alpha", CAMERA(motion.frame_alpha), FLOAT("0.01"), BETWEEN(0, 1),
     .help = "How fast the background follows the picture."},
    {.path = "motion.frame_height", CAMERA(motion.frame_height), INT("100"),
     BETWEEN(8, MAX_PIXELS), .flags = CFG_F_NULL, .unit = "pixels", .restarts = ANA,
     .help = "Height of the small picture that motion is looked for in."},
    {.path = "motion.mask", CAMERA(motion.mask), .type = CFG_T_MASK, .def = "",
     .flags = CFG_F_NULL, .restarts = ANA, .help = "Areas where motion does not count."},
    {.path = "motion.mqtt_off_delay", CAMERA(motion.mqtt_off_delay), INT("30"), AT_LEAST(0),
     .unit = "seconds", .help = "Calm after which MQTT is told that motion ended."},
    {.path = "motion.enabled_in_config", CAMERA(motion.enabled_in_config), .type = CFG_T_BOOL,
     .scope = CFG_CAMERA, .flags = CFG_F_DERIVED, .help = "`enabled` as the file has it."},
    {.path = "motion.raw_mask", CAMERA(motion.mask), .type = CFG_T_MASK,
     .flags = CFG_F_DERIVED | CFG_F_NULL, .help = "Always null."},

    {.path = "detect", IN_CAMERA, .help = "Object detection."},
    {.path = "detect.width", CAMERA(detect.width), INT_OR_UNSET(0), BETWEEN(16, MAX_PIXELS),
     .unit = "pixels", .restarts = CAP | ANA,
     .help = "Width of the pictures for detection; default: the stream's."},
    {.path = "detect.height", CAMERA(detect.height), INT_OR_UNSET(0), BETWEEN(16, MAX_PIXELS),
     .unit = "pixels", .restarts = CAP | ANA,
     .help = "Height of the pictures for detection; default: the stream's."},
    {.path = "detect.fps", CAMERA(detect.fps), INT("5"), BETWEEN(1, 1000), .restarts = CAP | ANA,
     .help = "Pictures per second to look at; 5 is plenty."},
    {.path = "detect.enabled", CAMERA(detect.enabled), BOOL("true"),
     .help = "Whether to look for objects."},
    {.path = "detect.min_initialized", CAMERA(detect.min_initialized), INT_OR_UNSET(-1),
     AT_LEAST(0), .unit = "frames", .restarts = ANA,
     .help = "Detections in a row before an object is believed; default: fps / 2."},
    {.path = "detect.max_disappeared", CAMERA(detect.max_disappeared), INT_OR_UNSET(-1),
     AT_LEAST(1), .unit = "frames", .restarts = ANA,
     .help = "Frames without a detection before an object is gone; default: fps * 5."},
    {.path = "detect.stationary", IN_CAMERA, .help = "Objects that stand still."},
    {.path = "detect.stationary.interval", CAMERA(detect.stationary.interval), INT_OR_UNSET(-1),
     ABOVE(0), .unit = "frames", .restarts = ANA,
     .help = "How often such an object is looked at again; default: fps * 10."},
    {.path = "detect.stationary.threshold", CAMERA(detect.stationary.threshold), INT_OR_UNSET(-1),
     AT_LEAST(1), .unit = "frames", .restarts = ANA,
     .help = "Frames without moving before an object is stationary; default: fps * 10."},
    {.path = "detect.stationary.max_frames", IN_CAMERA,
     .help = "Frames after which a stationary object is dropped."},
    {.path = "detect.stationary.max_frames.default",
     CAMERA(detect.stationary.max_frames.default_frames), OPT_INT, AT_LEAST(1), .unit = "frames",
     .restarts = ANA, .help = "For labels not listed in `objects`; default: never."},
    {.path = "detect.stationary.max_frames.objects", CAMERA(detect.stationary.max_frames.objects),
     .type = CFG_T_NUMBERS, .flags = CFG_F_INTEGER, .unit = "frames", .restarts = ANA,
     .help = "By label."},
    {.path = "detect.annotation_offset", CAMERA(detect.annotation_offset), INT("0"),
     .unit = "milliseconds", .help = "Shifts boxes against recordings on the web page."},

    {.path = "birdseye", IN_CAMERA, .flags = CFG_F_LENIENT,
     .help = "All active cameras in one picture."},
    {.path = "birdseye.enabled", CAMERA(birdseye.enabled), BOOL("true"), .restarts = SRV,
     .help = "Whether to make it, or to be in it."},
    {.path = "birdseye.restream", CAMERA(birdseye.restream), BOOL("false"), .scope = CFG_GLOBAL,
     .restarts = SRV, .help = "Offer it as an RTSP stream."},
    {.path = "birdseye.width", CAMERA(birdseye.width), INT("1280"), BETWEEN(16, MAX_PIXELS),
     .scope = CFG_GLOBAL, .unit = "pixels", .restarts = SRV, .help = "Width of the picture."},
    {.path = "birdseye.height", CAMERA(birdseye.height), INT("720"), BETWEEN(16, MAX_PIXELS),
     .scope = CFG_GLOBAL, .unit = "pixels", .restarts = SRV, .help = "Height of the picture."},
    {.path = "birdseye.quality", CAMERA(birdseye.quality), INT("8"), BETWEEN(1, 31),
     .scope = CFG_GLOBAL, .restarts = SRV, .help = "Quality: 1 is best."},
    {.path = "birdseye.inactivity_threshold", CAMERA(birdseye.inactivity_threshold), INT("30"),
     ABOVE(0), .scope = CFG_GLOBAL, .unit = "seconds", .restarts = SRV,
     .help = "Calm after which a camera leaves the picture."},
    {.path = "birdseye.mode", CAMERA(birdseye.mode), ENUM(birdseye_modes, "objects"),
     .restarts = SRV, .help = "When a camera is in the picture."},
    {.path = "birdseye.layout", IN_CAMERA, .scope = CFG_GLOBAL, .help = "Arrangement."},
    {.path = "birdseye.layout.scaling_factor", CAMERA(birdseye.layout.scaling_factor),
     FLOAT("2.0"), BETWEEN(1.0, 5.0), .scope = CFG_GLOBAL, .restarts = SRV,
     .help = "How large cameras may grow."},
    {.path = "birdseye.layout.max_cameras", CAMERA(birdseye.layout.max_cameras), OPT_INT,
     AT_LEAST(1), .scope = CFG_GLOBAL, .restarts = SRV, .help = "At most so many; default: all."},
    {.path = "birdseye.order", CAMERA(birdseye.order), INT("0"), .scope = CFG_CAMERA,
     .restarts = SRV, .help = "Place in the picture."},

    {.path = "timestamp_style", IN_CAMERA, .help = "Times written into pictures."},
    {.path = "timestamp_style.position", CAMERA(timestamp_style.position), ENUM(positions, "tl"),
     .help = "Corner: top left, top right, bottom left, bottom right."},
    {.path = "timestamp_style.format", CAMERA(timestamp_style.format), STRING("%m/%d/%Y %H:%M:%S"),
     .help = "A strftime format."},
    {.path = "timestamp_style.color", IN_CAMERA, .help = "Colour of the text."},
    {.path = "timestamp_style.color.red", CAMERA(timestamp_style.color.red), INT("255"),
     BETWEEN(0, 255), .help = "Red."},
    {.path = "timestamp_style.color.green", CAMERA(timestamp_style.color.green), INT("255"),
     BETWEEN(0, 255), .help = "Green."},
    {.path = "timestamp_style.color.blue", CAMERA(timestamp_style.color.blue), INT("255"),
     BETWEEN(0, 255), .help = "Blue."},
    {.path = "timestamp_style.thickness", CAMERA(timestamp_style.thickness), INT("2"),
     BETWEEN(0, 100), .help = "Thickness of the strokes."},
    {.path = "timestamp_style.effect", CAMERA(timestamp_style.effect), .type = CFG_T_ENUM,
     .choices = effects, .unset = CFG_EFFECT_NONE, .flags = CFG_F_NULL,
     .help = "A solid background or a shadow; default: neither."},

    {.path = "mqtt", IN_CAMERA, .scope = CFG_CAMERA, .help = "Pictures published over MQTT."},
    {.path = "mqtt.enabled", CAMERA(mqtt.enabled), BOOL("true"), .scope = CFG_CAMERA,
     .help = "Whether to publish the best picture of each label."},
    {.path = "mqtt.timestamp", CAMERA(mqtt.timestamp), BOOL("true"), .scope = CFG_CAMERA,
     .help = "Write the time on it."},
    {.path = "mqtt.bounding_box", CAMERA(mqtt.bounding_box), BOOL("true"), .scope = CFG_CAMERA,
     .help = "Draw the object's box on it."},
    {.path = "mqtt.crop", CAMERA(mqtt.crop), BOOL("true"), .scope = CFG_CAMERA,
     .help = "Cut it to the object."},
    {.path = "mqtt.height", CAMERA(mqtt.height), INT("270"), BETWEEN(1, MAX_PIXELS),
     .scope = CFG_CAMERA, .unit = "pixels", .help = "Height to scale to."},
    {.path = "mqtt.required_zones", CAMERA(mqtt.required_zones), STRINGS(""), .scope = CFG_CAMERA,
     .help = "Zones one of which the object must have entered."},
    {.path = "mqtt.quality", CAMERA(mqtt.quality), INT("70"), BETWEEN(0, 100), .scope = CFG_CAMERA,
     .help = "JPEG quality."},

    {.path = "onvif", IN_CAMERA, .scope = CFG_CAMERA, .help = "Moving the camera."},
    {.path = "onvif.host", CAMERA(onvif.host), STRING(""), .scope = CFG_CAMERA, .restarts = SRV,
     .help = "Name or address of the camera; empty: it cannot be moved."},
    {.path = "onvif.port", CAMERA(onvif.port), INT("8000"), BETWEEN(1, 65535), .scope = CFG_CAMERA,
     .restarts = SRV, .help = "Its ONVIF port."},
    {.path = "onvif.user", CAMERA(onvif.user), OPT_STRING, .scope = CFG_CAMERA,
     .flags = CFG_F_NULL | CFG_F_SUBST, .restarts = SRV, .help = "User of the camera."},
    {.path = "onvif.password", CAMERA(onvif.password), OPT_STRING, .scope = CFG_CAMERA,
     .flags = CFG_F_NULL | CFG_F_SUBST | CFG_F_SECRET, .restarts = SRV,
     .help = "Password of the camera."},
    {.path = "onvif.ignore_time_mismatch", CAMERA(onvif.ignore_time_mismatch), BOOL("false"),
     .scope = CFG_CAMERA, .restarts = SRV, .help = "Accept that the camera's clock is wrong."},
    {.path = "onvif.autotracking", IN_CAMERA, .scope = CFG_CAMERA,
     .help = "The camera follows objects by itself."},
    {.path = "onvif.autotracking.enabled", CAMERA(onvif.autotracking.enabled), BOOL("false"),
     .scope = CFG_CAMERA, .help = "Whether it follows."},
    {.path = "onvif.autotracking.calibrate_on_startup",
     CAMERA(onvif.autotracking.calibrate_on_startup), BOOL("false"), .scope = CFG_CAMERA,
     .restarts = SRV, .help = "Measure the camera's movements at start."},
    {.path = "onvif.autotracking.zooming", CAMERA(onvif.autotracking.zooming),
     ENUM(zoomings, "disabled"), .scope = CFG_CAMERA, .restarts = SRV, .help = "How it zooms."},
    {.path = "onvif.autotracking.zoom_factor", CAMERA(onvif.autotracking.zoom_factor),
     FLOAT("0.3"), BETWEEN(0.1, 0.75), .scope = CFG_CAMERA, .restarts = SRV,
     .help = "How near it zooms."},
    {.path = "onvif.autotracking.track", CAMERA(onvif.autotracking.track), STRINGS("person"),
     .scope = CFG_CAMERA, .help = "Labels to follow."},
    {.path = "onvif.autotracking.required_zones", CAMERA(onvif.autotracking.required_zones),
     STRINGS(""), .scope = CFG_CAMERA, .help = "Zones one of which the object must enter first."},
    {.path = "onvif.autotracking.return_preset", CAMERA(onvif.autotracking.return_preset),
     STRING("home"), .scope = CFG_CAMERA, .help = "Preset to go back to."},
    {.path = "onvif.autotracking.timeout", CAMERA(onvif.autotracking.timeout), INT("10"),
     AT_LEAST(0), .scope = CFG_CAMERA, .unit = "seconds",
     .help = "Wait before going back after an object is lost."},
    {.path = "onvif.autotracking.movement_weights", CAMERA(onvif.autotracking.movement_weights),
     .type = CFG_T_WEIGHTS, .def = "", .scope = CFG_CAMERA, .flags = CFG_F_NULL, .restarts = SRV,
     .help = "Five numbers written by the calibration."},
    {.path = "onvif.autotracking.enabled_in_config", CAMERA(onvif.autotracking.enabled_in_config),
     .type = CFG_T_BOOL, .scope = CFG_CAMERA, .flags = CFG_F_DERIVED,
     .help = "`enabled` as the file has it."},

    {.path = "ui", IN_CAMERA, .scope = CFG_CAMERA, .help = "The camera on the web page."},
    {.path = "ui.order", CAMERA(ui.order), INT("0"), .scope = CFG_CAMERA,
     .help = "Place among the cameras."},
    {.path = "ui.dashboard", CAMERA(ui.dashboard), BOOL("true"), .scope = CFG_CAMERA,
     .help = "Whether it is shown on the first page."},

    /* --- inside cameras -------------------------------------------------------------------- */
    {.path = "path", INPUT(path), OPT_STRING, .flags = CFG_F_REQUIRED | CFG_F_SUBST | CFG_F_URL,
     .restarts = CAP, .help = "Address or file of the stream."},
    {.path = "roles", INPUT(role_names), .type = CFG_T_STRINGS, .choices = role_names,
     .restarts = CAP,
     .help = "What the stream is for; a single stream is always for detect and record."},
    {.path = "global_args", INPUT(global_args), ARGS(""), .restarts = CAP,
     .help = "Instead of the camera's `global_args`."},
    {.path = "hwaccel_args", INPUT(hwaccel_args), ARGS(""), .restarts = CAP,
     .help = "Instead of the camera's `hwaccel_args`."},
    {.path = "input_args", INPUT(input_args), ARGS(""), .restarts = CAP,
     .help = "Instead of the camera's `input_args`."},

    {.path = "coordinates", ZONE(coordinates), .type = CFG_T_MASK, .flags = CFG_F_REQUIRED,
     .restarts = ANA, .help = "Corners x1,y1,x2,y2,... from 0 to 1; or a list, one corner each."},
    {.path = "filters", ZONE(filters.items), .type = CFG_T_MAP, .block = CFG_B_FILTER,
     .size = sizeof(struct cfg_filter), .restarts = ANA,
     .help = "What an object must be like to be in the zone, by label."},
    {.path = "inertia", ZONE(inertia), INT("3"), ABOVE(0), .unit = "frames", .restarts = ANA,
     .help = "Frames in a row inside before an object is in the zone."},
    {.path = "loitering_time", ZONE(loitering_time), INT("0"), AT_LEAST(0), .unit = "seconds",
     .restarts = ANA, .help = "Time inside before an object is in the zone."},
    {.path = "objects", ZONE(objects), STRINGS(""), .flags = CFG_F_ONE, .restarts = ANA,
     .help = "Labels that can be in the zone; default: all tracked ones."},
    {.path = "color", ZONE(color), .type = CFG_T_FREE, .flags = CFG_F_DERIVED,
     .help = "Colour of the zone."},

    {.path = "min_area", FILTER(min_area), .type = CFG_T_INT64, .def = "0", .unit = "pixels",
     .help = "Least area of the box."},
    {.path = "max_area", FILTER(max_area), .type = CFG_T_INT64, .def = "24000000",
     .unit = "pixels", .help = "Greatest area of the box."},
    {.path = "min_ratio", FILTER(min_ratio), FLOAT("0"), .help = "Least width / height."},
    {.path = "max_ratio", FILTER(max_ratio), FLOAT("24000000"), .help = "Greatest width / height."},
    {.path = "threshold", FILTER(threshold), FLOAT("0.7"),
     .help = "Median score from which an object is believed."},
    {.path = "min_score", FILTER(min_score), FLOAT("0.5"),
     .help = "Score below which a detection is ignored."},
    {.path = "mask", FILTER(mask), .type = CFG_T_MASK, .flags = CFG_F_NULL,
     .help = "Areas where no such object may stand (bottom centre of its box)."},
    {.path = "raw_mask", FILTER(mask), .type = CFG_T_MASK, .flags = CFG_F_DERIVED | CFG_F_NULL,
     .help = "Always null."},

    {.path = "threshold", .in = CFG_B_AUDIO_FILTER, .offset = offsetof(struct cfg_pair, number),
     FLOAT("0.8"), UP_TO(0.5, 1.0), .restarts = SND, .help = "Score above which a sound counts."},
};
/* clang-format on */

const size_t cfg_row_count = ARRAY_SIZE(cfg_rows);

/* Derived once: where each block begins, where each row's last part begins, and which row follows
 * on its level. */
static uint16_t first_of[CFG_B_COUNT];
static uint16_t leaf_at[ARRAY_SIZE(cfg_rows)];
static uint16_t next_at[ARRAY_SIZE(cfg_rows)]; /* index, or the count for none */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static bool is_below(const struct cfg_row *row, const struct cfg_row *section, size_t length)
{
    return row->in == section->in && strncmp(row->path, section->path, length) == 0 &&
           row->path[length] == '.';
}

static void derive(void)
{
    for (size_t i = cfg_row_count; i-- > 0;) {
        first_of[cfg_rows[i].in] = (uint16_t)i;
        const char *dot = strrchr(cfg_rows[i].path, '.');
        leaf_at[i] = (uint16_t)(dot != NULL ? dot + 1 - cfg_rows[i].path : 0);
        size_t length = strlen(cfg_rows[i].path), next = i + 1;
        while (next < cfg_row_count && is_below(&cfg_rows[next], &cfg_rows[i], length)) {
            next++;
        }
        bool same_level = next < cfg_row_count && cfg_rows[next].in == cfg_rows[i].in;
        if (same_level && leaf_at[i] > 0) {
            same_level = strncmp(cfg_rows[next].path, cfg_rows[i].path, leaf_at[i]) == 0;
        }
        next_at[i] = (uint16_t)(same_level ? next : cfg_row_count);
    }
}

static const struct cfg_row *in_scope(size_t index, unsigned scope)
{
    while (index < cfg_row_count) {
        const struct cfg_row *row = &cfg_rows[index];
        if (row->scope == 0 || (row->scope & scope) != 0) {
            return row;
        }
        index = next_at[index];
    }
    return NULL;
}

const struct cfg_row *cfg_row_first(enum cfg_block block, unsigned scope)
{
    pthread_once(&once, derive);
    return in_scope(first_of[block], scope);
}

const struct cfg_row *cfg_row_child(const struct cfg_row *row, unsigned scope)
{
    size_t index = (size_t)(row - cfg_rows) + 1;
    if (row->type != CFG_T_SECTION || index >= cfg_row_count ||
        !is_below(&cfg_rows[index], row, strlen(row->path))) {
        return NULL;
    }
    return in_scope(index, scope);
}

const struct cfg_row *cfg_row_next(const struct cfg_row *row, unsigned scope)
{
    return in_scope(next_at[row - cfg_rows], scope);
}

const char *cfg_row_name(const struct cfg_row *row)
{
    return row->path + leaf_at[row - cfg_rows];
}

const struct cfg_row *cfg_row_find(const struct cfg_row *first, unsigned scope, const char *name)
{
    for (const struct cfg_row *row = first; row != NULL; row = cfg_row_next(row, scope)) {
        if (strcmp(cfg_row_name(row), name) == 0) {
            return row;
        }
    }
    return NULL;
}

bool cfg_row_is_secret(const struct cfg_row *row)
{
    return (row->flags & (CFG_F_SECRET | CFG_F_HIDDEN | CFG_F_URL)) != 0;
}

void cfg_row_add_range(const struct cfg_row *row, struct str *out)
{
    bool has_min = (row->limits & CFG_L_MIN) != 0, has_max = (row->limits & CFG_L_MAX) != 0;
    if (has_min && has_max) {
        str_addf(out, "%g to %s%g", row->min, (row->limits & CFG_L_BELOW) != 0 ? "below " : "",
                 row->max);
    } else if (has_min) {
        str_addf(out, "%s %g", (row->limits & CFG_L_ABOVE) != 0 ? "above" : "at least", row->min);
    } else if (has_max) {
        str_addf(out, "at most %g", row->max);
    }
}

const char *cfg_row_type_text(const struct cfg_row *row)
{
    switch (row->type) {
    case CFG_T_SECTION:
    case CFG_T_BLOCK:
    case CFG_T_FREE:
        return "section";
    case CFG_T_BOOL:
    case CFG_T_OPT_BOOL:
        return "true or false";
    case CFG_T_INT:
    case CFG_T_INT64:
    case CFG_T_OPT_INT:
        return "whole number";
    case CFG_T_FLOAT:
        return "number";
    case CFG_T_STRING:
        return row->choices != NULL ? "choice" : "text";
    case CFG_T_ENUM:
        return "choice";
    case CFG_T_STRINGS:
        return row->choices != NULL            ? "list of choices"
               : (row->flags & CFG_F_ONE) != 0 ? "text or list of texts"
                                               : "list of texts";
    case CFG_T_ARGS:
        return "text or list of options";
    case CFG_T_WEIGHTS:
        return "five numbers";
    case CFG_T_NUMBERS:
        return (row->flags & CFG_F_INTEGER) != 0 ? "map of name to whole number"
                                                 : "map of name to number";
    case CFG_T_TEXTS:
        return row->choices != NULL ? "map of name to choice" : "map of name to text";
    case CFG_T_MASK:
        return "coordinates or list of them";
    case CFG_T_MAP:
        return "map of name to section";
    case CFG_T_LIST:
        return "list of sections";
    }
    return "";
}
