/* The rows of the route table, in the order of the API's description. */
#include "base/cleanup.h"
#include "http/api.h"
#include "http/route.h"

#define PARAMS(array) array, ARRAY_SIZE(array)
#define NO_PARAMS NULL, 0

/* Only what differs from zero is written: a parameter that is lenient, unbounded, absent. */
#define TEXT(name_, help_)                               \
    {                                                    \
        .name = name_, .type = PARAM_TEXT, .help = help_ \
    }
#define LIST(name_, help_)                               \
    {                                                    \
        .name = name_, .type = PARAM_LIST, .help = help_ \
    }
#define FLAG(name_, help_)                               \
    {                                                    \
        .name = name_, .type = PARAM_FLAG, .help = help_ \
    }
#define INT(name_, help_)                               \
    {                                                   \
        .name = name_, .type = PARAM_INT, .help = help_ \
    }
#define FLOAT(name_, help_)                               \
    {                                                     \
        .name = name_, .type = PARAM_FLOAT, .help = help_ \
    }
#define INT_OR(name_, otherwise_, help_)                                         \
    {                                                                            \
        .name = name_, .type = PARAM_INT, .otherwise = otherwise_, .help = help_ \
    }
#define TEXT_OR(name_, otherwise_, help_)                                         \
    {                                                                             \
        .name = name_, .type = PARAM_TEXT, .otherwise = otherwise_, .help = help_ \
    }
#define LIMIT(otherwise_)                                                            \
    {                                                                                \
        .name = "limit", .type = PARAM_INT, .strict = true, .otherwise = otherwise_, \
        .help = "At most so many; negative = all"                                    \
    }
#define ZONE                                                                        \
    {                                                                               \
        .name = "timezone", .type = PARAM_ZONE, .strict = true, .otherwise = "utc", \
        .help = "IANA time zone; its present offset counts"                         \
    }
#define DOWNLOAD FLAG("download", "Answer as an attachment")

static const struct param history_params[] = {
    TEXT("keys", "Comma list of top-level keys to keep"),
};

static const struct param probe_params[] = {
    TEXT("paths", "camera:NAME, or addresses with commas between"),
};

static const struct param log_params[] = {
    INT("start", "The first line wanted; negative counts from the end"),
    INT("end", "The line before which to stop; negative counts from the end"),
};

static const struct param save_params[] = {
    TEXT("save_option", "restart: with the new configuration at once; else saveonly"),
};

#define DRAWING                                                                       \
    INT("bbox", "Boxes of tracked objects"), INT("timestamp", "Time of the picture"), \
        INT("zones", "Outlines of zones"), INT("mask", "Motion masks blacked out"),   \
        INT("motion", "Boxes of motion"), INT("regions", "Regions that were looked at")

static const struct param stream_params[] = {
    {.name = "fps",
     .type = PARAM_INT,
     .strict = true,
     .min = 1,
     .max = 1000,
     .otherwise = "3",
     .help = "Pictures per second, at most 30"},
    {.name = "h",
     .type = PARAM_INT,
     .strict = true,
     .min = 1,
     .max = 4320,
     .otherwise = "360",
     .help = "Height in pixels"},
    DRAWING,
};

static const struct param latest_params[] = {
    {.name = "h", .type = PARAM_INT, .strict = true, .help = "Height in pixels"},
    {.name = "quality",
     .type = PARAM_INT,
     .min = 1,
     .max = 100,
     .otherwise = "70",
     .help = "1 to 100"},
    DRAWING,
};

static const struct param grid_params[] = {
    TEXT_OR("color", "green", "red, green, blue, black or white"),
    {.name = "font_scale",
     .type = PARAM_FLOAT,
     .min = 0.05,
     .max = 10,
     .otherwise = "0.5",
     .help = "Size of the text"},
};

static const struct param event_params[] = {
    TEXT("camera", "One camera (older form of cameras)"),
    LIST("cameras", "Cameras"),
    LIST("label", "One label (older form of labels)"),
    LIST("labels", "Labels"),
    LIST("sub_label", "Older form of sub_labels"),
    LIST("sub_labels", "Sub labels; None = without one"),
    LIST("zone", "Older form of zones"),
    LIST("zones", "Zones that were entered; None = none"),
    LIMIT("100"),
    FLOAT("after", "Began after this time (seconds since the epoch)"),
    FLOAT("before", "Began before this time"),
    TEXT_OR("time_range", "00:00,24:00", "Local time of day it began, HH:MM,HH:MM"),
    TEXT_OR("timezone", "utc", "Of time_range; its present offset counts"),
    INT("has_clip", "1 or 0"),
    INT("has_snapshot", "1 or 0"),
    INT("in_progress", "1: still running; 0: ended"),
    INT_OR("include_thumbnails", "1", "0 leaves the thumbnails out"),
    INT("favorites", "1: only those kept for ever"),
    FLOAT("min_score", "Of the best picture"),
    FLOAT("max_score", "Of the best picture"),
    INT("is_submitted", "1: sent to Frigate+; 0: not"),
    FLOAT("min_length", "Seconds; running events drop out"),
    FLOAT("max_length", "Seconds; running events drop out"),
    {.name = "sort",
     .type = PARAM_CHOICE,
     .strict = true,
     .choices = "|date_desc|date_asc|score_desc|score_asc",
     .help = "Order; newest first"},
};

static const struct param event_summary_params[] = {
    ZONE,
    INT("has_clip", "1 or 0"),
    INT("has_snapshot", "1 or 0"),
};

static const struct param plus_params[] = {
    FLAG("include_annotation", "Send the box and label too; the JSON body may say it as well"),
};

static const struct param thumbnail_params[] = {
    TEXT_OR("format", "ios", "android: twice as wide, black on both sides"),
};

static const struct param snapshot_params[] = {
    INT("bbox", "Running events: draw the box"),
    INT("timestamp", "Running events: draw the time"),
    INT("crop", "Running events: cut out the object"),
    {.name = "h", .type = PARAM_INT, .min = 1, .max = 4320, .help = "Running events: height"},
    {.name = "quality",
     .type = PARAM_INT,
     .min = 1,
     .max = 100,
     .otherwise = "70",
     .help = "Running events: 1 to 100"},
    DOWNLOAD,
};

static const struct param download_params[] = {DOWNLOAD};

static const struct param span_params[] = {
    FLOAT("after", "From this time (seconds since the epoch); an hour ago"),
    FLOAT("before", "To this time; now"),
};

static const struct param gap_params[] = {
    FLOAT("after", "From this time (seconds since the epoch); a day ago"),
    FLOAT("before", "To this time; now"),
};

static const struct param preview_params[] = {
    TEXT_OR("format", "gif", "gif; anything else: mp4"),
};

static const struct param review_params[] = {
    LIST("cameras", "Cameras"),
    LIST("labels", "Labels of objects or sounds"),
    LIST("zones", "Zones"),
    INT_OR("reviewed", "0", "0: only what nobody has looked at; else all"),
    INT("limit", "At most so many"),
    TEXT("severity", "alert or detection"),
    FLOAT("after", "Began after this time (seconds since the epoch); a day ago"),
    FLOAT("before", "Ended before this time, or runs; now"),
};

static const struct param review_summary_params[] = {
    LIST("cameras", "Cameras"),
    LIST("labels", "Labels of objects or sounds"),
    LIST("zones", "Zones"),
    ZONE,
};

static const struct param activity_params[] = {
    LIST("cameras", "Cameras"),
    FLOAT("after", "From this time (seconds since the epoch); an hour ago"),
    FLOAT("before", "To this time; now"),
    {.name = "scale",
     .type = PARAM_INT,
     .strict = true,
     .min = 1,
     .max = 86400,
     .otherwise = "30",
     .help = "Seconds per value"},
};

static const struct param timeline_params[] = {
    TEXT_OR("camera", "all", "Of one camera"),
    TEXT("source_id", "Of one event"),
    LIMIT("100"),
};

static const struct param hourly_params[] = {
    LIST("cameras", "Cameras"),
    LIST("labels", "Labels"),
    FLOAT("after", "After this time (seconds since the epoch)"),
    FLOAT("before", "Before this time"),
    LIMIT("200"),
    ZONE,
};

static const struct param zone_params[] = {ZONE};

static const struct param label_params[] = {TEXT("camera", "Of one camera")};
static const struct param sub_label_params[] = {
    INT("split_joined", "1: take joined ones apart"),
};

#define GET HTTP_GET
#define POST HTTP_POST
#define PUT HTTP_PUT
#define DELETE HTTP_DELETE
#define PATCH HTTP_PATCH

static const struct route management_routes[] = {
    {GET, "/api/", api_root, NO_PARAMS, "text", "Sign of life"},
    {GET, "/api/config", api_config, NO_PARAMS, "Config",
     "The running configuration, secrets masked"},
    {GET, "/api/config/raw", api_config_raw, NO_PARAMS, "text", "The configuration file", NULL,
     "404"},
    {GET, "/api/config/schema.json", api_config_schema, NO_PARAMS, "ConfigSchema",
     "JSON Schema of the configuration"},
    {POST, "/api/config/save", api_config_save, PARAMS(save_params), "message",
     "Replace the configuration file by the body, unless it has errors", "text/plain",
     .waits = true},
    {PUT, "/api/config/set", api_config_set, NO_PARAMS, "message",
     "Change single keys of the file: the query's names are paths (cameras.back.detect.fps)",
     "ConfigSet", .waits = true},
    {POST, "/api/restart", api_restart, NO_PARAMS, "message", "Restart everything"},
    {GET, "/api/openapi.json", api_openapi, NO_PARAMS, "OpenApi", "This description"},
    {GET, "/api/stats", api_stats, NO_PARAMS, "Stats", "What everything is doing, measured"},
    {GET, "/api/stats/history", api_stats_history, PARAMS(history_params), "StatsHistory",
     "The last snapshots of /api/stats"},
    {GET, "/api/version", api_version, NO_PARAMS, "text", "Version"},
    {GET, "/api/ffprobe", api_ffprobe, PARAMS(probe_params), "Probes",
     "What streams hold; takes a few seconds", NULL, "404 503", .waits = WAITS_MEDIA},
    {GET, "/api/vainfo", api_vainfo, NO_PARAMS, "CommandOutput", "What the graphics card decodes",
     NULL, "503", .waits = WAITS_MEDIA},
    {GET, "/api/logs/<service>", api_logs, PARAMS(log_params), "LogLines",
     "The last lines of the log: frigate; go2rtc and nginx, which are no programs here, have none",
     NULL, "404"},
    {GET, "/api/profile", api_profile, NO_PARAMS, "Profile", "Who is asking"},
    {GET, "/api/auth", api_auth, NO_PARAMS, "202=Empty", "Check of a session", NULL, "401=Empty"},
    {POST, "/api/login", api_login, NO_PARAMS, "Empty", "Begin a session", "Login",
     "400=LoginFailed 415 429", .waits = WAITS_SELF},
    {GET, "/api/logout", api_logout, NO_PARAMS, "redirect", "End a session"},
    {GET, "/api/users", api_users, NO_PARAMS, "UserList", "Users"},
    {POST, "/api/users", api_user_create, NO_PARAMS, "User", "Make a user", "NewUser", "415",
     .waits = WAITS_SELF},
    {DELETE, "/api/users/<user>", api_user_delete, NO_PARAMS, "Done", "Remove a user"},
    {PUT, "/api/users/<user>/password", api_user_password, NO_PARAMS, "Done", "Change a password",
     "NewPassword", "415", .waits = WAITS_SELF},
    {GET, "/api/go2rtc/streams", NULL, NO_PARAMS, "Restreams", "Restreams"},
    {GET, "/api/go2rtc/streams/<name>", NULL, NO_PARAMS, "Restream", "One restream"},
    {GET, "/api/go2rtc/api/<path...>", NULL, NO_PARAMS, "json", "The restreamer's own API"},
    {POST, "/api/go2rtc/webrtc", NULL, NO_PARAMS, "json", "WebRTC offer"},
};

static const struct route cameras_routes[] = {
    {GET, "/api/<camera>", api_camera_stream, PARAMS(stream_params), "multipart/x-mixed-replace",
     "Endless stream of pictures"},
    {GET, "/api/<camera>/latest.jpg", api_camera_latest_jpeg, PARAMS(latest_params), "image/jpg",
     "The newest picture"},
    {GET, "/api/<camera>/latest.webp", api_camera_latest_webp, PARAMS(latest_params), "image/webp",
     "The newest picture"},
    {GET, "/api/<camera>/grid.jpg", api_camera_grid, PARAMS(grid_params), "image/jpeg",
     "What the region grid has learned"},
    {GET, "/api/<camera>/ptz/info", api_ptz_info, NO_PARAMS, "Ptz",
     "What the camera's motors can do", .waits = WAITS_PEER},
    {GET, "/api/<camera>/ptz/status", api_ptz_status, NO_PARAMS, "PtzStatus",
     "Where the camera looks, and whether it moves", .also = "502", .waits = WAITS_PEER},
    {POST, "/api/<camera>/ptz", api_ptz_command, NO_PARAMS, "message",
     "Move the camera: MOVE_LEFT, ZOOM_IN, STOP, PRESET_<name>, ...", "PtzCommand", "502",
     .waits = WAITS_PEER},
    {GET, "/api/<camera>/<label>/thumbnail.jpg", api_label_thumbnail, PARAMS(thumbnail_params),
     "image/jpeg", "Thumbnail of the latest event"},
    {GET, "/api/<camera>/<label>/best.jpg", api_label_thumbnail, PARAMS(thumbnail_params),
     "image/jpeg", "The same by its older name"},
    {GET, "/api/<camera>/<label>/snapshot.jpg", api_label_snapshot, PARAMS(snapshot_params),
     "image/jpeg", "Snapshot of the latest event"},
    {GET, "/api/<camera>/<label>/clip.mp4", api_label_clip, PARAMS(download_params), "video/mp4",
     "Recording of the latest event", NULL, "403"},
};

static const struct route events_routes[] = {
    {GET, "/api/events", api_events, PARAMS(event_params), "EventList", "List of events"},
    {GET, "/api/events/summary", api_events_summary, PARAMS(event_summary_params), "EventSummary",
     "Counts per day"},
    {GET, "/api/events/<id>", api_event, NO_PARAMS, "Event", "One event"},
    {DELETE, "/api/events/<id>", api_event_delete, NO_PARAMS, "message",
     "Remove an event and its pictures"},
    {POST, "/api/events/<id>/retain", api_event_retain, NO_PARAMS, "message", "Keep for ever"},
    {DELETE, "/api/events/<id>/retain", api_event_unretain, NO_PARAMS, "message",
     "Do not keep for ever"},
    {POST, "/api/events/<id>/sub_label", api_event_sub_label, NO_PARAMS, "message",
     "Name what was seen", "SubLabel"},
    {POST, "/api/events/<id>/plus", api_event_plus, PARAMS(plus_params), "PlusId",
     "Send to Frigate+", "PlusAnnotation", "409", .waits = WAITS_PEER},
    {PUT, "/api/events/<id>/false_positive", api_event_false_positive, NO_PARAMS, "PlusId",
     "Send to Frigate+ as a mistake", .also = "409", .waits = WAITS_PEER},
    {GET, "/api/events/<id>/thumbnail.jpg", api_event_thumbnail, PARAMS(thumbnail_params),
     "image/jpeg", "Thumbnail"},
    {GET, "/api/events/<id>/snapshot.jpg", api_event_snapshot, PARAMS(snapshot_params),
     "image/jpeg", "Snapshot"},
    {GET, "/api/events/<id>/snapshot-clean.png", api_event_snapshot_clean, PARAMS(download_params),
     "image/png", "Whole picture, nothing drawn"},
    {GET, "/api/events/<id>/clip.mp4", api_event_clip, PARAMS(download_params), "video/mp4",
     "Recording of the event", NULL, "403"},
    {GET, "/api/events/<id>/preview.gif", api_event_preview, NO_PARAMS, "image/gif",
     "Event in a few pictures"},
    {POST, "/api/events/<camera>/<label>/create", api_event_create, NO_PARAMS, "ManualEventMade",
     "Make an event by hand", "ManualEvent", .waits = WAITS_SELF},
    {PUT, "/api/events/<id>/end", api_event_end, NO_PARAMS, "message", "End an event made by hand",
     "EventEnd"},
    {GET, "/api/labels", api_labels, PARAMS(label_params), "Names", "Labels there are events of"},
    {GET, "/api/sub_labels", api_sub_labels, PARAMS(sub_label_params), "Names",
     "Sub labels there are events of"},
};

static const struct route previews_routes[] = {
    {GET, "/api/preview/<camera>/start/<start:number>/end/<end:number>", api_previews, NO_PARAMS,
     "PreviewList", "Previews of a span"},
    {GET, "/api/preview/<camera>/start/<start:number>/end/<end:number>/frames", api_preview_frames,
     NO_PARAMS, "Names", "Preview pictures of a span that are not in a film yet"},
    {GET, "/api/preview/<month>/<day>/<hour>/<camera>/<zone>", api_previews_hour, NO_PARAMS,
     "PreviewList", "Previews of an hour"},
    {GET, "/api/preview/<file>/thumbnail.jpg", api_preview_frame, NO_PARAMS, "image/webp",
     "Preview picture", NULL, "403"},
    {GET, "/api/preview/<file>/thumbnail.webp", api_preview_frame, NO_PARAMS, "image/webp",
     "Preview picture", NULL, "403"},
    {GET, "/api/<camera>/start/<start:number>/end/<end:number>/preview.gif", api_span_preview_gif,
     NO_PARAMS, "image/gif", "A span in a few pictures"},
    {GET, "/<camera>/start/<start:number>/end/<end:number>/preview.gif", api_span_preview_gif,
     NO_PARAMS, "image/gif", "The same by its bare path"},
    {GET, "/api/<camera>/start/<start:number>/end/<end:number>/preview.mp4", api_span_preview_mp4,
     NO_PARAMS, "video/mp4", "A span in a few pictures", NULL, "403"},
    {GET, "/api/<camera>/start/<start:number>/end/<end:number>/preview", api_span_preview,
     PARAMS(preview_params), "image/gif video/mp4", "A span in a few pictures", NULL, "403"},
};

static const struct route recordings_routes[] = {
    {GET, "/api/<camera>/recordings", api_recordings, PARAMS(span_params), "RecordingList",
     "Segments of a camera"},
    {GET, "/api/<camera>/recordings/summary", api_recordings_summary, PARAMS(zone_params),
     "RecordingSummary", "Hours a camera has recordings of"},
    {GET, "/api/<camera>/recordings/gaps", api_recordings_gaps, PARAMS(gap_params), "Gaps",
     "What was not recorded, and why"},
    {GET, "/api/<camera>/recordings/retention", api_recordings_retention, PARAMS(span_params),
     "Retention", "Why segments are kept, and when they will go"},
    {GET, "/api/<camera>/recordings/<time>/snapshot.png", api_recording_snapshot, NO_PARAMS,
     "image/png", "Picture out of a recording"},
    {POST, "/api/<camera>/plus/<time>", api_recording_plus, NO_PARAMS, "message",
     "Send a picture to Frigate+", .waits = WAITS_PEER},
    {GET, "/api/<camera>/start/<start:number>/end/<end:number>/clip.mp4", api_span_clip,
     PARAMS(download_params), "video/mp4", "Recording of a span", NULL, "403"},
    {GET, "/api/recordings/storage", api_recordings_storage, NO_PARAMS, "RecordingStorage",
     "Space the recordings take"},
    {POST, "/api/export/<camera>/start/<start:number>/end/<end:number>", api_export_begin,
     NO_PARAMS, "message", "Make an export", "ExportWish"},
    {GET, "/api/exports", api_exports, NO_PARAMS, "ExportList", "Exports"},
    {GET, "/api/exports/progress", api_exports_progress, NO_PARAMS, "ExportProgressList",
     "Exports that are being made"},
    {GET, "/api/export/<id>/progress", api_export_progress, NO_PARAMS, "ExportProgress",
     "How far an export is"},
    {POST, "/api/export/<id>/cancel", api_export_cancel, NO_PARAMS, "message",
     "Stop making an export"},
    {DELETE, "/api/export/<id>", api_export_delete, NO_PARAMS, "message", "Remove an export"},
    {PATCH, "/api/export/<id>/<name>", api_export_rename, NO_PARAMS, "message", "Rename an export"},
    {GET, "/api/vod/<month>/<day>/<hour>/<camera>", api_vod_mapping, NO_PARAMS, "VodMapping",
     "Segments to play"},
    {GET, "/api/vod/<month>/<day>/<hour>/<camera>/<zone>", api_vod_mapping, NO_PARAMS, "VodMapping",
     "Segments to play"},
    {GET, "/api/vod/event/<id>", api_vod_mapping, NO_PARAMS, "VodMapping", "Segments to play"},
    {GET, "/api/vod/<camera>/start/<start:number>/end/<end:number>", api_vod_mapping, NO_PARAMS,
     "VodMapping", "Segments to play"},
    {GET, "/vod/<path...>", api_vod, NO_PARAMS, "application/vnd.apple.mpegurl video/mp4", "HLS"},
};

static const struct route review_routes[] = {
    {GET, "/api/review", api_review_list, PARAMS(review_params), "ReviewList", "Review items"},
    {GET, "/api/review/summary", api_review_summary, PARAMS(review_summary_params), "ReviewSummary",
     "Counts per day"},
    {GET, "/api/review/activity/motion", api_activity_motion, PARAMS(activity_params),
     "MotionActivity", "Motion over time"},
    {GET, "/api/review/activity/audio", api_activity_audio, PARAMS(activity_params),
     "AudioActivity", "Loudness over time"},
    /* As Frigate's own description of its API writes them. */
    {GET, "/review/activity/motion", api_activity_motion, PARAMS(activity_params), "MotionActivity",
     "Motion over time"},
    {GET, "/review/activity/audio", api_activity_audio, PARAMS(activity_params), "AudioActivity",
     "Loudness over time"},
    {GET, "/api/review/<id>", api_review, NO_PARAMS, "ReviewItem", "One review item"},
    {GET, "/api/review/<id>/preview", api_review_preview, PARAMS(preview_params),
     "image/gif video/mp4", "Review item in a few pictures", NULL, "403"},
    {GET, "/api/review/event/<id>", api_review_of_event, NO_PARAMS, "ReviewItem",
     "The review item of an event"},
    {POST, "/api/review/<id>/viewed", api_review_viewed, NO_PARAMS, "message", "Mark as viewed"},
    {DELETE, "/api/review/<id>/viewed", api_review_not_viewed, NO_PARAMS, "message",
     "Mark as not viewed"},
    {POST, "/api/reviews/viewed", api_reviews_viewed, NO_PARAMS, "message", "Mark as viewed",
     "ReviewIds", "404"},
    {POST, "/api/reviews/delete", api_reviews_delete, NO_PARAMS, "message",
     "Remove items and their recordings", "ReviewIds", "404", .waits = WAITS_SELF},
    {GET, "/api/timeline", api_timeline, PARAMS(timeline_params), "TimelineList",
     "What objects did"},
    {GET, "/api/timeline/hourly", api_timeline_hourly, PARAMS(hourly_params), "TimelineHours",
     "What objects did, by hour"},
};

static const struct route files_routes[] = {
    {GET, "/clips/<path...>", api_clips, NO_PARAMS, "file text", "Pictures and clips", NULL, "301"},
    {GET, "/recordings/<path...>", api_recording_files, NO_PARAMS, "file FolderEntries",
     "Recorded segments", NULL, "301"},
    {GET, "/exports/<path...>", api_export_files, NO_PARAMS, "file FolderEntries", "Exports", NULL,
     "301"},
    {GET, "/live/<path...>", NULL, NO_PARAMS, "websocket", "Live streams"},
    {GET, "/ws", NULL, NO_PARAMS, "websocket", "Messages as they happen"},
};

#define SECTION(name_, help_, array) \
    {                                \
        name_, help_, ROUTES(array)  \
    }
#define ROUTES(array) array, ARRAY_SIZE(array)

const struct route_section route_sections[] = {
    SECTION("Management", "Configuration, statistics, users, restreams", management_routes),
    SECTION("Cameras", "Pictures of now, and of the latest events", cameras_routes),
    SECTION("Events", "What objects did, one row each", events_routes),
    SECTION("Previews", "Small fast films and pictures of long spans", previews_routes),
    SECTION("Recordings and exports", "Recorded video: segments, clips, playing, exports",
            recordings_routes),
    SECTION("Review and timeline", "What is worth looking at, and what happened when",
            review_routes),
    SECTION("Files", "Files as they lie, and endless connections", files_routes),
};

const size_t route_section_count = ARRAY_SIZE(route_sections);
