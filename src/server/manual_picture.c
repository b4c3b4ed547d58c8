#include "server/manual_picture.h"

#include <errno.h>
#include <stdio.h>

#include "server/canvas.h"

#define THUMBNAIL_HEIGHT 175
#define THUMBNAIL_QUALITY 70
#define LINE 2.0

/* The whole frame at a height, 0 = its own, before anything is drawn. */
static int whole(const struct live_picture *picture, int height, struct canvas *canvas)
{
    int width;
    height = height != 0 ? height : picture->height;
    if (!picture_size_ok(picture->width, picture->height, height, &width)) {
        *canvas = (struct canvas){0};
        return -EINVAL;
    }
    return canvas_init(canvas, picture, (struct box){0, 0, picture->width, picture->height}, width,
                       height);
}

static void draw_box(struct canvas *canvas, const struct live_picture *picture, const char *label,
                     const struct manual_box *box)
{
    double width = picture->width;
    double height = picture->height;
    int32_t corners[4] = {
        (int32_t)(box->x * width),
        (int32_t)(box->y * height),
        (int32_t)((box->x + box->width) * width),
        (int32_t)((box->y + box->height) * height),
    };
    const uint8_t bgr[3] = {box->rgb[2], box->rgb[1], box->rgb[0]};
    int area = (corners[2] - corners[0]) * (corners[3] - corners[1]);
    char score[32] = "-";
    if (box->has_score) {
        snprintf(score, sizeof score, "%g", box->score);
    }
    char text[MANUAL_LABEL_MAX * 4 + 64];
    snprintf(text, sizeof text, "%s: %s%% %d", label, score, area);
    canvas_box(canvas, corners, bgr, LINE);
    canvas_caption(canvas, corners, text, bgr, LINE);
}

int manual_picture_jpeg(const struct cfg_camera *camera, const struct live_picture *picture,
                        const char *label, const struct manual_box *boxes, size_t box_count,
                        struct str *out)
{
    int quality = camera->snapshots.quality;
    if (picture == NULL) {
        return picture_none(camera, 0, PICTURE_JPEG, quality, out);
    }
    AUTO_CANVAS struct canvas canvas;
    int result = whole(picture, 0, &canvas);
    if (result < 0) {
        return result;
    }
    for (size_t i = 0; i < box_count; i++) {
        draw_box(&canvas, picture, label, &boxes[i]);
    }
    return canvas_encode(&canvas, PICTURE_JPEG, quality, out);
}

int manual_picture_png(const struct cfg_camera *camera, const struct live_picture *picture,
                       struct str *out)
{
    if (picture == NULL) {
        return picture_none(camera, 0, PICTURE_PNG, 0, out);
    }
    AUTO_CANVAS struct canvas canvas;
    int result = whole(picture, 0, &canvas);
    return result < 0 ? result : canvas_encode(&canvas, PICTURE_PNG, 0, out);
}

int manual_picture_thumbnail(const struct cfg_camera *camera, const struct live_picture *picture,
                             struct str *out)
{
    if (picture == NULL) {
        return picture_none(camera, THUMBNAIL_HEIGHT, PICTURE_JPEG, THUMBNAIL_QUALITY, out);
    }
    AUTO_CANVAS struct canvas canvas;
    int result = whole(picture, THUMBNAIL_HEIGHT, &canvas);
    return result < 0 ? result : canvas_encode(&canvas, PICTURE_JPEG, THUMBNAIL_QUALITY, out);
}
