#include "footage/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/str.h"
#include "footage/adopt.h"
#include "footage/place.h"
#include "footage/progress.h"
#include "footage/tree.h"
#include "store/db_check.h"
#include "store/db_recording.h"

/* Its row may be on the way (server/recordings.c waits for a verdict). */
#define YOUNG_S 30
#define START_OFF_S 1.5 /* names and foreign rows have whole seconds */
#define DURATION_OFF_S 0.15
#define SIZE_OFF_MIB 0.11 /* rows have one decimal */
#define OVERLAP_S 0.1

struct check {
    struct db *db;
    const char *data_dir;
    FILE *out;
    struct check_result *result;
    struct progress progress;
    /* of the row before */
    char camera[256];
    double end;
};

const char *check_fault_name(enum check_fault fault)
{
    static const char *const names[CHECK_FAULTS] = {
        [CHECK_NO_FILE] = "row without file",
        [CHECK_NO_ROW] = "file without row",
        [CHECK_UNREADABLE] = "unreadable file",
        [CHECK_DISAGREES] = "row and file disagree",
        [CHECK_OVERLAP] = "overlap",
        [CHECK_LEFT_OPEN] = "left open",
        [CHECK_GAP] = "gap over a recording",
        [CHECK_NO_PICTURE] = "snapshot without picture",
        [CHECK_EXPORT] = "forgotten export",
    };
    return names[fault];
}

__attribute__((format(printf, 3, 4))) static void fault(struct check *check, enum check_fault kind,
                                                        const char *format, ...)
{
    AUTO_STR struct str text = {0};
    va_list args;
    va_start(args, format);
    str_addv(&text, format, args);
    va_end(args);
    fprintf(check->out, "%s: %s\n", check_fault_name(kind), str_text(&text));
    check->result->faults[kind]++;
}

/* ------------------------------------------------------------------ rows */

/* Whether the file has come or gone since the row was read: a Corvette may be at work. */
static bool row_is_gone(struct check *check, const struct db_recording *row)
{
    return !db_recording_has_path(check->db, row->path);
}

static void compare(struct check *check, const struct db_recording *row, const char *path)
{
    double start = row->start_time, duration;
    uint64_t bytes;
    int result = adopt_read(path, &start, &duration, &bytes);
    if (result == -ENOENT) {
        if (!row_is_gone(check, row)) {
            fault(check, CHECK_NO_FILE, "%s", row->path);
        }
    } else if (result < 0) {
        fault(check, CHECK_UNREADABLE, "%s (%s)", row->path, err_name(result));
    } else if (fabs(start - row->start_time) > START_OFF_S ||
               fabs(duration - row->duration) > DURATION_OFF_S ||
               (row->segment_mib > 0 && fabs(place_mib(bytes) - row->segment_mib) > SIZE_OFF_MIB)) {
        fault(check, CHECK_DISAGREES,
              "%s: the row says %.3f s and %.1f MiB at %.3f, the file %.3f s and %.1f MiB at %.3f",
              row->path, row->duration, row->segment_mib, row->start_time, duration,
              place_mib(bytes), start);
    }
}

static bool check_row(void *context, const struct db_recording *row)
{
    struct check *check = context;
    progress_step(&check->progress, ++check->result->rows);
    const char *relative = place_relative(row->path);
    if (relative == NULL) {
        fault(check, CHECK_NO_FILE, "%s: not a place recordings lie in", row->path);
        return true;
    }
    if (strcmp(check->camera, row->camera) == 0 && row->start_time < check->end - OVERLAP_S) {
        fault(check, CHECK_OVERLAP, "%s begins %.3f s before the one before it ends", row->path,
              check->end - row->start_time);
    }
    snprintf(check->camera, sizeof check->camera, "%s", row->camera);
    check->end = row->end_time;
    AUTO_FREE char *path = mem_printf("%s/media/%s", check->data_dir, relative);
    compare(check, row, path);
    return true;
}

/* ------------------------------------------------------------------ files */

static bool is_young(const char *path)
{
    struct stat status;
    return stat(path, &status) < 0 || time(NULL) - status.st_mtime < YOUNG_S;
}

/* A hidden file whose writer holds no lock on it. */
static void check_open(struct check *check, const char *folder, const char *name)
{
    AUTO_FREE char *path = mem_printf("%s/%s", folder, name);
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) == 0 && !is_young(path)) {
        fault(check, CHECK_LEFT_OPEN, "%s", path);
    }
}

static void check_hidden(struct check *check, const char *folder)
{
    DIR *dir = opendir(folder);
    for (const struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.' && str_ends(entry->d_name, ".part")) {
            check_open(check, folder, entry->d_name);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

static bool check_folder(void *context, const struct tree_hour *hour, const char *camera)
{
    struct check *check = context;
    AUTO_FREE char *folder =
        mem_printf("%s/media/recordings/%s/%s/%s", check->data_dir, hour->day, hour->hour, camera);
    struct tree_names names = tree_list(folder);
    for (size_t i = 0; i < names.count; i++) {
        double offset;
        AUTO_FREE char *path = mem_printf("%s/%s", folder, names.items[i]);
        AUTO_FREE char *canonical = mem_printf(PLACE_CANONICAL "recordings/%s/%s/%s/%s", hour->day,
                                               hour->hour, camera, names.items[i]);
        if (tree_name_time(names.items[i], &offset)) {
            progress_step(&check->progress, ++check->result->files);
            if (!db_recording_has_path(check->db, canonical) && !is_young(path)) {
                fault(check, CHECK_NO_ROW, "%s", canonical);
            }
        }
    }
    tree_names_finish(&names);
    check_hidden(check, folder);
    return true;
}

/* ------------------------------------------------------------------ the rest */

static void check_gap(void *context, const char *text)
{
    fault(context, CHECK_GAP, "%s", text);
}

static void check_picture(void *context, const char *camera, const char *id)
{
    struct check *check = context;
    AUTO_FREE char *path = mem_printf("%s/media/clips/%s-%s.jpg", check->data_dir, camera, id);
    if (access(path, F_OK) != 0) {
        fault(check, CHECK_NO_PICTURE, "clips/%s-%s.jpg", camera, id);
    }
}

static void check_export(void *context, const char *text)
{
    fault(context, CHECK_EXPORT, "%s", text);
}

int64_t check_run(const char *database, const char *data_dir, FILE *out,
                  struct check_result *result, struct err *err)
{
    *result = (struct check_result){0};
    struct db *db = db_open(database, true, err);
    if (db == NULL) {
        return -err->code;
    }
    struct check check = {.db = db, .data_dir = data_dir, .out = out, .result = result};
    progress_begin(&check.progress, "rows looked at", (uint64_t)db_check_rows(db));
    int failed = db_check_recordings(db, check_row, &check);
    progress_end(&check.progress);
    AUTO_FREE char *root = mem_printf("%s/media/recordings", data_dir);
    progress_begin(&check.progress, "files looked at", result->rows);
    tree_walk(root, check_folder, &check);
    progress_end(&check.progress);
    failed = failed < 0 ? failed : db_check_gaps(db, check_gap, &check);
    failed = failed < 0 ? failed : db_check_pictures(db, 0, check_picture, &check);
    failed = failed < 0 ? failed : db_check_exports(db, check_export, &check);
    db_close(db);
    if (failed < 0) {
        return err_set(err, -failed, "%s cannot be read: %s", database, err_name(failed));
    }
    int64_t faults = 0;
    for (int kind = 1; kind < CHECK_FAULTS; kind++) {
        faults += (int64_t)result->faults[kind];
    }
    return faults;
}
