#include "media/params.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "media/bytes.h"
#include "media/sps.h"

static void list_clear(struct param_set_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].data);
    }
    *list = (struct param_set_list){0};
}

static bool list_has(const struct param_set_list *list, const void *data, size_t length)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].length == length && memcmp(list->items[i].data, data, length) == 0) {
            return true;
        }
    }
    return false;
}

static void list_add(struct param_set_list *list, const void *data, size_t length)
{
    if (list->count < PARAMS_MAX && length > 0 && length <= 0xffff &&
        !list_has(list, data, length)) {
        list->items[list->count++] = (struct param_set){mem_dup(data, length), length};
    }
}

static void list_copy(struct param_set_list *to, const struct param_set_list *from)
{
    for (size_t i = 0; i < from->count; i++) {
        list_add(to, from->items[i].data, from->items[i].length);
    }
}

static bool list_equal(const struct param_set_list *a, const struct param_set_list *b)
{
    if (a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (!list_has(b, a->items[i].data, a->items[i].length)) {
            return false;
        }
    }
    return true;
}

static struct param_set_list *list_of(struct params *params, enum nal_kind kind)
{
    switch (kind) {
    case NAL_VPS:
        return &params->vps;
    case NAL_SPS:
        return &params->sps;
    case NAL_PPS:
        return &params->pps;
    default:
        return NULL;
    }
}

void params_finish(struct params *params)
{
    list_clear(&params->vps);
    list_clear(&params->sps);
    list_clear(&params->pps);
}

void params_copy(struct params *to, const struct params *from)
{
    *to = (struct params){.codec = from->codec};
    list_copy(&to->vps, &from->vps);
    list_copy(&to->sps, &from->sps);
    list_copy(&to->pps, &from->pps);
}

bool params_equal(const struct params *a, const struct params *b)
{
    return a->codec == b->codec && list_equal(&a->vps, &b->vps) && list_equal(&a->sps, &b->sps) &&
           list_equal(&a->pps, &b->pps);
}

bool params_complete(const struct params *params)
{
    return params->sps.count > 0 && params->pps.count > 0 &&
           (params->codec != MEDIA_H265 || params->vps.count > 0);
}

static void add_nals(struct params *params, struct nal_walk walk)
{
    struct nal nal;
    while (nal_next(&walk, &nal)) {
        struct param_set_list *list = list_of(params, nal_kind(params->codec, &nal));
        if (list != NULL) {
            list_add(list, nal.data, nal.length);
        }
    }
}

/* `count` sets of 2-byte length and bytes; the position after them, or NULL past the end. */
static const uint8_t *add_counted(struct params *params, const uint8_t *at, const uint8_t *end,
                                  unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (end - at < 2 || (size_t)(end - at - 2) < get_u16(at)) {
            return NULL;
        }
        size_t length = get_u16(at);
        struct nal nal = {at + 2, length};
        at += 2 + length;
        struct param_set_list *list =
            length > 0 ? list_of(params, nal_kind(params->codec, &nal)) : NULL;
        if (list != NULL) {
            list_add(list, nal.data, nal.length);
        }
    }
    return at;
}

/* ISO/IEC 14496-15, 5.3.3.1 */
static bool read_avcc(struct params *params, const uint8_t *data, size_t length,
                      unsigned *length_bytes)
{
    if (length < 7) {
        return false;
    }
    const uint8_t *end = data + length;
    *length_bytes = (data[4] & 3u) + 1;
    const uint8_t *at = add_counted(params, data + 6, end, data[5] & 0x1f);
    return at != NULL && at < end && add_counted(params, at + 1, end, at[0]) != NULL;
}

/* ISO/IEC 14496-15, 8.3.3.1 */
static bool read_hvcc(struct params *params, const uint8_t *data, size_t length,
                      unsigned *length_bytes)
{
    if (length < 23) {
        return false;
    }
    const uint8_t *at = data + 23, *end = data + length;
    *length_bytes = (data[21] & 3u) + 1;
    for (unsigned array = 0; array < data[22]; array++) {
        if (end - at < 3) {
            return false;
        }
        at = add_counted(params, at + 3, end, get_u16(at + 1));
        if (at == NULL) {
            return false;
        }
    }
    return true;
}

bool params_from_extradata(struct params *params, enum media_codec codec, const void *data,
                           size_t length, unsigned *length_bytes)
{
    const uint8_t *bytes = data;
    params_finish(params);
    params->codec = codec;
    *length_bytes = 0;
    bool good = false;
    if (length >= 4 && bytes[0] == 0 && bytes[1] == 0 && (bytes[2] == 1 || bytes[2] == 0)) {
        add_nals(params, nal_walk(data, length, 0));
        good = true;
    } else if (length > 0 && bytes[0] == 1) {
        good = codec == MEDIA_H265 ? read_hvcc(params, bytes, length, length_bytes)
                                   : read_avcc(params, bytes, length, length_bytes);
    }
    if (!good) {
        params_finish(params);
    }
    return good;
}

bool params_hold(const struct params *params, const struct nal *nal)
{
    return list_has(&params->sps, nal->data, nal->length) ||
           list_has(&params->pps, nal->data, nal->length) ||
           list_has(&params->vps, nal->data, nal->length);
}

bool params_update(struct params *params, const void *data, size_t length, unsigned length_bytes)
{
    struct params found = {.codec = params->codec};
    add_nals(&found, nal_walk(data, length, length_bytes));
    bool changed = false;
    struct param_set_list *old[] = {&params->vps, &params->sps, &params->pps};
    struct param_set_list *new[] = {&found.vps, &found.sps, &found.pps};
    for (size_t i = 0; i < ARRAY_SIZE(old); i++) {
        if (new[i]->count > 0 && !list_equal(old[i], new[i])) {
            list_clear(old[i]);
            *old[i] = *new[i];
            *new[i] = (struct param_set_list){0};
            changed = true;
        }
    }
    params_finish(&found);
    return changed;
}

static bool read_sps(const struct params *params, struct sps *sps)
{
    if (params->sps.count == 0) {
        return false;
    }
    const struct param_set *set = &params->sps.items[0];
    return params->codec == MEDIA_H265 ? sps_read_h265(set->data, set->length, sps)
                                       : sps_read_h264(set->data, set->length, sps);
}

bool params_size(const struct params *params, int *width, int *height)
{
    struct sps sps;
    if (!read_sps(params, &sps)) {
        return false;
    }
    *width = sps.width;
    *height = sps.height;
    return true;
}

int params_reorder(const struct params *params)
{
    struct sps sps;
    return read_sps(params, &sps) ? sps.reorder : -1;
}

static void put_sets(struct str *out, const struct param_set_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        put_u16(out, (unsigned)list->items[i].length);
        str_add_bytes(out, list->items[i].data, list->items[i].length);
    }
}

static void write_avcc(const struct params *params, struct str *out)
{
    const struct param_set *first = &params->sps.items[0];
    uint8_t profile[3] = {66, 0, 10};
    if (first->length >= 4) {
        memcpy(profile, first->data + 1, 3);
    }
    put_u8(out, 1);
    str_add_bytes(out, profile, 3);
    put_u8(out, 0xfc | 3);
    put_u8(out, 0xe0 | (unsigned)params->sps.count);
    put_sets(out, &params->sps);
    put_u8(out, (unsigned)params->pps.count);
    put_sets(out, &params->pps);
    struct sps sps;
    /* The profiles of 14496-15's closing fields; readers skip what they do not know. */
    if ((profile[0] == 100 || profile[0] == 110 || profile[0] == 122 || profile[0] == 144) &&
        read_sps(params, &sps)) {
        put_u8(out, 0xfc | sps.chroma_format);
        put_u8(out, 0xf8 | ((sps.depth_luma - 8) & 7));
        put_u8(out, 0xf8 | ((sps.depth_chroma - 8) & 7));
        put_u8(out, 0);
    }
}

static void write_hvcc(const struct params *params, struct str *out)
{
    struct sps sps;
    if (!read_sps(params, &sps)) {
        sps = (struct sps){
            .chroma_format = 1, .depth_luma = 8, .depth_chroma = 8, .temporal_layers = 1};
    }
    put_u8(out, 1);
    str_add_bytes(out, sps.profile_tier_level, 12);
    put_u16(out, 0xf000); /* min_spatial_segmentation: unknown */
    put_u8(out, 0xfc);    /* parallelismType: unknown */
    put_u8(out, 0xfc | sps.chroma_format);
    put_u8(out, 0xf8 | ((sps.depth_luma - 8) & 7));
    put_u8(out, 0xf8 | ((sps.depth_chroma - 8) & 7));
    put_u16(out, 0); /* average frame rate: unknown */
    put_u8(out, (sps.temporal_layers & 7) << 3 | (sps.temporal_nesting ? 4u : 0u) | 3);
    const struct param_set_list *lists[] = {&params->vps, &params->sps, &params->pps};
    put_u8(out, ARRAY_SIZE(lists));
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        put_u8(out, 0x80 | (32 + (unsigned)i)); /* all of them are here; NAL type VPS, SPS, PPS */
        put_u16(out, (unsigned)lists[i]->count);
        put_sets(out, lists[i]);
    }
}

void params_write(const struct params *params, struct str *out)
{
    if (params->codec == MEDIA_H265) {
        write_hvcc(params, out);
    } else {
        write_avcc(params, out);
    }
}
