/* What the recorder must know of a sequence parameter set: picture size, and the profile fields
 * that hvcC repeats. Input is a whole NAL unit, header included; a mangled one is refused, never
 * overread. */
#ifndef CORVETTE_MEDIA_SPS_H
#define CORVETTE_MEDIA_SPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sps {
    int width, height;      /* after cropping */
    unsigned chroma_format; /* chroma_format_idc */
    unsigned depth_luma, depth_chroma;
    int reorder; /* pictures that may be decoded before one shown earlier; -1 = not said */
    /* H.265 only */
    uint8_t profile_tier_level[12]; /* general_profile_space .. general_level_idc */
    unsigned temporal_layers;       /* sps_max_sub_layers */
    bool temporal_nesting;
};

bool sps_read_h264(const uint8_t *nal, size_t length, struct sps *sps);
bool sps_read_h265(const uint8_t *nal, size_t length, struct sps *sps);

#endif
