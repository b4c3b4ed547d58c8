#include "server/config_file.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/config.h"

#define BYTES_MAX (4u << 20) /* the parser's own bound */

struct config_file {
    const char *path;
    pthread_mutex_t lock; /* from reading the text that is changed to having replaced it */
};

struct config_file *config_file_create(const char *path)
{
    struct config_file *file = mem_alloc(sizeof *file);
    file->path = path;
    pthread_mutex_init(&file->lock, NULL);
    return file;
}

void config_file_destroy(struct config_file *file)
{
    if (file != NULL) {
        pthread_mutex_destroy(&file->lock);
        free(file);
    }
}

int config_file_read(struct config_file *file, struct str *text)
{
    return str_read_file(text, file->path, BYTES_MAX);
}

/* Warnings do not keep it from starting. */
static void add_errors(const struct config_file *file, const struct cfg_issues *issues,
                       struct str *why)
{
    struct cfg_issues errors = {0};
    for (size_t i = 0; i < issues->count; i++) {
        if (!issues->items[i].is_warning) {
            *MEM_PUSH(errors.items, errors.count, errors.capacity) = issues->items[i];
        }
    }
    config_issues_format(&errors, file->path, why);
    free(errors.items); /* what is in them is not ours */
}

/* As a start would take it. */
static bool is_good(const struct config_file *file, const struct str *text, struct str *why)
{
    struct cfg_issues issues = {0};
    struct config *config = config_load(file->path, str_text(text), text->length, &issues);
    bool good = config != NULL;
    add_errors(file, &issues, why);
    config_issues_finish(&issues);
    config_free(config);
    return good;
}

/* Under the lock. */
static enum config_saved save(struct config_file *file, const struct str *text, struct str *why)
{
    if (!is_good(file, text, why)) {
        return CONFIG_REFUSED;
    }
    int result = file_replace(file->path, str_text(text), text->length);
    if (result < 0) {
        str_addf(why, "%s: cannot be replaced: %s%s\n", file->path, err_name(result),
                 result == -EBUSY ? " (a file that is mounted by itself: mount its folder)" : "");
        return CONFIG_NOT_WRITTEN;
    }
    log_info("the configuration %s was changed over HTTP; a restart takes it up", file->path);
    return CONFIG_SAVED;
}

enum config_saved config_file_save(struct config_file *file, const struct str *text,
                                   struct str *why)
{
    pthread_mutex_lock(&file->lock);
    enum config_saved saved = save(file, text, why);
    pthread_mutex_unlock(&file->lock);
    return saved;
}

static enum config_saved set(struct config_file *file, const struct cfg_change *changes,
                             size_t count, struct str *why)
{
    AUTO_STR struct str before = {0}, after = {0};
    struct err err = ERR_NONE;
    int result = config_file_read(file, &before);
    if (result < 0) {
        str_addf(why, "%s: cannot be read: %s\n", file->path, err_name(result));
        return CONFIG_NOT_CHANGED;
    }
    if (config_edit(str_text(&before), before.length, changes, count, &after, &err) < 0) {
        str_addf(why, "%s: %s\n", file->path, err.text);
        return CONFIG_NOT_CHANGED;
    }
    if (after.length == before.length && memcmp(after.data, before.data, after.length) == 0) {
        return is_good(file, &after, why) ? CONFIG_SAVED : CONFIG_REFUSED;
    }
    return save(file, &after, why);
}

enum config_saved config_file_set(struct config_file *file, const struct cfg_change *changes,
                                  size_t count, struct str *why)
{
    pthread_mutex_lock(&file->lock);
    enum config_saved saved = set(file, changes, count, why);
    pthread_mutex_unlock(&file->lock);
    return saved;
}
