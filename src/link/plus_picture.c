#include "link/plus_picture.h"

#include <errno.h>
#include <math.h>
#include <png.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

#include "base/cleanup.h"
#include "base/mem.h"

#define PIXELS_MAX (64u << 20) /* 8K has 32 million */

const struct plus_size_row plus_sizes[PLUS_SIZES] = {
    {"original", 1920, 85},
    {"annotate", 640, 70},
    {"thumbnail", 200, 70},
};

/* Packed R, G, B. */
struct image {
    int width, height;
    uint8_t *pixels;
};

void plus_pictures_finish(struct plus_pictures *pictures)
{
    for (size_t i = 0; i < PLUS_SIZES; i++) {
        str_finish(&pictures->jpeg[i]);
    }
}

static int decode(const void *png, size_t length, struct image *image, struct err *err)
{
    png_image reader = {.version = PNG_IMAGE_VERSION};
    if (!png_image_begin_read_from_memory(&reader, png, length)) {
        return err_set(err, EBADMSG, "not a PNG: %s", reader.message);
    }
    if ((uint64_t)reader.width * reader.height > PIXELS_MAX) {
        err_set(err, EBADMSG, "a PNG of %ux%u is too large", reader.width, reader.height);
        png_image_free(&reader);
        return -EBADMSG;
    }
    reader.format = PNG_FORMAT_RGB;
    image->width = (int)reader.width;
    image->height = (int)reader.height;
    image->pixels = mem_array((size_t)reader.width * reader.height, 3);
    if (!png_image_finish_read(&reader, &(png_color){0}, image->pixels, 0, NULL)) {
        free(image->pixels);
        image->pixels = NULL;
        return err_set(err, EBADMSG, "a damaged PNG: %s", reader.message);
    }
    return 0;
}

/* Adds `weight` times a row to the sums. */
static void add_row(float *sums, const uint8_t *row, int width, float weight)
{
    for (int i = 0; i < width * 3; i++) {
        sums[i] += weight * (float)row[i];
    }
}

/* The part of source sample `i` that lies within from..to. */
static float share(int i, double from, double to)
{
    return (float)(fmin(i + 1, to) - fmax(i, from));
}

/* Averages the sums of a source row across: pixel `x` of the output covers from..to. */
static void average_across(const float *sums, double from, double to, double area, uint8_t *out)
{
    float total[3] = {0};
    for (int i = (int)from; i < to; i++) {
        float weight = share(i, from, to);
        for (int c = 0; c < 3; c++) {
            total[c] += weight * sums[i * 3 + c];
        }
    }
    for (int c = 0; c < 3; c++) {
        out[c] = (uint8_t)fminf(255, total[c] / (float)area + 0.5f);
    }
}

/* Every output pixel is the mean of the area it covers. Not for enlarging. */
static void shrink(const struct image *from, struct image *to)
{
    double step_x = (double)from->width / to->width, step_y = (double)from->height / to->height;
    AUTO_FREE float *sums = mem_array((size_t)from->width, 3 * sizeof *sums);
    for (int y = 0; y < to->height; y++) {
        double top = y * step_y, bottom = fmin(top + step_y, from->height);
        memset(sums, 0, (size_t)from->width * 3 * sizeof *sums);
        for (int row = (int)top; row < bottom; row++) {
            add_row(sums, from->pixels + (size_t)row * (size_t)from->width * 3, from->width,
                    share(row, top, bottom));
        }
        for (int x = 0; x < to->width; x++) {
            double left = x * step_x, right = fmin(left + step_x, from->width);
            average_across(sums, left, right, (right - left) * (bottom - top),
                           to->pixels + ((size_t)y * (size_t)to->width + (size_t)x) * 3);
        }
    }
}

static int encode(const struct image *image, int quality, struct str *out, struct err *err)
{
    tjhandle handle = tjInitCompress();
    unsigned char *buffer = NULL;
    unsigned long size = 0;
    int result = 0;
    if (handle == NULL || tjCompress2(handle, image->pixels, image->width, 0, image->height,
                                      TJPF_RGB, &buffer, &size, TJSAMP_420, quality, 0) < 0) {
        result = err_set(err, EIO, "cannot make a JPEG: %s", tjGetErrorStr2(handle));
    } else {
        str_add_bytes(out, buffer, size);
    }
    tjFree(buffer);
    tjDestroy(handle);
    return result;
}

static int make(const struct image *image, const struct plus_size_row *size, struct str *out,
                struct err *err)
{
    int longest = image->width > image->height ? image->width : image->height;
    if (longest <= size->side) {
        return encode(image, size->quality, out, err);
    }
    struct image small = {
        .width = (int)((int64_t)image->width * size->side / longest),
        .height = (int)((int64_t)image->height * size->side / longest),
    };
    small.width += small.width == 0;
    small.height += small.height == 0;
    AUTO_FREE uint8_t *pixels = mem_array((size_t)small.width * (size_t)small.height, 3);
    small.pixels = pixels;
    shrink(image, &small);
    return encode(&small, size->quality, out, err);
}

int plus_pictures_make(const void *png, size_t length, struct plus_pictures *pictures,
                       struct err *err)
{
    struct image image = {0};
    int result = decode(png, length, &image, err);
    for (size_t i = 0; i < PLUS_SIZES && result == 0; i++) {
        result = make(&image, &plus_sizes[i], &pictures->jpeg[i], err);
    }
    free(image.pixels);
    return result;
}
