#include "server/procfs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/scan.h"
#include "config/config.h"

#define FILE_MAX (64u << 10)

static int64_t since_boot_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int read_proc(int pid, const char *name, struct str *out)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    return str_read_file(out, path, FILE_MAX);
}

int procfs_read(int pid, struct procfs_process *process)
{
    AUTO_STR struct str stat = {0};
    AUTO_STR struct str statm = {0};
    if (pid <= 0 || read_proc(pid, "stat", &stat) < 0 || read_proc(pid, "statm", &statm) < 0) {
        return -ESRCH;
    }
    /* The command in parentheses may hold anything: fields are counted from its last ')'. Third
     * field is the state; 14 and 15 are user and system time, 22 the start (proc(5)). */
    const char *rest = strrchr(str_text(&stat), ')');
    int64_t fields[20] = {0};
    int64_t pages[2];
    if (rest == NULL || scan_numbers(rest + 1, fields, ARRAY_SIZE(fields)) < ARRAY_SIZE(fields) ||
        scan_numbers(str_text(&statm), pages, 2) < 2) {
        return -ESRCH;
    }
    int64_t user = fields[14 - 3];
    int64_t kernel = fields[15 - 3];
    int64_t started = fields[22 - 3];
    int64_t tick_us = 1000000 / sysconf(_SC_CLK_TCK);
    *process = (struct procfs_process){
        .pid = pid,
        .cpu_us = (user + kernel) * tick_us,
        .started_us = started * tick_us,
        .at_us = since_boot_us(),
        .rss_bytes = (uint64_t)(pages[1] * sysconf(_SC_PAGESIZE)),
    };
    return 0;
}

void procfs_command_line(int pid, struct str *out)
{
    AUTO_STR struct str raw = {0};
    if (read_proc(pid, "cmdline", &raw) < 0) {
        return;
    }
    while (raw.length > 0 && raw.data[raw.length - 1] == '\0') {
        raw.length--;
    }
    for (size_t i = 0; i < raw.length; i++) {
        if (raw.data[i] == '\0' || raw.data[i] == '\n') {
            raw.data[i] = ' ';
        }
    }
    config_mask_url(str_text(&raw), out);
}

/* "MemTotal:  123 kB" in bytes; negative when it is not there. */
static int64_t memory_line(const char *meminfo, const char *key)
{
    const char *line = strstr(meminfo, key);
    int64_t kib;
    return line != NULL && scan_numbers(line + strlen(key), &kib, 1) == 1 ? kib * 1024 : -1;
}

int procfs_machine(struct procfs_machine *machine)
{
    AUTO_STR struct str stat = {0};
    AUTO_STR struct str memory = {0};
    if (str_read_file(&stat, "/proc/stat", 1u << 20) < 0 ||
        str_read_file(&memory, "/proc/meminfo", FILE_MAX) < 0) {
        return -EIO;
    }
    int64_t total = memory_line(str_text(&memory), "MemTotal:");
    int64_t available = memory_line(str_text(&memory), "MemAvailable:");
    /* user nice system idle iowait irq softirq steal */
    int64_t t[8];
    const char *at = str_text(&stat);
    if (!scan_text(&at, "cpu ") || scan_numbers(at, t, 8) < 8 || total < 0 || available < 0) {
        return -EIO;
    }
    int64_t busy = t[0] + t[1] + t[2] + t[5] + t[6] + t[7];
    *machine = (struct procfs_machine){
        .busy_ticks = busy,
        .all_ticks = busy + t[3] + t[4],
        .memory_total_bytes = (uint64_t)total,
        .memory_available_bytes = (uint64_t)available,
    };
    return 0;
}

uint64_t procfs_memory_limit(void)
{
    static const char *const limits[] = {"/sys/fs/cgroup/memory.max",
                                         "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
    struct procfs_machine machine = {0};
    procfs_machine(&machine);
    uint64_t limit = machine.memory_total_bytes;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        AUTO_STR struct str text = {0};
        int64_t value; /* "max" reads as 0 */
        if (str_read_file(&text, limits[i], 64) == 0 &&
            scan_numbers(str_text(&text), &value, 1) == 1 && value > 0 && (uint64_t)value < limit) {
            limit = (uint64_t)value;
        }
    }
    return limit;
}

double procfs_cpu_average(const struct procfs_process *now)
{
    int64_t lived_us = now->at_us - now->started_us;
    return lived_us > 0 ? 100.0 * (double)now->cpu_us / (double)lived_us : 0;
}

double procfs_cpu_percent(const struct procfs_process *before, const struct procfs_process *now)
{
    int64_t span_us = now->at_us - before->at_us;
    if (before->pid != now->pid || before->started_us != now->started_us || span_us <= 0) {
        return procfs_cpu_average(now);
    }
    return 100.0 * (double)(now->cpu_us - before->cpu_us) / (double)span_us;
}
