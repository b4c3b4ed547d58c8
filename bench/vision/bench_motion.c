/* Motion detection on one 1280x720 picture after the other (a still scene with noise, in which a
 * block moves), against the floor of reading the luma plane once. */
#include <stdio.h>
#include <string.h>

#include "measure.h"
#include "vision/motion.h"

#define PICTURES 8

struct job {
    struct motion *motion;
    uint8_t *luma[PICTURES];
    size_t bytes;
    int width, next;
    int64_t time_us;
    unsigned boxes;
};

static volatile uint64_t sink;

static void run_motion(void *context)
{
    struct job *job = context;
    struct motion_result result;
    job->time_us += 200000;
    motion_run(job->motion, job->luma[job->next++ % PICTURES], job->width, job->time_us, &result);
    job->boxes += result.count;
}

static void run_floor(void *context)
{
    struct job *job = context;
    sink = measure_read_all(job->luma[job->next++ % PICTURES], job->bytes);
}

static void report(int width, int height)
{
    struct motion_options options = {30, 0.8, true, 10, 0.01, 100, NULL, 0};
    struct job job = {.width = width, .bytes = (size_t)width * (size_t)height};
    job.motion = motion_create(width, height, &options);
    for (int i = 0; i < PICTURES; i++) {
        job.luma[i] = malloc(job.bytes);
        measure_fill(job.luma[i], job.bytes, width);
        for (int y = height / 3; y < height / 2; y++) {
            memset(job.luma[i] + y * width + width / 4 + i * 20, 230, (size_t)(width / 12));
        }
    }
    struct measure motion = measure_run(run_motion, &job), floor = measure_run(run_floor, &job);
    printf("%4dx%-4d motion %7.1f us (median %7.1f), reading the luma once %6.1f us, ratio %.2f  "
           "[%u boxes]\n",
           width, height, motion.best_us, motion.median_us, floor.best_us,
           motion.best_us / floor.best_us, job.boxes);
    motion_destroy(job.motion);
    for (int i = 0; i < PICTURES; i++) {
        free(job.luma[i]);
    }
}

int main(void)
{
    report(640, 360);
    report(1280, 720);
    report(1920, 1080);
    report(3840, 2160);
    return 0;
}
