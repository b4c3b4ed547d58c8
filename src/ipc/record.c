#include "ipc/record.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Bytes of one number on the wire. */
static size_t number_size(enum rec_type type)
{
    switch (type) {
    case REC_U32:
    case REC_I32:
    case REC_F32:
        return 4;
    case REC_U64:
    case REC_F64:
        return 8;
    case REC_BOOL:
        return 1;
    case REC_TEXT:
    case REC_ARRAY:
        break;
    }
    abort();
}

/* Fewest bytes one value of this record can take: bounds what an array count may claim. */
static size_t least_size(const struct record *record)
{
    size_t total = 0;
    for (size_t i = 0; i < record->field_count; i++) {
        const struct rec_field *f = &record->fields[i];
        total += f->type == REC_TEXT || f->type == REC_ARRAY ? 4 : number_size(f->type) * f->repeat;
    }
    return total;
}

static void put_u32(struct str *out, size_t value)
{
    uint32_t v = (uint32_t)value;
    str_add_bytes(out, &v, sizeof v);
}

void record_encode(const struct record *record, const void *value, struct str *out)
{
    for (size_t i = 0; i < record->field_count; i++) {
        const struct rec_field *f = &record->fields[i];
        const char *at = (const char *)value + f->offset;
        if (f->type == REC_TEXT) {
            size_t length = strnlen(at, f->size - 1);
            put_u32(out, length);
            str_add_bytes(out, at, length);
        } else if (f->type == REC_ARRAY) {
            const struct rec_array *array = (const struct rec_array *)(const void *)at;
            put_u32(out, array->count);
            for (size_t k = 0; k < array->count; k++) {
                record_encode(f->items, (const char *)array->items + k * f->items->size, out);
            }
        } else {
            str_add_bytes(out, at, number_size(f->type) * f->repeat);
        }
    }
}

struct input {
    const char *p;
    size_t left;
};

static bool take(struct input *in, void *to, size_t length)
{
    if (in->left < length) {
        return false;
    }
    memcpy(to, in->p, length);
    in->p += length;
    in->left -= length;
    return true;
}

static bool decode(const struct record *record, struct input *in, void *value);

static bool decode_array(const struct rec_field *f, struct input *in, struct rec_array *array)
{
    uint32_t count;
    if (!take(in, &count, sizeof count) || count > in->left / least_size(f->items)) {
        return false;
    }
    array->items = count > 0 ? mem_array(count, f->items->size) : NULL;
    for (; array->count < count; array->count++) {
        void *item = (char *)array->items + array->count * f->items->size;
        if (!decode(f->items, in, item)) {
            record_finish(f->items, item);
            return false;
        }
    }
    return true;
}

static bool decode_bools(struct input *in, char *at, size_t count)
{
    if (!take(in, at, count)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (at[i] != 0 && at[i] != 1) {
            at[i] = 0;
            return false;
        }
    }
    return true;
}

static bool decode_text(const struct rec_field *f, struct input *in, char *at)
{
    uint32_t length;
    if (!take(in, &length, sizeof length) || length >= f->size) {
        return false;
    }
    return take(in, at, length) && memchr(at, '\0', length) == NULL;
}

static bool decode(const struct record *record, struct input *in, void *value)
{
    for (size_t i = 0; i < record->field_count; i++) {
        const struct rec_field *f = &record->fields[i];
        char *at = (char *)value + f->offset;
        bool good = false;
        switch (f->type) {
        case REC_TEXT:
            good = decode_text(f, in, at);
            break;
        case REC_ARRAY:
            good = decode_array(f, in, (struct rec_array *)(void *)at);
            break;
        case REC_BOOL:
            good = decode_bools(in, at, f->repeat);
            break;
        case REC_U32:
        case REC_U64:
        case REC_I32:
        case REC_F32:
        case REC_F64:
            good = take(in, at, number_size(f->type) * f->repeat);
            break;
        }
        if (!good) {
            return false;
        }
    }
    return true;
}

int record_decode(const struct record *record, const void *data, size_t length, void *value)
{
    memset(value, 0, record->size);
    struct input in = {data, length};
    if (!decode(record, &in, value) || in.left != 0) {
        record_finish(record, value);
        return -EBADMSG;
    }
    return 0;
}

void record_finish(const struct record *record, void *value)
{
    for (size_t i = 0; i < record->field_count; i++) {
        const struct rec_field *f = &record->fields[i];
        if (f->type != REC_ARRAY) {
            continue;
        }
        struct rec_array *array = (struct rec_array *)(void *)((char *)value + f->offset);
        for (size_t k = 0; k < array->count; k++) {
            record_finish(f->items, (char *)array->items + k * f->items->size);
        }
        free(array->items);
        *array = (struct rec_array){0};
    }
}
