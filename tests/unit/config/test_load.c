/* Whole configurations: inheritance, what follows from other values, what /api/config shows. */
#include "help.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/table.h"
#include "config/tree.h"

static const struct cfg_camera *cam(const struct loaded *loaded)
{
    assert_loads(loaded);
    const struct cfg_camera *camera = config_camera(loaded->config, "cam");
    assert_non_null(camera);
    return camera;
}

static void minimal(void **state)
{
    AUTO_LOADED l = load(MINIMAL);
    const struct cfg_camera *c = cam(&l);
    assert_int_equal(l.config->camera_count, 1);
    assert_true(c->enabled);
    assert_int_equal(c->ffmpeg.count, 1);
    assert_string_equal(c->ffmpeg.inputs[0].path, "rtsp://cam/1");
    assert_int_equal(c->ffmpeg.inputs[0].roles, CFG_ROLE_DETECT | CFG_ROLE_RECORD);
    assert_int_equal(c->detect.width, 0);
    assert_int_equal(c->detect.min_initialized, 2);
    assert_int_equal(c->detect.max_disappeared, 25);
    assert_int_equal(c->detect.stationary.interval, 50);
    assert_int_equal(c->detect.stationary.threshold, 50);
    assert_false(c->detect.stationary.max_frames.default_frames.has);
    assert_string_equal(c->live.stream_name, "cam");
    assert_int_equal(c->timestamp_style.effect, CFG_EFFECT_NONE);
    assert_true(l.config->database.is_default);
    assert_int_equal(l.config->detector_count, 1);
    assert_string_equal(l.config->detectors[0].type, "cpu");
    assert_int_equal(l.config->global.record.expire_interval, 60);
    assert_int_equal(l.config->global.detect.min_initialized, 2);
    assert_int_equal(l.config->logger.default_level, LOG_INFO);
    assert_null(l.config->mqtt.user);
    assert_false(l.config->mqtt.tls_insecure.has);
    assert_true(l.config->version == 0.14);
    assert_int_equal(config_camera_index(l.config, "cam"), 0);
    assert_int_equal(config_camera_index(l.config, "other"), -1);
    assert_null(config_camera(l.config, "other"));
}

static void freeing_nothing(void **state)
{
    config_free(NULL);
    struct cfg_issues none = {0};
    config_issues_finish(&none);
}

static void inheritance(void **state)
{
    AUTO_LOADED l =
        load(TOP "record: {enabled: true, retain: {days: 3}, events: {objects: [dog]}}\n"
                 "objects: {track: [person, dog], filters: {dog: {min_area: 7}}}\n"
                 "detect: {fps: 8, width: 640, height: 480}\n"
                 "snapshots: {height: 100}\n"
                 "birdseye: {mode: motion, quality: 3, enabled: false}\n" CAMERA
                 "    record: {retain: {mode: motion}, events: {objects: }}\n"
                 "    objects: {track: [cat], filters: {dog: {max_area: 9}}}\n"
                 "    detect: {fps: 4}\n"
                 "    snapshots: {height: }\n"
                 "    birdseye: {order: 4}\n"
                 "  plain: {ffmpeg: {inputs: [{path: x}]}}\n");
    const struct cfg_camera *c = cam(&l);
    assert_true(c->record.enabled);
    assert_true(c->record.retain.days == 3.0);                  /* maps merge deep */
    assert_int_equal(c->record.retain.mode, CFG_RETAIN_MOTION); /* and the camera wins */
    assert_false(c->record.events.has_objects);                 /* null blocks the global list */
    assert_false(c->snapshots.height.has);
    assert_int_equal(c->objects.track.count, 1); /* lists are replaced */
    assert_string_equal(c->objects.track.items[0], "cat");
    assert_int_equal(config_filter(&c->objects.filters, "dog")->min_area, 7);
    assert_int_equal(config_filter(&c->objects.filters, "dog")->max_area, 9);
    assert_int_equal(c->detect.fps, 4);
    assert_int_equal(c->detect.width, 640);
    assert_int_equal(c->detect.max_disappeared, 20);
    assert_int_equal(c->birdseye.mode, CFG_BIRDSEYE_MOTION);
    assert_int_equal(c->birdseye.order, 4);
    assert_false(c->birdseye.enabled);
    assert_int_equal(l.config->birdseye.quality, 3);
    const struct cfg_camera *plain = config_camera(l.config, "plain");
    assert_int_equal(plain->detect.fps, 8);
    assert_true(plain->snapshots.height.has);
    assert_int_equal(plain->objects.track.count, 2);
    assert_true(plain->record.events.has_objects);
}

static void attribute_filters(void **state)
{
    AUTO_LOADED l = load(TOP "objects: {filters: {face: {min_score: 0.5, threshold: 0.8},"
                             " ups: {min_score: 0.6}}}\n" CAMERA
                             "    objects: {filters: {amazon: {min_score: 0.5}}}\n");
    const struct cfg_camera *c = cam(&l);
    assert_true(config_filter(&c->objects.filters, "face")->min_score == 0.7);
    assert_true(config_filter(&c->objects.filters, "face")->threshold == 0.8);
    assert_true(config_filter(&c->objects.filters, "ups")->min_score == 0.6);
    assert_true(config_filter(&c->objects.filters, "fedex")->min_score == 0.7);
    assert_true(config_filter(&c->objects.filters, "amazon")->min_score == 0.5);
    assert_true(config_filter(&c->objects.filters, "person")->min_score == 0.5);
    assert_true(config_filter(&c->objects.filters, "nothing such")->threshold == 0.7);
    assert_true(config_is_attribute("license_plate"));
    assert_false(config_is_attribute("person"));
    assert_true(config_attribute_fits("license_plate", "car"));
    assert_true(config_attribute_fits("amazon", "person"));
    assert_false(config_attribute_fits("face", "car"));
}

static void coercion(void **state)
{
    AUTO_LOADED l = load(TOP "ui: {timezone: UTC}\n"
                             "record: {enabled: 'YES', retain: {days: '2.5'}}\n"
                             "detect: {fps: '4', width: 640.0, height: 0o}\n" CAMERA);
    assert_null(l.config);
    assert_int_equal(l.issues.count >= 1, 1);
    assert_true(has_error(&l, "detect.height", "whole number"));
    AUTO_LOADED ok = load(TOP "record: {enabled: 'YES', retain: {days: '2.5'}}\n"
                              "audio: {enabled: n}\n"
                              "snapshots: {enabled: 1, timestamp: 'T', crop: on}\n"
                              "detect: {fps: '4', width: 640.0, height: '480'}\n" CAMERA);
    const struct cfg_camera *c = cam(&ok);
    assert_true(c->record.enabled);
    assert_true(c->record.retain.days == 2.5);
    assert_true(c->snapshots.enabled && c->snapshots.timestamp && c->snapshots.crop);
    assert_int_equal(c->detect.fps, 4);
    assert_int_equal(c->detect.width, 640);
    assert_int_equal(c->detect.height, 480);
}

static void roles_of_one_input(void **state)
{
    AUTO_LOADED none = load(TOP "cameras: {cam: {ffmpeg: {inputs: [{path: x}]}}}\n");
    assert_int_equal(cam(&none)->ffmpeg.inputs[0].roles, CFG_ROLE_DETECT | CFG_ROLE_RECORD);
    AUTO_LOADED audio = load(TOP "cameras: {cam: {audio: {enabled: true}, ffmpeg: {inputs: "
                                 "[{path: x, roles: [audio]}]}}}\n");
    assert_int_equal(cam(&audio)->ffmpeg.inputs[0].roles,
                     CFG_ROLE_DETECT | CFG_ROLE_RECORD | CFG_ROLE_AUDIO);
    assert_true(cam(&audio)->audio.enabled_in_config);
}

static void arguments(void **state)
{
    AUTO_LOADED l =
        load(TOP "ffmpeg: {hwaccel_args: preset-vaapi, global_args: -a 'b c' \"d\\\"e\" f\\ g ''}\n"
                 "cameras:\n  cam:\n    ffmpeg:\n      input_args: [-x, 5]\n"
                 "      inputs:\n"
                 "        - {path: x, roles: [detect], hwaccel_args: preset-nvidia}\n"
                 "        - {path: y, roles: [record], input_args: preset-rtsp-udp}\n");
    const struct cfg_camera *c = cam(&l);
    const struct cfg_list *args = &c->ffmpeg.inputs[0].global_args;
    assert_int_equal(args->count, 5);
    assert_string_equal(args->items[1], "b c");
    assert_string_equal(args->items[2], "d\"e");
    assert_string_equal(args->items[3], "f g");
    assert_string_equal(args->items[4], "");
    assert_string_equal(c->ffmpeg.inputs[0].hwaccel_args.items[0], "preset-nvidia");
    assert_true(c->ffmpeg.inputs[0].own_hwaccel_args);
    assert_string_equal(c->ffmpeg.inputs[1].hwaccel_args.items[0], "preset-vaapi");
    assert_false(c->ffmpeg.inputs[1].own_hwaccel_args);
    assert_string_equal(c->ffmpeg.inputs[0].input_args.items[1], "5");
    assert_string_equal(c->ffmpeg.inputs[1].input_args.items[0], "preset-rtsp-udp");
}

static void check_polygon(const struct cfg_polygon *polygon, const float *xy, size_t count)
{
    assert_int_equal(polygon->count, count);
    for (size_t i = 0; i < count * 2; i++) {
        if (fabsf(polygon->xy[i] - xy[i]) > 1e-6f) {
            fail_msg("number %zu is %g, not %g", i, (double)polygon->xy[i], (double)xy[i]);
        }
    }
}

static void coordinates(void **state)
{
    static const struct {
        const char *yaml;
        const char *text; /* first text as shown */
        float xy[6];
    } rows[] = {
        {"'0.1,0.2,0.5,0.2,0.5,1'", "0.1,0.2,0.5,0.2,0.5,1", {0.1f, 0.2f, 0.5f, 0.2f, 0.5f, 1}},
        {"'0,0,320,0,640,480'", "0.0,0.0,0.5,0.0,1.0,1.0", {0, 0, 0.5f, 0, 1, 1}},
        {"['0,0', '320,0', '640,480']", "0.0,0.0", {0, 0, 0.5f, 0, 1, 1}},
        {"['0,0', '0.5,0', '1,1']", "0,0", {0, 0, 0.5f, 0, 1, 1}},
        {"'0,0,1,0,1,1'", "0,0,1,0,1,1", {0, 0, 1, 0, 1, 1}}, /* a lone 1 is a part */
        {"'0,0,1.0,0,1.00,1'", "0,0,1.0,0,1.00,1", {0, 0, 1, 0, 1, 1}},
        {"' 0, 0 , 2,0, 2, 4 '",
         "0.0,0.0,0.003,0.0,0.003,0.008",
         {0, 0, 0.003f, 0, 0.003f, 0.008f}},
        {"'1,1,100,1,100,100'",
         "0.002,0.002,0.156,0.002,0.156,0.208",
         {0.002f, 0.002f, 0.156f, 0.002f, 0.156f, 0.208f}},
        {"'0,0,1e-1,0,.5,5.e-1'", "0,0,1e-1,0,.5,5.e-1", {0, 0, 0.1f, 0, 0.5f, 0.5f}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        AUTO_STR struct str text = {0};
        str_addf(&text,
                 MINIMAL "    detect: {width: 640, height: 480}\n"
                         "    zones: {z: {coordinates: %s}}\n",
                 rows[i].yaml);
        AUTO_LOADED l = load(str_text(&text));
        const struct cfg_zone *zone = &cam(&l)->zones[0];
        assert_string_equal(zone->coordinates.text.items[0], rows[i].text);
        assert_int_equal(zone->coordinates.count, 1);
        check_polygon(&zone->coordinates.polygons[0], rows[i].xy, 3);
    }
}

static void masks(void **state)
{
    AUTO_LOADED l = load(MINIMAL "    detect: {width: 640, height: 480}\n"
                                 "    motion: {mask: ['0,0,64,0,64,48', '0.5,0.5,1,0.5,1,1']}\n"
                                 "    objects:\n      track: [person, car]\n"
                                 "      mask: 0,0,320,0,320,240\n"
                                 "      filters: {car: {mask: '0.5,0,1,0,1,1'}}\n");
    const struct cfg_camera *c = cam(&l);
    assert_int_equal(c->motion.mask.count, 2);
    assert_string_equal(c->motion.mask.text.items[0], "0.0,0.0,0.1,0.0,0.1,0.1");
    assert_string_equal(c->motion.mask.text.items[1], "0.5,0.5,1,0.5,1,1");
    assert_string_equal(c->objects.mask.text.items[0], "0,0,320,0,320,240"); /* as written */
    assert_int_equal(c->objects.mask.count, 1);
    const struct cfg_filter *car = config_filter(&c->objects.filters, "car");
    assert_int_equal(car->mask.count, 2); /* its own, then the one for all */
    assert_string_equal(car->mask.text.items[0], "0.5,0,1,0,1,1");
    assert_string_equal(car->mask.text.items[1], "0.0,0.0,0.5,0.0,0.5,0.5");
    const struct cfg_filter *person = config_filter(&c->objects.filters, "person");
    assert_int_equal(person->mask.count, 1);
    assert_true(person->mask.is_list);
}

static void a_mask_of_nothing(void **state)
{
    AUTO_LOADED l = load(MINIMAL "    motion: {mask: ''}\n    objects: {mask: []}\n");
    const struct cfg_camera *c = cam(&l);
    assert_int_equal(c->motion.mask.count, 0);
    assert_int_equal(c->objects.mask.count, 0);
    assert_false(config_filter(&c->objects.filters, "person")->mask.present);
}

static void zone_lists(void **state)
{
    AUTO_LOADED l = load(MINIMAL "    objects: {track: [person, car]}\n    zones:\n"
                                 "      a: {coordinates: '0,0,1,0,1,1', objects: car}\n"
                                 "      b: {coordinates: '0,0,1,0,1,1', objects: 'person, car'}\n"
                                 "      c: {coordinates: '0,0,1,0,1,1'}\n"
                                 "    review: {alerts: {required_zones: b}}\n");
    const struct cfg_camera *c = cam(&l);
    assert_int_equal(c->zone_count, 3);
    assert_int_equal(c->zones[0].objects.count, 1);
    assert_int_equal(c->zones[1].objects.count, 2);
    assert_string_equal(c->zones[1].objects.items[1], "car");
    assert_int_equal(c->zones[2].objects.count, 0);
    assert_int_equal(c->review.alerts.required_zones.count, 1);
    assert_int_equal(c->zones[1].color[0], 255);
    assert_int_equal(c->zones[1].color[2], 14);
}

static void many_zone_colors(void **state)
{
    AUTO_STR struct str text = {0};
    str_add(&text, MINIMAL "    zones:\n");
    for (int i = 0; i < 12; i++) {
        str_addf(&text, "      z%d: {coordinates: '0,0,1,0,1,1'}\n", i);
    }
    AUTO_LOADED l = load(str_text(&text));
    const struct cfg_camera *c = cam(&l);
    /* (31,119,180) a third of the way to (255,127,14), cut to whole numbers. */
    assert_int_equal(c->zones[10].color[0], 31 + 224 / 3);
    assert_int_equal(c->zones[10].color[1], 119 + 8 / 3);
    assert_int_equal(c->zones[10].color[2], 124);
    str_add(&text, "      last: {coordinates: '0,0,1,0,1,1'}\n");
    AUTO_LOADED more = load(str_text(&text));
    assert_int_equal(cam(&more)->zone_count, 13);
}

static void label_colors(void **state)
{
    AUTO_LOADED l =
        load(TOP "objects: {track: [person, cat]}\n" CAMERA "    objects: {track: [zebra, cat]}\n");
    assert_loads(&l);
    uint8_t color[3];
    assert_int_equal(l.config->colormap.count, 3);
    config_color(l.config, "cat", color); /* first by the alphabet */
    assert_int_equal(color[0], 31);
    assert_int_equal(color[2], 180);
    config_color(l.config, "zebra", color);
    assert_int_equal(color[0], 44);
    config_color(l.config, "unheard of", color);
    assert_int_equal(color[0], color[1]);
}

static void substitution(void **state)
{
    setenv("FRIGATE_TEST_USER", "us{er", 1);
    setenv("FRIGATE_TEST_SECRET", "p@ss", 1);
    AUTO_LOADED l = load("mqtt: {enabled: false, user: '{FRIGATE_TEST_USER}',"
                         " password: 'a{{{FRIGATE_TEST_SECRET}}}b'}\n"
                         "cameras: {cam: {ffmpeg: {inputs: [{path: "
                         "'rtsp://{FRIGATE_TEST_USER}:{FRIGATE_TEST_SECRET}@h/'}]},"
                         " timestamp_style: {format: '{FRIGATE_TEST_USER}'}}}\n");
    const struct cfg_camera *c = cam(&l);
    assert_string_equal(l.config->mqtt.user, "us{er");
    assert_string_equal(l.config->mqtt.password, "a{p@ss}b");
    assert_string_equal(c->ffmpeg.inputs[0].path, "rtsp://us{er:p@ss@h/");
    assert_string_equal(c->timestamp_style.format, "{FRIGATE_TEST_USER}"); /* not one of the keys */
    assert_null(strstr(l.config->api_json, "p@ss"));
}

static void demo_model(void **state)
{
    AUTO_LOADED l = load(MINIMAL);
    assert_loads(&l);
    assert_true(has_warning(&l, "model.path", "demo model"));
    const struct cfg_model *model = &l.config->detectors[0].model;
    assert_true(model->is_demo && l.config->model.is_demo);
    assert_null(model->path);
    assert_int_equal(model->width, 320);
    assert_int_equal(model->input_tensor, CFG_TENSOR_NCHW);
    assert_int_equal(model->model_type, CFG_MODEL_YOLO_GENERIC);
    static const struct {
        const char *path;
        bool is_demo;
    } inputs[] = {
        {"/x/demo-yard.mp4", true},
        {"demo.mp4", true},
        {"/data/scenes/a.mp4", true},
        {"scenes/a.mp4", true},
        {"/data/myscenes/a.mp4", false},
        {"/data/scenes/b/a.mp4", false},
        {"rtsp://h/scenes/a", false},
        {"rtsp://h/demo", false},
        {"a.mp4", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(inputs); i++) {
        AUTO_STR struct str text = {0};
        str_addf(&text, TOP "cameras: {cam: {ffmpeg: {inputs: [{path: '%s'}]}}}\n", inputs[i].path);
        AUTO_LOADED demo = load(str_text(&text));
        assert_loads(&demo);
        assert_int_equal(!has_warning(&demo, NULL, "demo model is loaded"), inputs[i].is_demo);
    }
    AUTO_LOADED own = load(TOP "model: {path: /dev/null, width: 416, model_type: yolox}\n"
                               "detectors: {a: {type: edgetpu, device: usb},"
                               " b: {type: onnx, model: {path: /dev/zero}}}\n" CAMERA);
    assert_loads(&own);
    assert_false(own.config->model.is_demo);
    assert_true(own.config->detectors[0].substituted);
    assert_true(has_warning(&own, "detectors.a.type", "cpu runs in its place"));
    assert_string_equal(own.config->detectors[0].model.path, "/dev/null");
    assert_string_equal(own.config->detectors[1].model.path, "/dev/zero");
    assert_int_equal(own.config->detectors[1].model.width, 416);
    assert_false(own.config->detectors[1].substituted);
}

static void old_form(void **state)
{
    AUTO_LOADED l = load(TOP "ui: {live_mode: mse, use_experimental: true}\n"
                             "rtmp: {enabled: true}\n"
                             "ffmpeg: {output_args: {rtmp: -c copy}}\n"
                             "record: {events: {required_zones: [yard]}}\n"
                             "cameras:\n  cam:\n    rtmp: {enabled: false}\n"
                             "    record: {enabled: true, events: {required_zones: [door]}}\n"
                             "    zones: {yard: {coordinates: '0,0,1,0,1,1'},"
                             " door: {coordinates: '0,0,1,0,1,1'}}\n"
                             "    ffmpeg: {inputs: [{path: x, roles: [detect, rtmp]}]}\n");
    const struct cfg_camera *c = cam(&l);
    assert_true(has_warning(&l, "ui.live_mode", "removed"));
    assert_true(has_warning(&l, "cameras.cam.rtmp", "removed"));
    assert_true(has_warning(&l, "ffmpeg.output_args.rtmp", "removed"));
    assert_true(has_warning(&l, "cameras.cam.record.events.required_zones", "since 0.14"));
    assert_int_equal(c->review.alerts.required_zones.count, 1);
    assert_string_equal(c->review.alerts.required_zones.items[0], "door");
    assert_true(c->record.enabled);
    assert_int_equal(l.config->global.review.alerts.required_zones.count, 1);
    assert_error(TOP "version: 0.14\nrtmp: {}\n" CAMERA, "rtmp", "unknown key");
}

/* --- /api/config ------------------------------------------------------------------------------ */

static json_t *answer_of(const struct loaded *loaded)
{
    json_error_t error;
    assert_loads(loaded);
    json_t *answer = json_loads(loaded->config->api_json, JSON_REJECT_DUPLICATES, &error);
    if (answer == NULL) {
        fail_msg("no JSON: %s", error.text);
    }
    return answer;
}

static const char *text_at(json_t *at, const char *dotted)
{
    while (*dotted != '\0') {
        char key[64];
        size_t length = strcspn(dotted, "/");
        snprintf(key, sizeof key, "%.*s", (int)length, dotted);
        at = json_is_array(at) ? json_array_get(at, (size_t)atoi(key)) : json_object_get(at, key);
        dotted += length + (dotted[length] == '/');
    }
    return json_string_value(at);
}

static void secrets_are_masked(void **state)
{
    AUTO_LOADED l = load_file("full.yml");
    assert_loads(&l);
    assert_null(strstr(l.config->api_json, "hush"));
    assert_null(strstr(l.config->api_json, "p@ss"));
    assert_null(strstr(l.config->api_json, "user:pass"));
    json_t *a = answer_of(&l);
    assert_null(json_object_get(json_object_get(a, "mqtt"), "password"));
    assert_non_null(json_object_get(json_object_get(a, "mqtt"), "user"));
    assert_null(json_object_get(json_object_get(a, "proxy"), "auth_secret"));
    assert_string_equal(text_at(a, "cameras/back/onvif/password"), "*");
    assert_string_equal(text_at(a, "cameras/back/webui_url"), "http://*:*@10.0.0.2/");
    assert_string_equal(text_at(a, "cameras/back/ffmpeg/inputs/1/path"),
                        "rtsp://10.0.0.2:554/main?user=*&password=*");
    assert_string_equal(text_at(a, "environment_vars/CLOUD_TOKEN"), "*");
    assert_string_equal(text_at(a, "environment_vars/LIBVA_DRIVER_NAME"), "i965");
    assert_string_equal(text_at(a, "go2rtc/streams/back/0"), "rtsp://*:*@cam/1");
    assert_string_equal(text_at(a, "go2rtc/rtsp/password"), "*");
    assert_string_equal(text_at(a, "detectors/two/api_key"), "*");
    assert_string_equal(text_at(a, "detectors/two/api_url"),
                        "http://*:*@stack:5000/v1/vision/detection");
    assert_string_equal(text_at(a, "detectors/two/pipeline"), "extra");
    json_decref(a);
}

static void urls(void **state)
{
    static const char *const rows[][2] = {
        {"rtsp://user:pass@host/x", "rtsp://*:*@host/x"},
        {"rtsp://user:p@ss/w?rd@host/x", "rtsp://*:*@host/x"},
        {"rtsp://us.er%40x:pass@host/x", "rtsp://*:*@host/x"},
        {"rtsp://host:554/a@b", "rtsp://*:*@b"}, /* cannot be told from a user "host" */
        {"rtsp://10.0.0.1:554/a@b", "rtsp://10.0.0.1:554/a@b"},
        {"rtsp://host/x", "rtsp://host/x"},
        {"rtsp://user@host/x", "rtsp://user@host/x"},
        {"http://h/?user=a&password=b", "http://h/?user=*&password=*"},
        {"http://h/?user=a&password=b&c=d#e", "http://h/?user=*&password=*"},
        {"http://h/?x=1&pwd=b&c=d", "http://h/?x=1&pwd=*&c=d"},
        {"http://h/?user=a&c=d", "http://h/?user=a&c=d"},
        {"http://h/?TOKEN=b#x", "http://h/?TOKEN=*#x"},
        {"ffmpeg -i rtsp://a:b@c -i rtsp://d:e@f", "ffmpeg -i rtsp://*:*@c -i rtsp://*:*@f"},
        {"ffmpeg:rtsp://a:b@c/d#video=copy", "ffmpeg:rtsp://*:*@c/d#video=copy"},
        {"/path/of/a.mp4", "/path/of/a.mp4"},
        {"", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        AUTO_STR struct str masked = {0};
        config_mask_url(rows[i][0], &masked);
        assert_string_equal(str_text(&masked), rows[i][1]);
    }
}

static bool numbers_equal(const json_t *a, const json_t *b)
{
    return json_is_number(a) && json_is_number(b) &&
           fabs(json_number_value(a) - json_number_value(b)) <= 1e-9;
}

/* "$.cameras.*.ffmpeg_cmds" and "*.raw_mask": '*' is any run of characters. */
static bool matches(const char *pattern, const char *path)
{
    for (; *pattern != '\0' && *pattern != '*'; pattern++, path++) {
        if (*pattern != *path) {
            return false;
        }
    }
    if (*pattern == '\0') {
        return *path == '\0';
    }
    for (; *path != '\0'; path++) {
        if (matches(pattern + 1, path)) {
            return true;
        }
    }
    return matches(pattern + 1, path);
}

static bool is_ignored(const json_t *ignore, const char *path)
{
    size_t i;
    const json_t *pattern;
    json_array_foreach(ignore, i, pattern)
    {
        if (matches(json_string_value(pattern), path)) {
            return true;
        }
    }
    return false;
}

/* Like the corpus' own comparison: the answer may hold more keys than are expected. */
static void compare(const json_t *ignore, const char *path, const json_t *expected,
                    const json_t *got)
{
    if (is_ignored(ignore, path) || numbers_equal(expected, got)) {
        return;
    }
    if (got == NULL || json_typeof(expected) != json_typeof(got)) {
        fail_msg("%s: absent or of another type", path);
    }
    if (json_is_object(expected)) {
        const char *key;
        json_t *value;
        json_object_foreach((json_t *)expected, key, value)
        {
            char below[512];
            snprintf(below, sizeof below, "%s.%s", path, key);
            compare(ignore, below, value, json_object_get(got, key));
        }
    } else if (json_is_array(expected)) {
        if (json_array_size(expected) != json_array_size(got)) {
            fail_msg("%s: %zu items, not %zu", path, json_array_size(got),
                     json_array_size(expected));
        }
        for (size_t i = 0; i < json_array_size(expected); i++) {
            char below[512];
            snprintf(below, sizeof below, "%s[%zu]", path, i);
            compare(ignore, below, json_array_get(expected, i), json_array_get(got, i));
        }
    } else if (!json_equal(expected, got)) {
        fail_msg("%s: differs", path);
    }
}

static json_t *expected_answer(void)
{
    json_error_t error;
    json_t *golden = json_load_file(CONFIG_TEST_DATA "/golden.json", 0, &error);
    if (golden == NULL) {
        fail_msg("golden.json: %s", error.text);
    }
    return golden;
}

static void golden(void **state)
{
    unsetenv("PLUS_API_KEY");
    AUTO_LOADED l = load_file("golden.yml");
    json_t *got = answer_of(&l), *expected = expected_answer();
    compare(json_object_get(expected, "ignore"), "$", json_object_get(expected, "body"), got);
    json_decref(expected);
    json_decref(got);
}

/* The comparison above must be able to fail. */
static void golden_is_compared(void **state)
{
    json_t *expected = expected_answer();
    const json_t *ignore = json_object_get(expected, "ignore");
    assert_true(is_ignored(ignore, "$.cameras.back-yard.ffmpeg_cmds"));
    assert_true(is_ignored(ignore, "$.objects.filters.person.raw_mask"));
    assert_false(is_ignored(ignore, "$.cameras.back-yard.detect.fps"));
    assert_false(numbers_equal(json_object_get(expected, "ignore"), ignore));
    json_decref(expected);
}

static void assert_sorted(json_t *value)
{
    const char *key, *before = "";
    json_t *below;
    size_t i;
    if (json_is_object(value)) {
        json_object_foreach(value, key, below)
        {
            assert_true(strcmp(before, key) < 0);
            before = key;
            assert_sorted(below);
        }
    }
    json_array_foreach(value, i, below)
    {
        assert_sorted(below);
    }
}

static void keys_are_sorted_and_text_is_compact(void **state)
{
    AUTO_LOADED l = load_file("full.yml");
    json_t *a = answer_of(&l); /* jansson keeps the order of the text */
    assert_sorted(a);
    AUTO_FREE char *again = json_dumps(a, JSON_COMPACT | JSON_ENSURE_ASCII);
    assert_int_equal(strchr(l.config->api_json, '\n') == NULL, 1);
    assert_null(strstr(l.config->api_json, "\": "));
    assert_non_null(again);
    json_decref(a);
}

/* Clients take a higher number for features that are not there. */
static void version_stays(void **state)
{
    AUTO_LOADED l = load("version: 0.16\n" MINIMAL);
    assert_loads(&l);
    assert_true(has_warning(&l, "version", "later form"));
    assert_non_null(strstr(l.config->api_json, "\"version\":0.14}"));
}

static void plus_key(void **state)
{
    setenv("PLUS_API_KEY",
           "01234567-89ab-cdef-0123-456789abcdef:0123456789012345678901234567890123456789", 1);
    AUTO_LOADED l = load(MINIMAL);
    assert_non_null(strstr(l.config->api_json, "\"plus\":{\"enabled\":true}"));
    setenv("PLUS_API_KEY", "01234567-89ab-cdef-0123-456789abcdef:short", 1);
    AUTO_LOADED wrong = load(MINIMAL);
    assert_non_null(strstr(wrong.config->api_json, "\"plus\":{\"enabled\":false}"));
    unsetenv("PLUS_API_KEY");
}

/* --- the sample with every key ------------------------------------------------------------------
 */

static const struct cfg_node *down(const struct cfg_node *at, const char *dotted)
{
    while (at != NULL && *dotted != '\0') {
        char key[64];
        size_t length = strcspn(dotted, ".");
        snprintf(key, sizeof key, "%.*s", (int)length, dotted);
        at = at->kind == CFG_LIST ? at->items[atoi(key)] : cfg_get(at, key);
        dotted += length + (dotted[length] == '.');
    }
    return at;
}

static void sample_has_every_key(void **state)
{
    static const struct {
        enum cfg_block block;
        unsigned scope;
        const char *where[2];
    } places[] = {
        {CFG_B_ROOT, CFG_GLOBAL, {""}},
        {CFG_B_CAMERA, CFG_GLOBAL, {""}},
        {CFG_B_CAMERA, CFG_CAMERA, {"cameras.back"}},
        {CFG_B_INPUT, CFG_CAMERA, {"cameras.back.ffmpeg.inputs.0"}},
        {CFG_B_ZONE, CFG_CAMERA, {"cameras.back.zones.yard"}},
        {CFG_B_FILTER, CFG_GLOBAL, {"objects.filters.person"}},
        {CFG_B_FILTER, CFG_CAMERA, {"cameras.back.zones.yard.filters.person"}},
        {CFG_B_AUDIO_FILTER, CFG_GLOBAL, {"audio.filters.bark"}},
        {CFG_B_MODEL, CFG_GLOBAL, {"model"}},
        {CFG_B_DETECTOR, CFG_GLOBAL, {"detectors.one", "detectors.two"}},
        {CFG_B_GROUP, CFG_GLOBAL, {"camera_groups.all"}},
    };
    AUTO_STR struct str text = {0};
    assert_int_equal(str_read_file(&text, CONFIG_TEST_DATA "/full.yml", 1 << 20), 0);
    struct cfg_arena arena = {0};
    struct cfg_issues issues = {0};
    const struct cfg_node *root = cfg_yaml_parse(&arena, str_text(&text), text.length, &issues);
    assert_non_null(root);
    for (size_t p = 0; p < ARRAY_SIZE(places); p++) {
        for (size_t i = 0; i < cfg_row_count; i++) {
            const struct cfg_row *row = &cfg_rows[i];
            bool wanted = row->in == places[p].block && (row->flags & CFG_F_DERIVED) == 0 &&
                          (row->scope == 0 || (row->scope & places[p].scope) != 0);
            bool found = down(down(root, places[p].where[0]), row->path) != NULL ||
                         (places[p].where[1] != NULL &&
                          down(down(root, places[p].where[1]), row->path) != NULL);
            if (wanted && !found) {
                fail_msg("full.yml lacks %s of %s", row->path, places[p].where[0]);
            }
        }
    }
    cfg_arena_finish(&arena);
    config_issues_finish(&issues);
}

static void sample_loads(void **state)
{
    AUTO_LOADED l = load_file("full.yml");
    assert_loads(&l);
    for (size_t i = 0; i < l.issues.count; i++) {
        const char *path = l.issues.items[i].path;
        bool expected = strcmp(path, "model.path") == 0 || /* a file that is nowhere */
                        strcmp(path, "corvette.sound_model_path") == 0 ||
                        strcmp(path, "detectors.two.pipeline") == 0;
        if (!expected) {
            fail_msg("%s", said(&l));
        }
    }
    const struct cfg_camera *c = config_camera(l.config, "back");
    assert_int_equal(l.config->auth.session_length, 5400);
    assert_int_equal(l.config->auth.refresh_time, 1800);
    assert_int_equal(l.config->auth.hash_iterations, 1000);
    assert_false(l.config->database.is_default);
    assert_int_equal(c->onvif.autotracking.movement_weights.count, 5);
    assert_string_equal(c->onvif.autotracking.movement_weights.items[4], "0.3");
    assert_string_equal(l.config->detectors[0].device, "0");
    assert_string_equal(l.config->ui.date_style, "full");
    assert_true(config_go2rtc_has(l.config, "front"));
    assert_false(config_go2rtc_has(l.config, "side"));
    assert_true(config_pairs_number(&c->record.events.retain.objects, "car", 1) == 0.5);
    assert_true(config_pairs_number(&c->record.events.retain.objects, "dog", 1) == 1);
}

int main(void)
{
    setenv("FRIGATE_TEST_USER", "user", 1);
    setenv("FRIGATE_TEST_SECRET", "p@ss", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(minimal),
        cmocka_unit_test(freeing_nothing),
        cmocka_unit_test(inheritance),
        cmocka_unit_test(attribute_filters),
        cmocka_unit_test(coercion),
        cmocka_unit_test(roles_of_one_input),
        cmocka_unit_test(arguments),
        cmocka_unit_test(coordinates),
        cmocka_unit_test(masks),
        cmocka_unit_test(a_mask_of_nothing),
        cmocka_unit_test(zone_lists),
        cmocka_unit_test(many_zone_colors),
        cmocka_unit_test(label_colors),
        cmocka_unit_test(substitution),
        cmocka_unit_test(demo_model),
        cmocka_unit_test(old_form),
        cmocka_unit_test(secrets_are_masked),
        cmocka_unit_test(urls),
        cmocka_unit_test(golden),
        cmocka_unit_test(golden_is_compared),
        cmocka_unit_test(keys_are_sorted_and_text_is_compact),
        cmocka_unit_test(version_stays),
        cmocka_unit_test(plus_key),
        cmocka_unit_test(sample_has_every_key),
        cmocka_unit_test(sample_loads),
    };
    return cmocka_run_group_tests_name("config load", tests, NULL, NULL);
}
