#include "capture/reports.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

/* Some hours of segments. What falls out is on disk all the same, and the server takes in files
 * without rows when it starts. */
#define REPORTS_MAX 2000

struct report {
    enum msg_type type;
    union {
        struct segment_info segment;
        struct gap_info gap;
        struct {
            uint64_t bytes;
            int error;
        } need;
    };
};

struct reports {
    struct worker *worker;
    pthread_mutex_t lock; /* all below; oldest first */
    struct report *items;
    size_t count, capacity, lost;
};

struct reports *reports_create(struct worker *worker)
{
    struct reports *reports = mem_alloc(sizeof *reports);
    reports->worker = worker;
    pthread_mutex_init(&reports->lock, NULL);
    return reports;
}

void reports_destroy(struct reports *reports)
{
    if (reports != NULL) {
        free(reports->items);
        pthread_mutex_destroy(&reports->lock);
        free(reports);
    }
}

static void add(struct reports *reports, const struct report *report)
{
    pthread_mutex_lock(&reports->lock);
    if (reports->count == REPORTS_MAX) {
        memmove(reports->items, reports->items + 1, (REPORTS_MAX - 1) * sizeof *reports->items);
        reports->count--;
        reports->lost++;
    }
    *MEM_PUSH(reports->items, reports->count, reports->capacity) = *report;
    pthread_mutex_unlock(&reports->lock);
    loop_wake(reports->worker->loop);
}

void reports_segment(struct reports *reports, const struct segment_info *info)
{
    add(reports, &(struct report){.type = MSG_SEGMENT, .segment = *info});
}

void reports_gap(struct reports *reports, const struct gap_info *gap)
{
    add(reports, &(struct report){.type = MSG_GAP, .gap = *gap});
}

void reports_need(struct reports *reports, uint64_t bytes, int error)
{
    add(reports, &(struct report){.type = MSG_SPACE, .need = {bytes, error}});
}

static int send_segment(struct worker *worker, const struct segment_info *info)
{
    struct msg_segment message = {.start = (double)info->start_us / 1e6,
                                  .end = (double)info->start_us / 1e6 + info->duration,
                                  .duration = info->duration,
                                  .bytes = info->bytes,
                                  .dbfs = info->dbfs,
                                  .parameters = info->parameters};
    snprintf(message.camera, sizeof message.camera, "%s", worker->name);
    snprintf(message.path, sizeof message.path, "%s", info->path);
    return worker_send(worker, MSG_SEGMENT, &message, -1);
}

static int send_gap(struct worker *worker, const struct gap_info *gap)
{
    struct msg_gap message = {.start = (double)gap->start_us / 1e6,
                              .end = (double)gap->end_us / 1e6,
                              .cause = gap->cause};
    snprintf(message.camera, sizeof message.camera, "%s", worker->name);
    snprintf(message.detail, sizeof message.detail, "%s", gap->detail);
    return worker_send(worker, MSG_GAP, &message, -1);
}

static int send_need(struct worker *worker, const struct report *report)
{
    struct msg_space message = {.needed = report->need.bytes, .error = report->need.error};
    snprintf(message.camera, sizeof message.camera, "%s", worker->name);
    return worker_send(worker, MSG_SPACE, &message, -1);
}

static int send_one(struct worker *worker, const struct report *report)
{
    return report->type == MSG_SEGMENT ? send_segment(worker, &report->segment)
           : report->type == MSG_GAP   ? send_gap(worker, &report->gap)
                                       : send_need(worker, report);
}

bool reports_send(struct reports *reports)
{
    pthread_mutex_lock(&reports->lock);
    size_t sent = 0;
    while (sent < reports->count && send_one(reports->worker, &reports->items[sent]) == 0) {
        sent++;
    }
    if (sent > 0) {
        memmove(reports->items, reports->items + sent,
                (reports->count - sent) * sizeof *reports->items);
        reports->count -= sent;
    }
    bool all = reports->count == 0;
    if (reports->lost > 0 && all) {
        log_warning("%zu reports were dropped while the server was away for too long; it finds the "
                    "recordings when it starts",
                    reports->lost);
        reports->lost = 0;
    }
    pthread_mutex_unlock(&reports->lock);
    return all;
}
