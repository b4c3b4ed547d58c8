/* Tracking accuracy against a known truth: MOTA, IDF1, identity switches, events against visits.
 *
 *   tracking_accuracy --truth FILE [--raw FILE --size WxH] [options]
 *       the tracker alone, fed with perfect boxes taken from the truth at --fps, optionally
 * worsened by drop-outs, jitter, label flips and false boxes. With the scene's raw pictures the
 * whole pipeline runs: motion and regions decide where boxes may be found, looks help.
 *   tracking_accuracy --truth FILE --raw FILE --config FILE
 *       the same with a real model: the first detector and camera of a Corvette configuration.
 *   tracking_accuracy --truth FILE --tracks FILE [--start T] [--loop S]
 *       what a running system said.
 *
 * Generate scenes with tools/scene; `--raw -` reads the pictures of all frames from stdin. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyse/pipeline.h"
#include "base/cleanup.h"
#include "base/mem.h"
#include "real_detector.h"
#include "score.h"
#include "sequence.h"

struct options {
    const char *truth, *tracks, *raw, *write, *config;
    int width, height;
    double fps;
    double drop, jitter, flip, false_rate, seen_from;
    unsigned long seed;
    int min_region;
    struct score_options score;
};

/* ---- worsening ---- */

static unsigned long random_state;

static double random_share(void) /* 0..1 */
{
    random_state = random_state * 6364136223846793005UL + 1442695040888963407UL;
    return (double)(random_state >> 33) / 2147483648.0;
}

static double random_normal(void)
{
    return sqrt(-2 * log(random_share() + 1e-12)) * cos(2 * M_PI * random_share());
}

static struct box worsened_box(const struct options *options, const struct extent *box)
{
    double x = options->jitter * (double)extent_width(box);
    double y = options->jitter * (double)extent_height(box);
    return (struct box){(int)lround((double)box->x1 + x * random_normal()),
                        (int)lround((double)box->y1 + y * random_normal()),
                        (int)lround((double)box->x2 + x * random_normal()),
                        (int)lround((double)box->y2 + y * random_normal())};
}

/* ---- the pipeline under test ---- */

struct run {
    const struct options *options;
    const struct sequence *truth;
    struct names *labels;
    struct cfg_camera camera;
    struct cfg_labels cfg_labels;
    struct labels *table;
    struct pipeline *pipeline;
    struct sequence said;
    FILE *raw;
    uint8_t *picture;
    size_t picture_bytes;
    struct real_detector *detector; /* NULL: perfect boxes */
    unsigned long regions, looks;
};

/* Frigate's defaults at --fps. */
static void make_camera(struct run *run)
{
    int fps = (int)lround(run->options->fps);
    struct cfg_camera *camera = &run->camera;
    camera->detect.enabled = true;
    camera->detect.fps = fps;
    camera->detect.min_initialized = fps / 2;
    camera->detect.max_disappeared = fps * 5;
    camera->detect.stationary.interval = fps * 10;
    camera->detect.stationary.threshold = fps * 10;
    camera->motion.enabled = run->raw != NULL;
    camera->motion.threshold = 30;
    camera->motion.lightning_threshold = 0.8;
    camera->motion.improve_contrast = true;
    camera->motion.contour_area = 10;
    camera->motion.frame_alpha = 0.01;
    camera->motion.frame_height = 100;
    camera->objects.track = (struct cfg_list){run->labels->items, run->labels->count};
    run->cfg_labels = (struct cfg_labels){run->labels->items, run->labels->count};
}

static void make_pipeline(struct run *run)
{
    int width = run->options->width, height = run->options->height;
    int whole = width > height ? width : height;
    const struct cfg_camera *camera = &run->camera;
    const struct cfg_labels *labels = &run->cfg_labels;
    int min_region = run->raw != NULL ? run->options->min_region : whole;
    if (run->detector != NULL) {
        camera = real_detector_camera(run->detector);
        labels = real_detector_labels(run->detector);
        min_region = real_detector_min_region(run->detector);
    }
    run->table = labels_create(labels, camera, width, height);
    struct pipeline_options options = {
        .camera = camera,
        .labels = run->table,
        .width = width,
        .height = height,
        .min_region = min_region,
    };
    run->pipeline = pipeline_create(&options);
}

/* A region finds what lies at least half inside it, its own part of it. */
static bool region_sees(struct box region, struct box box)
{
    struct box part;
    return box_intersection(region, box, &part) && 2 * box_area(part) >= box_area(box);
}

static void find_one(struct run *run, const struct seen *seen)
{
    const struct options *options = run->options;
    unsigned label = random_share() < options->flip
                         ? (unsigned)(random_share() * (double)run->labels->count)
                         : seen->label;
    float score = (float)(0.85 + 0.05 * random_normal());
    struct box box = worsened_box(options, &seen->box);
    const struct regions *regions = pipeline_regions(run->pipeline);
    for (unsigned r = 0; r < regions->count; r++) {
        if (region_sees(regions->items[r], box)) {
            pipeline_found(run->pipeline, r, label, fminf(score, 0.99f), box);
        }
    }
}

static void find_nonsense(struct run *run)
{
    double x = random_share() * run->options->width, y = random_share() * run->options->height;
    double w = 20 + 150 * random_share(), h = 20 + 150 * random_share();
    struct seen seen = {
        .label = (unsigned)(random_share() * (double)run->labels->count),
        .box = {(float)x, (float)y, (float)(x + w), (float)(y + h)},
    };
    find_one(run, &seen);
}

static void note_what_is_said(struct run *run, double time)
{
    struct moment *moment = sequence_add(&run->said, time);
    struct objects *objects = pipeline_objects(run->pipeline);
    for (struct object *o = objects_next(objects, NULL); o != NULL; o = objects_next(objects, o)) {
        if (o->wants_best) {
            object_take_best(o, time);
        }
        if (o->end_time != 0 || !o->seen) {
            continue;
        }
        struct seen seen = {
            .id = names_number(&run->said.ids, o->id),
            .label = names_number(run->labels, o->label->name),
            .box = o->box,
            .visible = 1,
            .moving = !o->stationary,
            .confirmed = !o->false_positive,
        };
        moment_add(moment, &seen);
    }
    objects_forget_ended(objects, 0);
}

/* Perfect boxes, worsened as asked. */
static void find_all(struct run *run, const struct moment *truth)
{
    const struct regions *regions = pipeline_regions(run->pipeline);
    for (unsigned r = 0; r < regions->count; r++) {
        pipeline_answer(run->pipeline, r, NULL, 0);
    }
    for (size_t i = 0; i < truth->count; i++) {
        const struct seen *seen = &truth->items[i];
        if ((double)seen->visible >= run->options->seen_from &&
            random_share() >= run->options->drop) {
            find_one(run, seen);
        }
    }
    if (random_share() < run->options->false_rate) {
        find_nonsense(run);
    }
}

static bool run_moment(struct run *run, const struct moment *truth, uint64_t sequence,
                       struct err *err)
{
    struct frame_info info = {
        .sequence = sequence,
        .time = truth->time,
        .mono_us = (int64_t)(truth->time * 1e6),
        .width = (uint32_t)run->options->width,
        .height = (uint32_t)run->options->height,
    };
    if (run->raw == NULL) {
        grid_clear(pipeline_grid(run->pipeline)); /* no motion to lead it: look everywhere */
        pipeline_look_around(run->pipeline);
    }
    pipeline_begin(run->pipeline, run->picture, &info);
    run->regions += pipeline_regions(run->pipeline)->count;
    run->looks++;
    bool ok = run->detector == NULL ||
              real_detector_answer(run->detector, run->pipeline, run->picture, run->options->width,
                                   run->options->height, err);
    if (run->detector == NULL) {
        find_all(run, truth);
    }
    pipeline_end(run->pipeline, run->raw != NULL ? run->picture : NULL);
    note_what_is_said(run, truth->time);
    return ok;
}

static bool read_picture(struct run *run)
{
    return run->raw == NULL ||
           fread(run->picture, 1, run->picture_bytes, run->raw) == run->picture_bytes;
}

/* The truth's frames at --fps, as a camera would pick them: the first at or after each due time. */
static bool run_pipeline(struct run *run, struct err *err)
{
    double due = -1;
    uint64_t sequence = 0;
    for (size_t i = 0; i < run->truth->count; i++) {
        const struct moment *truth = &run->truth->moments[i];
        if (!read_picture(run)) {
            err_set(err, EINVAL, "%s ends before the truth does", run->options->raw);
            return false;
        }
        if (truth->time < due - 1e-6) {
            continue;
        }
        due = (due < 0 ? truth->time : due) + 1 / run->options->fps;
        if (!run_moment(run, truth, ++sequence, err)) {
            return false;
        }
    }
    return true;
}

static bool make_said(struct run *run, struct err *err)
{
    const struct options *options = run->options;
    run->picture_bytes = frames_picture_bytes(options->width, options->height);
    run->picture = mem_alloc(run->picture_bytes);
    if (options->raw != NULL) {
        run->raw = strcmp(options->raw, "-") == 0 ? stdin : fopen(options->raw, "rb");
        if (run->raw == NULL) {
            err_set(err, errno, "%s: %s", options->raw, strerror(errno));
            return false;
        }
    }
    if (options->config != NULL) {
        run->detector = real_detector_open(options->config, err);
        if (run->detector == NULL) {
            return false;
        }
    }
    make_camera(run);
    make_pipeline(run);
    random_state = options->seed;
    bool ok = run_pipeline(run, err);
    real_detector_close(run->detector);
    pipeline_destroy(run->pipeline);
    labels_destroy(run->table);
    free(run->picture);
    if (run->raw != NULL && run->raw != stdin) {
        fclose(run->raw);
    }
    return ok;
}

/* ---- in and out ---- */

static bool write_sequence(const struct sequence *said, const struct names *labels,
                           const char *path)
{
    AUTO_FCLOSE FILE *file = fopen(path, "w");
    if (file == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return false;
    }
    for (size_t i = 0; i < said->count; i++) {
        const struct moment *moment = &said->moments[i];
        fprintf(file, "{\"time\":%.4f,\"objects\":[", moment->time);
        for (size_t j = 0; j < moment->count; j++) {
            const struct seen *seen = &moment->items[j];
            fprintf(file,
                    "%s{\"id\":\"%s\",\"label\":\"%s\",\"box\":[%.0f,%.0f,%.0f,%.0f],"
                    "\"confirmed\":%s}",
                    j == 0 ? "" : ",", said->ids.items[seen->id], labels->items[seen->label],
                    (double)seen->box.x1, (double)seen->box.y1, (double)seen->box.x2,
                    (double)seen->box.y2, seen->confirmed ? "true" : "false");
        }
        fputs("]}\n", file);
    }
    return true;
}

static void print_score(const struct score *score)
{
    printf("moments %zu  truth %zu  hits %zu  misses %zu  false %zu  switches %zu  iou %.3f\n",
           score->moments, score->truth, score->hits, score->misses, score->false_alarms,
           score->switches, score->mean_iou);
    printf("visits %zu  events %zu  doubles %zu  missed visits %zu  ghosts %zu\n", score->visits,
           score->events, score->doubles, score->missed_visits, score->ghosts);
    printf("MOTA %.4f  IDF1 %.4f\n", score->mota, score->idf1);
}

enum {
    OPT_TRUTH = 1,
    OPT_TRACKS,
    OPT_RAW,
    OPT_WRITE,
    OPT_SIZE,
    OPT_FPS,
    OPT_DROP,
    OPT_JITTER,
    OPT_FLIP,
    OPT_FALSE,
    OPT_SEEN_FROM,
    OPT_SEED,
    OPT_MIN_REGION,
    OPT_MIN_VISIBLE,
    OPT_MIN_SIDE,
    OPT_TOLERANCE,
    OPT_START,
    OPT_LOOP,
    OPT_LIST,
    OPT_CONFIG,
};

static const struct {
    const char *name, *help;
    int number;
} rows[] = {
    {"truth", "FILE   what is true, as tools/scene writes it", OPT_TRUTH},
    {"tracks", "FILE   what a running system said", OPT_TRACKS},
    {"raw", "FILE   the scene's pictures, I420, all frames; - is stdin", OPT_RAW},
    {"config", "FILE   a configuration whose model finds the boxes in --raw", OPT_CONFIG},
    {"write", "FILE   write down what was said", OPT_WRITE},
    {"size", "WxH    of the pictures (1280x720)", OPT_SIZE},
    {"fps", "N      pictures looked at a second (5)", OPT_FPS},
    {"drop", "P      share of boxes that are not found (0)", OPT_DROP},
    {"jitter", "P      noise of each corner, in parts of the box's side (0)", OPT_JITTER},
    {"flip", "P      share of boxes with a label drawn by lot (0)", OPT_FLIP},
    {"false", "P      false boxes per picture (0)", OPT_FALSE},
    {"seen-from", "P      visible share from which a box is found (0.3)", OPT_SEEN_FROM},
    {"seed", "N      of all that (1)", OPT_SEED},
    {"min-region", "PX     side of the model's input (320)", OPT_MIN_REGION},
    {"min-visible", "P      visible share from which an object counts (0.3)", OPT_MIN_VISIBLE},
    {"min-side", "PX     side from which an object counts (8)", OPT_MIN_SIDE},
    {"tolerance", "S      between the times of both (0.06)", OPT_TOLERANCE},
    {"start", "T      time of the truth's first frame in the tracks (0)", OPT_START},
    {"loop", "S      the truth repeats after (0: does not)", OPT_LOOP},
    {"list", "1      print every switch of identity", OPT_LIST},
};

static void print_help(FILE *file)
{
    fputs("tracking_accuracy --truth FILE [options]\n", file);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        fprintf(file, "  --%-12s %s\n", rows[i].name, rows[i].help);
    }
}

static bool take_option(struct options *o, int number, const char *text)
{
    const struct {
        int number;
        double *value;
    } doubles[] = {
        {OPT_FPS, &o->fps},
        {OPT_DROP, &o->drop},
        {OPT_JITTER, &o->jitter},
        {OPT_FLIP, &o->flip},
        {OPT_FALSE, &o->false_rate},
        {OPT_SEEN_FROM, &o->seen_from},
        {OPT_TOLERANCE, &o->score.tolerance_s},
        {OPT_START, &o->score.truth_start},
        {OPT_LOOP, &o->score.loop_s},
    };
    for (size_t i = 0; i < ARRAY_SIZE(doubles); i++) {
        if (doubles[i].number == number) {
            *doubles[i].value = atof(text);
            return true;
        }
    }
    const struct {
        int number;
        const char **value;
    } texts[] = {{OPT_TRUTH, &o->truth},
                 {OPT_TRACKS, &o->tracks},
                 {OPT_RAW, &o->raw},
                 {OPT_WRITE, &o->write},
                 {OPT_CONFIG, &o->config}};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        if (texts[i].number == number) {
            *texts[i].value = text;
            return true;
        }
    }
    switch (number) {
    case OPT_SIZE:
        return sscanf(text, "%dx%d", &o->width, &o->height) == 2 && o->width > 0 && o->height > 0;
    case OPT_SEED:
        o->seed = strtoul(text, NULL, 10);
        return true;
    case OPT_MIN_REGION:
        o->min_region = atoi(text);
        return o->min_region > 0;
    case OPT_LIST:
        o->score.list = atoi(text) != 0;
        return true;
    case OPT_MIN_VISIBLE:
        o->score.min_visible = (float)atof(text);
        return true;
    case OPT_MIN_SIDE:
        o->score.min_side = (float)atof(text);
        return true;
    }
    return false;
}

static bool read_options(struct options *options, int argc, char **argv)
{
    struct option long_options[ARRAY_SIZE(rows) + 1] = {0};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        long_options[i] = (struct option){rows[i].name, required_argument, NULL, rows[i].number};
    }
    int number;
    while ((number = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (number == '?' || !take_option(options, number, optarg)) {
            return false;
        }
    }
    return options->truth != NULL && optind == argc && options->fps >= 1 &&
           (options->config == NULL || options->raw != NULL);
}

int main(int argc, char **argv)
{
    struct options options = {
        .width = 1280,
        .height = 720,
        .fps = 5,
        .seen_from = 0.3,
        .seed = 1,
        .min_region = 320,
        .score = {.min_visible = 0.3f,
                  .min_side = 8,
                  .tolerance_s = 0.06,
                  .gap_s = 5,
                  .min_visit_s = 1.2},
    };
    if (!read_options(&options, argc, argv)) {
        print_help(stderr);
        return 2;
    }
    struct err err = ERR_NONE;
    struct names labels = {0};
    struct sequence truth = {0};
    struct run run = {.options = &options, .truth = &truth, .labels = &labels};
    bool ok = sequence_read(&truth, &labels, options.truth, &err);
    if (ok && options.tracks != NULL) {
        ok = sequence_read(&run.said, &labels, options.tracks, &err);
    } else if (ok) {
        ok = make_said(&run, &err);
    }
    if (err.code != 0) {
        fprintf(stderr, "%s\n", err.text);
    }
    if (ok && options.write != NULL) {
        ok = write_sequence(&run.said, &labels, options.write);
    }
    if (ok) {
        struct score score;
        score_compute(&truth, &run.said, &options.score, &score);
        if (run.looks > 0) {
            printf("regions per picture %.2f\n", (double)run.regions / (double)run.looks);
        }
        print_score(&score);
    }
    sequence_finish(&truth);
    sequence_finish(&run.said);
    names_finish(&labels);
    return ok ? 0 : 1;
}
