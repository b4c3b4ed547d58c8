/* SSD, in either of two forms: four outputs as TensorFlow's post-processing makes them, boxes
 * [1,N,4] (ymin, xmin, ymax, xmax), classes [1,N], scores [1,N], count [1]; or one [1,1,N,7] of
 * rows (image, class, score, xmin, ymin, xmax, ymax) ending at a negative image. Corners 0..1. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "detector/decode.h"

enum part { PART_BOXES, PART_CLASSES, PART_SCORES, PART_COUNT };

static const struct {
    const char *word; /* in the output's name */
    unsigned rank;
} parts[] = {
    [PART_BOXES] = {"box", 3},
    [PART_CLASSES] = {"class", 2},
    [PART_SCORES] = {"score", 2},
    [PART_COUNT] = {"num", 1},
};

/* Many exports name their outputs; the others keep the order above. */
static bool by_name(const struct decode_outputs *outputs, const struct decode_tensor *found[4])
{
    for (size_t p = 0; p < ARRAY_SIZE(parts); p++) {
        found[p] = NULL;
        for (size_t i = 0; i < outputs->count; i++) {
            if (strcasestr(outputs->items[i].name, parts[p].word) != NULL &&
                outputs->items[i].rank <= parts[p].rank) {
                found[p] = found[p] == NULL ? &outputs->items[i] : found[p];
            }
        }
        if (found[p] == NULL) {
            return false;
        }
    }
    return found[PART_CLASSES] != found[PART_SCORES];
}

static bool shapes_fit(const struct decode_tensor *const found[4])
{
    const struct decode_tensor *corners = found[PART_BOXES], *count = found[PART_COUNT];
    int64_t rows = corners->rank == 3 ? corners->dims[1] : -1;
    return rows >= 0 && decode_is(corners, 3, 1, -1, 4) &&
           decode_is(found[PART_CLASSES], 2, 1, rows, -1) &&
           decode_is(found[PART_SCORES], 2, 1, rows, -1) &&
           (count->rank == 0 || decode_is(count, 1, 1, -1, -1));
}

static void decode_four(const struct decode_tensor *const found[4], struct boxes *boxes)
{
    int64_t rows = found[PART_BOXES]->dims[1];
    float said = found[PART_COUNT]->data[0];
    int64_t count = said >= 0.0f && said < (float)rows ? (int64_t)said : rows;
    for (int64_t i = 0; i < count; i++) {
        const float *b = found[PART_BOXES]->data + 4 * i;
        float score = found[PART_SCORES]->data[i];
        if (score >= BOXES_MIN_SCORE) {
            boxes_add_class(boxes, found[PART_CLASSES]->data[i], score, b[1], b[0], b[3], b[2]);
        }
    }
}

static void decode_rows(const struct decode_tensor *tensor, struct boxes *boxes)
{
    const float *row = tensor->data;
    for (int64_t i = 0; i < tensor->dims[2] && row[0] >= 0.0f; i++, row += 7) {
        if (row[2] >= BOXES_MIN_SCORE) {
            boxes_add_class(boxes, row[1], row[2], row[3], row[4], row[5], row[6]);
        }
    }
}

int decode_ssd(const struct decode_outputs *outputs, struct boxes *boxes, struct err *err)
{
    const struct decode_tensor *first = &outputs->items[0];
    if (outputs->count == 1 && decode_is(first, 4, 1, 1, -1) && first->dims[3] == 7) {
        decode_rows(first, boxes);
        return 0;
    }
    if (outputs->count >= 4) {
        const struct decode_tensor *found[4];
        if (!by_name(outputs, found)) {
            for (size_t p = 0; p < ARRAY_SIZE(found); p++) {
                found[p] = &outputs->items[p];
            }
        }
        if (shapes_fit(found)) {
            decode_four(found, boxes);
            return 0;
        }
    }
    return err_set(err, EINVAL,
                   "model_type ssd has four outputs [1,N,4], [1,N], [1,N], [1] (boxes, classes, "
                   "scores, count) or one [1,1,N,7]");
}
