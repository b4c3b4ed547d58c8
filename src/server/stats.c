#include "server/stats.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "server/stats_sections.h"

#define SAMPLE_INTERVAL_US 1000000
#define HISTORY_INTERVAL_US 15000000
/* Who asks gets numbers no older than this; more often they are not worth making. */
#define FRESH_US 2000000
#define SECTIONS_MAX 16

/* The values of the top-level keys; NULL = absent. */
struct snapshot {
    char *values[SECTIONS_MAX];
};

struct stats {
    struct stats_setup setup;
    pthread_t thread;
    bool has_thread;

    /* Collecting may take long (a network file system): asking threads wait for it only when they
     * have nothing fresh. */
    pthread_mutex_t collect_lock; /* the three below */
    struct samples samples;
    struct gpu *gpu;
    bool gpu_tried;

    pthread_mutex_t lock; /* all below; taken inside collect_lock, never around it */
    pthread_cond_t changed;
    bool stop;
    struct snapshot history[STATS_HISTORY];
    unsigned first, count;
    struct snapshot newest;
    int64_t newest_us; /* monotonic; 0 = none yet */
};

static void snapshot_finish(struct snapshot *snapshot)
{
    for (size_t i = 0; i < SECTIONS_MAX; i++) {
        free(snapshot->values[i]);
    }
    memset(snapshot, 0, sizeof *snapshot);
}

static struct snapshot snapshot_copy(const struct snapshot *from)
{
    struct snapshot copy = {0};
    for (size_t i = 0; i < SECTIONS_MAX; i++) {
        copy.values[i] = from->values[i] != NULL ? mem_strdup(from->values[i]) : NULL;
    }
    return copy;
}

struct stats *stats_create(const struct stats_setup *setup)
{
    struct stats *stats = mem_alloc(sizeof *stats);
    stats->setup = *setup;
    samples_init(&stats->samples, setup->board);
    samples_take(&stats->samples, mono_now().us);
    pthread_mutex_init(&stats->collect_lock, NULL);
    pthread_mutex_init(&stats->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&stats->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return stats;
}

/* Under collect_lock. */
static void collect(struct stats *stats, struct snapshot *snapshot)
{
    if (!stats->gpu_tried) {
        stats->gpu_tried = true;
        stats->gpu = gpu_create();
    }
    struct stats_source source = {
        .setup = &stats->setup,
        .samples = &stats->samples,
        .gpu = stats->gpu,
        .memory_limit_bytes = procfs_memory_limit(),
    };
    for (size_t i = 0; i < stats_section_count; i++) {
        struct str value = {0};
        struct jout json = {.out = &value};
        bool present = stats_sections[i].write(&source, &json);
        snapshot->values[i] = present ? str_steal(&value) : NULL;
        str_finish(&value);
    }
}

static void set_newest(struct stats *stats, const struct snapshot *snapshot, bool remember)
{
    pthread_mutex_lock(&stats->lock);
    snapshot_finish(&stats->newest);
    stats->newest = *snapshot;
    stats->newest_us = mono_now().us;
    if (remember) {
        if (stats->count == STATS_HISTORY) {
            snapshot_finish(&stats->history[stats->first]);
            stats->first = (stats->first + 1) % STATS_HISTORY;
            stats->count--;
        }
        stats->history[(stats->first + stats->count++) % STATS_HISTORY] = snapshot_copy(snapshot);
    }
    pthread_mutex_unlock(&stats->lock);
}

static bool is_fresh(struct stats *stats)
{
    pthread_mutex_lock(&stats->lock);
    bool fresh = stats->newest_us != 0 && mono_now().us - stats->newest_us < FRESH_US;
    pthread_mutex_unlock(&stats->lock);
    return fresh;
}

static void sample(struct stats *stats, bool remember)
{
    pthread_mutex_lock(&stats->collect_lock);
    samples_take(&stats->samples, mono_now().us);
    if (remember) {
        struct snapshot snapshot = {0};
        collect(stats, &snapshot);
        set_newest(stats, &snapshot, true);
    }
    pthread_mutex_unlock(&stats->collect_lock);
}

void stats_remember(struct stats *stats)
{
    sample(stats, true);
}

static void *stats_thread(void *context)
{
    struct stats *stats = context;
    pthread_setname_np(pthread_self(), "stats");
    int64_t next_us = mono_now().us + SAMPLE_INTERVAL_US;
    int64_t remember_us = mono_now().us + HISTORY_INTERVAL_US;
    pthread_mutex_lock(&stats->lock);
    while (!stats->stop) {
        struct timespec until = {.tv_sec = next_us / 1000000, .tv_nsec = next_us % 1000000 * 1000};
        if (mono_now().us < next_us) {
            pthread_cond_timedwait(&stats->changed, &stats->lock, &until);
            continue;
        }
        pthread_mutex_unlock(&stats->lock);
        bool remember = mono_now().us >= remember_us;
        sample(stats, remember);
        int64_t now_us = mono_now().us;
        next_us = next_us + SAMPLE_INTERVAL_US > now_us ? next_us + SAMPLE_INTERVAL_US
                                                        : now_us + SAMPLE_INTERVAL_US;
        remember_us = remember ? now_us + HISTORY_INTERVAL_US : remember_us;
        pthread_mutex_lock(&stats->lock);
    }
    pthread_mutex_unlock(&stats->lock);
    return NULL;
}

void stats_start(struct stats *stats)
{
    stats->has_thread = pthread_create(&stats->thread, NULL, stats_thread, stats) == 0;
    if (!stats->has_thread) {
        abort(); /* as without memory: the supervisor starts us again */
    }
}

void stats_destroy(struct stats *stats)
{
    if (stats == NULL) {
        return;
    }
    if (stats->has_thread) {
        pthread_mutex_lock(&stats->lock);
        stats->stop = true;
        pthread_cond_broadcast(&stats->changed);
        pthread_mutex_unlock(&stats->lock);
        pthread_join(stats->thread, NULL);
    }
    for (size_t i = 0; i < STATS_HISTORY; i++) {
        snapshot_finish(&stats->history[i]);
    }
    snapshot_finish(&stats->newest);
    samples_finish(&stats->samples);
    gpu_destroy(stats->gpu);
    pthread_cond_destroy(&stats->changed);
    pthread_mutex_destroy(&stats->lock);
    pthread_mutex_destroy(&stats->collect_lock);
    free(stats);
}

static void write_snapshot(const struct snapshot *snapshot, struct jout *json)
{
    jout_begin_object(json);
    for (size_t i = 0; i < stats_section_count; i++) {
        if (snapshot->values[i] != NULL) {
            jout_put_raw(json, stats_sections[i].key, snapshot->values[i]);
        }
    }
    jout_end_object(json);
}

void stats_json(struct stats *stats, struct str *out)
{
    if (!is_fresh(stats)) {
        pthread_mutex_lock(&stats->collect_lock);
        if (!is_fresh(stats)) { /* else someone was faster */
            struct snapshot snapshot = {0};
            collect(stats, &snapshot);
            set_newest(stats, &snapshot, false);
        }
        pthread_mutex_unlock(&stats->collect_lock);
    }
    struct jout json = {.out = out};
    pthread_mutex_lock(&stats->lock);
    write_snapshot(&stats->newest, &json);
    pthread_mutex_unlock(&stats->lock);
}

static const char *value_of(const struct snapshot *snapshot, const char *key)
{
    for (size_t i = 0; i < stats_section_count; i++) {
        if (strcmp(stats_sections[i].key, key) == 0) {
            return snapshot->values[i];
        }
    }
    return NULL;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The wanted keys, sorted, each once; missing ones are null. */
static void write_reduced(const struct snapshot *snapshot, const char *keys, struct jout *json)
{
    char *wanted[32];
    size_t count = 0;
    AUTO_STR struct str text = {0};
    str_add(&text, keys);
    char *rest = text.data;
    char *key;
    while (count < 32 && (key = strsep(&rest, ",")) != NULL) {
        wanted[count++] = key;
    }
    qsort(wanted, count, sizeof wanted[0], by_text);
    jout_begin_object(json);
    for (size_t i = 0; i < count; i++) {
        const char *value = value_of(snapshot, wanted[i]);
        if (i == 0 || strcmp(wanted[i], wanted[i - 1]) != 0) {
            jout_put_raw(json, wanted[i], value != NULL ? value : "null");
        }
    }
    jout_end_object(json);
}

void stats_history_json(struct stats *stats, const char *keys, struct str *out)
{
    struct jout json = {.out = out};
    jout_begin_array(&json);
    pthread_mutex_lock(&stats->lock);
    for (unsigned i = 0; i < stats->count; i++) {
        const struct snapshot *snapshot = &stats->history[(stats->first + i) % STATS_HISTORY];
        if (keys != NULL && *keys != '\0') {
            write_reduced(snapshot, keys, &json);
        } else {
            write_snapshot(snapshot, &json);
        }
    }
    pthread_mutex_unlock(&stats->lock);
    jout_end_array(&json);
}
