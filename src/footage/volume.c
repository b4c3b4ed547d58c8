#include "footage/volume.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "footage/place.h"
#include "store/db_volume.h"

#define MARKER "media/recordings/.corvette-volume"
#define SAMPLE 50 /* newest rows that are looked for on the disk */
#define WRITE_MS 5000

const char *volume_kind_name(enum volume_kind kind)
{
    static const char *const names[] = {
        [VOLUME_KNOWN] = "known", [VOLUME_FRESH] = "fresh",   [VOLUME_ADOPTED] = "adopted",
        [VOLUME_EMPTY] = "empty", [VOLUME_BROKEN] = "broken",
    };
    return names[kind];
}

/* The identity the tree carries: 0, -ENOENT or -errno. */
static int read_marker(const char *data_dir, char id[40])
{
    AUTO_FREE char *path = mem_printf("%s/%s", data_dir, MARKER);
    AUTO_STR struct str text = {0};
    int result = str_read_file(&text, path, 256);
    if (result < 0) {
        return result;
    }
    size_t length = strspn(str_text(&text), "0123456789abcdef-");
    if (length != 36) {
        return -ENOENT; /* cut short by a power cut: as good as none */
    }
    snprintf(id, 40, "%.36s", str_text(&text));
    return 0;
}

static int write_marker(const char *data_dir, char id[40])
{
    AUTO_FREE char *path = mem_printf("%s/%s", data_dir, MARKER);
    AUTO_STR struct str random = {0};
    int result = str_read_file(&random, "/proc/sys/kernel/random/uuid", 64);
    if (result < 0) {
        return result;
    }
    snprintf(id, 40, "%.36s", str_text(&random));
    AUTO_FREE char *line = mem_printf("%s\n", id);
    return file_write_atomic(path, line, strlen(line));
}

/* Calls `fn` for the entries of a folder that are not hidden, until it returns true. */
static bool any_entry(const char *path,
                      bool (*fn)(void *context, const char *path, const char *name), void *context)
{
    DIR *folder = opendir(path);
    bool found = false;
    for (const struct dirent *entry;
         !found && folder != NULL && (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] != '.') {
            AUTO_FREE char *child = mem_printf("%s/%s", path, entry->d_name);
            found = fn(context, child, entry->d_name);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return found;
}

static bool is_old_file(void *context, const char *path, const char *name)
{
    const time_t *before = context;
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_mtime < *before;
}

static bool in_camera(void *context, const char *path, const char *name)
{
    return any_entry(path, is_old_file, context);
}

static bool in_hour(void *context, const char *path, const char *name)
{
    return any_entry(path, in_camera, context);
}

static bool in_day(void *context, const char *path, const char *name)
{
    return any_entry(path, in_hour, context);
}

/* Whether the tree holds footage that was there before us: recording may have begun already. */
#define OURS_S 60
static bool has_footage(const char *data_dir, double now)
{
    AUTO_FREE char *root = mem_printf("%s/media/recordings", data_dir);
    time_t before = (time_t)now - OURS_S;
    return any_entry(root, in_day, &before);
}

struct sample {
    const char *data_dir;
    unsigned here;
};

static bool look_for(void *context, const char *path)
{
    struct sample *sample = context;
    const char *relative = place_relative(path);
    int fd = relative != NULL ? place_open(sample->data_dir, relative) : -ENOENT;
    if (fd >= 0) {
        close(fd);
        sample->here++;
    }
    return sample->here == 0;
}

/* A volume whose marker the database does not know, or that had none until now. */
static void judge(struct db *db, const char *data_dir, double now, struct volume *volume)
{
    struct sample sample = {.data_dir = data_dir};
    int rows = db_volume_newest(db, SAMPLE, look_for, &sample);
    bool footage = has_footage(data_dir, now);
    if (sample.here > 0) {
        volume->kind = VOLUME_KNOWN; /* an existing installation: they belong together */
    } else if (footage) {
        volume->kind = VOLUME_ADOPTED;
        volume->adopted_at = now;
        volume->rows_since = now;
    } else if (rows != 0) {
        volume->kind = VOLUME_EMPTY;
        volume->rows_since = now;
    } else {
        volume->kind = VOLUME_FRESH;
    }
}

static void tell(const struct volume *volume, const char *data_dir)
{
    switch (volume->kind) {
    case VOLUME_ADOPTED:
        log_warning("%s/media/recordings holds footage this database does not know: it is taken in "
                    "and kept for the longest configured time from now on",
                    data_dir);
        break;
    case VOLUME_EMPTY:
        log_error("%s/media/recordings is empty, but the database knows recordings: is a disk "
                  "missing, or another one mounted? Recording goes on there; no row is removed",
                  data_dir);
        break;
    case VOLUME_BROKEN:
        log_error("%s/media/recordings cannot be used: nothing is deleted until it can", data_dir);
        break;
    case VOLUME_KNOWN:
    case VOLUME_FRESH:
        break;
    }
}

int volume_identify(struct store *store, const char *data_dir, struct volume *volume)
{
    *volume = (struct volume){.kind = VOLUME_BROKEN};
    double now = wall_seconds(wall_now());
    struct db_volume known;
    int marker = read_marker(data_dir, volume->id);
    AUTO_READER struct db *db = store_reader(store);
    int result = db == NULL ? -EIO : marker == -ENOENT ? 0 : marker;
    if (result == 0 && marker == 0 && db_volume_get(db, volume->id, &known) == 0) {
        volume->kind = VOLUME_KNOWN;
        volume->rows_since = known.first_seen;
        volume->adopted_at = known.adopted_at;
    } else if (result == 0) {
        judge(db, data_dir, now, volume);
        result = marker == 0 ? 0 : write_marker(data_dir, volume->id);
        known =
            (struct db_volume){.first_seen = volume->rows_since, .adopted_at = volume->adopted_at};
        snprintf(known.id, sizeof known.id, "%s", volume->id);
    }
    if (result == 0) {
        struct store_work *work = store_begin(store);
        db_volume_put(work, &known, now);
        store_submit_wait(work, WRITE_MS);
    } else {
        *volume = (struct volume){.kind = VOLUME_BROKEN};
    }
    tell(volume, data_dir);
    return result;
}

bool volume_is_same(const char *data_dir, const struct volume *volume)
{
    char id[40];
    return volume->kind != VOLUME_BROKEN && read_marker(data_dir, id) == 0 &&
           strcmp(id, volume->id) == 0;
}
