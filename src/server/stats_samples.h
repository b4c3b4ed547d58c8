/* The last seconds of the scoreboard's counters and of the processes' CPU time: what rates are made
 * of. Pure apart from reading /proc; under the lock of its owner. */
#ifndef CORVETTE_SERVER_STATS_SAMPLES_H
#define CORVETTE_SERVER_STATS_SAMPLES_H

#include <stdint.h>

#include "ring/board.h"
#include "server/procfs.h"

#define SAMPLES_WINDOW_US 10000000
#define SAMPLES_MAX 16

/* Counters that have a rate. */
enum sample_counter {
    SAMPLE_CAMERA_FRAMES, /* capture: put into the ring */
    SAMPLE_BYTES,         /* capture: received */
    SAMPLE_FRAMES,        /* analyse: processed */
    SAMPLE_SKIPPED,       /* analyse: never looked at */
    SAMPLE_DETECTIONS,    /* analyse: detector calls */
    SAMPLE_COUNTERS,
};

struct sample {
    int64_t at_us;      /* monotonic */
    uint64_t *counters; /* [entry * SAMPLE_COUNTERS + counter] */
};

/* Processes and machine at one instant. */
struct process_table {
    struct procfs_process *items;
    size_t count, capacity;
    struct procfs_machine machine;
};

struct samples {
    struct board *board;
    struct sample ring[SAMPLES_MAX];
    unsigned first, count;
    struct process_table old, recent; /* `old` is 5 to 10 s old once that long has passed */
    int64_t processes_at_us;
};

void samples_init(struct samples *samples, struct board *board);
void samples_finish(struct samples *samples);
/* Takes a sample; about once a second, with rising time. */
void samples_take(struct samples *samples, int64_t now_us);
/* Events per second of a counter of a board entry over the last 10 s (or since the first sample;
 * with one sample only: since the start of everything).
 */
double samples_rate(const struct samples *samples, const struct board_entry *entry,
                    enum sample_counter counter);

/* All processes of the scoreboard now. */
void process_table_read(struct process_table *table, struct board *board);
void process_table_finish(struct process_table *table);
/* What `pid` was some seconds ago; zeroed when unknown. */
struct procfs_process process_table_find(const struct process_table *table, int pid);

#endif
