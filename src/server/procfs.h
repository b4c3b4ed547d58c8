/* Processes and the machine as /proc shows them. Pure reads; any thread. */
#ifndef CORVETTE_SERVER_PROCFS_H
#define CORVETTE_SERVER_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct procfs_process {
    int pid;
    int64_t cpu_us;     /* user and system time so far */
    int64_t started_us; /* on the monotonic-like clock of /proc (since boot) */
    int64_t at_us;      /* when this was read, same clock */
    uint64_t rss_bytes;
};

/* 0 or -errno (-ESRCH: there is no such process). */
int procfs_read(int pid, struct procfs_process *process);
/* Arguments joined by blanks, credentials in URLs masked. */
void procfs_command_line(int pid, struct str *out);

struct procfs_machine {
    int64_t busy_ticks, all_ticks; /* of all processors, since boot */
    uint64_t memory_total_bytes, memory_available_bytes;
};
int procfs_machine(struct procfs_machine *machine);
/* What a process may use at most: the control group's limit or the machine's memory. */
uint64_t procfs_memory_limit(void);

/* Percent of one processor between two reads; since its start when `before` is another process. */
double procfs_cpu_percent(const struct procfs_process *before, const struct procfs_process *now);
double procfs_cpu_average(const struct procfs_process *now); /* since its start */

#endif
