/* Presets, the commands made of them, label maps. */
#include "help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "config/presets.h"

static struct cfg_list one(const char *text)
{
    struct cfg_list list = {0};
    config_list_add(&list, text);
    return list;
}

static void assert_list(struct cfg_list *list, const char *expected)
{
    AUTO_STR struct str joined = {0};
    for (size_t i = 0; i < list->count; i++) {
        str_addf(&joined, "%s%s", i > 0 ? "|" : "", list->items[i]);
    }
    assert_string_equal(str_text(&joined), expected);
    config_list_finish(list);
}

static void expansion(void **state)
{
    static const struct {
        enum cfg_preset kind;
        const char *name;
        const char *expected;
    } rows[] = {
        {CFG_PRESET_INPUT, "preset-rtsp-generic",
         "-user_agent|FFmpeg Frigate/0.14.1|-avoid_negative_ts|make_zero|-fflags|"
         "+genpts+discardcorrupt|-rtsp_transport|tcp|-timeout|5000000|"
         "-use_wallclock_as_timestamps|1"},
        {CFG_PRESET_INPUT, "preset-rtsp-restream-low-latency",
         "-user_agent|FFmpeg Frigate/0.14.1|-rtsp_transport|tcp|-timeout|5000000|-fflags|nobuffer|"
         "-flags|low_delay"},
        {CFG_PRESET_INPUT, "preset-http-jpeg-generic",
         "-r|7|-stream_loop|-1|-f|image2|-avoid_negative_ts|make_zero|-fflags|nobuffer|-flags|"
         "low_delay|-strict|experimental|-fflags|+genpts+discardcorrupt|"
         "-use_wallclock_as_timestamps|1"},
        {CFG_PRESET_INPUT, "preset-rtmp-generic",
         "-avoid_negative_ts|make_zero|-fflags|nobuffer|-flags|low_delay|-strict|experimental|"
         "-fflags|+genpts+discardcorrupt|-rw_timeout|5000000|-use_wallclock_as_timestamps|1|-f|"
         "live_flv"},
        {CFG_PRESET_HWACCEL, "preset-vaapi",
         "-hwaccel_flags|allow_profile_mismatch|-hwaccel|vaapi|-hwaccel_device|/dev/gpu|"
         "-hwaccel_output_format|vaapi"},
        {CFG_PRESET_HWACCEL, "preset-jetson-h265", "-c:v|hevc_nvmpi|-resize|640x480"},
        {CFG_PRESET_HWACCEL, "auto", ""},
        {CFG_PRESET_RECORD, "preset-record-ubiquiti",
         "-f|segment|-segment_time|10|-segment_format|mp4|-reset_timestamps|1|-strftime|1|-c:v|"
         "copy|-ar|44100|-c:a|aac"},
        {CFG_PRESET_RECORD, "-own", "-own"},
        {CFG_PRESET_RECORD, "preset-vaapi", ""}, /* of another table: refused when loading */
    };
    const struct cfg_preset_values values = {
        .fps = 7, .width = 640, .height = 480, .gpu = "/dev/gpu"};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct cfg_list args = one(rows[i].name), out;
        config_presets_expand(rows[i].kind, &args, &values, &out);
        assert_list(&out, rows[i].expected);
        config_list_finish(&args);
    }
}

static void shorthands(void **state)
{
    struct cfg_list args = one("preset-http-jpeg-generic"), out;
    config_presets_expand_input(&args, 2.5, &out);
    assert_string_equal(out.items[1], "2.5");
    config_list_finish(&out);
    config_list_finish(&args);
    args = one("preset-record-generic");
    config_presets_expand_record(&args, &out);
    assert_int_equal(out.count, 13);
    config_list_finish(&out);
    config_list_finish(&args);
}

static void scaling(void **state)
{
    static const char *const rows[][2] = {
        {"preset-rpi-64-h264", "-r|7|-vf|fps=7,scale=640:480"},
        {"preset-nvidia-mjpeg", "-r|7|-vf|fps=7,scale=640:480"},
        {"-hwaccel drm", "-r|7|-vf|fps=7,scale=640:480"},
        {"preset-jetson-h264", "-r|7"},
        {"preset-vaapi", "-r|7|-vf|fps=7,scale_vaapi=w=640:h=480:format=nv12,hwdownload,"
                         "format=nv12,format=yuv420p"},
        {"preset-intel-qsv-h265", "-r|7|-vf|vpp_qsv=framerate=7:w=640:h=480:format=nv12,"
                                  "hwdownload,format=nv12,format=yuv420p"},
    };
    const struct cfg_preset_values values = {.fps = 7, .width = 640, .height = 480};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct cfg_list args = one(rows[i][0]), out;
        config_presets_scale(&args, &values, &out);
        assert_list(&out, rows[i][1]);
        config_list_finish(&args);
    }
}

static void names(void **state)
{
    assert_true(config_preset_exists(CFG_PRESET_INPUT, "preset-rtsp-blue-iris"));
    assert_false(config_preset_exists(CFG_PRESET_HWACCEL, "preset-rtsp-blue-iris"));
    assert_false(config_preset_exists(CFG_PRESET_NONE, "preset-vaapi"));
    assert_string_equal(config_preset_nearest(CFG_PRESET_HWACCEL, "preset-nvida"), "preset-nvidia");
    assert_null(config_preset_nearest(CFG_PRESET_HWACCEL, "preset-toaster-oven"));
    struct cfg_list args = one("preset-x");
    assert_string_equal(config_preset_name(&args), "preset-x");
    config_list_add(&args, "y");
    assert_null(config_preset_name(&args));
    config_list_finish(&args);
}

static void commands(void **state)
{
    AUTO_LOADED l = load(TOP "cameras:\n  cam:\n    detect: {width: 640, height: 480, fps: 4}\n"
                             "    record: {enabled: true}\n"
                             "    ffmpeg:\n      hwaccel_args: ''\n      global_args: [-y, '']\n"
                             "      inputs:\n"
                             "        - {path: 'rtsp://u:p@h/1', roles: [detect], input_args: -a}\n"
                             "        - {path: /b, roles: [record], input_args: -b}\n"
                             "        - {path: /c, roles: [audio]}\n");
    assert_loads(&l);
    const struct cfg_camera *c = &l.config->cameras[0];
    AUTO_STR struct str out = {0};
    assert_true(config_input_command(c, &c->ffmpeg.inputs[0], &out));
    assert_string_equal(str_text(&out),
                        "ffmpeg -y -a -i rtsp://*:*@h/1 -r 4 -vf fps=4,scale=640:480 "
                        "-threads 2 -f rawvideo -pix_fmt yuv420p pipe:");
    str_clear(&out);
    assert_true(config_input_command(c, &c->ffmpeg.inputs[1], &out));
    assert_string_equal(str_text(&out),
                        "ffmpeg -y -b -i /b -f segment -segment_time 10 -segment_format mp4 "
                        "-reset_timestamps 1 -strftime 1 -c copy -an "
                        "/tmp/cache/cam@%Y%m%d%H%M%S%z.mp4");
    str_clear(&out);
    assert_false(config_input_command(c, &c->ffmpeg.inputs[2], &out));
    assert_int_equal(out.length, 0);
}

static void render_node(void **state)
{
    AUTO_FREE char *device = config_gpu_device();
    assert_true(device[0] == '\0' || strncmp(device, "/dev/dri/renderD", 16) == 0);
}

/* --- labels ------------------------------------------------------------------------------------
 */

static char file_name[64];

static void write_file(const char *content)
{
    snprintf(file_name, sizeof file_name, "/tmp/config-labels-XXXXXX");
    int fd = mkstemp(file_name);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
    close(fd);
}

static struct cfg_labels labels_of(const char *content, const struct cfg_pairs *overlay)
{
    struct cfg_labels labels;
    struct err err = ERR_NONE;
    write_file(content);
    struct cfg_model model = {.labelmap_path = file_name, .model_type = CFG_MODEL_SSD};
    if (overlay != NULL) {
        model.labelmap = *overlay;
    }
    assert_true(config_labels_load(&model, &labels, &err));
    remove(file_name);
    return labels;
}

static void label_files(void **state)
{
    struct cfg_labels plain = labels_of("person\n car \r\n\nhot dog", NULL);
    assert_int_equal(plain.count, 91); /* as long as the peer's */
    assert_string_equal(plain.items[0], "person");
    assert_string_equal(plain.items[1], "car");
    assert_string_equal(plain.items[2], "unknown");
    assert_string_equal(plain.items[3], "hot dog");
    assert_string_equal(plain.items[90], "unknown");
    config_labels_free(&plain);
    char two[] = "2", far[] = "100", vehicle[] = "vehicle", odd[] = "odd";
    struct cfg_pair pairs[] = {{.name = two, .text = vehicle}, {.name = far, .text = odd}};
    struct cfg_pairs overlay = {pairs, 2};
    struct cfg_labels numbered =
        labels_of("0  person\n2  car\n5 bus stop\nnot numbered\n", &overlay);
    assert_int_equal(numbered.count, 101);
    assert_string_equal(numbered.items[0], "person");
    assert_string_equal(numbered.items[1], "unknown");
    assert_string_equal(numbered.items[2], "vehicle");
    assert_string_equal(numbered.items[5], "bus stop");
    assert_string_equal(numbered.items[100], "odd");
    config_labels_free(&numbered);
    struct cfg_labels huge = labels_of("99999 x\n4096 y\n4095 z\n", NULL);
    assert_int_equal(huge.count, 4096);
    config_labels_free(&huge);
}

static void usual_labels(void **state)
{
    struct cfg_labels labels;
    struct err err = ERR_NONE;
    char coco80[] = "/labelmap/coco-80.txt", nowhere[] = "/nowhere.txt";
    struct cfg_model model = {.model_type = CFG_MODEL_SSD};
    assert_true(config_labels_load(&model, &labels, &err));
    assert_string_equal(labels.items[0], "person");
    assert_string_equal(labels.items[7], "car"); /* a truck is a car */
    assert_string_equal(labels.items[17], "dog");
    assert_string_equal(labels.items[90], "hair brush");
    config_labels_free(&labels);
    model.model_type = CFG_MODEL_YOLOX;
    assert_true(config_labels_load(&model, &labels, &err));
    assert_string_equal(labels.items[7], "truck");
    assert_string_equal(labels.items[16], "dog");
    assert_string_equal(labels.items[79], "toothbrush");
    config_labels_free(&labels);
    model = (struct cfg_model){.model_type = CFG_MODEL_SSD, .labelmap_path = coco80};
    assert_true(config_labels_load(&model, &labels, &err));
    assert_string_equal(labels.items[16], "dog");
    config_labels_free(&labels);
    model.labelmap_path = nowhere;
    assert_false(config_labels_load(&model, &labels, &err));
    assert_non_null(strstr(err.text, "/nowhere.txt: No such file"));
    config_labels_free(&labels);
}

static void demo_labels(void **state)
{
    write_file("person\ncar\n");
    AUTO_STR struct str folder = {0}, path = {0}, model_path = {0};
    char name[] = "/tmp/config-demo-XXXXXX";
    assert_non_null(mkdtemp(name));
    str_addf(&path, "%s/demo-labels.txt", name);
    str_addf(&model_path, "%s/demo.onnx", name);
    assert_int_equal(rename(file_name, str_text(&path)), 0);
    setenv("CORVETTE_DEMO_MODEL", str_text(&model_path), 1);
    assert_string_equal(config_demo_model_path(), str_text(&model_path));
    assert_string_equal(config_demo_labels_path(), str_text(&path));
    struct cfg_labels labels;
    struct err err = ERR_NONE;
    const struct cfg_model model = {.is_demo = true};
    assert_true(config_labels_load(&model, &labels, &err));
    assert_int_equal(labels.count, 2);
    config_labels_free(&labels);
    assert_warning(TOP "objects: {track: [person, zebra]}\n" CAMERA, "cameras.cam.objects.track",
                   "the demo model knows no \"zebra\"");
    remove(str_text(&path));
    remove(name);
    unsetenv("CORVETTE_DEMO_MODEL");
    assert_non_null(strstr(config_demo_model_path(), "demo.onnx"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expansion),   cmocka_unit_test(shorthands),
        cmocka_unit_test(scaling),     cmocka_unit_test(names),
        cmocka_unit_test(commands),    cmocka_unit_test(render_node),
        cmocka_unit_test(label_files), cmocka_unit_test(usual_labels),
        cmocka_unit_test(demo_labels),
    };
    return cmocka_run_group_tests_name("config presets", tests, NULL, NULL);
}
