/* Region of a 1280x720 picture to a model's input: time per call against libswscale doing the same
 * (from an even corner, its only kind), and against reading the region's bytes once. */
#include <libswscale/swscale.h>
#include <stdio.h>

#include "measure.h"
#include "vision/tensor.h"

#define FRAME_WIDTH 1280
#define FRAME_HEIGHT 720
#define MODEL 320

static uint8_t picture[FRAME_WIDTH * FRAME_HEIGHT * 3 / 2];
static uint8_t tensor[MODEL * MODEL * 3];
static volatile uint64_t sink;

struct job {
    struct tensor_cutter *cutter;
    struct SwsContext *sws;
    struct yuv_view view;
    struct box region;
};

static void run_ours(void *context)
{
    struct job *job = context;
    tensor_cut(job->cutter, &job->view, job->region, tensor);
}

static void run_swscale(void *context)
{
    struct job *job = context;
    const uint8_t *planes[4] = {0};
    for (int p = 0; p < 3; p++) {
        int shift = p > 0;
        planes[p] = job->view.planes[p] + (job->region.y1 >> shift) * job->view.strides[p] +
                    (job->region.x1 >> shift);
    }
    uint8_t *out[4] = {tensor};
    int strides[4] = {job->view.strides[0], job->view.strides[1], job->view.strides[2], 0};
    int out_strides[4] = {MODEL * 3};
    sws_scale(job->sws, planes, strides, 0, job->region.y2 - job->region.y1, out, out_strides);
}

static void run_floor(void *context)
{
    struct job *job = context;
    uint64_t sum = 0;
    for (int y = job->region.y1; y < job->region.y2; y++) {
        sum += measure_read_all(picture + y * FRAME_WIDTH + job->region.x1,
                                (size_t)box_width(job->region));
    }
    sink = sum;
}

static void report(int size, enum tensor_pixels pixels, enum tensor_layout layout, const char *name)
{
    struct tensor_format format = {MODEL, MODEL, pixels, layout};
    struct job job = {
        .cutter = tensor_cutter_create(&format),
        .sws = sws_getContext(size, size, AV_PIX_FMT_YUV420P, MODEL, MODEL, AV_PIX_FMT_RGB24,
                              SWS_BILINEAR, NULL, NULL, NULL),
        .view = yuv_view(picture, FRAME_WIDTH, FRAME_HEIGHT),
        .region = {100, 40, 100 + size, 40 + size},
    };
    struct measure ours = measure_run(run_ours, &job), sws = measure_run(run_swscale, &job);
    struct measure floor = measure_run(run_floor, &job);
    printf("%4d -> %d %-9s %7.1f us (median %7.1f)  swscale rgb24 %7.1f us, ratio %.2f  "
           "reading %6.1f us, ratio %.1f\n",
           size, MODEL, name, ours.best_us, ours.median_us, sws.best_us, ours.best_us / sws.best_us,
           floor.best_us, ours.best_us / floor.best_us);
    tensor_cutter_destroy(job.cutter);
    sws_freeContext(job.sws);
}

int main(void)
{
    static const int sizes[] = {320, 432, 640, 680};
    measure_fill(picture, sizeof picture, FRAME_WIDTH);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        report(sizes[i], TENSOR_PIXELS_RGB, TENSOR_NHWC, "rgb nhwc");
        report(sizes[i], TENSOR_PIXELS_RGB, TENSOR_NCHW, "rgb nchw");
    }
    report(640, TENSOR_PIXELS_YUV, TENSOR_NHWC, "yuv nhwc");
    return 0;
}
