#include "footage/space.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "footage/clip_events.h"
#include "footage/removal.h"
#include "store/db_retention.h"

#define MARGIN_S 3600.0
#define MARGIN_LEAST_S 30.0
#define MARGIN_SHARE 10 /* of the disk, at most one part in so many */
#define LEAST_SHARE 4   /* the same of MARGIN_LEAST_S: a disk may be very small */
#define FAIR 0.5        /* of an equal share nobody else may push a camera below */
#define PIECE 64        /* segments of a camera taken between two looks at the disk */

int space_look(const char *data_dir, const char *tree, uint64_t *free_bytes, uint64_t *size)
{
    AUTO_FREE char *path = mem_printf("%s/media/%s", data_dir, tree);
    struct statvfs info;
    if (statvfs(path, &info) < 0) {
        return -errno;
    }
    *free_bytes = (uint64_t)info.f_bavail * info.f_frsize;
    *size = (uint64_t)info.f_blocks * info.f_frsize;
    return 0;
}

uint64_t space_margin(double bytes_per_second, uint64_t size)
{
    double margin = fmin(bytes_per_second * MARGIN_S, (double)size / MARGIN_SHARE);
    double least = fmin(bytes_per_second * MARGIN_LEAST_S, (double)size / LEAST_SHARE);
    return (uint64_t)fmax(margin, least);
}

int space_choose(const struct space_camera *cameras, size_t count)
{
    double total = 0;
    for (size_t i = 0; i < count; i++) {
        total += cameras[i].mib;
    }
    double fair = count > 0 ? total / (double)count * FAIR : 0;
    int chosen = -1;
    for (int pass = 0; pass < 2 && chosen < 0; pass++) {
        for (size_t i = 0; i < count; i++) {
            bool may = isfinite(cameras[i].oldest) && (pass == 1 || cameras[i].mib >= fair);
            if (may && (chosen < 0 || cameras[i].oldest < cameras[chosen].oldest)) {
                chosen = (int)i;
            }
        }
    }
    return chosen;
}

/* ------------------------------------------------------------------ one camera */

/* A segment copied out of the database. */
struct candidate {
    struct db_recording row;
    char *texts[3];
};

struct holder {
    char *name;
    struct candidate *candidates; /* oldest first, those of this stage */
    size_t count, capacity, next;
    double from; /* where the next piece begins */
    bool exhausted;
};

struct finding {
    struct holder *holder;
    struct clip_events *events;
    enum space_stage stage;
    int seen;
    double last_start;
};

/* The stage at which a segment may go. */
static enum space_stage stage_of(const struct clip_events *events)
{
    enum space_stage stage = SPACE_UNPROTECTED;
    for (size_t i = 0; i < events->found_count; i++) {
        stage =
            events->found[i]->favorite || stage == SPACE_FAVORITES ? SPACE_FAVORITES : SPACE_EVENTS;
    }
    return stage;
}

static bool take(void *context, const struct db_recording *row)
{
    struct finding *finding = context;
    finding->seen++;
    finding->last_start = row->start_time;
    clip_events_find(finding->events, row->start_time, row->end_time);
    if (stage_of(finding->events) <= finding->stage) {
        struct candidate *candidate = MEM_PUSH(finding->holder->candidates, finding->holder->count,
                                               finding->holder->capacity);
        candidate->row = *row;
        candidate->row.id = candidate->texts[0] = mem_strdup(row->id);
        candidate->row.camera = candidate->texts[1] = mem_strdup(row->camera);
        candidate->row.path = candidate->texts[2] = mem_strdup(row->path);
    }
    return true;
}

static void forget(struct holder *holder)
{
    for (size_t i = 0; i < holder->count; i++) {
        for (size_t t = 0; t < ARRAY_SIZE(holder->candidates[i].texts); t++) {
            free(holder->candidates[i].texts[t]);
        }
    }
    holder->count = holder->next = 0;
}

/* Makes sure that the holder knows its next candidates, unless it has none. */
static bool refill(struct space *space, struct holder *holder, enum space_stage stage)
{
    while (holder->next == holder->count && !holder->exhausted) {
        forget(holder);
        AUTO_READER struct db *db = store_reader(space->store);
        AUTO_CLIP_EVENTS struct clip_events events = {0};
        struct finding finding = {.holder = holder, .events = &events, .stage = stage};
        double now = wall_seconds(wall_now());
        if (db == NULL || clip_events_load(&events, db, holder->name, holder->from, INFINITY) < 0 ||
            db_retention_segments(db, holder->name, holder->from, now, PIECE, take, &finding) < 0) {
            return false;
        }
        holder->exhausted = finding.seen < PIECE;
        holder->from = nextafter(finding.last_start, INFINITY);
    }
    return true;
}

/* ------------------------------------------------------------------ all of them */

struct holders {
    struct space *space;
    struct holder *items;
    struct space_camera *cameras; /* the same, as space_choose() wants them */
    size_t count, capacity;
};

static void add_holder(void *context, const char *name)
{
    struct holders *holders = context;
    for (size_t i = 0; i < holders->count; i++) {
        if (strcmp(holders->items[i].name, name) == 0) {
            return;
        }
    }
    MEM_PUSH(holders->items, holders->count, holders->capacity)->name = mem_strdup(name);
}

static bool load_holders(struct holders *holders)
{
    AUTO_READER struct db *db = store_reader(holders->space->store);
    if (db == NULL || db_retention_cameras(db, add_holder, holders) < 0) {
        return false;
    }
    holders->cameras = mem_array(holders->count, sizeof *holders->cameras);
    for (size_t i = 0; i < holders->count; i++) {
        holders->cameras[i].mib = db_retention_mib(db, holders->items[i].name);
    }
    return true;
}

static void free_holders(struct holders *holders)
{
    for (size_t i = 0; i < holders->count; i++) {
        forget(&holders->items[i]);
        free(holders->items[i].candidates);
        free(holders->items[i].name);
    }
    free(holders->items);
    free(holders->cameras);
}

static bool is_enough(const struct space *space, uint64_t wanted)
{
    uint64_t free_bytes, size;
    return space_look(space->data_dir, "recordings", &free_bytes, &size) == 0 &&
           free_bytes >= wanted;
}

/* Takes one after the other; false when this stage has no more. */
static bool run_stage(struct space *space, struct holders *holders, enum space_stage stage,
                      uint64_t wanted, struct removal *removal)
{
    for (size_t i = 0; i < holders->count; i++) {
        forget(&holders->items[i]);
        holders->items[i].from = 0;
        holders->items[i].exhausted = false;
    }
    while (!is_enough(space, wanted) && !space->stopping(space->context)) {
        for (size_t i = 0; i < holders->count; i++) {
            struct holder *holder = &holders->items[i];
            bool any = refill(space, holder, stage) && holder->next < holder->count;
            holders->cameras[i].oldest =
                any ? holder->candidates[holder->next].row.start_time : INFINITY;
        }
        int chosen = space_choose(holders->cameras, holders->count);
        if (chosen < 0) {
            return false;
        }
        struct holder *holder = &holders->items[chosen];
        const struct db_recording *row = &holder->candidates[holder->next++].row;
        uint64_t before = removal->segments;
        if (!removal_add(removal, row)) {
            return false;
        }
        if (removal->segments > before) {
            space->segments[stage]++;
            holders->cameras[chosen].mib -= row->segment_mib;
        }
    }
    return true;
}

bool space_free(struct space *space, uint64_t wanted)
{
    struct holders holders = {.space = space};
    struct removal removal;
    removal_begin(&removal, space->store, space->data_dir, space->volume);
    bool loaded = load_holders(&holders);
    for (enum space_stage stage = SPACE_UNPROTECTED;
         loaded && stage < SPACE_STAGES && !is_enough(space, wanted); stage++) {
        if (stage == SPACE_FAVORITES) {
            log_error("the disk is full of footage that is to be kept for ever: the oldest of it "
                      "goes now, or nothing more could be recorded");
        }
        run_stage(space, &holders, stage, wanted, &removal);
    }
    removal_end(&removal);
    space->mib += removal.mib;
    free_holders(&holders);
    return is_enough(space, wanted);
}
