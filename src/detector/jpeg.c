#include "detector/jpeg.h"

#include <errno.h>
#include <stdlib.h>

#include <turbojpeg.h>

#include "base/mem.h"

#define QUALITY 75 /* what Frigate's sender uses */

struct slot_jpeg {
    tjhandle handle;
    enum cfg_tensor layout;
    enum cfg_pixels pixels;
    int width, height;
    uint8_t *scratch; /* the picture in the order the encoder takes */
    uint8_t *data;
    unsigned long capacity;
    uint8_t full_luma[256], full_chroma[256]; /* limited to full range */
};

static uint8_t clamped(double value)
{
    return (uint8_t)(value < 0.0 ? 0.0 : value > 255.0 ? 255.0 : value + 0.5);
}

struct slot_jpeg *slot_jpeg_create(const struct cfg_model *model)
{
    struct slot_jpeg *jpeg = mem_alloc(sizeof *jpeg);
    jpeg->handle = tjInitCompress();
    jpeg->layout = model->input_tensor;
    jpeg->pixels = model->input_pixel_format;
    jpeg->width = model->width;
    jpeg->height = model->height;
    jpeg->scratch = mem_array((size_t)model->width * (size_t)model->height, 3);
    jpeg->capacity = tjBufSize(model->width, model->height, TJSAMP_444);
    jpeg->data = mem_alloc(jpeg->capacity);
    for (int i = 0; i < 256; i++) {
        jpeg->full_luma[i] = clamped((i - 16) * 255.0 / 219.0);
        jpeg->full_chroma[i] = clamped((i - 128) * 255.0 / 224.0 + 128.0);
    }
    return jpeg;
}

void slot_jpeg_destroy(struct slot_jpeg *jpeg)
{
    if (jpeg != NULL) {
        if (jpeg->handle != NULL) {
            tjDestroy(jpeg->handle);
        }
        free(jpeg->scratch);
        free(jpeg->data);
        free(jpeg);
    }
}

static void interleave(const uint8_t *planes, uint8_t *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t c = 0; c < 3; c++) {
            out[3 * i + c] = planes[c * count + i];
        }
    }
}

/* Three full-range planes, whatever the layout was. */
static void yuv_planes(const struct slot_jpeg *jpeg, const uint8_t *in, size_t count)
{
    bool planar = jpeg->layout == CFG_TENSOR_NCHW;
    for (size_t c = 0; c < 3; c++) {
        const uint8_t *table = c == 0 ? jpeg->full_luma : jpeg->full_chroma;
        for (size_t i = 0; i < count; i++) {
            jpeg->scratch[c * count + i] = table[in[planar ? c * count + i : 3 * i + c]];
        }
    }
}

int slot_jpeg_encode(struct slot_jpeg *jpeg, const uint8_t *input, const uint8_t **data,
                     size_t *length, struct err *err)
{
    size_t count = (size_t)jpeg->width * (size_t)jpeg->height;
    unsigned long bytes = jpeg->capacity;
    uint8_t *out = jpeg->data;
    int result;
    if (jpeg->pixels == CFG_PIXELS_YUV) {
        yuv_planes(jpeg, input, count);
        const uint8_t *planes[3] = {jpeg->scratch, jpeg->scratch + count,
                                    jpeg->scratch + 2 * count};
        result = tjCompressFromYUVPlanes(jpeg->handle, planes, jpeg->width, NULL, jpeg->height,
                                         TJSAMP_444, &out, &bytes, QUALITY, TJFLAG_NOREALLOC);
    } else {
        if (jpeg->layout == CFG_TENSOR_NCHW) {
            interleave(input, jpeg->scratch, count);
            input = jpeg->scratch;
        }
        int format = jpeg->pixels == CFG_PIXELS_BGR ? TJPF_BGR : TJPF_RGB;
        result = tjCompress2(jpeg->handle, input, jpeg->width, 0, jpeg->height, format, &out,
                             &bytes, TJSAMP_420, QUALITY, TJFLAG_NOREALLOC);
    }
    if (result < 0) {
        return err_set(err, EIO, "the picture cannot be made a JPEG: %s",
                       tjGetErrorStr2(jpeg->handle));
    }
    *data = out;
    *length = bytes;
    return 0;
}
