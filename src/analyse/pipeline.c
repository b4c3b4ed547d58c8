#include "analyse/pipeline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define MAX_DETECTIONS 512     /* per picture before merging; what comes after is ignored */
#define LOOK_AROUND_GAP_S 10.0 /* pictures were missing for so long: anything may have come */
/* While motion cannot be trusted it leads nowhere: then look around this often. */
#define CALIBRATING_LOOK_S 1.0
#define GRID_AGE_S 86400.0
/* Capture times are true to the content, but may step with the wall clock: then the time of writing
 * tells how much has passed. */
#define LONGEST_STEP_S 3.0
/* Held boxes are merged with the others as if found by a region that clips nothing. */
#define HELD_REGION(p) ((struct box){-1, -1, (p)->options.width + 1, (p)->options.height + 1})

struct pipeline {
    struct pipeline_options options;
    bool detects;
    double interval_s; /* stationary.interval */
    struct motion *motion;
    int64_t motion_us; /* its clock: capture time without the steps */
    struct tracker *tracker;
    struct objects *objects;
    struct grid grid;
    bool grid_changed;
    double grid_aged_time;
    struct regions_options regions_options;
    bool look_around;
    bool looking_around;    /* in the picture at hand */
    double around_time;     /* of the last picture that was looked at so */
    unsigned looked_around; /* regions answered since it began: the limit may take several rounds */
    uint64_t turn;
    struct point *mask_points;
    struct polygon *masks;
    /* of the picture at hand: */
    struct frame_info info;
    struct motion_result seen_motion;
    struct regions regions;
    bool answered[REGIONS_MAX];
    bool held[TRACKER_MAX], blind[TRACKER_MAX];
    struct box wanted[TRACKER_MAX];
    size_t wanted_count;
    struct detection detections[MAX_DETECTIONS];
    size_t detection_count;
    struct sighting sightings[TRACKER_MAX_SIGHTINGS];
    size_t sighting_count;
    struct attribute attributes[TRACKER_MAX_SIGHTINGS];
    size_t attribute_count;
};

static struct extent extent_of(struct box b)
{
    return (struct extent){(float)b.x1, (float)b.y1, (float)b.x2, (float)b.y2};
}

static struct box box_of(const struct extent *e)
{
    return (struct box){(int)e->x1, (int)e->y1, (int)e->x2, (int)e->y2};
}

static void place_motion_mask(struct pipeline *p)
{
    const struct cfg_mask *mask = &p->options.camera->motion.mask;
    size_t points = 0;
    for (size_t i = 0; i < mask->count; i++) {
        points += mask->polygons[i].count;
    }
    p->masks = mem_array(mask->count + 1, sizeof *p->masks);
    p->mask_points = mem_array(points + 1, sizeof *p->mask_points);
    struct point *point = p->mask_points;
    for (size_t i = 0; i < mask->count; i++) {
        const struct cfg_polygon *given = &mask->polygons[i];
        polygon_from_relative(given->xy, given->count, p->options.width, p->options.height, point);
        p->masks[i] = (struct polygon){point, given->count};
        point += given->count;
    }
}

static void start_motion(struct pipeline *p)
{
    const struct cfg_motion *motion = &p->options.camera->motion;
    if (!motion->enabled) {
        return;
    }
    place_motion_mask(p);
    struct motion_options options = {
        .threshold = motion->threshold,
        .lightning_threshold = motion->lightning_threshold,
        .improve_contrast = motion->improve_contrast,
        .contour_area = motion->contour_area,
        .frame_alpha = motion->frame_alpha,
        .frame_height = motion->frame_height,
        .masks = p->masks,
        .mask_count = motion->mask.count,
    };
    p->motion = motion_create(p->options.width, p->options.height, &options);
}

struct pipeline *pipeline_create(const struct pipeline_options *options)
{
    struct pipeline *p = mem_alloc(sizeof *p);
    const struct cfg_detect *detect = &options->camera->detect;
    p->options = *options;
    p->detects = detect->enabled && options->labels != NULL;
    p->look_around = true;
    struct tracker_settings settings = {
        .width = (float)options->width,
        .height = (float)options->height,
        .fps = detect->fps > 0 ? detect->fps : 5,
        .min_initialized = detect->min_initialized,
        .max_disappeared = detect->max_disappeared,
        .stationary_threshold = detect->stationary.threshold,
    };
    p->interval_s = detect->stationary.interval / settings.fps;
    p->tracker = tracker_create(&settings);
    p->objects = objects_create(options->camera, &settings);
    grid_clear(&p->grid);
    p->regions_options = (struct regions_options){
        .frame_width = options->width,
        .frame_height = options->height,
        .min_region = options->min_region,
        .limit = REGIONS_MAX,
    };
    start_motion(p);
    return p;
}

void pipeline_destroy(struct pipeline *p)
{
    if (p == NULL) {
        return;
    }
    motion_destroy(p->motion);
    tracker_destroy(p->tracker);
    objects_destroy(p->objects);
    free(p->masks);
    free(p->mask_points);
    free(p);
}

/* ---- before the detector ---- */

static void watch_motion(struct pipeline *p, const uint8_t *picture)
{
    if (p->motion == NULL) {
        p->seen_motion.count = 0;
        return;
    }
    motion_run(p->motion, picture, p->options.width, p->motion_us, &p->seen_motion);
}

static bool motion_touches(const struct pipeline *p, struct box box)
{
    if (p->seen_motion.calibrating) {
        return false;
    }
    for (unsigned i = 0; i < p->seen_motion.count; i++) {
        if (box_overlaps(p->seen_motion.boxes[i], box)) {
            return true;
        }
    }
    return false;
}

/* Contract section 4, per object instead of for all at once, so that the re-checks spread out: what
 * stands still is believed to be there until something moves on it or the interval has passed. */
static bool may_hold(const struct pipeline *p, const struct track *track)
{
    return track->stage != TRACK_NEW && track_is_stationary(p->tracker, track) &&
           track->missing_s == 0 &&
           (p->interval_s <= 0 || p->info.time - track->looked_time < p->interval_s) &&
           !motion_touches(p, box_of(&track->box));
}

static void choose_regions(struct pipeline *p)
{
    if (p->seen_motion.calibrating && p->info.time - p->around_time >= CALIBRATING_LOOK_S) {
        pipeline_look_around(p);
    }
    tracker_predict(p->tracker, p->info.time);
    memset(p->held, 0, sizeof p->held);
    p->wanted_count = 0;
    struct tracker *tracker = p->tracker;
    for (struct track *t = tracker_next(tracker, NULL); t != NULL; t = tracker_next(tracker, t)) {
        p->held[t->slot] = may_hold(p, t);
        if (!p->held[t->slot]) {
            p->wanted[p->wanted_count++] = box_of(&t->estimate);
        }
    }
    struct regions_want want = {
        .objects = p->wanted,
        .object_count = p->wanted_count,
        .motion = p->seen_motion.boxes,
        .motion_count = p->seen_motion.calibrating ? 0 : p->seen_motion.count,
        .grid = &p->grid,
        .startup = p->look_around,
        .turn = p->turn++,
    };
    regions_choose(&p->regions_options, &want, &p->regions);
    p->looking_around = p->look_around;
    p->around_time = p->look_around ? p->info.time : p->around_time;
}

void pipeline_begin(struct pipeline *p, const uint8_t *picture, const struct frame_info *info)
{
    bool first = p->info.sequence == 0 && p->info.time == 0;
    double gap = info->time - p->info.time;
    if (!first && (gap > LOOK_AROUND_GAP_S || gap < 0)) {
        pipeline_look_around(p);
    }
    p->motion_us += !first && gap >= 0 && gap < LONGEST_STEP_S ? (int64_t)(gap * 1e6)
                                                               : info->mono_us - p->info.mono_us;
    p->info = *info;
    p->detection_count = 0;
    p->regions.count = p->regions.dropped = 0;
    memset(p->answered, 0, sizeof p->answered);
    watch_motion(p, picture);
    if (p->detects) {
        choose_regions(p);
    }
}

const struct regions *pipeline_regions(const struct pipeline *p)
{
    return &p->regions;
}

/* ---- the detector's answers ---- */

static void keep_detection(struct pipeline *p, const struct label_entry *entry,
                           const struct detection *detection)
{
    if (p->detection_count < MAX_DETECTIONS &&
        detection_check(detection, &entry->filter, p->options.width, p->options.height) ==
            DETECTION_KEEP) {
        p->detections[p->detection_count++] = *detection;
    }
}

static unsigned entry_number(const struct pipeline *p, const struct label_entry *entry)
{
    return (unsigned)(entry - p->options.labels->entries);
}

void pipeline_answer(struct pipeline *p, unsigned region, const struct tensor_box *boxes,
                     unsigned count)
{
    if (!p->detects || region >= p->regions.count) {
        return;
    }
    p->answered[region] = true;
    for (unsigned i = 0; i < count; i++) {
        const struct label_entry *entry = labels_of_model(p->options.labels, boxes[i].label);
        const float relative[4] = {boxes[i].x1, boxes[i].y1, boxes[i].x2, boxes[i].y2};
        struct detection detection;
        if (entry != NULL &&
            detection_map(&detection, entry_number(p, entry), boxes[i].score, relative,
                          p->regions.items[region], p->options.width, p->options.height)) {
            keep_detection(p, entry, &detection);
        }
    }
}

void pipeline_found(struct pipeline *p, unsigned region, uint32_t label, float score,
                    struct box box)
{
    if (!p->detects || region >= p->regions.count) {
        return;
    }
    p->answered[region] = true;
    const struct label_entry *entry = labels_of_model(p->options.labels, label);
    if (entry == NULL) {
        return;
    }
    struct detection detection = {
        .label = entry_number(p, entry),
        .score = score,
        .box = box_clamp(box, p->options.width, p->options.height),
        .region = p->regions.items[region],
    };
    detection.area = box_area(detection.box);
    int height = box_height(detection.box);
    detection.ratio = (float)box_width(detection.box) / (float)(height > 1 ? height : 1);
    keep_detection(p, entry, &detection);
}

/* ---- after the detector ---- */

static unsigned number_of_label(const struct pipeline *p, const struct track_label *label)
{
    for (size_t i = 0; i < p->options.labels->entry_count; i++) {
        if (&p->options.labels->entries[i].label == label) {
            return (unsigned)i;
        }
    }
    return 0;
}

/* Held objects take part in the merging, so that a part of one seen at a region's edge is not a
 * second object. */
static void add_held(struct pipeline *p)
{
    struct tracker *tracker = p->tracker;
    for (struct track *t = tracker_next(tracker, NULL); t != NULL; t = tracker_next(tracker, t)) {
        if (!p->held[t->slot] || p->detection_count == MAX_DETECTIONS) {
            continue;
        }
        struct detection *detection = &p->detections[p->detection_count++];
        *detection = (struct detection){
            .label = number_of_label(p, t->label),
            .score = t->score,
            .box = box_of(&t->box),
            .area = (int64_t)extent_area(&t->box),
            .ratio = extent_width(&t->box) / fmaxf(1, extent_height(&t->box)),
            .region = HELD_REGION(p),
        };
    }
}

static bool is_held(const struct pipeline *p, const struct detection *detection)
{
    return box_equal(detection->region, HELD_REGION(p));
}

static void sort_detections(struct pipeline *p, const uint8_t *picture)
{
    p->sighting_count = p->attribute_count = 0;
    for (size_t i = 0; i < p->detection_count; i++) {
        const struct detection *detection = &p->detections[i];
        const struct label_entry *entry = &p->options.labels->entries[detection->label];
        if (is_held(p, detection)) {
            continue;
        }
        if (entry->use == LABEL_ATTRIBUTE && p->attribute_count < TRACKER_MAX_SIGHTINGS) {
            p->attributes[p->attribute_count++] =
                (struct attribute){entry->label.name, detection->score, extent_of(detection->box)};
        } else if (entry->use == LABEL_TRACKED && p->sighting_count < TRACKER_MAX_SIGHTINGS) {
            struct sighting *sighting = &p->sightings[p->sighting_count++];
            *sighting = (struct sighting){
                .label = &entry->label,
                .score = detection->score,
                .box = extent_of(detection->box),
                .region = extent_of(detection->region),
            };
            if (picture != NULL) {
                look_take(&sighting->look, picture, p->options.width, p->options.height,
                          &sighting->box);
            }
        }
    }
}

/* Whether the detector looked at the place where the track should be. */
static bool was_looked_at(const struct pipeline *p, const struct track *track)
{
    struct box box = box_of(&track->estimate);
    int x = (box.x1 + box.x2) / 2, y = (box.y1 + box.y2) / 2;
    for (unsigned i = 0; i < p->regions.count; i++) {
        const struct box *region = &p->regions.items[i];
        if (p->answered[i] && x >= region->x1 && x < region->x2 && y >= region->y1 &&
            y < region->y2) {
            return true;
        }
    }
    return false;
}

static void find_blind(struct pipeline *p)
{
    memset(p->blind, 0, sizeof p->blind);
    struct tracker *tracker = p->tracker;
    for (struct track *t = tracker_next(tracker, NULL); t != NULL; t = tracker_next(tracker, t)) {
        p->blind[t->slot] = !was_looked_at(p, t);
    }
}

/* Done when as many regions were answered as one unlimited look would have had. */
static void follow_look_around(struct pipeline *p)
{
    if (!p->looking_around) {
        return;
    }
    for (unsigned i = 0; i < p->regions.count; i++) {
        p->looked_around += p->answered[i];
    }
    if (p->looked_around >= p->regions.count + p->regions.dropped) {
        p->look_around = false;
    }
}

/* The grid learns from real objects that are over. */
static void learn(struct pipeline *p)
{
    for (struct object *o = objects_next(p->objects, NULL); o != NULL;
         o = objects_next(p->objects, o)) {
        if (o->end_time == 0 || o->false_positive || o->learned) {
            continue;
        }
        o->learned = true;
        const struct extent *boxes[] = {&o->box, o->best.revision != 0 ? &o->best.box : NULL};
        for (size_t i = 0; i < 2 && boxes[i] != NULL; i++) {
            struct box box = box_of(boxes[i]);
            struct box region = regions_around(&p->regions_options, box, REGIONS_AROUND_OBJECT);
            grid_learn(&p->grid, box, region, p->options.width, p->options.height);
            p->grid_changed = true;
        }
    }
    if (p->grid_aged_time == 0) {
        p->grid_aged_time = p->info.time;
    }
    if (p->info.time - p->grid_aged_time > GRID_AGE_S) {
        p->grid_aged_time = p->info.time;
        grid_age(&p->grid);
        p->grid_changed = true;
    }
}

void pipeline_end(struct pipeline *p, const uint8_t *picture)
{
    if (!p->detects) {
        return;
    }
    add_held(p);
    struct merge_options merge = {
        .frame_width = p->options.width,
        .frame_height = p->options.height,
        .rules = p->options.labels->rules,
        .rule_count = p->options.labels->entry_count,
    };
    p->detection_count = detections_merge(p->detections, p->detection_count, &merge);
    sort_detections(p, picture);
    find_blind(p);
    struct tracker_input input = {
        .time = p->info.time,
        .sightings = p->sightings,
        .count = p->sighting_count,
        .held = p->held,
        .blind = p->blind,
    };
    tracker_update(p->tracker, &input);
    objects_update(p->objects, p->tracker, p->info.time, p->attributes, p->attribute_count);
    learn(p);
    follow_look_around(p);
}

void pipeline_finish(struct pipeline *p)
{
    objects_end_all(p->objects);
    learn(p);
}

/* ---- the rest ---- */

const struct frame_info *pipeline_info(const struct pipeline *p)
{
    return &p->info;
}

const struct motion_result *pipeline_motion(const struct pipeline *p)
{
    return &p->seen_motion;
}

struct objects *pipeline_objects(struct pipeline *p)
{
    return p->objects;
}

struct tracker *pipeline_tracker(struct pipeline *p)
{
    return p->tracker;
}

struct grid *pipeline_grid(struct pipeline *p)
{
    return &p->grid;
}

bool pipeline_grid_changed(struct pipeline *p)
{
    bool changed = p->grid_changed;
    p->grid_changed = false;
    return changed;
}

void pipeline_set_limit(struct pipeline *p, unsigned limit)
{
    p->regions_options.limit = limit < 1 ? 1 : limit > REGIONS_MAX ? REGIONS_MAX : limit;
}

void pipeline_look_around(struct pipeline *p)
{
    p->look_around = true;
    p->looking_around = false;
    p->looked_around = 0;
}
