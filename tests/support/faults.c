/* A file system and a clock that fail on demand, put under a program with LD_PRELOAD.
 *
 * FAULTS_CONTROL names a file that holds a struct control, shared with the test: calls fail, or the
 * wall clock is set, from the moment it is written there. FAULTS_JOURNAL names a file that gets one
 * record of every change to files below a folder called "recordings", with the bytes: from it a
 * test can make the disk as it would be had the power gone at any moment (faults.py reads both).
 *
 * Test code only. It stands in front of the C library's calls that src/capture and src/base use. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum op { OP_CREATE = 1, OP_WRITE, OP_TRUNCATE, OP_SYNC, OP_RENAME, OP_UNLINK, OP_MKDIR };

/* As faults.py packs it. */
struct control {
    _Atomic int64_t clock_offset_us;
    _Atomic uint32_t fail_ops; /* bits 1 << enum op */
    _Atomic int32_t fail_errno;
    _Atomic int32_t pass_first; /* let so many through, then fail */
    _Atomic int32_t fail_count; /* so many; negative = for good */
    _Atomic uint32_t failed;    /* how many did */
    char below[232];            /* only paths with this text in them */
};

struct record {
    uint32_t magic, op;
    int64_t mono_us;
    uint64_t file; /* inode: the same file under whatever name */
    uint64_t offset, length;
    uint32_t path_length, target_length;
};
#define MAGIC 0x4a524e4c

static struct control *control;
static int journal = -1;

/* The C library's own function of that name. */
static void *real(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}
#define REAL(type_, name_, ...) ((type_(*)(__VA_ARGS__))real(name_))

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("FAULTS_CONTROL");
    if (path != NULL) {
        int fd = REAL(int, "open", const char *, int, ...)(path, O_RDWR | O_CLOEXEC);
        if (fd >= 0) {
            void *at = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
            control = at == MAP_FAILED ? NULL : at;
            close(fd);
        }
    }
    path = getenv("FAULTS_JOURNAL");
    if (path != NULL) {
        journal = REAL(int, "open", const char *, int,
                       ...)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    }
}

static bool should_fail(enum op op, const char *path)
{
    if (control == NULL || (atomic_load(&control->fail_ops) & (1u << op)) == 0 ||
        strstr(path, control->below) == NULL) {
        return false;
    }
    if (atomic_fetch_sub(&control->pass_first, 1) > 0) {
        return false;
    }
    atomic_store(&control->pass_first, 0);
    int32_t left = atomic_load(&control->fail_count);
    if (left == 0) {
        return false;
    }
    if (left > 0) {
        atomic_fetch_sub(&control->fail_count, 1);
    }
    atomic_fetch_add(&control->failed, 1);
    errno = atomic_load(&control->fail_errno);
    return true;
}

static void path_of_fd(int fd, char path[PATH_MAX])
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    path[length > 0 ? length : 0] = '\0';
}

static void path_at(int folder, const char *name, char path[PATH_MAX])
{
    if (name[0] == '/' || folder == AT_FDCWD) {
        snprintf(path, PATH_MAX, "%s", name);
        return;
    }
    char root[PATH_MAX];
    path_of_fd(folder, root);
    int length = snprintf(path, PATH_MAX, "%.3000s/%.1000s", root, name);
    path[length < PATH_MAX ? length : 0] = '\0';
}

static int64_t mono_us(void)
{
    struct timespec now;
    REAL(int, "clock_gettime", clockid_t, struct timespec *)(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void note(enum op op, const char *path, const char *target, uint64_t file, uint64_t offset,
                 const struct iovec *parts, int count, uint64_t length)
{
    if (journal < 0 || strstr(path, "/recordings") == NULL) {
        return;
    }
    int kept = errno;
    struct record record = {.magic = MAGIC,
                            .op = op,
                            .mono_us = mono_us(),
                            .file = file,
                            .offset = offset,
                            .length = length,
                            .path_length = (uint32_t)strlen(path),
                            .target_length = (uint32_t)strlen(target)};
    /* One write, so that records of several threads and processes do not mix. */
    size_t total =
        sizeof record + record.path_length + record.target_length + (parts != NULL ? length : 0);
    char *buffer = malloc(total);
    char *at = mempcpy(buffer, &record, sizeof record);
    at = mempcpy(at, path, record.path_length);
    at = mempcpy(at, target, record.target_length);
    for (int i = 0; i < count && length > 0; i++) {
        size_t bytes = parts[i].iov_len < length ? parts[i].iov_len : length;
        at = mempcpy(at, parts[i].iov_base, bytes);
        length -= bytes;
    }
    ssize_t written = REAL(ssize_t, "write", int, const void *, size_t)(journal, buffer, total);
    if (written != (ssize_t)total) {
        abort();
    }
    free(buffer);
    errno = kept;
}

static uint64_t inode(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 ? status.st_ino : 0;
}

/* ---- opening ---- */

static int open_at(int folder, const char *name, int flags, mode_t mode)
{
    char path[PATH_MAX];
    bool creates = (flags & O_CREAT) != 0;
    if (creates) {
        path_at(folder, name, path);
        if (should_fail(OP_CREATE, path)) {
            return -1;
        }
    }
    int fd = REAL(int, "openat", int, const char *, int, ...)(folder, name, flags, mode);
    if (fd >= 0 && creates) {
        note(OP_CREATE, path, "", inode(fd), 0, NULL, 0, 0);
    }
    return fd;
}

static mode_t mode_of(int flags, va_list args)
{
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
}

#define OPEN(name_)                                  \
    int name_(const char *name, int flags, ...);     \
    int name_(const char *name, int flags, ...)      \
    {                                                \
        va_list args;                                \
        va_start(args, flags);                       \
        mode_t mode = mode_of(flags, args);          \
        va_end(args);                                \
        return open_at(AT_FDCWD, name, flags, mode); \
    }
#define OPENAT(name_)                                        \
    int name_(int folder, const char *name, int flags, ...); \
    int name_(int folder, const char *name, int flags, ...)  \
    {                                                        \
        va_list args;                                        \
        va_start(args, flags);                               \
        mode_t mode = mode_of(flags, args);                  \
        va_end(args);                                        \
        return open_at(folder, name, flags, mode);           \
    }
#undef open
#undef open64
#undef openat
#undef openat64
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

/* ---- writing ---- */

static ssize_t write_parts(int fd, const struct iovec *parts, int count, off_t offset)
{
    char path[PATH_MAX];
    path_of_fd(fd, path);
    if (should_fail(OP_WRITE, path)) {
        return -1;
    }
    ssize_t written =
        REAL(ssize_t, "pwritev", int, const struct iovec *, int, off_t)(fd, parts, count, offset);
    if (written > 0) {
        note(OP_WRITE, path, "", inode(fd), (uint64_t)offset, parts, count, (uint64_t)written);
    }
    return written;
}

#undef pwritev
#undef pwritev64
#undef pwrite
#undef pwrite64
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    return write_parts(fd, parts, count, offset);
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset)
{
    return write_parts(fd, parts, count, offset);
}

#define TRUNCATE(name_)                                                           \
    int name_(int fd, off_t length)                                               \
    {                                                                             \
        char path[PATH_MAX];                                                      \
        path_of_fd(fd, path);                                                     \
        if (should_fail(OP_TRUNCATE, path)) {                                     \
            return -1;                                                            \
        }                                                                         \
        int result = REAL(int, "ftruncate", int, off_t)(fd, length);              \
        if (result == 0) {                                                        \
            note(OP_TRUNCATE, path, "", inode(fd), (uint64_t)length, NULL, 0, 0); \
        }                                                                         \
        return result;                                                            \
    }
#undef ftruncate
#undef ftruncate64
TRUNCATE(ftruncate)
TRUNCATE(ftruncate64)

#define SYNC(name_, real_)                                     \
    int name_(int fd)                                          \
    {                                                          \
        char path[PATH_MAX];                                   \
        path_of_fd(fd, path);                                  \
        if (should_fail(OP_SYNC, path)) {                      \
            return -1;                                         \
        }                                                      \
        int result = REAL(int, real_, int)(fd);                \
        if (result == 0) {                                     \
            note(OP_SYNC, path, "", inode(fd), 0, NULL, 0, 0); \
        }                                                      \
        return result;                                         \
    }
SYNC(fsync, "fsync")
SYNC(fdatasync, "fdatasync")

/* ---- names ---- */

int renameat2(int from, const char *old, int to, const char *new, unsigned flags)
{
    char path[PATH_MAX], target[PATH_MAX];
    path_at(from, old, path);
    path_at(to, new, target);
    if (should_fail(OP_RENAME, path)) {
        return -1;
    }
    int result = REAL(int, "renameat2", int, const char *, int, const char *,
                      unsigned)(from, old, to, new, flags);
    if (result == 0) {
        note(OP_RENAME, path, target, 0, 0, NULL, 0, 0);
    }
    return result;
}

int unlinkat(int folder, const char *name, int flags)
{
    char path[PATH_MAX];
    path_at(folder, name, path);
    if (should_fail(OP_UNLINK, path)) {
        return -1;
    }
    int result = REAL(int, "unlinkat", int, const char *, int)(folder, name, flags);
    if (result == 0) {
        note(OP_UNLINK, path, "", 0, 0, NULL, 0, 0);
    }
    return result;
}

int unlink(const char *name)
{
    return unlinkat(AT_FDCWD, name, 0);
}

int mkdir(const char *name, mode_t mode)
{
    if (should_fail(OP_MKDIR, name)) {
        return -1;
    }
    int result = REAL(int, "mkdir", const char *, mode_t)(name, mode);
    if (result == 0) {
        note(OP_MKDIR, name, "", 0, 0, NULL, 0, 0);
    }
    return result;
}

/* ---- the wall clock ---- */

int clock_gettime(clockid_t id, struct timespec *now)
{
    int result = REAL(int, "clock_gettime", clockid_t, struct timespec *)(id, now);
    if (result == 0 && control != NULL && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
        int64_t us =
            now->tv_sec * 1000000 + now->tv_nsec / 1000 + atomic_load(&control->clock_offset_us);
        *now = (struct timespec){.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    }
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    (void)zone;
    struct timespec exact;
    int result = clock_gettime(CLOCK_REALTIME, &exact);
    *now = (struct timeval){.tv_sec = exact.tv_sec, .tv_usec = exact.tv_nsec / 1000};
    return result;
}

time_t time(time_t *where)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (where != NULL) {
        *where = now.tv_sec;
    }
    return now.tv_sec;
}
