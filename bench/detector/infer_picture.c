/* What a model sees, for finding out about models and footage: raw I420 pictures on stdin, one line
 * per box on stdout.
 *
 *     ffmpeg -v error -i FILE -vf fps=1 -f rawvideo -pix_fmt yuv420p - |
 *         infer_picture CONFIG.yml DETECTOR WIDTH HEIGHT [X1 Y1 X2 Y2]
 *
 * CONFIG names the model as for the program itself; the region is the whole picture made square
 * when none is given. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "detector/backend.h"
#include "vision/tensor.h"

#define CONFIG_LIMIT ((size_t)4 << 20)

static void die(const char *what, const char *text)
{
    fprintf(stderr, "infer_picture: %s: %s\n", what, text);
    exit(1);
}

static struct config *load(const char *path)
{
    struct str text = {0}, complaints = {0};
    int rc = str_read_file(&text, path, CONFIG_LIMIT);
    if (rc < 0) {
        die(path, err_name(rc));
    }
    struct cfg_issues issues = {0};
    struct config *config = config_load(path, str_text(&text), text.length, &issues);
    if (config == NULL) {
        config_issues_format(&issues, path, &complaints);
        die("configuration", str_text(&complaints));
    }
    config_issues_finish(&issues);
    str_finish(&text);
    return config;
}

static const struct cfg_detector *find(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->detector_count; i++) {
        if (strcmp(config->detectors[i].name, name) == 0) {
            return &config->detectors[i];
        }
    }
    die(name, "no such detector");
    return NULL;
}

static void print_boxes(unsigned picture, double ms, const struct cfg_labels *labels,
                        const struct tensor_box *boxes, unsigned count, struct box region)
{
    printf("picture %u: %u boxes, %.1f ms\n", picture, count, ms);
    for (unsigned i = 0; i < count; i++) {
        float w = (float)box_width(region), h = (float)box_height(region);
        printf("  %-14s %.2f  %4.0f %4.0f %4.0f %4.0f\n",
               boxes[i].label < labels->count ? labels->items[boxes[i].label] : "?",
               (double)boxes[i].score, (double)((float)region.x1 + boxes[i].x1 * w),
               (double)((float)region.y1 + boxes[i].y1 * h),
               (double)((float)region.x1 + boxes[i].x2 * w),
               (double)((float)region.y1 + boxes[i].y2 * h));
    }
}

int main(int argc, char **argv)
{
    if (argc != 5 && argc != 9) {
        die("usage", "CONFIG DETECTOR WIDTH HEIGHT [X1 Y1 X2 Y2] < I420");
    }
    struct config *config = load(argv[1]);
    const struct cfg_detector *detector = find(config, argv[2]);
    int width = atoi(argv[3]), height = atoi(argv[4]);
    int side = width > height ? width : height;
    struct box region = {0, 0, side, side};
    if (argc == 9) {
        region = (struct box){atoi(argv[5]), atoi(argv[6]), atoi(argv[7]), atoi(argv[8])};
    }
    struct err err = ERR_NONE;
    struct cfg_labels labels = {0};
    const struct backend *backend = backend_find(detector);
    void *context = NULL;
    if (!config_labels_load(&detector->model, &labels, &err) ||
        (context = backend->open(detector, &labels, &err)) == NULL) {
        die(detector->name, err.text);
    }
    const struct tensor_format format = {
        .width = detector->model.width,
        .height = detector->model.height,
        .pixels = (enum tensor_pixels)detector->model.input_pixel_format,
        .layout = (enum tensor_layout)detector->model.input_tensor,
    };
    struct tensor_cutter *cutter = tensor_cutter_create(&format);
    uint8_t *tensor = mem_alloc(tensor_bytes(&format));
    uint8_t *picture = mem_alloc(yuv_bytes(width, height));
    for (unsigned n = 0; fread(picture, yuv_bytes(width, height), 1, stdin) == 1; n++) {
        struct yuv_view view = yuv_view(picture, width, height);
        tensor_cut(cutter, &view, region, tensor);
        struct tensor_box boxes[TENSOR_MAX_BOXES];
        unsigned count;
        struct mono start = mono_now();
        if (backend->detect(context, tensor, boxes, &count, &err) < 0) {
            die(detector->name, err.text);
        }
        print_boxes(n, (double)mono_since_us(start) / 1e3, &labels, boxes, count, region);
    }
    backend->close(context);
    tensor_cutter_destroy(cutter);
    config_labels_free(&labels);
    config_free(config);
    free(picture);
    free(tensor);
    return 0;
}
