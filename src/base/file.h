/* Small things about files and directories. All return 0 or -errno. */
#ifndef CORVETTE_BASE_FILE_H
#define CORVETTE_BASE_FILE_H

#include <stddef.h>

/* Writes beside the target, syncs, renames over it, syncs the directory. */
int file_write_atomic(const char *path, const void *data, size_t length);
/* The same for a file somebody else made: what a symbolic link leads to is replaced, mode, owner
 * and group stay (the latter two where we may set them). -EBUSY for a mount point: one file that a
 * container was given by itself cannot be replaced. */
int file_replace(const char *path, const void *data, size_t length);
/* mkdir -p; an existing directory is fine. */
int file_make_dirs(const char *path);
int file_make_parent_dirs(const char *path);
/* fsync of the directory that holds `path`. */
int file_sync_parent(const char *path);
/* writes all bytes, retrying short writes and EINTR. */
int file_write_all(int fd, const void *data, size_t length);
/* An anonymous file of that size, sealed against growing and shrinking; fd or -errno. */
int file_memfd(const char *name, size_t bytes);

#endif
