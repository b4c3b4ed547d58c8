/* The configuration's file as the API changes it: read, checked and replaced whole. One change at a
 * time; what would not start is never written. Any thread. The running configuration is another
 * matter: it stays until a restart. */
#ifndef CORVETTE_SERVER_CONFIG_FILE_H
#define CORVETTE_SERVER_CONFIG_FILE_H

#include "base/err.h"
#include "base/str.h"
#include "config/edit.h"

struct config_file;

/* `path` must outlive it. */
struct config_file *config_file_create(const char *path);
void config_file_destroy(struct config_file *file); /* NULL is fine */

enum config_saved {
    CONFIG_SAVED = 1,
    CONFIG_REFUSED,     /* not a good configuration: what is wrong is in `why` */
    CONFIG_NOT_CHANGED, /* the file cannot be read, or the changes make no sense */
    CONFIG_NOT_WRITTEN, /* good, but the file cannot be replaced */
};

/* Its text, appended: 0 or -errno. */
int config_file_read(struct config_file *file, struct str *text);
/* Replaces the text. `why`, unless it was saved: one complaint per line, "FILE:LINE: KEY: MESSAGE".
 */
enum config_saved config_file_save(struct config_file *file, const struct str *text,
                                   struct str *why);
/* Changes keys in it. */
enum config_saved config_file_set(struct config_file *file, const struct cfg_change *changes,
                                  size_t count, struct str *why);

#endif
