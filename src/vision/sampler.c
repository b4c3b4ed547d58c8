#include "vision/sampler.h"

/* One direction of an area: where it starts, how long it is, and how long the picture is there. */
struct extent {
    double start, length;
    int picture;
};

static struct scale_span luma_span(struct extent e, int count)
{
    return (struct scale_span){.origin = e.start,
                               .step = e.length / count,
                               .low = 0,
                               .high = e.picture,
                               .length = e.picture};
}

/* Sample k of the chroma plane covers, in luma edge coordinates, 2k..2k+2 less the siting `lead`:
 * half a pixel across (chroma sits on the even column), nothing down (it sits between two rows). So
 * a luma position p is at (p + lead) / 2 on the plane. */
static struct scale_span chroma_span(struct extent e, int count, double lead,
                                     enum sampler_chroma kind)
{
    double step = e.length / count;
    struct scale_span span = {
        .low = lead / 2, .high = (e.picture + lead) / 2, .length = (e.picture + 1) / 2};
    if (kind == SAMPLER_CHROMA_FULL) {
        span.origin = (e.start + lead) / 2;
        span.step = step / 2;
    } else { /* output sample j covers luma outputs 2j - lead .. 2j + 2 - lead */
        span.origin = (e.start - lead * step + lead) / 2;
        span.step = step;
    }
    return span;
}

bool sampler_aim(struct sampler *sampler, const struct yuv_view *picture, struct box area,
                 int width, int height, enum sampler_chroma chroma)
{
    struct extent across = {area.x1, (double)area.x2 - area.x1, picture->width};
    struct extent down = {area.y1, (double)area.y2 - area.y1, picture->height};
    if (!(across.length > 0) || !(down.length > 0) || across.picture <= 0 || down.picture <= 0 ||
        width <= 0 || height <= 0) {
        return false;
    }
    bool is_half = chroma == SAMPLER_CHROMA_HALF;
    scale_plane_set(&sampler->luma, width, luma_span(across, width), height,
                    luma_span(down, height));
    /* The step is that of the luma even where an odd size leaves the last chroma sample half full.
     */
    struct scale_span chroma_across = chroma_span(across, width, 0.5, chroma);
    struct scale_span chroma_down = chroma_span(down, height, 0, chroma);
    scale_plane_set(&sampler->chroma, is_half ? (width + 1) / 2 : width, chroma_across,
                    is_half ? (height + 1) / 2 : height, chroma_down);
    for (int plane = 0; plane < 3; plane++) {
        scale_lines_set(&sampler->lines[plane], plane == 0 ? &sampler->luma : &sampler->chroma);
    }
    return true;
}

void sampler_finish(struct sampler *sampler)
{
    scale_plane_finish(&sampler->luma);
    scale_plane_finish(&sampler->chroma);
    for (int plane = 0; plane < 3; plane++) {
        scale_lines_finish(&sampler->lines[plane]);
    }
}

void sampler_row(struct sampler *sampler, const struct yuv_view *picture, int plane, int y,
                 uint8_t *out)
{
    scale_plane_row(plane == 0 ? &sampler->luma : &sampler->chroma, &sampler->lines[plane],
                    picture->planes[plane], picture->strides[plane], y,
                    plane == 0 ? YUV_BLACK_LUMA : YUV_BLACK_CHROMA, out);
}
