/* Recordings as HLS, and as the mapping other players of the ecosystem read. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/jout.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/scan.h"
#include "footage/place.h"
#include "footage/playlist.h"
#include "footage/presence.h"
#include "footage/span.h"
#include "http/api.h"
#include "http/files.h"
#include "http/hour.h"
#include "http/http_private.h"
#include "http/request.h"
#include "media/mp4.h"
#include "server/server.h"
#include "store/db_event.h"
#include "store/db_recording.h"
#include "store/db_stream.h"

#define SPAN_MAX_S (7 * 86400.0) /* of a playlist; more is a mistake, and a burden for a player */
#define DURATION_MAX_S 600.0     /* contract: longer ones are passed over */
#define FRESH_S 3600             /* contract: what began longer ago may be kept by caches */

static void no_recordings(struct request *request)
{
    reply_message(request, 404, false, "No recordings found.");
}

/* ------------------------------------------------------------------ what is to be played */

struct target {
    char *camera;
    double after, before;
    char *legacy; /* clip file of an old event, relative to the media folder; else NULL */
};

static void target_finish(struct target *target)
{
    free(target->camera);
    free(target->legacy);
}
#define AUTO_TARGET __attribute__((cleanup(target_finish)))

static bool target_hour(struct request *request, const char *const *words, size_t count,
                        struct target *target)
{
    if (!hour_of_path(request, words, count == 5 ? words[4] : NULL, &target->after)) {
        return false;
    }
    target->camera = mem_strdup(words[3]);
    target->before = target->after + HOUR_LENGTH_S;
    return true;
}

static bool target_event(struct request *request, const char *id, struct target *target)
{
    struct db *db = request_db(request);
    if (db == NULL) {
        return false;
    }
    AUTO_EVENT_ROW struct db_event_row row = {0};
    int result = db_event_get(db, id, &row);
    if (result == -ENOENT) {
        reply_message(request, 404, false, "Event not found.");
    } else if (result < 0) {
        reply_internal_error(request, "The database cannot be read");
    } else if (!row.has_clip) {
        reply_message(request, 404, false, "Recordings not available.");
    } else {
        target->camera = mem_strdup(row.camera);
        target->after = row.start_time;
        target->before = row.end_time.has ? row.end_time.value : wall_seconds(wall_now());
        AUTO_FREE char *legacy = mem_printf("clips/%s-%s.mp4", row.camera, row.id);
        AUTO_CLOSE int fd = place_open(server_data_dir(request->server), legacy);
        target->legacy = fd >= 0 ? steal_ptr(&legacy) : NULL;
        return true;
    }
    return false;
}

static bool target_span(struct request *request, const char *const *words, struct target *target)
{
    if (!str_to_double(words[2], &target->after) || !str_to_double(words[4], &target->before)) {
        reply_not_found(request);
        return false;
    }
    if (target->before - target->after > SPAN_MAX_S) {
        reply_message(request, 400, false, "A span of more than %d days cannot be played at once",
                      (int)(SPAN_MAX_S / 86400));
        return false;
    }
    target->camera = mem_strdup(words[0]);
    return true;
}

/* False after a reply. */
static bool find_target(struct request *request, const char *const *words, size_t count,
                        struct target *target)
{
    if (count == 2 && strcmp(words[0], "event") == 0) {
        return target_event(request, words[1], target);
    }
    if (count == 5 && strcmp(words[1], "start") == 0 && strcmp(words[3], "end") == 0) {
        return target_span(request, words, target);
    }
    if (count == 4 || count == 5) {
        return target_hour(request, words, count, target);
    }
    reply_not_found(request);
    return false;
}

/* ------------------------------------------------------------------ the mapping */

static void put_clip(struct jout *json, const char *path, int64_t ms)
{
    jout_begin_object(json);
    if (ms > 0) {
        jout_key(json, "keyFrameDurations");
        jout_begin_array(json);
        jout_int(json, ms);
        jout_end_array(json);
    }
    AUTO_FREE char *canonical = mem_printf(PLACE_CANONICAL "%s", path);
    jout_put_string(json, "path", canonical);
    jout_put_string(json, "type", "source");
    jout_end_object(json);
}

static int64_t mapped_ms(const struct span_segment *segment, double before)
{
    int64_t ms = (int64_t)(segment->duration * 1000);
    return segment->end > before ? ms - (int64_t)((segment->end - before) * 1000) : ms;
}

static void reply_mapping(struct request *request, const struct target *target,
                          const struct span *span)
{
    AUTO_STR struct str durations = {0}, clips = {0}, text = {0};
    struct jout numbers = {.out = &durations}, list = {.out = &clips}, json = {.out = &text};
    int64_t longest = 0;
    jout_begin_array(&numbers);
    jout_begin_array(&list);
    for (size_t i = 0; i < span->count; i++) {
        int64_t ms = mapped_ms(&span->segments[i], target->before);
        if (ms > 0 && ms < 600000) {
            longest = ms > longest ? ms : longest;
            jout_int(&numbers, ms);
            put_clip(&list, span->segments[i].path, target->legacy != NULL ? 0 : ms);
        }
    }
    jout_end_array(&numbers);
    jout_end_array(&list);
    if (longest == 0) {
        no_recordings(request);
        return;
    }
    bool old = target->after < wall_seconds(wall_now()) - FRESH_S;
    jout_begin_object(&json);
    jout_put_bool(&json, "cache", target->legacy != NULL || old);
    if (target->legacy == NULL) {
        jout_put_bool(&json, "consistentSequenceMediaInfo", true);
    }
    jout_put_bool(&json, "discontinuity", false);
    jout_key(&json, "durations");
    jout_raw(&json, str_text(&durations));
    if (target->legacy == NULL) {
        jout_put_int(&json, "segment_duration", longest);
    }
    jout_key(&json, "sequences");
    jout_begin_array(&json);
    jout_begin_object(&json);
    jout_key(&json, "clips");
    jout_raw(&json, str_text(&clips));
    jout_end_object(&json);
    jout_end_array(&json);
    jout_end_object(&json);
    reply_json(request, 200, &text);
    if (target->legacy == NULL) {
        reply_keep(request, KEEP_NOW_MS); /* a running event ends now */
    }
}

/* An old event's clip as a span of one file. */
static void legacy_span(const char *data_dir, const struct target *target, struct span *span)
{
    struct err ignored = ERR_NONE;
    struct mp4 mp4;
    AUTO_CLOSE int fd = place_open(data_dir, target->legacy);
    if (fd >= 0 && mp4_read_fd(fd, &mp4, &ignored) == 0) {
        double duration = mp4_duration(&mp4);
        *MEM_PUSH(span->segments, span->count, span->capacity) =
            (struct span_segment){.start = target->after,
                                  .end = target->after + duration,
                                  .duration = duration,
                                  .path = mem_strdup(target->legacy)};
        mp4_finish(&mp4);
    }
}

/* False after a reply. */
static bool load(struct request *request, const struct target *target, bool with_open,
                 struct span *span)
{
    const char *data_dir = server_data_dir(request->server);
    struct db *db = request_db(request);
    if (db == NULL) {
        return false;
    }
    *span = (struct span){0};
    int result = 0;
    if (target->legacy != NULL) {
        legacy_span(data_dir, target, span);
    } else {
        result =
            span_load(db, data_dir, target->camera, target->after, target->before, with_open, span);
    }
    if (result < 0) {
        reply_internal_error(request, "The database cannot be read");
    } else if (span->count == 0) {
        no_recordings(request);
    }
    return result >= 0 && span->count > 0;
}

void api_vod_mapping(struct request *request)
{
    AUTO_TARGET struct target target = {0};
    AUTO_SPAN struct span span = {0};
    if (find_target(request, request->segments + 2, request->segment_count - 2, &target) &&
        load(request, &target, false, &span)) {
        reply_mapping(request, &target, &span);
    }
}

/* ------------------------------------------------------------------ playlists */

/* Files looked into before a stream counts as unknown. */
#define DESCRIBE_TRIES 20

/* What the files of a span are, read off the first that can be. */
static bool describe(const char *data_dir, const struct span *span, struct hls_stream *stream)
{
    for (size_t i = 0; i < span->count && i < DESCRIBE_TRIES; i++) {
        struct err ignored = ERR_NONE;
        AUTO_CLOSE int fd = span_open(data_dir, span->segments[i].path);
        if (fd >= 0 && hls_describe(fd, stream, &ignored) == 0) {
            return true;
        }
    }
    return false;
}

static void reply_playlist(struct request *request, struct str *text)
{
    reply_bytes(request, "application/vnd.apple.mpegurl", text, "no-store");
}

static void reply_master(struct request *request, const struct span *span)
{
    struct hls_stream stream;
    if (!describe(server_data_dir(request->server), span, &stream)) {
        no_recordings(request);
        return;
    }
    AUTO_STR struct str text = {0};
    playlist_master(&stream, request->raw_query, &text);
    reply_playlist(request, &text);
}

/* The segments of a media playlist while they are gathered. */
struct listing {
    struct request *request;
    const struct target *target;
    struct presence *presence;
    double *changes; /* when the stream's parameters changed, ascending */
    size_t change_count, next_change;
    bool changed; /* before the next segment */
    struct playlist_segment *segments;
    size_t count, capacity, missing;
};

static bool is_there(struct listing *listing, double start)
{
    if (!presence_is_known(listing->presence) || presence_at(listing->presence, start)) {
        return true;
    }
    AUTO_STR struct str path = {0};
    struct db *db = request_db(listing->request);
    const char *relative = db_recording_path(db, listing->target->camera, start, &path)
                               ? place_relative(path.data)
                               : NULL;
    AUTO_CLOSE int fd =
        relative != NULL ? place_open(server_data_dir(listing->request->server), relative) : -1;
    return fd >= 0;
}

static void list_segment(void *context, double start, double duration)
{
    struct listing *listing = context;
    while (listing->next_change < listing->change_count &&
           listing->changes[listing->next_change] <= start + 0.0005) {
        listing->changed = true;
        listing->next_change++;
    }
    if (!(duration > 0) || duration > DURATION_MAX_S) {
        return;
    }
    if (!is_there(listing, start)) {
        listing->missing++;
        return;
    }
    *MEM_PUSH(listing->segments, listing->count, listing->capacity) =
        (struct playlist_segment){start, duration, listing->changed};
    listing->changed = false;
}

/* What was recorded in the span, the open segment too; or the one file of an old event. */
static int list_segments(struct listing *listing, struct hls_stream *stream)
{
    struct request *request = listing->request;
    const struct target *target = listing->target;
    const char *data_dir = server_data_dir(request->server);
    struct db *db = request_db(request);
    int result = db_recording_each_time(db, target->camera, target->after, target->before,
                                        list_segment, listing);
    AUTO_SPAN struct span tail = {0};
    if (result == 0) { /* its last minutes: what follows the last row, and what the stream is */
        double last =
            listing->count > 0 ? listing->segments[listing->count - 1].start : target->after;
        result = span_load(db, data_dir, target->camera, last, target->before, true, &tail);
    }
    if (result == 0 && tail.count > 0) {
        const struct span_segment *open = &tail.segments[tail.count - 1];
        if (open->open) {
            *MEM_PUSH(listing->segments, listing->count, listing->capacity) =
                (struct playlist_segment){open->start, open->duration, listing->changed};
        }
        describe(data_dir, &tail, stream);
    }
    return result;
}

/* Enough of a span to see what its files are: its first minute, or all of it where that is empty.
 * False after a reply. */
static bool load_beginning(struct request *request, const struct target *target, struct span *span)
{
    struct db *db = request_db(request);
    double minute = target->after + 60;
    *span = (struct span){0};
    if (db != NULL && target->legacy == NULL && minute < target->before &&
        span_load(db, server_data_dir(request->server), target->camera, target->after, minute,
                  false, span) == 0 &&
        span->count > 0) {
        return true;
    }
    span_finish(span);
    return db != NULL && load(request, target, true, span);
}

static void reply_listing(struct request *request, const struct listing *listing,
                          const struct hls_stream *stream)
{
    if (listing->missing > 0) {
        log_debug("camera %s: %zu recordings of a span are not on the disk",
                  listing->target->camera, listing->missing);
    }
    if (listing->count == 0) {
        no_recordings(request);
        return;
    }
    AUTO_STR struct str text = {0};
    playlist_media(listing->segments, listing->count, stream->has_audio, request->raw_query, &text);
    reply_playlist(request, &text);
}

static void reply_media(struct request *request, const struct target *target)
{
    struct db *db = request_db(request);
    if (db == NULL) {
        return;
    }
    struct hls_stream stream = {0};
    struct listing listing = {.request = request, .target = target};
    int result = 0;
    if (target->legacy != NULL) {
        AUTO_SPAN struct span span = {0};
        legacy_span(server_data_dir(request->server), target, &span);
        describe(server_data_dir(request->server), &span, &stream);
        for (size_t i = 0; i < span.count; i++) {
            *MEM_PUSH(listing.segments, listing.count, listing.capacity) =
                (struct playlist_segment){span.segments[i].start, span.segments[i].duration, false};
        }
    } else {
        listing.presence = presence_create(http_presence(request->http),
                                           server_data_dir(request->server), target->camera);
        result = db_stream_changes(db, target->camera, target->after, target->before,
                                   &listing.changes, &listing.change_count);
        result = result < 0 ? result : list_segments(&listing, &stream);
        presence_destroy(listing.presence);
    }
    if (result < 0) {
        reply_internal_error(request, "The database cannot be read");
    } else {
        reply_listing(request, &listing, &stream);
    }
    free(listing.changes);
    free(listing.segments);
}

/* ------------------------------------------------------------------ media */

/* The file a name means: a descriptor, or -1 after a reply. */
static int open_named(struct request *request, const struct target *target,
                      const struct playlist_name *name, char **path)
{
    const char *data_dir = server_data_dir(request->server);
    struct db *db = request_db(request);
    if (db == NULL) {
        return -1;
    }
    struct span_segment segment = {0};
    int result = 0;
    if (target->legacy != NULL) {
        segment.path = mem_strdup(target->legacy);
    } else {
        result = span_find(db, data_dir, target->camera, name->start_ms, &segment);
    }
    int fd = result < 0 ? result : span_open(data_dir, segment.path);
    *path = segment.path;
    if (result < 0 && result != -ENOENT) {
        reply_internal_error(request, "The database cannot be read");
    } else if (fd < 0) {
        reply_message(request, 404, false, "This part of the recording is not there: %s",
                      err_name(fd));
    }
    return fd < 0 ? -1 : fd;
}

static int open_piece(void *context, const char *name)
{
    return span_open(context, name);
}

static void reply_media_file(struct request *request, const struct target *target,
                             const struct playlist_name *name)
{
    AUTO_FREE char *path = NULL;
    AUTO_CLOSE int fd = open_named(request, target, name, &path);
    if (fd < 0) {
        return;
    }
    struct err err = ERR_NONE;
    struct rope *rope = rope_create(open_piece, mem_strdup(server_data_dir(request->server)), free);
    struct str init = {0};
    int result = name->file == PLAYLIST_INIT ? hls_init(fd, &init, &err)
                                             : hls_segment(fd, path, name->base, rope, &err);
    if (result < 0) {
        rope_destroy(rope);
        str_finish(&init);
        reply_message(request, 404, false, "This part of the recording is damaged: %s", err.text);
        return;
    }
    if (name->file == PLAYLIST_INIT) {
        rope_add_str(rope, &init);
    }
    reply_rope(request, "video/mp4", rope);
    /* A segment that is still being written grows. */
    request->reply.cache = str_ends(path, ".part") ? "no-store" : "private, max-age=3600";
}

void api_vod(struct request *request)
{
    struct playlist_name name;
    size_t count = request->segment_count;
    if (count < 3 || !playlist_parse(request->segments[count - 1], &name)) {
        reply_not_found(request);
        return;
    }
    AUTO_TARGET struct target target = {0};
    if (!find_target(request, request->segments + 1, count - 2, &target)) {
        return;
    }
    if (name.file == PLAYLIST_INIT || name.file == PLAYLIST_SEGMENT) {
        reply_media_file(request, &target, &name);
        return;
    }
    AUTO_SPAN struct span span = {0};
    if (name.file == PLAYLIST_MEDIA) {
        reply_media(request, &target);
    } else if (load_beginning(request, &target, &span)) {
        reply_master(request, &span);
    }
}
