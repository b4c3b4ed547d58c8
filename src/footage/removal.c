#include "footage/removal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "footage/place.h"

#define BATCH 200
#define WRITE_MS 30000

void removal_begin(struct removal *removal, struct store *store, const char *data_dir,
                   const struct volume *volume)
{
    *removal = (struct removal){.store = store, .data_dir = data_dir, .volume = volume};
}

int removal_unlink(const char *data_dir, const char *relative)
{
    const char *name = strrchr(relative, '/');
    if (name == NULL) {
        return -EINVAL;
    }
    AUTO_FREE char *folder = mem_strndup(relative, (size_t)(name - relative));
    AUTO_CLOSE int fd = place_open(data_dir, folder);
    if (fd < 0) {
        return fd == -ENOENT ? 0 : fd;
    }
    return unlinkat(fd, name + 1, 0) == 0 || errno == ENOENT ? 0 : -errno;
}

/* Folder of camera, hour and day, as far as they are empty now. */
static void remove_folders(struct removal *removal)
{
    if (removal->folder == NULL) {
        return;
    }
    AUTO_FREE char *path = mem_printf("%s/media/%s", removal->data_dir, removal->folder);
    for (int level = 0; level < 3 && rmdir(path) == 0; level++) {
        *strrchr(path, '/') = '\0';
    }
    free(removal->folder);
    removal->folder = NULL;
}

static void enter_folder(struct removal *removal, const char *relative)
{
    size_t length = (size_t)(strrchr(relative, '/') - relative);
    if (removal->folder == NULL || strlen(removal->folder) != length ||
        memcmp(removal->folder, relative, length) != 0) {
        remove_folders(removal);
        removal->folder = mem_strndup(relative, length);
    }
}

bool removal_end(struct removal *removal)
{
    remove_folders(removal);
    if (removal->work == NULL) {
        return true;
    }
    struct store_work *work = removal->work;
    removal->work = NULL;
    removal->waiting = 0;
    return store_submit_wait(work, WRITE_MS) >= 0;
}

/* Whether the file is gone now. */
static bool remove_file(struct removal *removal, const struct db_recording *recording,
                        const char *relative)
{
    AUTO_CLOSE int fd = place_open(removal->data_dir, relative);
    if (fd == -ENOENT) {
        /* Never here, perhaps: then its row stays for the disk it is on. */
        return removal->forgets || recording->start_time >= removal->volume->rows_since;
    }
    int result = removal_unlink(removal->data_dir, relative);
    if (result < 0) {
        log_warning("the recording %s cannot be removed: %s", relative, err_name(result));
        return false;
    }
    enter_folder(removal, relative);
    removal->segments++;
    removal->mib += recording->segment_mib;
    return true;
}

bool removal_add(struct removal *removal, const struct db_recording *recording)
{
    if (removal->waiting == 0 && !volume_is_same(removal->data_dir, removal->volume)) {
        log_error("the disk of the recordings is no longer the one it was: nothing is removed");
        return false;
    }
    const char *relative = place_relative(recording->path);
    if (relative == NULL || !place_is_segment(relative, recording->camera)) {
        return true; /* a row that names no recording of ours is left alone */
    }
    if (remove_file(removal, recording, relative)) {
        if (removal->work == NULL) {
            removal->work = store_begin(removal->store);
        }
        db_recording_delete(removal->work, recording->id);
        removal->waiting++;
    }
    return removal->waiting < BATCH || removal_end(removal);
}
