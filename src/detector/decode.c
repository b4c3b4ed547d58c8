#include "detector/decode.h"

#include "base/cleanup.h"

static const struct decode_row rows[] = {
    {CFG_MODEL_SSD, "ssd", 1.0f, decode_ssd},
    {CFG_MODEL_YOLOX, "yolox", 1.0f, decode_yolox},
    {CFG_MODEL_YOLONAS, "yolonas", 1.0f / 255.0f, decode_yolonas},
    {CFG_MODEL_YOLO_GENERIC, "yolo-generic", 1.0f / 255.0f, decode_yolo},
};

const struct decode_row *decode_find(enum cfg_model_type type)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].type == type) {
            return &rows[i];
        }
    }
    return NULL;
}

void decode_describe_dims(const int64_t *dims, size_t rank, struct str *out)
{
    str_add_char(out, '[');
    for (size_t i = 0; i < rank; i++) {
        const char *comma = i > 0 ? "," : "";
        if (dims[i] < 0) {
            str_addf(out, "%s?", comma);
        } else {
            str_addf(out, "%s%lld", comma, (long long)dims[i]);
        }
    }
    str_add_char(out, ']');
}

void decode_describe(const struct decode_outputs *outputs, struct str *out)
{
    for (size_t i = 0; i < outputs->count; i++) {
        str_addf(out, "%s%s ", i > 0 ? ", " : "", outputs->items[i].name);
        decode_describe_dims(outputs->items[i].dims, outputs->items[i].rank, out);
    }
}

bool decode_is(const struct decode_tensor *tensor, unsigned rank, int64_t a, int64_t b, int64_t c)
{
    const int64_t wanted[] = {a, b, c};
    if (tensor->rank != rank) {
        return false;
    }
    for (unsigned i = 0; i < rank && i < ARRAY_SIZE(wanted); i++) {
        if (wanted[i] >= 0 && tensor->dims[i] != wanted[i]) {
            return false;
        }
    }
    return true;
}

int64_t decode_cells(int width, int height)
{
    int64_t cells = 0;
    for (int stride = 8; stride <= 32; stride *= 2) {
        cells += (int64_t)(width / stride) * (height / stride);
    }
    return cells;
}
