/* Files of the media folder: found without ever leaving their tree, sent with ranges. */
#ifndef CORVETTE_HTTP_FILES_H
#define CORVETTE_HTTP_FILES_H

#include <stdbool.h>

#include "base/str.h"
#include "http/request.h"

enum files_tree { FILES_CLIPS = 1, FILES_RECORDINGS, FILES_EXPORTS, FILES_TREES };

struct files; /* the open roots */

struct files *files_create(const char *data_dir);
void files_destroy(struct files *files); /* NULL is fine */

/* Opens a file or folder inside a tree for reading. Links and names that lead out of the tree are
 * refused by the kernel, hidden names here (a segment being written has one): fd or -errno. */
int files_open(struct files *files, enum files_tree tree, const char *relative);
/* Whole content of a small file, appended; 0 or -errno. */
int files_read(struct files *files, enum files_tree tree, const char *relative, struct str *out);
/* Removes a file directly in the tree's root; 0 or -errno (-ENOENT when there is none). */
int files_remove(struct files *files, enum files_tree tree, const char *name);

/* Replies with an open file: type by its name, ETag, Last-Modified, conditional and range requests.
 * Takes the fd over. */
void files_reply(struct request *request, int fd, const char *name);
/* The same for pieces, which it takes over: ETag of their content, ranges. */
void reply_rope(struct request *request, const char *type, struct rope *rope);
/* Frigate's name of a film of a span, "<kind>_<camera>_<from>-<to>.mp4"; characters a file name
 * should not have become '_'. malloc'd. */
char *files_span_name(const char *kind, const char *camera, const char *from, const char *to);
#define FILES_NAME_MAX 1000 /* contract: of such a name */
/* Content-Type by the end of a name. */
const char *files_type(const char *name);

#endif
