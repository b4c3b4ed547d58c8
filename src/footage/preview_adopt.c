/* Films of previews that have no row: from before a crash, or from before the database was lost. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "footage/place.h"
#include "footage/preview_hours_private.h"
#include "footage/tree.h"
#include "store/db_preview.h"

#include <dirent.h>

#define WRITE_MS 30000

static void add_path(void *context, const struct db_preview *preview)
{
    struct tree_names *paths = context;
    *MEM_PUSH(paths->items, paths->count, paths->capacity) = mem_strdup(preview->path);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Hidden files are films somebody was making. */
static void sweep(const char *folder)
{
    DIR *dir = opendir(folder);
    for (const struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.' && str_ends(entry->d_name, ".mp4.part")) {
            unlinkat(dirfd(dir), entry->d_name, 0);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

static bool adopt_film(struct store_work *work, const char *camera, const char *name,
                       const struct tree_names *known)
{
    double first, last;
    AUTO_FREE char *path = mem_printf(PLACE_CANONICAL "clips/previews/%s/%s", camera, name);
    const char *key = path;
    if (!preview_film_parse(name, &first, &last) ||
        (known->count > 0 &&
         bsearch(&key, known->items, known->count, sizeof *known->items, compare) != NULL)) {
        return false;
    }
    char text[32];
    AUTO_FREE char *id = mem_printf("%s_%s", camera, str_double(text, last));
    db_preview_put(work, &(struct db_preview){.id = id,
                                              .camera = camera,
                                              .path = path,
                                              .start_time = first,
                                              .end_time = last,
                                              .duration = last - first});
    return true;
}

static void adopt_camera(struct preview_hours *hours, const char *camera)
{
    AUTO_FREE char *folder = mem_printf("%s/media/clips/previews/%s", hours->data_dir, camera);
    struct tree_names known = {0}, names = tree_list(folder);
    int result = -1;
    {
        AUTO_READER struct db *db = store_reader(hours->store);
        result = db != NULL ? db_preview_each(db, camera, 0, INFINITY, add_path, &known) : -1;
    }
    if (known.count > 0) {
        qsort(known.items, known.count, sizeof *known.items, compare);
    }
    struct store_work *work = store_begin(hours->store);
    unsigned adopted = 0;
    for (size_t i = 0; i < names.count && result == 0; i++) {
        adopted += adopt_film(work, camera, names.items[i], &known);
    }
    if (adopted > 0 && store_submit_wait(work, WRITE_MS) >= 0) {
        log_info("camera %s: %u films of previews had no row and have one now", camera, adopted);
    } else if (adopted == 0) {
        store_abandon(work);
    }
    sweep(folder);
    tree_names_finish(&known);
    tree_names_finish(&names);
}

void preview_hours_adopt(struct preview_hours *hours)
{
    AUTO_FREE char *root = mem_printf("%s/media/clips/previews", hours->data_dir);
    struct tree_names cameras = tree_list(root);
    for (size_t i = 0; i < cameras.count && !preview_hours_stopping(hours); i++) {
        adopt_camera(hours, cameras.items[i]);
    }
    tree_names_finish(&cameras);
}
