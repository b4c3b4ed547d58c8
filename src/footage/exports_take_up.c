/* What an earlier run, another program or the user left among the exports. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "footage/exports_private.h"
#include "footage/place.h"
#include "footage/tree.h"
#include "media/mp4.h"

static void give_up_worn_out(struct exports *exports)
{
    for (size_t i = exports->count; i-- > 0;) {
        struct export_job *job = exports->jobs[i];
        if (job->attempts >= EXPORTS_ATTEMPTS) {
            log_error("export %s was interrupted %d times and is given up", job->id, job->attempts);
            struct store_work *work = store_begin(exports->store);
            db_export_delete(work, job->id);
            store_submit(work);
            export_remove_files(exports, job->id);
            export_dequeue(exports, job);
        }
    }
}

struct settling {
    struct exports *exports;
    struct store_work *work;
};

/* Left in progress by another program: finished if its film is whole, else no export. */
static void settle(void *context, const struct db_export *export_)
{
    struct settling *settling = context;
    const char *relative = place_relative(export_->video_path);
    AUTO_CLOSE int fd =
        relative != NULL ? place_open(settling->exports->data_dir, relative) : -ENOENT;
    struct mp4 mp4;
    struct err ignored = ERR_NONE;
    bool whole = fd >= 0 && mp4_read_fd(fd, &mp4, &ignored) == 0;
    if (whole) {
        whole = !mp4.truncated;
        mp4_finish(&mp4);
    }
    log_warning("export %s was left in progress: %s", export_->id,
                whole ? "its film is whole" : "it is removed");
    if (whole) {
        db_export_finish(settling->work, export_->id);
    } else {
        db_export_delete(settling->work, export_->id);
        export_remove_files(settling->exports, export_->id);
    }
}

/* A film that has no row: from before exports had rows, or put there by hand. */
static void import(struct exports *exports, struct db *db, const char *name)
{
    AUTO_FREE char *path = mem_printf("%s/media/exports/%s", exports->data_dir, name);
    AUTO_FREE char *canonical = mem_printf(PLACE_CANONICAL "exports/%s", name);
    struct stat status;
    if (!str_ends(name, ".mp4") || db_export_has_path(db, canonical) || stat(path, &status) < 0 ||
        !S_ISREG(status.st_mode)) {
        return;
    }
    const char *camera = "unknown";
    for (size_t i = 0; i < exports->config->camera_count; i++) {
        if (strstr(name, exports->config->cameras[i].name) != NULL) {
            camera = exports->config->cameras[i].name;
        }
    }
    char random[7];
    str_random6(random);
    AUTO_FREE char *id = mem_printf("%s_%s", camera, random);
    AUTO_FREE char *title = mem_strndup(name, strlen(name) - strlen(".mp4"));
    struct store_work *work = store_begin(exports->store);
    db_export_put(work, &(struct db_export){.id = id,
                                            .camera = camera,
                                            .name = title,
                                            .date = (double)status.st_ctim.tv_sec,
                                            .video_path = canonical,
                                            .thumb_path = ""});
    store_submit(work);
}

/* Hidden files of exports nobody makes any more. */
static void sweep(const char *folder)
{
    DIR *dir = opendir(folder);
    for (const struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.' && str_ends(entry->d_name, ".mp4.part")) {
            unlinkat(dirfd(dir), entry->d_name, 0); /* made anew from its beginning */
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

void export_take_up(struct exports *exports)
{
    AUTO_READER struct db *db = store_reader(exports->store);
    if (db == NULL || db_export_jobs(db, export_enqueue, exports) < 0) {
        return;
    }
    give_up_worn_out(exports);
    struct settling settling = {exports, store_begin(exports->store)};
    db_export_stuck(db, settle, &settling);
    store_submit(settling.work);
    AUTO_FREE char *folder = mem_printf("%s/media/exports", exports->data_dir);
    sweep(folder);
    struct tree_names names = tree_list(folder);
    for (size_t i = 0; i < names.count; i++) {
        import(exports, db, names.items[i]);
    }
    tree_names_finish(&names);
}
