#include "vision/motion.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "vision/hot.h"
#include "vision/light.h"
#include "vision/shade.h"
#include "vision/shrink.h"
#include "vision/spots.h"
#include "vision/sway.h"

/* The rates of the configuration are per picture at this many pictures a second. */
#define NOMINAL_FPS 5.0
#define DEFAULT_ROWS 100
/* Ten pictures: only what stays in its place as long is learned as background. */
#define LEARN_AFTER_MS 2000
#define CALIBRATING_ALPHA 0.2
/* What has changed and then kept still for so long is taken over at that rate too: a car that was
 * parked, the place it left, the whole picture after a knock on the camera. */
#define STILL_AFTER_MS 5000
#define STILL_PART 0.35F /* of the threshold, from picture to picture */
#define CALIBRATED_BELOW 0.05
#define CALIBRATED_BOXES 4
/* After a start the background is averaged for as long as the reference needs to find it. */
#define SETTLE_US 1500000
/* A flash is over by then: the background is not spoilt with it. */
#define FLASH_US 500000
/* Time between pictures that counts at most; after a longer pause everything starts anew. */
#define LONGEST_STEP_US 2000000
#define PAUSE_US 60000000
/* The reference averages contrast over 50 pictures: a mean age of 5 s. */
#define CONTRAST_TAU_US 5e6
#define NOISE_TAU_US 5e6
/* Drifts of the light are followed this fast; a cloud's edge takes a second to pass. */
#define SHADE_TAU_US 1e5
/* Flat scenes (an empty yard) are stretched no further than this: what an encoder does to them from
 * key picture to key picture would pass for motion. */
#define LEAST_RANGE 60.0F
/* So much of the range below and above it is told apart too: a dark coat before a dark wall. */
#define RANGE_MARGIN 0.5F
/* Times the deviation of a resting pixel that no setting makes a change of. */
#define NOISE_FACTOR 6.0F
/* Spots below this part of the picture are not examined for changes of light. */
#define LIGHT_MIN_PART 0.05
/* So many spots are examined per picture at most; each costs a few passes over its cells. */
#define LIGHT_MAX_SPOTS 8
/* Resolution of the histograms of levels and of differences. */
#define BINS 256
#define DIFFERENCE_BINS_PER_LEVEL 16

/* A background that the next picture gives. */
#define UNKNOWN (-1.0F)

/* 3-tap Gaussian of sigma 1. */
#define BLUR_SIDE 0.27406862F
#define BLUR_MIDDLE 0.45186276F

struct motion {
    struct motion_options options; /* without the masks */
    int width, height;             /* of the detect picture */
    struct shrink shrink;
    int unmasked;         /* cells */
    uint8_t *masked;      /* 1 = masked */
    float *now, *scratch; /* the picture, and one row-blurred */
    float *previous;      /* the picture before */
    uint16_t *age_ms;     /* how long each cell has been changed */
    uint16_t *still_ms;   /* how long each changed cell has shown the same */
    float *background;    /* valid when has_background */
    uint8_t *changed;     /* cells that differ */
    uint8_t *grown;       /* the same dilated */
    uint8_t *row_grown;
    struct spots spots;
    struct shade shade;
    struct sway sway;

    bool has_background, calibrating;
    bool has_unknown; /* cells whose background is UNKNOWN, after other masks */
    int64_t last_us;
    int64_t started_us;   /* first picture */
    int64_t lightning_us; /* how long the present lightning lasts */
    float low, high;      /* contrast range in use */
    float noise;          /* deviation of a resting pixel */
};

static size_t cells(const struct motion *motion)
{
    return (size_t)motion->shrink.width * (size_t)motion->shrink.height;
}

/* What is masked shows as black through the blur, so a changed mask changes its neighbours. */
static void forget_around(struct motion *motion, int x, int y)
{
    const struct shrink *s = &motion->shrink;
    for (int v = y > 0 ? y - 1 : 0; v <= y + 1 && v < s->height; v++) {
        for (int u = x > 0 ? x - 1 : 0; u <= x + 1 && u < s->width; u++) {
            motion->background[v * s->width + u] = UNKNOWN;
        }
    }
    motion->has_unknown = true;
}

/* A cell is masked when half of it is: less would let what lies under the mask shine through, more
 * would blind its neighbours. */
static void set_masks(struct motion *motion, const struct motion_options *options)
{
    const struct shrink *s = &motion->shrink;
    size_t bytes = (size_t)motion->width * (size_t)motion->height;
    AUTO_FREE uint8_t *raster = mem_alloc(bytes);
    AUTO_FREE float *covered = mem_array(cells(motion), sizeof *covered);
    for (size_t i = 0; i < options->mask_count; i++) {
        polygon_fill(&options->masks[i], 255, raster, motion->width, motion->height, motion->width);
    }
    shrink_run(&motion->shrink, raster, motion->width, covered);
    motion->unmasked = 0;
    for (int i = 0; i < s->width * s->height; i++) {
        uint8_t is_masked = covered[i] >= 127.5F;
        if (is_masked != motion->masked[i]) {
            forget_around(motion, i % s->width, i / s->width);
        }
        motion->masked[i] = is_masked;
        motion->unmasked += !is_masked;
    }
}

static void allocate(struct motion *motion)
{
    int rows = motion->options.frame_height > 0 ? motion->options.frame_height : DEFAULT_ROWS;
    int least = (motion->height + SHRINK_MAX_CELL - 1) / SHRINK_MAX_CELL;
    rows = rows < least ? least : rows > motion->height ? motion->height : rows;
    int columns = (int)((int64_t)rows * motion->width / motion->height);
    columns = columns < 1 ? 1 : columns;
    shrink_init(&motion->shrink, motion->width, motion->height, columns, rows);
    spots_init(&motion->spots, columns, rows);
    shade_init(&motion->shade, columns, rows);
    sway_init(&motion->sway, columns, rows);
    size_t n = cells(motion);
    motion->masked = mem_alloc(n);
    motion->changed = mem_alloc(n);
    motion->grown = mem_alloc(n);
    motion->row_grown = mem_alloc(n);
    motion->now = mem_array(n, sizeof(float));
    motion->scratch = mem_array(n, sizeof(float));
    motion->previous = mem_array(n, sizeof(float));
    motion->age_ms = mem_array(n, sizeof *motion->age_ms);
    motion->still_ms = mem_array(n, sizeof *motion->still_ms);
    motion->background = mem_array(n, sizeof(float));
}

static void release(struct motion *motion)
{
    shrink_finish(&motion->shrink);
    spots_finish(&motion->spots);
    shade_finish(&motion->shade);
    sway_finish(&motion->sway);
    free(motion->masked);
    free(motion->changed);
    free(motion->grown);
    free(motion->row_grown);
    free(motion->now);
    free(motion->scratch);
    free(motion->previous);
    free(motion->age_ms);
    free(motion->still_ms);
    free(motion->background);
}

static void keep_options(struct motion *motion, const struct motion_options *options)
{
    motion->options = *options;
    motion->options.masks = NULL; /* the caller's; not kept */
    motion->options.mask_count = 0;
}

struct motion *motion_create(int width, int height, const struct motion_options *options)
{
    struct motion *motion = mem_alloc(sizeof *motion);
    motion->width = width;
    motion->height = height;
    keep_options(motion, options);
    allocate(motion);
    set_masks(motion, options);
    motion_reset(motion);
    return motion;
}

void motion_destroy(struct motion *motion)
{
    if (motion != NULL) {
        release(motion);
        free(motion);
    }
}

void motion_set(struct motion *motion, const struct motion_options *options)
{
    bool is_resized = options->frame_height != motion->options.frame_height;
    keep_options(motion, options);
    if (is_resized) {
        release(motion);
        allocate(motion);
        motion_reset(motion);
    }
    set_masks(motion, options);
}

void motion_reset(struct motion *motion)
{
    motion->has_background = false;
    motion->calibrating = true;
}

/* Three-tap blur in both directions; the border repeats its own pixel. */
VISION_HOT static void blur(float *restrict picture, float *restrict scratch, int width, int height)
{
    for (int y = 0; y < height; y++) {
        const float *in = picture + (ptrdiff_t)y * width;
        float *out = scratch + (ptrdiff_t)y * width;
        out[0] = BLUR_MIDDLE * in[0] + BLUR_SIDE * (in[0] + in[width > 1]);
        for (int x = 1; x < width - 1; x++) {
            out[x] = BLUR_MIDDLE * in[x] + BLUR_SIDE * (in[x - 1] + in[x + 1]);
        }
        if (width > 1) {
            out[width - 1] =
                BLUR_MIDDLE * in[width - 1] + BLUR_SIDE * (in[width - 2] + in[width - 1]);
        }
    }
    for (int y = 0; y < height; y++) {
        const float *in = scratch + (ptrdiff_t)y * width;
        const float *above = y > 0 ? in - width : in, *below = y + 1 < height ? in + width : in;
        float *out = picture + (ptrdiff_t)y * width;
        for (int x = 0; x < width; x++) {
            out[x] = BLUR_MIDDLE * in[x] + BLUR_SIDE * (above[x] + below[x]);
        }
    }
}

VISION_HOT static void hide_masked(float *restrict now, const uint8_t *restrict masked, int count)
{
    for (int i = 0; i < count; i++) {
        now[i] = masked[i] ? 0 : now[i];
    }
}

/* Level below which `part` of the counted samples lie. */
static float quantile(const unsigned *counts, int bins, unsigned total, double part)
{
    double rank = part * (total - 1), below = 0;
    for (int i = 0; i < bins; i++) {
        if (counts[i] > 0 && below + counts[i] > rank) {
            return (float)i;
        }
        below += counts[i];
    }
    return (float)(bins - 1);
}

/* How far a value that follows with time constant `tau` moves in `step_us`. */
static float follow_rate(int64_t step_us, double tau_us)
{
    return (float)(1 - exp(-(double)step_us / tau_us));
}

/* The range between the 4 % darkest and brightest is what differences are measured against. Taken
 * over at once at the start and while calibrating, slowly otherwise. */
static void measure_contrast(struct motion *motion, int64_t step_us)
{
    unsigned counts[BINS] = {0};
    if (!motion->options.improve_contrast || motion->unmasked == 0) {
        motion->low = 0;
        motion->high = 255;
        return;
    }
    for (size_t i = 0, n = cells(motion); i < n; i++) {
        counts[(int)motion->now[i]] += !motion->masked[i];
    }
    float low = quantile(counts, BINS, (unsigned)motion->unmasked, 0.04);
    float high = quantile(counts, BINS, (unsigned)motion->unmasked, 0.96);
    if (low >= high) {
        return; /* one grey: whatever was in use stays */
    }
    if (high - low < LEAST_RANGE) {
        float middle = (low + high) / 2;
        low = middle - LEAST_RANGE / 2;
        high = middle + LEAST_RANGE / 2;
    }
    float rate = motion->calibrating ? 1 : follow_rate(step_us, CONTRAST_TAU_US);
    motion->low += rate * (low - motion->low);
    motion->high += rate * (high - motion->high);
}

/* How far two pictures differ in half of their cells, as a measure of noise: a part of the picture
 * may move, and the median difference is taken off first, because a drift of the light is no noise.
 * (The difference from the background would hide slow things as noise.) */
static void measure_noise(struct motion *motion, int64_t step_us)
{
    unsigned signed_counts[2 * BINS] = {0}, counts[2 * BINS] = {0}, total = 0;
    const float limit = BINS - 1;
    for (size_t i = 0, n = cells(motion); i < n; i += 3) {
        float off = (motion->now[i] - motion->previous[i]) * DIFFERENCE_BINS_PER_LEVEL;
        off = off < -limit ? -limit : off > limit ? limit : off;
        signed_counts[(int)(off + BINS)] += !motion->masked[i];
        total += !motion->masked[i];
    }
    if (total == 0) {
        return;
    }
    int shift = (int)quantile(signed_counts, 2 * BINS, total, 0.5);
    for (int i = 0; i < 2 * BINS; i++) {
        counts[abs(i - shift)] += signed_counts[i];
    }
    /* 1.4826: deviation of a normal distribution over its median distance; two pictures' noise. */
    float median = (quantile(counts, 2 * BINS, total, 0.5) + 0.5F) / DIFFERENCE_BINS_PER_LEVEL;
    float deviation = 1.4826F * median / (float)M_SQRT2;
    motion->noise += follow_rate(step_us, NOISE_TAU_US) * (deviation - motion->noise);
}

/* The configured threshold is of the stretched picture; here it is in levels of the plain one.
 * Where a dark picture would be stretched until its noise passes the threshold, the noise decides.
 */
static float change_level(const struct motion *motion)
{
    float level = (float)motion->options.threshold * (motion->high - motion->low) / 255;
    float rest = NOISE_FACTOR * motion->noise;
    float most = (float)motion->options.threshold;
    return rest <= level ? level : rest < most ? rest : most;
}

static inline float held(float value, float low, float high)
{
    return value < low ? low : value > high ? high : value;
}

/* 1 when `now` is outside what the background and half a cell's shift of it towards its neighbours
 * span, by more than the level. Written without branches, for vectors. */
static inline uint8_t differs(float now, float here, float left, float right, float above,
                              float below, float low, float high, float level)
{
    float least = left < right ? left : right, most = left < right ? right : left;
    least = above < least ? above : least;
    least = below < least ? below : least;
    least = here < least ? here : least;
    most = above > most ? above : most;
    most = below > most ? below : most;
    most = here > most ? here : most;
    float from = held((least + here) * 0.5F, low, high) - level;
    float to = held((most + here) * 0.5F, low, high) + level;
    float value = held(now, low, high);
    return (uint8_t)((value < from) | (value > to));
}

/* Cells that differ by more than the level. A cell may show anything between its background and
 * what half a cell's shift would bring there: a camera that sways on its pole, and an encoder that
 * rounds edges anew, move nothing. Both sides are held to the contrast range first, as stretching
 * would do: glare and black are not resolved. Returns how many. */
VISION_HOT static int mark_changed(uint8_t *restrict changed, const float *restrict now,
                                   const float *restrict background, const uint8_t *restrict masked,
                                   float low, float high, float level, int width, int height)
{
    int marked = 0;
    for (int y = 0; y < height; y++) {
        ptrdiff_t row = (ptrdiff_t)y * width;
        const float *value = now + row, *here = background + row;
        const float *above = y > 0 ? here - width : here;
        const float *below = y + 1 < height ? here + width : here;
        const uint8_t *hidden = masked + row;
        uint8_t *out = changed + row;
        int last = width - 1;
        for (int x = 1; x < last; x++) {
            out[x] = differs(value[x], here[x], here[x - 1], here[x + 1], above[x], below[x], low,
                             high, level);
        }
        out[0] = differs(value[0], here[0], here[0], here[width > 1], above[0], below[0], low, high,
                         level);
        out[last] = differs(value[last], here[last], here[last - (width > 1)], here[last],
                            above[last], below[last], low, high, level);
        for (int x = 0; x < width; x++) {
            out[x] &= !hidden[x];
            marked += out[x];
        }
    }
    return marked;
}

/* Every set cell spreads to its eight neighbours. */
VISION_HOT static void grow(uint8_t *restrict out, uint8_t *restrict scratch,
                            const uint8_t *restrict in, int width, int height)
{
    for (int y = 0; y < height; y++) {
        const uint8_t *from = in + (ptrdiff_t)y * width;
        uint8_t *to = scratch + (ptrdiff_t)y * width;
        to[0] = from[0] | from[width > 1];
        for (int x = 1; x < width - 1; x++) {
            to[x] = from[x - 1] | from[x] | from[x + 1];
        }
        if (width > 1) {
            to[width - 1] = from[width - 2] | from[width - 1];
        }
    }
    for (int y = 0; y < height; y++) {
        const uint8_t *from = scratch + (ptrdiff_t)y * width;
        const uint8_t *above = y > 0 ? from - width : from;
        const uint8_t *below = y + 1 < height ? from + width : from;
        uint8_t *to = out + (ptrdiff_t)y * width;
        for (int x = 0; x < width; x++) {
            to[x] = above[x] | from[x] | below[x];
        }
    }
}

/* The levels that are told apart, and by how much. */
static struct sway_level levels(const struct motion *motion, float level)
{
    float margin = RANGE_MARGIN * (motion->high - motion->low);
    return (struct sway_level){motion->low - margin, motion->high + margin, level};
}

static int mark(struct motion *motion, float level)
{
    struct sway_level l = levels(motion, level);
    return mark_changed(motion->changed, motion->now, motion->background, motion->masked, l.low,
                        l.high, level, motion->shrink.width, motion->shrink.height);
}

static void grow_changed(struct motion *motion)
{
    grow(motion->grown, motion->row_grown, motion->changed, motion->shrink.width,
         motion->shrink.height);
}

static void find_spots(struct motion *motion)
{
    grow_changed(motion);
    spots_find(&motion->spots, motion->grown, motion->shrink.width, motion->shrink.height);
}

/* Outline area of all spots as part of the unmasked picture. */
static double changed_part(const struct motion *motion)
{
    int64_t area2 = 0;
    for (int i = 0; i < motion->spots.count; i++) {
        area2 += motion->spots.items[i].area2;
    }
    return fmin((double)area2 / 2 / motion->unmasked, 1);
}

/* Takes a spot's change of light over into the background, so that only what does not fit it is
 * left. Cells of the spot below the threshold go along: left behind they would draw the spot's
 * outline into the background. */
static int take_light(struct motion *motion, int spot, const struct light_change *change,
                      float level)
{
    const struct spots *spots = &motion->spots;
    int cleared = 0;
    for (int r = 0; r < spots->run_count; r++) {
        const struct spot_run *run = &spots->runs[r];
        if (spots_of_run(spots, run) != spot) {
            continue;
        }
        for (int x = run->from; x < run->to; x++) {
            int i = run->y * motion->shrink.width + x;
            float *background = &motion->background[i];
            if (light_fits(change, motion->now[i], *background, level)) {
                cleared += motion->changed[i];
                *background = motion->now[i];
                motion->changed[i] = 0;
            } else if (motion->changed[i]) { /* something else before a background so lit */
                *background = light_apply(change, *background);
            }
        }
    }
    return cleared;
}

/* Removes local changes of light from `changed` and the spots; returns how many cells that were. */
static int remove_light(struct motion *motion, const struct light_picture *picture)
{
    int cleared = 0, examined = 0;
    for (int i = 0; i < motion->spots.count && examined < LIGHT_MAX_SPOTS; i++) {
        struct light_change change;
        bool is_large = motion->spots.items[i].pixels >= LIGHT_MIN_PART * motion->unmasked;
        examined += is_large;
        if (is_large && light_explains(picture, &motion->spots, i, motion->changed, &change)) {
            cleared += take_light(motion, i, &change, picture->level);
        }
    }
    if (cleared > 0) {
        find_spots(motion);
    }
    return cleared;
}

static int by_area(const void *left, const void *right)
{
    const struct spot *a = left, *b = right;
    return (a->area2 < b->area2) - (a->area2 > b->area2);
}

/* The spots that count, largest first, in detect pixels. */
static void list_boxes(struct motion *motion, struct motion_result *result)
{
    struct spots *spots = &motion->spots;
    const struct shrink *s = &motion->shrink;
    int count = 0;
    for (int i = 0; i < spots->count; i++) {
        if (spots->items[i].area2 > 2 * motion->options.contour_area) {
            spots->items[count++] = spots->items[i];
        }
    }
    qsort(spots->items, (size_t)count, sizeof *spots->items, by_area);
    result->count = (unsigned)(count < MOTION_MAX_BOXES ? count : MOTION_MAX_BOXES);
    result->dropped = (unsigned)count - result->count;
    for (unsigned i = 0; i < result->count; i++) {
        const struct spot *spot = &spots->items[i];
        struct box box = {s->edge_x[spot->x1], s->edge_y[spot->y1], s->edge_x[spot->x2 + 1],
                          s->edge_y[spot->y2 + 1]};
        result->boxes[i] = box_clamp(box, motion->width, motion->height);
    }
}

/* `lightning`: part of the picture that changed before light was taken out. */
static void update_calibrating(struct motion *motion, const struct motion_result *result,
                               double lightning, int64_t time_us, int64_t step_us)
{
    bool is_lightning = lightning > motion->options.lightning_threshold;
    if (result->changed < CALIBRATED_BELOW && result->count + result->dropped <= CALIBRATED_BOXES &&
        time_us - motion->started_us >= SETTLE_US) {
        motion->calibrating = false;
    }
    if (is_lightning) {
        motion->calibrating = true;
    }
    motion->lightning_us = is_lightning ? motion->lightning_us + step_us : 0;
}

/* Part of the difference that is learned in a step, of a rate per picture at the nominal fps. */
static float learning_rate(double alpha, int64_t step_us)
{
    alpha = alpha < 0 ? 0 : alpha > 1 ? 1 : alpha;
    return (float)(1 - pow(1 - alpha, (double)step_us / 1e6 * NOMINAL_FPS));
}

struct pace {
    float rate, still_rate;
    float still; /* differences from the last picture below this are none */
    int step_ms, least_ms;
};

static inline uint16_t add_ms(uint16_t ms, int step_ms)
{
    int sum = ms + step_ms;
    return (uint16_t)(sum < UINT16_MAX ? sum : UINT16_MAX);
}

VISION_HOT static void learn(float *restrict background, uint16_t *restrict age_ms,
                             uint16_t *restrict still_ms, const float *restrict now,
                             const float *restrict previous, const uint8_t *restrict grown,
                             struct pace pace, int count)
{
    for (int i = 0; i < count; i++) {
        bool is_still = grown[i] & (fabsf(now[i] - previous[i]) < pace.still);
        age_ms[i] = grown[i] ? add_ms(age_ms[i], pace.step_ms) : 0;
        still_ms[i] = is_still ? add_ms(still_ms[i], pace.step_ms) : 0;
        float follow = !grown[i] | (age_ms[i] >= pace.least_ms) ? pace.rate : 0;
        follow = still_ms[i] >= STILL_AFTER_MS ? pace.still_rate : follow;
        background[i] += follow * (now[i] - background[i]);
    }
}

/* Resting cells are always learned; changed ones only when they have been so for a while (something
 * that stays), so that things passing through leave nothing behind. While there is no trustworthy
 * background everything is learned, quickly, a flash excepted. */
static void learn_background(struct motion *motion, float level, int64_t step_us)
{
    struct pace pace = {
        .rate = learning_rate(motion->calibrating ? CALIBRATING_ALPHA : motion->options.frame_alpha,
                              step_us),
        .still_rate = learning_rate(CALIBRATING_ALPHA, step_us),
        .still = STILL_PART * level,
        .step_ms = (int)(step_us / 1000),
        .least_ms = motion->calibrating ? 0 : LEARN_AFTER_MS,
    };
    if (motion->lightning_us == 0 || motion->lightning_us >= FLASH_US) {
        learn(motion->background, motion->age_ms, motion->still_ms, motion->now, motion->previous,
              motion->grown, pace, (int)cells(motion));
    }
}

static void start(struct motion *motion, int64_t time_us)
{
    memcpy(motion->background, motion->now, cells(motion) * sizeof(float));
    motion->has_background = true;
    motion->has_unknown = false;
    motion->calibrating = true;
    motion->started_us = motion->last_us = time_us;
    motion->lightning_us = 0;
    memset(motion->age_ms, 0, cells(motion) * sizeof *motion->age_ms);
    memset(motion->still_ms, 0, cells(motion) * sizeof *motion->still_ms);
    sway_clear(&motion->sway);
    motion->low = 0;
    motion->high = 255;
    motion->noise = 0;
    measure_contrast(motion, 0);
}

static void fill_unknown(struct motion *motion)
{
    for (size_t i = 0, n = cells(motion); motion->has_unknown && i < n; i++) {
        if (motion->background[i] < 0) {
            motion->background[i] = motion->previous[i] = motion->now[i];
        }
    }
    motion->has_unknown = false;
}

void motion_run(struct motion *motion, const uint8_t *luma, int stride, int64_t time_us,
                struct motion_result *result)
{
    int count = (int)cells(motion);
    result->count = result->dropped = 0;
    result->changed = result->illuminated = 0;
    result->calibrating = true;
    float *previous = motion->previous;
    motion->previous = motion->now;
    motion->now = previous;
    shrink_run(&motion->shrink, luma, stride, motion->now);
    hide_masked(motion->now, motion->masked, count);
    blur(motion->now, motion->scratch, motion->shrink.width, motion->shrink.height);
    if (!motion->has_background || time_us - motion->last_us > PAUSE_US) {
        start(motion, time_us);
        return;
    }
    int64_t step_us = time_us > motion->last_us ? time_us - motion->last_us : 0;
    step_us = step_us < LONGEST_STEP_US ? step_us : LONGEST_STEP_US;
    motion->last_us = time_us > motion->last_us ? time_us : motion->last_us;

    fill_unknown(motion);
    measure_contrast(motion, step_us);
    measure_noise(motion, step_us);
    float level = change_level(motion);
    int marked = mark(motion, level), lightning = marked;
    struct light_picture picture = {motion->now,           motion->background, motion->shrink.width,
                                    motion->shrink.height, motion->noise,      level};
    struct light_change change;
    if (light_whole(&picture, motion->masked, &change)) {
        for (int i = 0; i < count; i++) {
            motion->background[i] = light_apply(&change, motion->background[i]);
        }
        marked = mark(motion, level);
    }
    grow_changed(motion);
    shade_follow(&motion->shade, motion->background, motion->now, motion->grown, motion->masked,
                 level, follow_rate(step_us, SHADE_TAU_US));
    marked = mark(motion, level);
    find_spots(motion);
    int lit = lightning - marked + remove_light(motion, &picture);
    if (sway_forgive(&motion->sway, motion->changed, motion->now, motion->background,
                     levels(motion, level), step_us) > 0) {
        find_spots(motion);
    }
    list_boxes(motion, result);
    if (motion->unmasked > 0) {
        result->illuminated = fmax(0, (double)lit / motion->unmasked);
        result->changed = changed_part(motion);
        update_calibrating(motion, result, (double)lightning / motion->unmasked, time_us, step_us);
    }
    result->calibrating = motion->calibrating;
    learn_background(motion, level, step_us);
}
