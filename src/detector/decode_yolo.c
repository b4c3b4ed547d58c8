/* The layout of YOLOv8, v9 and 11: [1, 4 + classes, cells], or the same transposed. The first four
 * are centre x, y, width and height in pixels of the input, then the class scores. */
#include <errno.h>

#include "detector/decode.h"

/* Long enough to be worth a vector loop, short enough to find the culprit quickly. */
#define BLOCK 128

struct columns {
    const float *data;
    int64_t count, channels;
    int64_t step, stride; /* from cell to cell, from channel to channel */
};

static void add_cell(const struct columns *c, int64_t cell, int64_t label, float score,
                     const struct decode_outputs *outputs, struct boxes *boxes)
{
    const float *at = c->data + cell * c->step;
    float x = at[0], y = at[c->stride], w = at[2 * c->stride], h = at[3 * c->stride];
    float across = 1.0f / (float)outputs->width, down = 1.0f / (float)outputs->height;
    boxes_add(boxes, (uint32_t)label, score, (x - w / 2) * across, (y - h / 2) * down,
              (x + w / 2) * across, (y + h / 2) * down);
}

/* Whether `label` is the cell's best class: each cell gives one box at most. */
static bool is_best(const struct columns *c, int64_t cell, int64_t label)
{
    const float *at = c->data + cell * c->step + 4 * c->stride;
    float score = at[label * c->stride];
    for (int64_t other = 0; other < c->channels - 4; other++) {
        float s = at[other * c->stride];
        if (s > score || (s == score && other < label)) {
            return false;
        }
    }
    return true;
}

/* No branch inside, so that the compiler makes a vector loop of it. */
static bool any_passes(const float *scores, int64_t count)
{
    int any = 0;
    for (int64_t i = 0; i < count; i++) {
        any |= scores[i] >= BOXES_MIN_SCORE;
    }
    return any != 0;
}

static void scan_channels(const struct columns *c, const struct decode_outputs *outputs,
                          struct boxes *boxes)
{
    for (int64_t label = 0; label < c->channels - 4; label++) {
        const float *scores = c->data + (4 + label) * c->stride;
        for (int64_t start = 0; start < c->count; start += BLOCK) {
            int64_t end = start + BLOCK < c->count ? start + BLOCK : c->count;
            if (!any_passes(scores + start, end - start)) {
                continue;
            }
            for (int64_t cell = start; cell < end; cell++) {
                if (scores[cell] >= BOXES_MIN_SCORE && is_best(c, cell, label)) {
                    add_cell(c, cell, label, scores[cell], outputs, boxes);
                }
            }
        }
    }
}

static void scan_rows(const struct columns *c, const struct decode_outputs *outputs,
                      struct boxes *boxes)
{
    for (int64_t cell = 0; cell < c->count; cell++) {
        const float *scores = c->data + cell * c->step + 4;
        if (!any_passes(scores, c->channels - 4)) {
            continue;
        }
        for (int64_t label = 0; label < c->channels - 4; label++) {
            if (scores[label] >= BOXES_MIN_SCORE && is_best(c, cell, label)) {
                add_cell(c, cell, label, scores[label], outputs, boxes);
            }
        }
    }
}

int decode_yolo(const struct decode_outputs *outputs, struct boxes *boxes, struct err *err)
{
    const struct decode_tensor *tensor = &outputs->items[0];
    int64_t cells = decode_cells(outputs->width, outputs->height);
    if (outputs->count != 1 || !decode_is(tensor, 3, 1, -1, -1) || tensor->dims[1] < 5 ||
        tensor->dims[2] < 5 || (tensor->dims[1] != cells && tensor->dims[2] != cells)) {
        return err_set(err, EINVAL,
                       "model_type yolo-generic at %dx%d has one output [1,4+classes,%lld] or "
                       "[1,%lld,4+classes]",
                       outputs->width, outputs->height, (long long)cells, (long long)cells);
    }
    if (tensor->dims[2] == cells) {
        const struct columns c = {tensor->data, cells, tensor->dims[1], 1, cells};
        scan_channels(&c, outputs, boxes);
    } else {
        const struct columns c = {tensor->data, cells, tensor->dims[2], tensor->dims[2], 1};
        scan_rows(&c, outputs, boxes);
    }
    return 0;
}
