#include "media/sps.h"

#include <string.h>

/* Reads bits of a NAL unit, stepping over emulation prevention bytes (00 00 03). Past the end every
 * bit is zero and `failed` is set. */
struct bits {
    const uint8_t *data;
    size_t length, byte;
    unsigned bit, zeros;
    bool failed;
};

static unsigned bit(struct bits *b)
{
    if (b->byte >= b->length) {
        b->failed = true;
        return 0;
    }
    unsigned value = b->data[b->byte] >> (7 - b->bit) & 1;
    if (++b->bit == 8) {
        b->bit = 0;
        b->zeros = b->data[b->byte] == 0 ? b->zeros + 1 : 0;
        b->byte++;
        if (b->zeros >= 2 && b->byte < b->length && b->data[b->byte] == 3) {
            b->byte++;
            b->zeros = 0;
        }
    }
    return value;
}

static uint32_t bits(struct bits *b, unsigned count)
{
    uint32_t value = 0;
    while (count-- > 0) {
        value = value << 1 | bit(b);
    }
    return value;
}

/* Exp-Golomb, unsigned. */
static uint32_t golomb(struct bits *b)
{
    unsigned zeros = 0;
    while (bit(b) == 0) {
        if (b->failed || ++zeros > 31) {
            b->failed = true;
            return 0;
        }
    }
    return (uint32_t)((1ull << zeros) - 1 + bits(b, zeros));
}

static int32_t golomb_signed(struct bits *b)
{
    uint32_t code = golomb(b);
    return code % 2 ? (int32_t)(code / 2 + 1) : -(int32_t)(code / 2);
}

static void skip_scaling_list(struct bits *b, unsigned size)
{
    uint32_t last = 8, next = 8; /* modulo 256, whatever the delta */
    for (unsigned i = 0; i < size && !b->failed; i++) {
        if (next != 0) {
            next = (last + (uint32_t)golomb_signed(b)) % 256;
        }
        last = next == 0 ? last : next;
    }
}

/* Profiles that carry chroma format, bit depths and scaling lists (H.264 7.3.2.1.1). */
static bool is_high_profile(unsigned profile)
{
    static const uint8_t high[] = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135};
    return memchr(high, (int)profile, sizeof high) != NULL;
}

struct crop {
    uint32_t left, right, top, bottom;
};

/* Whole picture less the cropped units; false when nothing sensible is left. */
static bool set_size(struct sps *sps, uint64_t width, uint64_t height, const struct crop *crop,
                     unsigned unit_x, unsigned unit_y)
{
    uint64_t cut_x = ((uint64_t)crop->left + crop->right) * unit_x;
    uint64_t cut_y = ((uint64_t)crop->top + crop->bottom) * unit_y;
    if (cut_x >= width || cut_y >= height || width > 65535 || height > 65535) {
        return false;
    }
    sps->width = (int)(width - cut_x);
    sps->height = (int)(height - cut_y);
    return true;
}

static void read_crop(struct bits *b, struct crop *crop)
{
    if (bit(b)) {
        crop->left = golomb(b);
        crop->right = golomb(b);
        crop->top = golomb(b);
        crop->bottom = golomb(b);
    }
}

static void read_high_h264(struct bits *b, struct sps *sps)
{
    sps->chroma_format = golomb(b);
    if (sps->chroma_format == 3) {
        bit(b);
    }
    sps->depth_luma = 8 + golomb(b);
    sps->depth_chroma = 8 + golomb(b);
    bit(b);
    if (bit(b)) {
        for (unsigned i = 0; i < (sps->chroma_format == 3 ? 12u : 8u); i++) {
            if (bit(b)) {
                skip_scaling_list(b, i < 6 ? 16 : 64);
            }
        }
    }
}

static void skip_order_h264(struct bits *b)
{
    uint32_t type = golomb(b);
    if (type == 0) {
        golomb(b);
    } else if (type == 1) {
        bit(b);
        golomb_signed(b);
        golomb_signed(b);
        uint32_t count = golomb(b);
        for (uint32_t i = 0; i < count && !b->failed; i++) {
            golomb_signed(b);
        }
    }
}

static void skip_hrd(struct bits *b)
{
    uint32_t count = golomb(b) + 1;
    bits(b, 8);
    for (uint32_t i = 0; i < count && !b->failed; i++) {
        golomb(b);
        golomb(b);
        bit(b);
    }
    bits(b, 20);
}

/* H.264 annex E.1.1, for the one number at its end: max_num_reorder_frames, or -1. */
static int read_reorder_h264(struct bits *b)
{
    if (bit(b) && bits(b, 8) == 255) { /* aspect ratio in full */
        bits(b, 32);
    }
    if (bit(b)) {
        bit(b); /* overscan */
    }
    if (bit(b)) { /* video signal type */
        bits(b, 4);
        if (bit(b)) {
            bits(b, 24);
        }
    }
    if (bit(b)) { /* chroma location */
        golomb(b);
        golomb(b);
    }
    if (bit(b)) { /* timing */
        bits(b, 32);
        bits(b, 32);
        bit(b);
    }
    bool nal_hrd = bit(b);
    if (nal_hrd) {
        skip_hrd(b);
    }
    bool vcl_hrd = bit(b);
    if (vcl_hrd) {
        skip_hrd(b);
    }
    if (nal_hrd || vcl_hrd) {
        bit(b);
    }
    bit(b);
    if (!bit(b)) {
        return -1;
    }
    bit(b);
    for (unsigned i = 0; i < 4; i++) {
        golomb(b);
    }
    uint32_t reorder = golomb(b);
    return b->failed || reorder > 16 ? -1 : (int)reorder;
}

bool sps_read_h264(const uint8_t *nal, size_t length, struct sps *sps)
{
    *sps = (struct sps){.chroma_format = 1, .depth_luma = 8, .depth_chroma = 8};
    if (length < 4) {
        return false;
    }
    struct bits b = {.data = nal + 1, .length = length - 1};
    unsigned profile = bits(&b, 8);
    bits(&b, 16);
    golomb(&b);
    if (is_high_profile(profile)) {
        read_high_h264(&b, sps);
    }
    golomb(&b);
    skip_order_h264(&b);
    golomb(&b);
    bit(&b);
    uint64_t width = 16 * ((uint64_t)golomb(&b) + 1);
    uint64_t height = 16 * ((uint64_t)golomb(&b) + 1);
    unsigned frames_only = bit(&b);
    if (!frames_only) {
        height *= 2;
        bit(&b);
    }
    bit(&b);
    struct crop crop = {0};
    read_crop(&b, &crop);
    unsigned unit_x = sps->chroma_format == 1 || sps->chroma_format == 2 ? 2 : 1;
    unsigned unit_y = (sps->chroma_format == 1 ? 2 : 1) * (frames_only ? 1 : 2);
    if (b.failed || sps->chroma_format > 3 ||
        !set_size(sps, width, height, &crop, unit_x, unit_y)) {
        return false;
    }
    /* Baseline has no B pictures. */
    sps->reorder = bit(&b) ? read_reorder_h264(&b) : profile == 66 ? 0 : -1;
    return true;
}

/* Profile and level of each sub-layer: read past. */
static void skip_sub_layers(struct bits *b, unsigned layers)
{
    bool profile[8] = {0}, level[8] = {0};
    for (unsigned i = 0; i + 1 < layers; i++) {
        profile[i] = bit(b);
        level[i] = bit(b);
    }
    for (unsigned i = layers - 1; layers > 1 && i < 8; i++) {
        bits(b, 2);
    }
    for (unsigned i = 0; i + 1 < layers; i++) {
        for (unsigned n = 0; n < (profile[i] ? 88u : 0u); n++) {
            bit(b);
        }
        bits(b, level[i] ? 8 : 0);
    }
}

bool sps_read_h265(const uint8_t *nal, size_t length, struct sps *sps)
{
    *sps = (struct sps){0};
    if (length < 16) {
        return false;
    }
    struct bits b = {.data = nal + 2, .length = length - 2};
    bits(&b, 4);
    sps->temporal_layers = bits(&b, 3) + 1;
    sps->temporal_nesting = bit(&b);
    if (sps->temporal_layers > 7) {
        return false;
    }
    for (unsigned i = 0; i < 12; i++) {
        sps->profile_tier_level[i] = (uint8_t)bits(&b, 8);
    }
    skip_sub_layers(&b, sps->temporal_layers);
    golomb(&b);
    sps->chroma_format = golomb(&b);
    if (sps->chroma_format == 3) {
        bit(&b);
    }
    uint64_t width = golomb(&b);
    uint64_t height = golomb(&b);
    struct crop crop = {0};
    read_crop(&b, &crop);
    sps->depth_luma = 8 + golomb(&b);
    sps->depth_chroma = 8 + golomb(&b);
    unsigned unit_x = sps->chroma_format == 1 || sps->chroma_format == 2 ? 2 : 1;
    unsigned unit_y = sps->chroma_format == 1 ? 2 : 1;
    if (b.failed || sps->chroma_format > 3 ||
        !set_size(sps, width, height, &crop, unit_x, unit_y)) {
        return false;
    }
    golomb(&b);
    uint32_t reorder = 0;
    for (unsigned i = bit(&b) ? 0 : sps->temporal_layers - 1; i < sps->temporal_layers; i++) {
        golomb(&b);
        reorder = golomb(&b);
        golomb(&b);
    }
    sps->reorder = b.failed || reorder > 16 ? -1 : (int)reorder;
    return true;
}
