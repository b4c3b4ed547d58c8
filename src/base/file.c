#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"

int file_write_all(int fd, const void *data, size_t length)
{
    const char *p = data;
    while (length > 0) {
        ssize_t n = write(fd, p, length);
        if (n < 0) {
            if (errno == EINTR) {
                continue;
            }
            return -errno;
        }
        p += n;
        length -= (size_t)n;
    }
    return 0;
}

static char *parent_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return mem_strdup(".");
    }
    return slash == path ? mem_strdup("/") : mem_strndup(path, (size_t)(slash - path));
}

int file_sync_parent(const char *path)
{
    AUTO_FREE char *parent = parent_of(path);
    AUTO_CLOSE int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0) {
        return -errno;
    }
    return 0;
}

/* `like`: whose mode and owner the file gets; NULL: 0644, ours. */
static int write_beside(const char *path, const void *data, size_t length, const struct stat *like)
{
    AUTO_FREE char *temporary = mem_printf("%s.XXXXXX", path);
    AUTO_CLOSE int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    mode_t mode = like != NULL ? like->st_mode & 07777 : 0644;
    if (like != NULL && fchown(fd, like->st_uid, like->st_gid) < 0 &&
        fchown(fd, (uid_t)-1, like->st_gid) < 0) {
        mode &= 0777; /* not root: it becomes ours, without rights that were meant for others */
    }
    int result = file_write_all(fd, data, length);
    if (result == 0 && (fchmod(fd, mode) < 0 || fdatasync(fd) < 0 || rename(temporary, path) < 0)) {
        result = -errno;
    }
    if (result < 0) {
        unlink(temporary);
        return result;
    }
    return file_sync_parent(path);
}

int file_write_atomic(const char *path, const void *data, size_t length)
{
    return write_beside(path, data, length, NULL);
}

int file_replace(const char *path, const void *data, size_t length)
{
    AUTO_FREE char *real = realpath(path, NULL);
    struct stat old;
    if (real == NULL || stat(real, &old) < 0) {
        return -errno;
    }
    if (!S_ISREG(old.st_mode)) {
        return -EINVAL;
    }
    /* Who may not write into the file may not replace it either, whatever the folder allows. */
    if (access(real, W_OK) < 0) {
        return -errno;
    }
    return write_beside(real, data, length, &old);
}

int file_make_dirs(const char *path)
{
    AUTO_FREE char *copy = mem_strdup(path);
    for (char *p = copy + 1; *copy != '\0'; p++) {
        if (*p != '/' && *p != '\0') {
            continue;
        }
        char kept = *p;
        *p = '\0';
        if (mkdir(copy, 0755) < 0 && errno != EEXIST) {
            return -errno;
        }
        *p = kept;
        if (kept == '\0') {
            break;
        }
    }
    struct stat st;
    if (stat(path, &st) < 0) {
        return -errno;
    }
    return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int file_make_parent_dirs(const char *path)
{
    AUTO_FREE char *parent = parent_of(path);
    return file_make_dirs(parent);
}

int file_memfd(const char *name, size_t bytes)
{
    if (bytes > (size_t)LLONG_MAX) {
        return -EFBIG;
    }
    AUTO_CLOSE int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || ftruncate(fd, (off_t)bytes) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0) {
        return -errno;
    }
    return steal_fd(&fd);
}
