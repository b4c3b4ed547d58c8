#include "ring/board.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "ring/shared.h"

#define BOARD_MAGIC 0x44524243u /* "CBRD" */
#define BOARD_VERSION 1u
#define BOARD_MAX_ENTRIES 4096u

static size_t board_bytes(size_t entries)
{
    return sizeof(struct board) + entries * sizeof(struct board_entry);
}

int board_create(unsigned entries)
{
    if (entries == 0 || entries > BOARD_MAX_ENTRIES) {
        return -EINVAL;
    }
    AUTO_CLOSE int fd = file_memfd("corvette-board", board_bytes(entries));
    if (fd < 0) {
        return fd;
    }
    const struct board board = {
        .magic = BOARD_MAGIC,
        .version = BOARD_VERSION,
        .count = entries,
        .started_mono_us = mono_now().us,
        .started_wall_us = wall_now().us,
    };
    int rc = file_write_all(fd, &board, sizeof board);
    return rc < 0 ? rc : steal_fd(&fd);
}

struct board *board_open(int memfd)
{
    size_t bytes;
    struct board *board = shared_map(memfd, true, sizeof *board, &bytes);
    if (board == NULL) {
        return NULL;
    }
    if (board->magic != BOARD_MAGIC || board->version != BOARD_VERSION || board->count == 0 ||
        board->count > BOARD_MAX_ENTRIES || bytes != board_bytes(board->count)) {
        munmap(board, bytes);
        errno = EINVAL;
        return NULL;
    }
    return board;
}

void board_close(struct board *board)
{
    if (board != NULL) {
        munmap(board, board_bytes(board->count));
    }
}

struct board_entry *board_find(struct board *board, enum board_role role, const char *name)
{
    for (uint32_t i = 0; i < board->count; i++) {
        struct board_entry *entry = &board->entries[i];
        if (entry->role == role && strncmp(entry->name, name, sizeof entry->name) == 0) {
            return entry;
        }
    }
    return NULL;
}

void board_beat(struct board_entry *entry)
{
    atomic_store_explicit(&entry->heartbeat_us, mono_now().us, memory_order_relaxed);
}

void board_write_text(char *field, size_t size, const char *text)
{
    size_t length = text != NULL ? strnlen(text, size - 1) : 0;
    /* The whole field, so that its last byte is always NUL and a reader never runs past it. */
    for (size_t i = 0; i < size; i++) {
        __atomic_store_n(&field[i], i < length ? text[i] : '\0', __ATOMIC_RELAXED);
    }
}

void board_read_text(const char *field, size_t size, char *text)
{
    for (size_t i = 0; i < size; i++) {
        text[i] = __atomic_load_n(&field[i], __ATOMIC_RELAXED);
    }
    text[size - 1] = '\0';
}

void board_set_state(struct board_entry *entry, unsigned state, const char *text)
{
    board_write_text(entry->state_text, sizeof entry->state_text, text);
    atomic_store_explicit(&entry->state, state, memory_order_release);
}
