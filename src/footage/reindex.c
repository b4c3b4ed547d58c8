#include "footage/reindex.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "footage/adopt.h"
#include "footage/place.h"
#include "footage/progress.h"
#include "footage/tree.h"
#include "footage/volume.h"
#include "media/hls.h"
#include "store/db_check.h"
#include "store/db_recording.h"
#include "store/db_stream.h"
#include "store/store.h"

#define BATCH 500 /* rows in one transaction */
#define WRITE_MS 60000
#define START_OFF_S 1.5 /* foreign rows have whole seconds */
#define DURATION_OFF_S 0.15

/* What each camera's stream was set up with when it was looked at last: the walk goes by time. */
struct stream {
    char *camera;
    uint64_t parameters;
};

struct reindex {
    struct store *store;
    const char *data_dir;
    bool prune;
    double rows_since;
    struct reindex_result *result;
    struct progress progress;
    struct store_work *work;
    unsigned waiting;
    bool failed;
    struct stream *streams;
    size_t stream_count, stream_capacity;
};

static void flush(struct reindex *reindex)
{
    if (reindex->work != NULL && store_submit_wait(reindex->work, WRITE_MS) < 0) {
        reindex->failed = true;
    }
    reindex->work = NULL;
    reindex->waiting = 0;
}

static struct store_work *work(struct reindex *reindex)
{
    if (reindex->waiting >= BATCH) {
        flush(reindex);
    }
    if (reindex->work == NULL) {
        reindex->work = store_begin(reindex->store);
    }
    reindex->waiting++;
    return reindex->work;
}

/* ------------------------------------------------------------------ files */

static void note_stream(struct reindex *reindex, const char *camera, const char *path, double start)
{
    struct err ignored = ERR_NONE;
    uint64_t parameters;
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || hls_parameters(fd, &parameters, &ignored) < 0) {
        return;
    }
    struct stream *stream = NULL;
    for (size_t i = 0; i < reindex->stream_count; i++) {
        if (strcmp(reindex->streams[i].camera, camera) == 0) {
            stream = &reindex->streams[i];
        }
    }
    bool changed = stream != NULL && stream->parameters != parameters;
    if (stream == NULL) {
        stream = MEM_PUSH(reindex->streams, reindex->stream_count, reindex->stream_capacity);
        stream->camera = mem_strdup(camera);
    }
    stream->parameters = parameters;
    db_stream_mark(work(reindex), camera, start, changed);
}

static void add_row(struct reindex *reindex, const char *camera, const char *canonical,
                    double start, double duration, uint64_t bytes)
{
    char number[32], random[7];
    str_random6(random);
    AUTO_FREE char *id = mem_printf("%s-%s", str_double(number, start), random);
    db_recording_put(work(reindex), &(struct db_recording){.id = id,
                                                           .camera = camera,
                                                           .path = canonical,
                                                           .start_time = start,
                                                           .end_time = start + duration,
                                                           .duration = duration,
                                                           .segment_mib = place_mib(bytes)});
}

static void take_file(struct reindex *reindex, struct db *db, const struct tree_hour *hour,
                      const char *camera, const char *name, double offset)
{
    AUTO_FREE char *relative =
        mem_printf("recordings/%s/%s/%s/%s", hour->day, hour->hour, camera, name);
    AUTO_FREE char *path = mem_printf("%s/media/%s", reindex->data_dir, relative);
    AUTO_FREE char *canonical = mem_printf(PLACE_CANONICAL "%s", relative);
    double start = hour->start + offset, duration, row_start, row_duration;
    uint64_t bytes;
    progress_step(&reindex->progress, ++reindex->result->files);
    if (adopt_read(path, &start, &duration, &bytes) < 0) {
        reindex->result->unreadable++;
        log_warning("%s is no recording of known length", path);
        return;
    }
    bool known = db_recording_times(db, canonical, &row_start, &row_duration);
    if (known && fabs(row_start - start) <= START_OFF_S &&
        fabs(row_duration - duration) <= DURATION_OFF_S) {
        reindex->result->kept++;
        start = row_start;
    } else {
        *(known ? &reindex->result->mended : &reindex->result->added) += 1;
        add_row(reindex, camera, canonical, start, duration, bytes);
    }
    note_stream(reindex, camera, path, start);
}

static bool take_folder(void *context, const struct tree_hour *hour, const char *camera)
{
    struct reindex *reindex = context;
    AUTO_FREE char *folder = mem_printf("%s/media/recordings/%s/%s/%s", reindex->data_dir,
                                        hour->day, hour->hour, camera);
    struct tree_names names = tree_list(folder);
    AUTO_READER struct db *db = store_reader(reindex->store);
    for (size_t i = 0; db != NULL && i < names.count; i++) {
        double offset;
        if (tree_name_time(names.items[i], &offset)) {
            take_file(reindex, db, hour, camera, names.items[i], offset);
        }
    }
    tree_names_finish(&names);
    return !reindex->failed && db != NULL;
}

/* ------------------------------------------------------------------ rows */

static bool check_row(void *context, const struct db_recording *row)
{
    struct reindex *reindex = context;
    const char *relative = place_relative(row->path);
    AUTO_CLOSE int fd = relative != NULL ? place_open(reindex->data_dir, relative) : -ENOENT;
    if (fd != -ENOENT) {
        return true;
    }
    if (reindex->prune || row->start_time >= reindex->rows_since) {
        db_recording_delete(work(reindex), row->id);
        reindex->result->removed++;
    } else {
        reindex->result->orphaned++;
    }
    return !reindex->failed;
}

static void check_rows(struct reindex *reindex)
{
    AUTO_READER struct db *db = store_reader(reindex->store);
    if (db == NULL || db_check_recordings(db, check_row, reindex) < 0) {
        reindex->failed = true;
    }
}

int reindex_run(const char *database, const char *data_dir, bool prune,
                struct reindex_result *result, struct err *err)
{
    *result = (struct reindex_result){0};
    struct reindex reindex = {.data_dir = data_dir, .prune = prune, .result = result};
    reindex.store = store_open(database, err);
    if (reindex.store == NULL) {
        return -err->code;
    }
    struct volume volume;
    volume_identify(reindex.store, data_dir, &volume);
    reindex.rows_since = volume.kind == VOLUME_BROKEN ? INFINITY : volume.rows_since;
    AUTO_FREE char *root = mem_printf("%s/media/recordings", data_dir);
    progress_begin(&reindex.progress, "files read", 0);
    tree_walk(root, take_folder, &reindex);
    flush(&reindex);
    progress_end(&reindex.progress);
    if (!reindex.failed) {
        check_rows(&reindex);
        flush(&reindex);
    }
    for (size_t i = 0; i < reindex.stream_count; i++) {
        free(reindex.streams[i].camera);
    }
    free(reindex.streams);
    store_close(reindex.store);
    return reindex.failed ? err_set(err, EIO, "%s cannot be written", database) : 0;
}
