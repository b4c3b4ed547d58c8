/* YOLO-NAS, either with its suppression in the model, rows of (batch, x1, y1, x2, y2, score, class)
 * ending at a negative class, or without: boxes [1,N,4] and scores [1,N,classes]. Corners in pixels
 * of the input. */
#include <errno.h>

#include "detector/decode.h"

static void add(const struct decode_outputs *outputs, struct boxes *boxes, float label, float score,
                const float *corners)
{
    float across = 1.0f / (float)outputs->width, down = 1.0f / (float)outputs->height;
    boxes_add_class(boxes, label, score, corners[0] * across, corners[1] * down,
                    corners[2] * across, corners[3] * down);
}

static void decode_flat(const struct decode_outputs *outputs, int64_t count, struct boxes *boxes)
{
    const float *row = outputs->items[0].data;
    for (int64_t i = 0; i < count && row[6] >= 0.0f; i++, row += 7) {
        if (row[5] >= BOXES_MIN_SCORE) {
            add(outputs, boxes, row[6], row[5], row + 1);
        }
    }
}

static void decode_pair(const struct decode_outputs *outputs, const struct decode_tensor *corners,
                        const struct decode_tensor *scores, struct boxes *boxes)
{
    int64_t classes = scores->dims[2];
    for (int64_t i = 0; i < corners->dims[1]; i++) {
        const float *row = scores->data + i * classes;
        int64_t best = 0;
        for (int64_t c = 1; c < classes; c++) {
            best = row[c] > row[best] ? c : best;
        }
        if (row[best] >= BOXES_MIN_SCORE) {
            add(outputs, boxes, (float)best, row[best], corners->data + 4 * i);
        }
    }
}

/* The last two dimensions are [N,7], those before are 1. */
static bool is_flat(const struct decode_tensor *tensor, int64_t *count)
{
    if (tensor->rank < 2 || tensor->dims[tensor->rank - 1] != 7) {
        return false;
    }
    for (unsigned i = 0; i + 2 < tensor->rank; i++) {
        if (tensor->dims[i] != 1) {
            return false;
        }
    }
    *count = tensor->dims[tensor->rank - 2];
    return true;
}

static bool is_pair(const struct decode_tensor *corners, const struct decode_tensor *scores)
{
    return decode_is(corners, 3, 1, -1, 4) && decode_is(scores, 3, 1, corners->dims[1], -1) &&
           scores->dims[2] >= 1;
}

int decode_yolonas(const struct decode_outputs *outputs, struct boxes *boxes, struct err *err)
{
    const struct decode_tensor *a = &outputs->items[0], *b = &outputs->items[1];
    int64_t count;
    if (outputs->count == 1 && is_flat(a, &count)) {
        decode_flat(outputs, count, boxes);
    } else if (outputs->count == 2 && is_pair(a, b)) {
        decode_pair(outputs, a, b, boxes);
    } else if (outputs->count == 2 && is_pair(b, a)) {
        decode_pair(outputs, b, a, boxes);
    } else {
        return err_set(err, EINVAL,
                       "model_type yolonas has one output [N,7] or two, [1,N,4] and [1,N,classes]");
    }
    return 0;
}
