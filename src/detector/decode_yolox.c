/* YOLOX: [1, cells, 5 + classes], the cells of strides 8, 16 and 32 one after the other, row by
 * row. A row is (x, y, log w, log h) in units of the cell, objectness, class scores; not decoded in
 * the model. */
#include <errno.h>
#include <math.h>

#include "detector/decode.h"

static void add_row(const float *row, int64_t classes, float column, float line, float stride,
                    const struct decode_outputs *outputs, struct boxes *boxes)
{
    int64_t best = 0;
    for (int64_t c = 1; c < classes; c++) {
        if (row[5 + c] > row[5 + best]) {
            best = c;
        }
    }
    float score = row[4] * row[5 + best];
    if (!(score >= BOXES_MIN_SCORE)) {
        return;
    }
    float x = (row[0] + column) * stride, y = (row[1] + line) * stride;
    float w = expf(row[2]) * stride, h = expf(row[3]) * stride;
    float across = 1.0f / (float)outputs->width, down = 1.0f / (float)outputs->height;
    boxes_add(boxes, (uint32_t)best, score, (x - w / 2) * across, (y - h / 2) * down,
              (x + w / 2) * across, (y + h / 2) * down);
}

int decode_yolox(const struct decode_outputs *outputs, struct boxes *boxes, struct err *err)
{
    int64_t cells = decode_cells(outputs->width, outputs->height);
    const struct decode_tensor *tensor = &outputs->items[0];
    if (outputs->count != 1 || !decode_is(tensor, 3, 1, cells, -1) || tensor->dims[2] < 6) {
        return err_set(err, EINVAL, "model_type yolox at %dx%d has one output [1,%lld,5+classes]",
                       outputs->width, outputs->height, (long long)cells);
    }
    int64_t length = tensor->dims[2];
    const float *row = tensor->data;
    for (int stride = 8; stride <= 32; stride *= 2) {
        int columns = outputs->width / stride, lines = outputs->height / stride;
        for (int line = 0; line < lines; line++) {
            for (int column = 0; column < columns; column++, row += length) {
                /* Class scores are at most 1, so a row under it cannot pass. */
                if (row[4] >= BOXES_MIN_SCORE) {
                    add_row(row, length - 5, (float)column, (float)line, (float)stride, outputs,
                            boxes);
                }
            }
        }
    }
    return 0;
}
