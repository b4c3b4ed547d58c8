#include "vision/light.h"

#include <math.h>

/* Light changes by no more than these factors without the sensor losing the texture. */
#define MIN_GAIN 0.25F
#define MAX_GAIN 4
#define RATIO_UNIT 64
/* This part of the spot must be what the change makes of its background. */
#define MIN_EXPLAINED 0.7
/* So well must the picture's slopes agree with the background's: 1 = the same texture. Where a
 * third of the picture changes less will do: encoders blur flat ground anew when the exposure
 * steps, and no thing that large would fit the change so well. */
#define MIN_AGREEMENT 0.75
#define MIN_AGREEMENT_LARGE 0.4
#define LARGE_PART 0.33
/* Slopes this many times the noise are texture; at least this many pixels of them must be seen. */
#define TEXTURE_NOISE 4.0F
#define MIN_TEXTURE_PIXELS 24
/* Clipped samples obey no gain. */
#define DARKEST 17.5F
#define BRIGHTEST 234.5F
#define FIT_ROUNDS 3
/* The whole picture follows a change when this part of it does, and when the middle one of its
 * cells moved by this part of the threshold. */
#define MIN_WHOLE 0.6
#define WORTH_PART 0.25F

/* Calls for every pixel of a spot. */
#define FOR_PIXELS_OF(spots_, spot_, run_, x_)                                     \
    for (const struct spot_run *run_ = (spots_)->runs,                             \
                               *run_##_end = (spots_)->runs + (spots_)->run_count; \
         run_ < run_##_end; run_++)                                                \
        if (spots_of_run((spots_), run_) == (spot_))                               \
            for (int x_ = run_->from; x_ < run_->to; x_++)

static bool is_clipped(float level)
{
    return level < DARKEST || level > BRIGHTEST;
}

/* A median of now / background over black, times RATIO_UNIT: the first guess, which up to half of
 * the pixels being a thing that moves cannot spoil. */
struct ratios {
    unsigned counts[MAX_GAIN * RATIO_UNIT + 1], total;
};

static void ratios_add(struct ratios *ratios, float background, float now)
{
    if (is_clipped(background) || is_clipped(now)) {
        return;
    }
    float ratio = (now - LIGHT_BLACK) / (background - LIGHT_BLACK);
    ratios->counts[ratio < MAX_GAIN ? (int)(ratio * RATIO_UNIT + 0.5F) : MAX_GAIN * RATIO_UNIT]++;
    ratios->total++;
}

/* False when too little is seen. */
static bool ratios_guess(const struct ratios *ratios, struct light_change *change)
{
    unsigned below = 0;
    int median = 0;
    while (median < MAX_GAIN * RATIO_UNIT &&
           2 * (below += ratios->counts[median]) <= ratios->total) {
        median++;
    }
    change->gain = (float)median / RATIO_UNIT;
    return ratios->total >= MIN_TEXTURE_PIXELS;
}

/* Least squares of now against background over the pixels that the last guess fits: those of things
 * that move within the change drop out over the rounds. */
struct sums {
    double xx, xy;
};

static void sums_add(struct sums *sums, float background, float now, float tolerance,
                     const struct light_change *change)
{
    if (is_clipped(background) || is_clipped(now) ||
        fabsf(now - light_apply(change, background)) > tolerance) {
        return;
    }
    double x = (double)(background - LIGHT_BLACK), y = (double)(now - LIGHT_BLACK);
    sums->xx += x * x;
    sums->xy += x * y;
}

static void sums_refine(const struct sums *sums, struct light_change *change)
{
    if (sums->xx > 0) {
        change->gain = (float)(sums->xy / sums->xx);
    }
}

static bool is_possible(const struct light_change *change)
{
    return change->gain >= MIN_GAIN && change->gain <= MAX_GAIN;
}

/* Median of now - background, in levels: a cheap first look that ends here for most pictures. */
static float median_shift(const struct light_picture *p, const uint8_t *masked)
{
    enum { PER_LEVEL = 4, HALF = 64 * PER_LEVEL };
    unsigned counts[2 * HALF + 1] = {0}, total = 0, below = 0;
    for (int i = 0; i < p->width * p->height; i += 3) {
        float off = (p->now[i] - p->background[i]) * PER_LEVEL;
        off = off < -HALF ? -HALF : off > HALF ? HALF : off;
        counts[(int)(off + HALF + 0.5F)] += !masked[i];
        total += !masked[i];
    }
    int median = 0;
    while (median < 2 * HALF && 2 * (below += counts[median]) <= total) {
        median++;
    }
    return (float)(median - HALF) / PER_LEVEL;
}

bool light_whole(const struct light_picture *p, const uint8_t *masked, struct light_change *change)
{
    struct ratios ratios = {0};
    int count = p->width * p->height, seen = 0, fitting = 0;
    if (fabsf(median_shift(p, masked)) < WORTH_PART * p->level) {
        return false;
    }
    for (int i = 0; i < count; i += 3) {
        if (!masked[i]) {
            ratios_add(&ratios, p->background[i], p->now[i]);
        }
    }
    if (!ratios_guess(&ratios, change)) {
        return false;
    }
    for (int round = FIT_ROUNDS; round > 0; round--) {
        struct sums sums = {0};
        for (int i = 0; i < count; i += 3) {
            if (!masked[i]) {
                sums_add(&sums, p->background[i], p->now[i], p->level * (float)round, change);
            }
        }
        sums_refine(&sums, change);
    }
    for (int i = 0; i < count; i += 3) {
        float lit = light_apply(change, p->background[i]);
        bool fits = !masked[i] && fabsf(p->now[i] - lit) <= p->level;
        seen += !masked[i];
        fitting += fits;
    }
    return is_possible(change) && fitting >= MIN_WHOLE * seen;
}

static bool fit_spot(const struct light_picture *p, const struct spots *spots, int spot,
                     struct light_change *change)
{
    struct ratios ratios = {0};
    FOR_PIXELS_OF(spots, spot, run, x)
    {
        int i = run->y * p->width + x;
        ratios_add(&ratios, p->background[i], p->now[i]);
    }
    if (!ratios_guess(&ratios, change)) {
        return false;
    }
    for (int round = FIT_ROUNDS; round > 0; round--) {
        struct sums sums = {0};
        FOR_PIXELS_OF(spots, spot, run, x)
        {
            int i = run->y * p->width + x;
            sums_add(&sums, p->background[i], p->now[i], p->level * (float)round, change);
        }
        sums_refine(&sums, change);
    }
    return is_possible(change);
}

/* Part of the spot that is now what the change makes of its background. */
static double explained_part(const struct light_picture *p, const struct spots *spots, int spot,
                             const uint8_t *changed, const struct light_change *change)
{
    int all = 0, fitting = 0;
    FOR_PIXELS_OF(spots, spot, run, x)
    {
        int i = run->y * p->width + x;
        all += changed[i] != 0;
        fitting += changed[i] && light_fits(change, p->now[i], p->background[i], p->level);
    }
    return all > 0 ? (double)fitting / all : 0;
}

static bool fits(const struct light_picture *p, const struct light_change *change, int i)
{
    return fabsf(p->now[i] - light_apply(change, p->background[i])) <= p->level;
}

/* Correlation of slopes where the background has any, over the pixels that the change fits together
 * with their neighbours. That leaves out things that move within it, and its own soft edge. */
static bool texture_agrees(const struct light_picture *p, const struct spots *spots, int spot,
                           const struct light_change *change)
{
    double now_energy = 0, background_energy = 0, shared = 0;
    int texture = 0, w = p->width;
    float least = TEXTURE_NOISE * fmaxf(p->noise, 0.25F);
    FOR_PIXELS_OF(spots, spot, run, x)
    {
        int i = run->y * w + x;
        if (run->y < 1 || run->y >= p->height - 1 || x < 1 || x >= w - 1 ||
            !fits(p, change, i - 1) || !fits(p, change, i + 1) || !fits(p, change, i - w) ||
            !fits(p, change, i + w)) {
            continue;
        }
        float nx = p->now[i + 1] - p->now[i - 1], ny = p->now[i + w] - p->now[i - w];
        float bx = p->background[i + 1] - p->background[i - 1];
        float by = p->background[i + w] - p->background[i - w];
        texture += fabsf(bx) > least || fabsf(by) > least;
        now_energy += (double)(nx * nx + ny * ny);
        background_energy += (double)(bx * bx + by * by);
        shared += (double)(nx * bx + ny * by);
    }
    bool is_large = spots->items[spot].pixels >= LARGE_PART * p->width * p->height;
    return texture >= MIN_TEXTURE_PIXELS &&
           shared >= (is_large ? MIN_AGREEMENT_LARGE : MIN_AGREEMENT) *
                         sqrt(now_energy * background_energy);
}

bool light_explains(const struct light_picture *picture, const struct spots *spots, int spot,
                    const uint8_t *changed, struct light_change *change)
{
    return fit_spot(picture, spots, spot, change) &&
           explained_part(picture, spots, spot, changed, change) >= MIN_EXPLAINED &&
           texture_agrees(picture, spots, spot, change);
}
