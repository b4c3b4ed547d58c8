#include "server/stats_samples.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define PROCESSES_INTERVAL_US 5000000

void samples_init(struct samples *samples, struct board *board)
{
    memset(samples, 0, sizeof *samples);
    samples->board = board;
    for (unsigned i = 0; i < SAMPLES_MAX; i++) {
        samples->ring[i].counters =
            mem_array((size_t)board->count * SAMPLE_COUNTERS, sizeof(uint64_t));
    }
}

void process_table_finish(struct process_table *table)
{
    free(table->items);
    memset(table, 0, sizeof *table);
}

void samples_finish(struct samples *samples)
{
    for (unsigned i = 0; i < SAMPLES_MAX; i++) {
        free(samples->ring[i].counters);
    }
    process_table_finish(&samples->old);
    process_table_finish(&samples->recent);
}

static void read_counters(struct board_entry *entry, uint64_t *counters)
{
    if (entry->role == BOARD_CAPTURE) {
        counters[SAMPLE_CAMERA_FRAMES] = atomic_load(&entry->capture.frames_detect);
        counters[SAMPLE_BYTES] = atomic_load(&entry->capture.bytes);
    } else if (entry->role == BOARD_ANALYSE) {
        counters[SAMPLE_FRAMES] = atomic_load(&entry->analyse.frames);
        counters[SAMPLE_SKIPPED] = atomic_load(&entry->analyse.frames_skipped);
        counters[SAMPLE_DETECTIONS] = atomic_load(&entry->analyse.detections);
    }
}

static struct sample *at(const struct samples *samples, unsigned index)
{
    return (struct sample *)(uintptr_t)&samples->ring[(samples->first + index) % SAMPLES_MAX];
}

void samples_take(struct samples *samples, int64_t now_us)
{
    /* One sample at or before the window's beginning is kept, so that the window is full. */
    while (samples->count == SAMPLES_MAX ||
           (samples->count > 1 && now_us - at(samples, 1)->at_us >= SAMPLES_WINDOW_US)) {
        samples->first = (samples->first + 1) % SAMPLES_MAX;
        samples->count--;
    }
    struct sample *sample = at(samples, samples->count++);
    sample->at_us = now_us;
    for (uint32_t i = 0; i < samples->board->count; i++) {
        read_counters(&samples->board->entries[i], sample->counters + (size_t)i * SAMPLE_COUNTERS);
    }
    if (samples->processes_at_us == 0 ||
        now_us - samples->processes_at_us >= PROCESSES_INTERVAL_US) {
        process_table_finish(&samples->old);
        samples->old = samples->recent;
        samples->recent = (struct process_table){0};
        process_table_read(&samples->recent, samples->board);
        samples->processes_at_us = now_us;
    }
}

double samples_rate(const struct samples *samples, const struct board_entry *entry,
                    enum sample_counter counter)
{
    if (entry == NULL || samples->count == 0) {
        return 0;
    }
    size_t index = (size_t)(entry - samples->board->entries) * SAMPLE_COUNTERS + counter;
    const struct sample *first = at(samples, 0);
    const struct sample *last = at(samples, samples->count - 1);
    if (samples->count == 1) {
        /* We have just been started, the workers perhaps long ago: their average is nearer to the
         * truth than a zero, which clients read as a dead camera. */
        double lived_s = (double)(last->at_us - samples->board->started_mono_us) / 1e6;
        return lived_s >= 1 ? (double)last->counters[index] / lived_s : 0;
    }
    double seconds = (double)(last->at_us - first->at_us) / 1e6;
    if (seconds <= 0 || last->counters[index] < first->counters[index]) {
        return 0;
    }
    return (double)(last->counters[index] - first->counters[index]) / seconds;
}

static void add_process(struct process_table *table, int pid)
{
    struct procfs_process process;
    if (process_table_find(table, pid).pid == 0 && procfs_read(pid, &process) == 0) {
        *MEM_PUSH(table->items, table->count, table->capacity) = process;
    }
}

void process_table_read(struct process_table *table, struct board *board)
{
    procfs_machine(&table->machine);
    add_process(table, board->supervisor_pid);
    for (uint32_t i = 0; i < board->count; i++) {
        int pid = atomic_load(&board->entries[i].pid);
        if (board->entries[i].role != 0 && pid > 0) {
            add_process(table, pid);
        }
    }
}

struct procfs_process process_table_find(const struct process_table *table, int pid)
{
    for (size_t i = 0; i < table->count; i++) {
        if (table->items[i].pid == pid) {
            return table->items[i];
        }
    }
    return (struct procfs_process){0};
}
