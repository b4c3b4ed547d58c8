#include "server/picture.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <turbojpeg.h>

#include "base/log.h"
#include "base/mem.h"
#include "server/canvas.h"
#include "server/overlay.h"
#include "vision/regions.h"

#define THUMBNAIL_HEIGHT 175
#define THUMBNAIL_QUALITY 70
/* The crop around an object: contract, pipeline section 8. */
#define CROP_MIN 300
#define CROP_MULTIPLIER 1.1

bool picture_size_ok(int source_width, int source_height, int height, int *width)
{
    if (height < 1 || height > PICTURE_MAX_HEIGHT || source_width < 1 || source_height < 1) {
        return false;
    }
    int64_t wide = (int64_t)height * source_width / source_height;
    if (width != NULL) {
        *width = (int)wide;
    }
    return wide >= 1 && wide <= PICTURE_MAX_WIDTH;
}

int picture_black(int width, int height, enum picture_format format, int quality, struct str *out)
{
    if (width > PICTURE_MAX_WIDTH || height > PICTURE_MAX_HEIGHT) {
        return -EINVAL;
    }
    AUTO_CANVAS struct canvas canvas;
    int result = canvas_init_black(&canvas, width, height);
    return result < 0 ? result : canvas_encode(&canvas, format, quality, out);
}

static void draw_overlays(struct canvas *canvas, const struct config *config,
                          const struct cfg_camera *camera, const struct live_view *view,
                          const struct picture_options *options, double time)
{
    /* Frigate's order: what comes later lies on top. */
    if (options->mask) {
        overlay_mask(canvas, camera);
    }
    if (options->bbox) {
        overlay_objects(canvas, config, view);
    }
    if (options->regions) {
        overlay_regions(canvas, view);
    }
    if (options->zones) {
        overlay_zones(canvas, camera, view);
    }
    if (options->motion) {
        overlay_motion(canvas, view);
    }
    if (options->timestamp) {
        overlay_timestamp(canvas, &camera->timestamp_style, time);
    }
}

/* What processing still has to say about a picture this much newer than the last processed one is
 * worth showing; after that the boxes would be ghosts on a fresh picture. */
#define VIEW_LAG_MAX_S 2.0

/* The picture that was processed last, unless processing lags or stands still. */
static struct live_picture *camera_picture(struct live *live, int camera, struct live_view *view,
                                           int64_t *age_us)
{
    uint64_t sequence = 0;
    live_get_view(live, camera, view);
    struct live_picture *picture =
        live_get_picture(live, camera, view->sequence, age_us, &sequence);
    if (picture != NULL && picture->time - view->time > VIEW_LAG_MAX_S) {
        live_view_finish(view);
    }
    return picture;
}

static int camera_draw(const struct live_picture *picture, const struct config *config,
                       const struct cfg_camera *camera, const struct live_view *view,
                       const struct picture_options *options, struct str *out)
{
    int height = options->height != 0 ? options->height : picture->height;
    int width;
    if (!picture_size_ok(picture->width, picture->height, height, &width)) {
        return -EINVAL;
    }
    AUTO_CANVAS struct canvas canvas;
    int result = canvas_init(&canvas, picture, (struct box){0, 0, picture->width, picture->height},
                             width, height);
    if (result < 0) {
        return result;
    }
    draw_overlays(&canvas, config, camera, view, options, picture->time);
    return canvas_encode(&canvas, options->format, options->quality, out);
}

/* A crossed-out camera: body, lens, stroke. */
static void draw_camera_icon(struct canvas *canvas, const uint8_t bgr[3])
{
    cairo_t *cairo = canvas->cairo;
    double unit = fmin(canvas->width, canvas->height) / 12.0;
    cairo_save(cairo);
    cairo_translate(cairo, canvas->width / 2.0, canvas->height * 0.4);
    cairo_scale(cairo, unit, unit);
    cairo_set_source_rgb(cairo, bgr[2] / 255.0, bgr[1] / 255.0, bgr[0] / 255.0);
    cairo_set_line_width(cairo, 0.25);
    cairo_rectangle(cairo, -2.2, -1.2, 3, 2.4);
    cairo_move_to(cairo, 0.8, -0.3);
    cairo_line_to(cairo, 2.2, -1.1);
    cairo_line_to(cairo, 2.2, 1.1);
    cairo_line_to(cairo, 0.8, 0.3);
    cairo_move_to(cairo, -2.6, 1.9);
    cairo_line_to(cairo, 2.6, -1.9);
    cairo_stroke(cairo);
    cairo_restore(cairo);
}

static void write_centred(struct canvas *canvas, double y, const uint8_t bgr[3], const char *text)
{
    struct canvas_text how = {.size = fmax(8, canvas->height / 18.0), .thickness = 1, .y = y};
    memcpy(how.bgr, bgr, sizeof how.bgr);
    cairo_text_extents_t extents;
    cairo_set_font_size(canvas->cairo, how.size);
    cairo_text_extents(canvas->cairo, text, &extents);
    double room = canvas->width * 0.9;
    if (extents.x_advance > room) {
        how.size *= room / extents.x_advance;
        extents.x_advance = room;
    }
    how.x = (canvas->width - extents.x_advance) / 2;
    canvas_write(canvas, &how, text);
}

int picture_none(const struct cfg_camera *camera, int height, enum picture_format format,
                 int quality, struct str *out)
{
    static const uint8_t back[3] = {40, 34, 30}, line[3] = {120, 110, 100},
                         words[3] = {225, 220, 215};
    static const float whole[8] = {0, 0, 1, 0, 1, 1, 0, 1};
    int source_width = camera->detect.width > 0 ? camera->detect.width : 1280;
    int source_height = camera->detect.height > 0 ? camera->detect.height : 720;
    height = height != 0 ? height : source_height;
    int width;
    if (!picture_size_ok(source_width, source_height, height, &width)) {
        return -EINVAL;
    }
    AUTO_CANVAS struct canvas canvas;
    int result = canvas_init_black(&canvas, width, height);
    if (result < 0) {
        return result;
    }
    canvas_polygon(&canvas, whole, 4, back, 0);
    draw_camera_icon(&canvas, line);
    char text[IPC_NAME + 40];
    snprintf(text, sizeof text, "%s: no picture", camera->name);
    write_centred(&canvas, height * 0.75, words, text);
    return canvas_encode(&canvas, format, quality, out);
}

int picture_latest(struct live *live, const struct config *config, int index,
                   const struct picture_options *options, struct str *out)
{
    const struct cfg_camera *camera = &config->cameras[index];
    AUTO_LIVE_VIEW struct live_view view;
    int64_t age_us = 0;
    struct live_picture *picture = camera_picture(live, index, &view, &age_us);
    if (picture == NULL || (double)age_us / 1e6 > camera->ffmpeg.common.retry_interval) {
        live_picture_unref(picture);
        return picture_none(camera, options->height, options->format, options->quality, out);
    }
    int result = camera_draw(picture, config, camera, &view, options, out);
    live_picture_unref(picture);
    return result;
}

int picture_stream(struct live *live, const struct config *config, int index,
                   const struct picture_options *options, struct str *out)
{
    AUTO_LIVE_VIEW struct live_view view;
    int64_t age_us = 0;
    struct live_picture *picture = camera_picture(live, index, &view, &age_us);
    if (picture == NULL) {
        int height = options->height != 0 ? options->height : 720;
        int width;
        return picture_size_ok(16, 9, height, &width)
                   ? picture_black(width, height, options->format, options->quality, out)
                   : -EINVAL;
    }
    int result = camera_draw(picture, config, &config->cameras[index], &view, options, out);
    live_picture_unref(picture);
    return result;
}

/* The square around a box, cut to the picture. */
static struct box crop_area(const struct live_best *best)
{
    struct regions_options frame = {
        .frame_width = best->picture->width,
        .frame_height = best->picture->height,
        .min_region = CROP_MIN,
    };
    struct box box = {best->box[0], best->box[1], best->box[2], best->box[3]};
    struct box whole = {0, 0, frame.frame_width, frame.frame_height};
    box = box_clamp(box, whole.x2, whole.y2);
    struct box area = regions_around(&frame, box, CROP_MULTIPLIER);
    area.x2 = area.x2 < whole.x2 ? area.x2 : whole.x2;
    area.y2 = area.y2 < whole.y2 ? area.y2 : whole.y2;
    return area;
}

int picture_snapshot(const struct config *config, const struct cfg_camera *camera,
                     const struct live_object *object, const struct picture_options *options,
                     struct str *out)
{
    const struct live_best *best = &object->best;
    if (best->picture == NULL) {
        return -ENOENT;
    }
    struct box area = {0, 0, best->picture->width, best->picture->height};
    if (options->crop) {
        area = crop_area(best);
    }
    int height = options->height != 0 ? options->height : box_height(area);
    int width;
    if (!picture_size_ok(box_width(area), box_height(area), height, &width)) {
        return -EINVAL;
    }
    AUTO_CANVAS struct canvas canvas;
    int result = canvas_init(&canvas, best->picture, area, width, height);
    if (result < 0) {
        return result;
    }
    if (options->bbox) {
        overlay_best(&canvas, config, object);
    }
    if (options->timestamp) {
        overlay_timestamp(&canvas, &camera->timestamp_style, best->time);
    }
    return canvas_encode(&canvas, options->format, options->quality, out);
}

int picture_snapshot_file(const struct config *config, const struct cfg_camera *camera,
                          const struct live_object *object, struct str *out)
{
    const struct cfg_snapshots *how = &camera->snapshots;
    struct picture_options options = {
        .format = PICTURE_JPEG,
        .quality = how->quality,
        .height = how->height.has ? (int)how->height.value : 0,
        .bbox = how->bounding_box,
        .timestamp = how->timestamp,
        .crop = how->crop,
    };
    return picture_snapshot(config, camera, object, &options, out);
}

int picture_clean(const struct live_object *object, struct str *out)
{
    struct picture_options options = {.format = PICTURE_PNG};
    return picture_snapshot(NULL, NULL, object, &options, out);
}

int picture_thumbnail(const struct live_object *object, struct str *out)
{
    struct picture_options options = {
        .format = PICTURE_JPEG,
        .quality = THUMBNAIL_QUALITY,
        .height = THUMBNAIL_HEIGHT,
        .crop = true,
    };
    return picture_snapshot(NULL, NULL, object, &options, out);
}

/* Decodes straight into the middle of a black canvas of twice the width. */
int picture_pad_thumbnail(const void *jpeg, size_t length, struct str *out)
{
    tjhandle handle = tjInitDecompress();
    int width;
    int height;
    int sampling;
    int colors;
    if (handle == NULL ||
        tjDecompressHeader3(handle, jpeg, length, &width, &height, &sampling, &colors) < 0 ||
        width < 1 || height < 1 || width > PICTURE_MAX_WIDTH / 2 || height > PICTURE_MAX_HEIGHT) {
        tjDestroy(handle);
        return -EIO;
    }
    AUTO_CANVAS struct canvas canvas;
    int result = canvas_init_black(&canvas, width * 2, height);
    if (result == 0) {
        int stride = cairo_image_surface_get_stride(canvas.surface);
        uint8_t *to = cairo_image_surface_get_data(canvas.surface) + (ptrdiff_t)(width / 2) * 4;
        /* A damaged tail still leaves the rest to look at: warnings are no failure. */
        if (tjDecompress2(handle, jpeg, length, to, width, stride, height, TJPF_BGRX, 0) < 0 &&
            tjGetErrorCode(handle) == TJERR_FATAL) {
            result = -EIO;
        }
        cairo_surface_mark_dirty(canvas.surface);
    }
    tjDestroy(handle);
    return result < 0 ? result : canvas_encode(&canvas, PICTURE_JPEG, THUMBNAIL_QUALITY, out);
}
