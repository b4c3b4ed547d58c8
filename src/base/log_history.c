#include "base/log_history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define MAGIC 0x31474f4c54565243u /* also tells this layout from others */

struct line {
    /* 0: none yet; 2n + 1: line n is being written here; 2n + 2: it is here. */
    _Atomic uint64_t state;
    int64_t wall_us;
    _Atomic uint32_t length; /* looked at once: who else writes here may be anybody */
    char text[LOG_HISTORY_TEXT];
};

struct history {
    uint64_t magic, bytes;
    _Atomic uint64_t next; /* number of the next line */
    struct line lines[LOG_HISTORY_LINES];
};

static struct history *history;
static int history_fd = -1;

static int map(int fd)
{
    void *memory = mmap(NULL, sizeof *history, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) {
        return -errno;
    }
    history = memory;
    history_fd = fd;
    return 0;
}

int log_history_create(void)
{
    int fd = file_memfd("corvette-log", sizeof *history);
    int result = fd < 0 ? fd : map(fd);
    if (result < 0) {
        if (fd >= 0) {
            close(fd);
        }
        return result;
    }
    history->bytes = sizeof *history;
    history->magic = MAGIC;
    return 0;
}

int log_history_join(int fd)
{
    struct stat status;
    uint64_t head[2] = {0};
    if (fstat(fd, &status) < 0 || pread(fd, head, sizeof head, 0) != sizeof head) {
        return -EBADF;
    }
    if ((uint64_t)status.st_size != sizeof *history || head[0] != MAGIC ||
        head[1] != sizeof *history) {
        return -EPROTO;
    }
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    int result = own < 0 ? -errno : map(own);
    if (result < 0 && own >= 0) {
        close(own);
    }
    return result;
}

int log_history_fd(void)
{
    return history_fd;
}

/* A writer that dies between the two stores leaves a place that nobody reads until the next round.
 * Two that write in one place at once, a whole round apart, may mix their bytes: readers trust
 * nothing but the bounds. */
void log_history_add(int64_t wall_us, const char *text, size_t length)
{
    if (history == NULL) {
        return;
    }
    uint64_t number = atomic_fetch_add(&history->next, 1);
    struct line *line = &history->lines[number % LOG_HISTORY_LINES];
    atomic_store(&line->state, 2 * number + 1);
    atomic_thread_fence(memory_order_seq_cst);
    line->wall_us = wall_us;
    size_t kept = length < sizeof line->text ? length : sizeof line->text;
    atomic_store(&line->length, (uint32_t)kept);
    memcpy(line->text, text, kept);
    if (length > sizeof line->text) {
        memcpy(line->text + sizeof line->text - 3, "...", 3);
    }
    atomic_store(&line->state, 2 * number + 2);
}

void log_history_read(log_history_fn fn, void *context)
{
    if (history == NULL) {
        return;
    }
    uint64_t end = atomic_load(&history->next);
    for (uint64_t n = end > LOG_HISTORY_LINES ? end - LOG_HISTORY_LINES : 0; n < end; n++) {
        struct line *line = &history->lines[n % LOG_HISTORY_LINES];
        char text[LOG_HISTORY_TEXT + 1];
        if (atomic_load(&line->state) != 2 * n + 2) {
            continue;
        }
        int64_t wall_us = line->wall_us;
        size_t length = atomic_load(&line->length);
        length = length < LOG_HISTORY_TEXT ? length : LOG_HISTORY_TEXT;
        memcpy(text, line->text, length);
        atomic_thread_fence(memory_order_seq_cst);
        if (atomic_load(&line->state) == 2 * n + 2) {
            text[length] = '\0';
            fn(context, wall_us, text, length);
        }
    }
}
