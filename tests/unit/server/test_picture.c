/* Pictures are made, decoded again, and looked at pixel by pixel. */
#include "../cmocka_all.h"

#include <cairo.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>
#include <webp/decode.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "fixture.h"
#include "server/live.h"
#include "server/picture.h"

#define GREY 126 /* Y of R = G = B = 128 */
#define YARD_EXTRA                              \
    "    motion:\n"                             \
    "      mask: 0,0,0.125,0,0.125,0.5,0,0.5\n" \
    "    timestamp_style:\n"                    \
    "      position: br\n"                      \
    "      format: 'XXXXXXXXXX'\n"              \
    "      color:\n"                            \
    "        red: 0\n"                          \
    "        green: 255\n"                      \
    "        blue: 0\n"                         \
    "      effect: solid\n"                     \
    "      thickness: 2\n"

static int yard;

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture_init(&fixture, YARD_EXTRA, "");
    fixture_serve(&fixture);
    yard = config_camera_index(fixture.config, "yard");
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    fixture_finish(*state);
    return 0;
}

struct pixels {
    uint8_t *bgrx;
    int width, height;
};

static void keep_for_looking(const char *name, const struct str *picture)
{
    const char *folder = getenv("CORVETTE_TEST_PICTURES");
    if (folder != NULL) {
        AUTO_STR struct str path = {0};
        str_addf(&path, "%s/%s", folder, name);
        file_write_atomic(str_text(&path), picture->data, picture->length);
    }
}

struct reading {
    const struct str *data;
    size_t at;
};

static cairo_status_t read_some(void *context, unsigned char *to, unsigned length)
{
    struct reading *reading = context;
    assert_true(reading->at + length <= reading->data->length);
    memcpy(to, reading->data->data + reading->at, length);
    reading->at += length;
    return CAIRO_STATUS_SUCCESS;
}

static struct pixels decode_png(const struct str *png)
{
    struct reading reading = {png, 0};
    cairo_surface_t *surface = cairo_image_surface_create_from_png_stream(read_some, &reading);
    assert_int_equal(cairo_surface_status(surface), CAIRO_STATUS_SUCCESS);
    struct pixels pixels = {.width = cairo_image_surface_get_width(surface),
                            .height = cairo_image_surface_get_height(surface)};
    size_t row = (size_t)pixels.width * 4;
    pixels.bgrx = mem_alloc(row * (size_t)pixels.height);
    for (int y = 0; y < pixels.height; y++) {
        memcpy(pixels.bgrx + (size_t)y * row,
               cairo_image_surface_get_data(surface) +
                   (ptrdiff_t)y * cairo_image_surface_get_stride(surface),
               row);
    }
    cairo_surface_destroy(surface);
    return pixels;
}

static struct pixels decode_jpeg(const struct str *jpeg)
{
    struct pixels pixels;
    int sampling;
    int colors;
    tjhandle handle = tjInitDecompress();
    const unsigned char *data = (const unsigned char *)jpeg->data;
    assert_int_equal(tjDecompressHeader3(handle, data, jpeg->length, &pixels.width, &pixels.height,
                                         &sampling, &colors),
                     0);
    pixels.bgrx = mem_alloc((size_t)pixels.width * (size_t)pixels.height * 4);
    assert_int_equal(tjDecompress2(handle, data, jpeg->length, pixels.bgrx, pixels.width, 0,
                                   pixels.height, TJPF_BGRX, 0),
                     0);
    tjDestroy(handle);
    return pixels;
}

static const uint8_t *pixel(const struct pixels *pixels, int x, int y)
{
    return pixels->bgrx + ((size_t)y * (size_t)pixels->width + (size_t)x) * 4;
}

/* Within 3 of each channel: YUV rounding. */
static void assert_color(const struct pixels *pixels, int x, int y, int r, int g, int b)
{
    const uint8_t *at = pixel(pixels, x, y);
    if (abs(at[2] - r) > 3 || abs(at[1] - g) > 3 || abs(at[0] - b) > 3) {
        fail_msg("pixel %d,%d is %d %d %d, not %d %d %d", x, y, at[2], at[1], at[0], r, g, b);
    }
}

static bool has_color(const struct pixels *pixels, int x1, int y1, int x2, int y2, int r, int g,
                      int b)
{
    for (int y = y1; y < y2; y++) {
        for (int x = x1; x < x2; x++) {
            const uint8_t *at = pixel(pixels, x, y);
            if (abs(at[2] - r) <= 3 && abs(at[1] - g) <= 3 && abs(at[0] - b) <= 3) {
                return true;
            }
        }
    }
    return false;
}

static struct pixels latest(struct fixture *fixture, const struct picture_options *options,
                            const char *name)
{
    AUTO_STR struct str png = {0};
    assert_int_equal(
        picture_latest(server_live(fixture->server), fixture->config, yard, options, &png), 0);
    keep_for_looking(name, &png);
    return decode_png(&png);
}

static void send_scene(struct fixture *fixture, double time)
{
    struct msg_zone lawn = {0};
    struct msg_object objects[3] = {
        fixture_object("1.0-moving", "person", time),
        fixture_object("1.0-parked", "car", time),
        fixture_object("1.0-hidden", "person", time - 1),
    };
    objects[0].frame_time = time;
    objects[0].current_zones.items = &lawn;
    objects[0].current_zones.count = 1;
    memcpy(objects[1].box, (int32_t[4]){300, 100, 400, 200}, sizeof objects[1].box);
    objects[1].stationary = true;
    memcpy(objects[2].box, (int32_t[4]){500, 100, 560, 200}, sizeof objects[2].box);
    fixture_send_frame(fixture, "yard", time, objects, 3, 1);
}

static void overlays_in_their_colors(void **state)
{
    struct fixture *fixture = *state;
    double now = wall_seconds(wall_now());
    fixture_give_ring(fixture, "yard", GREY, 128, 128, now);
    send_scene(fixture, now);
    struct picture_options plain = {.format = PICTURE_PNG};
    struct pixels pixels = latest(fixture, &plain, "plain.png");
    assert_int_equal(pixels.width, 640);
    assert_int_equal(pixels.height, 360);
    assert_color(&pixels, 100, 150, 128, 128, 128);
    assert_color(&pixels, 10, 40, 128, 128, 128);
    free(pixels.bgrx);

    struct picture_options all = {.format = PICTURE_PNG,
                                  .bbox = true,
                                  .timestamp = true,
                                  .zones = true,
                                  .mask = true,
                                  .motion = true,
                                  .regions = true};
    pixels = latest(fixture, &all, "overlays.png");
    uint8_t person[3];
    config_color(fixture->config, "person", person);
    /* Two pixels of the label's colour, centred on the edge x = 100; inside nothing. */
    assert_color(&pixels, 99, 150, person[2], person[1], person[0]);
    assert_color(&pixels, 100, 150, person[2], person[1], person[0]);
    assert_color(&pixels, 98, 150, 128, 128, 128);
    assert_color(&pixels, 102, 150, 128, 128, 128);
    assert_color(&pixels, 163, 150, person[2], person[1], person[0]);
    assert_color(&pixels, 130, 200, person[2], person[1], person[0]);
    /* Its caption: a bar of the colour over the box with black text. */
    assert_color(&pixels, 101, 95, person[2], person[1], person[0]);
    assert_true(has_color(&pixels, 100, 80, 200, 98, 0, 0, 0));
    /* Stationary: grey, one pixel. Not seen: blue, one pixel. */
    assert_color(&pixels, 300, 150, 220, 220, 220);
    assert_color(&pixels, 301, 150, 128, 128, 128);
    assert_color(&pixels, 500, 150, 0, 0, 255);
    /* Motion red, over the mask, which is black. */
    assert_color(&pixels, 30, 20, 255, 0, 0);
    assert_color(&pixels, 70, 100, 0, 0, 0);
    /* Region green. */
    assert_color(&pixels, 319, 60, 0, 255, 0);
    /* Zones: lawn is occupied, 8 pixels; drive is not, 2. */
    const uint8_t *lawn = fixture->config->cameras[yard].zones[0].color;
    const uint8_t *drive = fixture->config->cameras[yard].zones[1].color;
    assert_color(&pixels, 200, 177, lawn[2], lawn[1], lawn[0]);
    assert_color(&pixels, 200, 183, lawn[2], lawn[1], lawn[0]);
    assert_color(&pixels, 450, 180, drive[2], drive[1], drive[0]);
    assert_color(&pixels, 450, 177, 128, 128, 128);
    /* Timestamp: bottom right, green on its inverse. */
    assert_true(has_color(&pixels, 420, 320, 640, 360, 0, 255, 0));
    assert_true(has_color(&pixels, 420, 320, 640, 360, 255, 0, 255));
    assert_false(has_color(&pixels, 0, 320, 400, 360, 255, 0, 255));
    free(pixels.bgrx);
}

static void sizes_and_formats(void **state)
{
    struct fixture *fixture = *state;
    double now = wall_seconds(wall_now());
    fixture_give_ring(fixture, "yard", GREY, 128, 128, now);
    send_scene(fixture, now);
    struct live *live = server_live(fixture->server);
    struct picture_options options = {.format = PICTURE_JPEG, .height = 101, .bbox = true};
    AUTO_STR struct str jpeg = {0};
    assert_int_equal(picture_latest(live, fixture->config, yard, &options, &jpeg), 0);
    struct pixels pixels = decode_jpeg(&jpeg);
    assert_int_equal(pixels.width, 179); /* floor(101 * 640 / 360) */
    assert_int_equal(pixels.height, 101);
    free(pixels.bgrx);

    AUTO_STR struct str webp = {0};
    options.format = PICTURE_WEBP;
    options.height = 0;
    assert_int_equal(picture_latest(live, fixture->config, yard, &options, &webp), 0);
    int width;
    int height;
    assert_true(WebPGetInfo((const uint8_t *)webp.data, webp.length, &width, &height));
    assert_int_equal(width, 640);
    assert_int_equal(height, 360);

    AUTO_STR struct str none = {0};
    options.height = -5;
    assert_int_equal(picture_latest(live, fixture->config, yard, &options, &none), -EINVAL);
    options.height = 100000;
    assert_int_equal(picture_latest(live, fixture->config, yard, &options, &none), -EINVAL);
    assert_int_equal(none.length, 0);

    /* Quality counts. */
    AUTO_STR struct str good = {0};
    options = (struct picture_options){.format = PICTURE_JPEG, .quality = 100, .bbox = true};
    assert_int_equal(picture_latest(live, fixture->config, yard, &options, &good), 0);
    AUTO_STR struct str poor = {0};
    options.quality = 10;
    assert_int_equal(picture_latest(live, fixture->config, yard, &options, &poor), 0);
    assert_true(poor.length * 2 < good.length);
}

static void no_picture_card(void **state)
{
    struct fixture *fixture = *state;
    struct picture_options options = {.format = PICTURE_PNG, .height = 180};
    struct pixels pixels = latest(fixture, &options, "no_picture.png");
    assert_int_equal(pixels.width, 320);
    assert_int_equal(pixels.height, 180);
    assert_color(&pixels, 2, 2, 30, 34, 40);
    assert_true(has_color(&pixels, 40, 110, 280, 150, 215, 220, 225)); /* words */
    free(pixels.bgrx);
    /* MJPEG without a picture: black, 16:9. */
    AUTO_STR struct str png = {0};
    assert_int_equal(
        picture_stream(server_live(fixture->server), fixture->config, yard, &options, &png), 0);
    pixels = decode_png(&png);
    assert_int_equal(pixels.width, 320);
    assert_color(&pixels, 160, 90, 0, 0, 0);
    free(pixels.bgrx);
}

/* Processing stopped long ago: its boxes are not drawn on a new picture. */
static void old_boxes_are_no_ghosts(void **state)
{
    struct fixture *fixture = *state;
    double now = wall_seconds(wall_now());
    fixture_give_ring(fixture, "yard", GREY, 128, 128, now);
    send_scene(fixture, now - 60);
    struct picture_options options = {.format = PICTURE_PNG, .bbox = true};
    struct pixels pixels = latest(fixture, &options, "no_ghosts.png");
    assert_color(&pixels, 300, 150, 128, 128, 128);
    assert_color(&pixels, 500, 150, 128, 128, 128);
    free(pixels.bgrx);
}

/* I420 of grey with one white rectangle. */
static struct live_picture *picture_with_spot(int width, int height, const int32_t spot[4])
{
    size_t luma = (size_t)width * (size_t)height;
    uint8_t *pixels = mem_alloc(frames_picture_bytes(width, height));
    memset(pixels, GREY, luma);
    memset(pixels + luma, 128, frames_picture_bytes(width, height) - luma);
    for (int y = spot[1]; y < spot[3]; y++) {
        memset(pixels + (size_t)y * (size_t)width + spot[0], 235, (size_t)(spot[2] - spot[0]));
    }
    return live_picture_new(pixels, width, height, 1700000000);
}

static void snapshot_crop_geometry(void **state)
{
    struct fixture *fixture = *state;
    const struct cfg_camera *camera = &fixture->config->cameras[yard];
    static const int32_t spot[4] = {1100, 500, 1140, 600};
    struct live_object object = {
        .state = {.label = "person"},
        .best = {.picture = picture_with_spot(1280, 720, spot), .score = 0.77F, .area = 4000}};
    memcpy(object.best.box, spot, sizeof spot);
    AUTO_STR struct str png = {0};
    struct picture_options options = {.format = PICTURE_PNG, .crop = true};
    assert_int_equal(picture_snapshot(fixture->config, camera, &object, &options, &png), 0);
    keep_for_looking("crop.png", &png);
    struct pixels pixels = decode_png(&png);
    /* 1.1 * 100 is under 300: 300 square, centred on 1120,550 and pushed inside: 970..1270 wide,
     * 400..700 high. */
    assert_int_equal(pixels.width, 300);
    assert_int_equal(pixels.height, 300);
    assert_color(&pixels, 150, 150, 255, 255, 255);
    assert_color(&pixels, 128, 150, 128, 128, 128);
    assert_color(&pixels, 132, 150, 255, 255, 255);
    assert_color(&pixels, 172, 150, 128, 128, 128);
    free(pixels.bgrx);

    AUTO_STR struct str thumbnail = {0};
    assert_int_equal(picture_thumbnail(&object, &thumbnail), 0);
    pixels = decode_jpeg(&thumbnail);
    assert_int_equal(pixels.width, 175);
    assert_int_equal(pixels.height, 175);
    free(pixels.bgrx);

    AUTO_STR struct str padded = {0};
    assert_int_equal(picture_pad_thumbnail(thumbnail.data, thumbnail.length, &padded), 0);
    keep_for_looking("padded.jpg", &padded);
    pixels = decode_jpeg(&padded);
    assert_int_equal(pixels.width, 350);
    assert_int_equal(pixels.height, 175);
    assert_true(pixel(&pixels, 20, 80)[0] < 8);
    assert_true(pixel(&pixels, 330, 80)[0] < 8);
    assert_true(pixel(&pixels, 175, 87)[0] > 200);
    free(pixels.bgrx);
    AUTO_STR struct str nothing = {0};
    assert_int_equal(picture_pad_thumbnail("not a jpeg", 10, &nothing), -EIO);
    live_object_finish(&object);
}

static void snapshot_as_configured(void **state)
{
    struct fixture *fixture = *state;
    const struct cfg_camera *camera = &fixture->config->cameras[yard];
    static const int32_t spot[4] = {200, 4, 300, 150}; /* no room above for the caption */
    struct msg_attribute face = {.label = "face", .score = 0.9F, .box = {230, 20, 260, 50}};
    struct live_object object = {
        .state = {.label = "person"},
        .best = {.picture = picture_with_spot(640, 360, spot), .score = 0.77F, .area = 14600}};
    memcpy(object.best.box, spot, sizeof spot);
    object.best.attributes = mem_dup(&face, sizeof face);
    object.best.attribute_count = 1;
    AUTO_STR struct str jpeg = {0};
    assert_int_equal(picture_snapshot_file(fixture->config, camera, &object, &jpeg), 0);
    struct pixels pixels = decode_jpeg(&jpeg);
    assert_int_equal(pixels.width, 640);
    free(pixels.bgrx);

    struct picture_options options = {.format = PICTURE_PNG, .bbox = true};
    AUTO_STR struct str png = {0};
    assert_int_equal(picture_snapshot(fixture->config, camera, &object, &options, &png), 0);
    keep_for_looking("snapshot.png", &png);
    pixels = decode_png(&png);
    uint8_t person[3];
    config_color(fixture->config, "person", person);
    assert_color(&pixels, 200, 140, person[2], person[1], person[0]);
    assert_color(&pixels, 230, 48, person[2], person[1], person[0]); /* the face */
    assert_color(&pixels, 202, 8, person[2], person[1], person[0]);  /* caption hangs inside */
    free(pixels.bgrx);

    AUTO_STR struct str clean = {0};
    assert_int_equal(picture_clean(&object, &clean), 0);
    pixels = decode_png(&clean);
    assert_int_equal(pixels.width, 640);
    assert_color(&pixels, 200, 140, 255, 255, 255);
    free(pixels.bgrx);
    live_object_finish(&object);
    assert_int_equal(picture_clean(&object, &clean), -ENOENT);
}

static void timestamp_styles(void **state)
{
    static const struct {
        enum cfg_position position;
        enum cfg_effect effect;
        int x1, y1, x2, y2; /* where the text must be */
        const char *name;
    } cases[] = {
        {CFG_TOP_LEFT, CFG_EFFECT_NONE, 0, 0, 320, 60, "stamp_tl.png"},
        {CFG_TOP_RIGHT, CFG_EFFECT_SHADOW, 320, 0, 640, 60, "stamp_tr.png"},
        {CFG_BOTTOM_LEFT, CFG_EFFECT_SOLID, 0, 300, 320, 360, "stamp_bl.png"},
        {CFG_BOTTOM_RIGHT, CFG_EFFECT_NONE, 320, 300, 640, 360, "stamp_br.png"},
    };
    struct fixture *fixture = *state;
    struct cfg_camera camera = fixture->config->cameras[yard];
    static char format[] = "%m/%d/%Y %H:%M:%S";
    camera.timestamp_style.format = format;
    static const int32_t spot[4] = {0, 0, 0, 0};
    struct live_object object = {.best = {.picture = picture_with_spot(640, 360, spot)}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        camera.timestamp_style.position = cases[i].position;
        camera.timestamp_style.effect = cases[i].effect;
        struct picture_options options = {.format = PICTURE_PNG, .timestamp = true};
        AUTO_STR struct str png = {0};
        assert_int_equal(picture_snapshot(fixture->config, &camera, &object, &options, &png), 0);
        keep_for_looking(cases[i].name, &png);
        struct pixels pixels = decode_png(&png);
        int outside = 0;
        int inside = 0;
        for (int y = 0; y < pixels.height; y++) {
            for (int x = 0; x < pixels.width; x++) {
                const uint8_t *at = pixel(&pixels, x, y);
                bool drawn = abs(at[1] - 128) > 3 || abs(at[0] - 128) > 3;
                bool here =
                    x >= cases[i].x1 && x < cases[i].x2 && y >= cases[i].y1 && y < cases[i].y2;
                inside += drawn && here;
                outside += drawn && !here;
            }
        }
        assert_true(inside > 300);
        assert_int_equal(outside, 0);
        assert_int_equal(has_color(&pixels, 0, 0, 640, 360, 255, 0, 255),
                         cases[i].effect != CFG_EFFECT_NONE);
        free(pixels.bgrx);
    }
    live_object_finish(&object);
}

static void grid_cells(void **state)
{
    struct fixture *fixture = *state;
    struct live *live = server_live(fixture->server);
    AUTO_STR struct str json = {0};
    str_add(&json, "[");
    for (int x = 0; x < 8; x++) {
        str_add(&json, x > 0 ? ",[" : "[");
        for (int y = 0; y < 8; y++) {
            str_add(&json, y > 0 ? "," : "");
            str_add(&json, x == 2 && y == 5 ? "{\"sizes\":[0.1,0.2],\"x\":2,\"y\":5,"
                                              "\"std_dev\":0.05,\"mean\":0.15}"
                                            : "{\"sizes\":[]}");
        }
        str_add(&json, "]");
    }
    str_add(&json, "]");
    AUTO_STR struct str jpeg = {0};
    assert_int_equal(picture_grid(live, fixture->config, yard, str_text(&json), "red", 0.5, &jpeg),
                     -ENOENT);
    fixture_give_ring(fixture, "yard", GREY, 128, 128, wall_seconds(wall_now()));
    assert_int_equal(picture_grid(live, fixture->config, yard, str_text(&json), "red", 0.5, &jpeg),
                     0);
    keep_for_looking("grid.jpg", &jpeg);
    struct pixels pixels = decode_jpeg(&jpeg);
    assert_int_equal(pixels.width, 640);
    const uint8_t *edge = pixel(&pixels, 160, 250); /* x of column 2, in row 5 */
    assert_true(edge[2] > edge[1] + 60);            /* JPEG smears colours */
    const uint8_t *empty = pixel(&pixels, 320, 60);
    assert_true(abs(empty[2] - 128) < 6);
    free(pixels.bgrx);
    assert_int_equal(picture_grid(live, fixture->config, yard, "{}", "red", 0.5, &jpeg), -EBADMSG);
    assert_int_equal(picture_grid(live, fixture->config, yard, "[1", "red", 0.5, &jpeg), -EBADMSG);
}

static void sizes_that_make_sense(void **state)
{
    int width = 0;
    assert_true(picture_size_ok(1280, 720, 360, &width));
    assert_int_equal(width, 640);
    assert_false(picture_size_ok(1280, 720, 0, &width));
    assert_false(picture_size_ok(1280, 720, -1, NULL));
    assert_false(picture_size_ok(1280, 720, PICTURE_MAX_HEIGHT + 1, NULL));
    assert_false(picture_size_ok(2, 1000, 100, NULL)); /* narrower than a pixel */
    assert_false(picture_size_ok(10000, 10, 100, NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(overlays_in_their_colors),
        TEST(sizes_and_formats),
        TEST(no_picture_card),
        TEST(old_boxes_are_no_ghosts),
        TEST(snapshot_crop_geometry),
        TEST(snapshot_as_configured),
        TEST(timestamp_styles),
        TEST(grid_cells),
        cmocka_unit_test(sizes_that_make_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
