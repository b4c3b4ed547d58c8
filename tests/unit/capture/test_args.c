#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "capture/args.h"
#include "config/presets.h"

static void collect(void *context, const char *argument, const char *why)
{
    str_addf(context, "%s %s;", argument, why);
}

static void read_text(struct capture_args *args, enum capture_args_kind kind, const char *text,
                      struct str *complaints)
{
    char copy[600], *state;
    char *items[64];
    struct cfg_list list = {.items = items};
    snprintf(copy, sizeof copy, "%s", text);
    for (char *word = strtok_r(copy, " ", &state); word != NULL;
         word = strtok_r(NULL, " ", &state)) {
        items[list.count++] = word;
    }
    capture_args_read(args, kind, &list, collect, complaints);
}

static const char *option(const struct capture_args *args, const char *name)
{
    const AVDictionaryEntry *entry = av_dict_get(args->format_options, name, NULL, 0);
    return entry != NULL ? entry->value : NULL;
}

static void test_reading(void **state)
{
    struct capture_args args = {0};
    struct str AUTO_STR complaints = {0};
    read_text(&args, CAPTURE_ARGS_INPUT,
              "-re -stream_loop -1 -rtsp_transport tcp -stimeout 5000000 -f live_flv -r 5 "
              "-use_wallclock_as_timestamps 1 -max_delay 500000 -reorder_queue_size 0",
              &complaints);
    assert_string_equal(str_text(&complaints), "");
    assert_true(args.realtime && args.wallclock);
    assert_int_equal(args.stream_loop, -1);
    assert_string_equal(args.format, "live_flv");
    assert_true(args.rate == 5);
    assert_string_equal(option(&args, "rtsp_transport"), "tcp");
    assert_string_equal(option(&args, "timeout"), "5000000");
    assert_string_equal(option(&args, "max_delay"),
                        "500000"); /* libavformat's own, not in our table */
    assert_string_equal(option(&args, "reorder_queue_size"), "0");
    assert_null(option(&args, "stimeout"));
    capture_args_finish(&args);
}

static void test_recording(void **state)
{
    static const struct {
        const char *text;
        const char *video, *audio;
        bool silent;
        double seconds;
    } rows[] = {
        {"-f segment -segment_time 10 -segment_format mp4 -reset_timestamps 1 -strftime 1 -c copy "
         "-an",
         "copy", "copy", true, 10},
        {"-segment_time 20 -c:v copy -c:a aac", "copy", "aac", false, 20},
        {"-vcodec libx264 -acodec copy", "libx264", "copy", false, 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct capture_args args = {0};
        struct str AUTO_STR complaints = {0};
        read_text(&args, CAPTURE_ARGS_RECORD, rows[i].text, &complaints);
        assert_string_equal(str_text(&complaints), "");
        assert_string_equal(args.video_codec, rows[i].video);
        assert_string_equal(args.audio_codec, rows[i].audio);
        assert_int_equal(args.no_audio, rows[i].silent);
        assert_true(args.segment_seconds == rows[i].seconds);
        capture_args_finish(&args);
    }
}

static void test_hardware(void **state)
{
    struct capture_args args = {0};
    struct str AUTO_STR complaints = {0};
    read_text(
        &args, CAPTURE_ARGS_HWACCEL,
        "-hwaccel_flags allow_profile_mismatch -hwaccel vaapi -hwaccel_device /dev/dri/renderD128 "
        "-hwaccel_output_format vaapi -c:v:1 h264_v4l2m2m",
        &complaints);
    assert_string_equal(str_text(&complaints), "");
    assert_string_equal(args.hwaccel, "vaapi");
    assert_string_equal(args.hwaccel_device, "/dev/dri/renderD128");
    assert_string_equal(args.decoder, "h264_v4l2m2m");
    capture_args_finish(&args);
}

static void test_complaints(void **state)
{
    static const struct {
        enum capture_args_kind kind;
        const char *text, *complaint;
    } rows[] = {
        {CAPTURE_ARGS_INPUT, "-no_such_thing 5 -re",
         "-no_such_thing is not known here and left out;"},
        {CAPTURE_ARGS_INPUT, "-no_such_flag -re", "-no_such_flag is not known here and left out;"},
        {CAPTURE_ARGS_INPUT, "-stream_loop", "-stream_loop needs a value;"},
        {CAPTURE_ARGS_INPUT, "-stream_loop many", "-stream_loop needs a whole number;"},
        {CAPTURE_ARGS_INPUT, "stray -re", "stray belongs to no option and is left out;"},
        {CAPTURE_ARGS_INPUT, "-r 0", "-r needs a number above 0;"},
        {CAPTURE_ARGS_DETECT, "-vf hflip", "-vf is not supported and left out;"},
        {CAPTURE_ARGS_RECORD, "-bsf:v x -an", "-bsf:v is not supported and left out;"},
        {CAPTURE_ARGS_RECORD, "-b:v fast", "-b:v needs a number like 500k or 2M;"},
        {CAPTURE_ARGS_GLOBAL, "-hide_banner -loglevel warning -threads 2", ""},
        {CAPTURE_ARGS_DETECT, "-threads 2 -f rawvideo -pix_fmt yuv420p", ""},
        {CAPTURE_ARGS_INPUT, "", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct capture_args args = {0};
        struct str AUTO_STR complaints = {0};
        read_text(&args, rows[i].kind, rows[i].text, &complaints);
        assert_string_equal(str_text(&complaints), rows[i].complaint);
        capture_args_finish(&args);
    }
}

/* Every preset the configuration accepts must be honoured without a word. */
static void test_presets(void **state)
{
    static const struct {
        enum cfg_preset preset;
        enum capture_args_kind kind;
        const char *names[14];
    } rows[] = {
        {CFG_PRESET_INPUT,
         CAPTURE_ARGS_INPUT,
         {"preset-http-jpeg-generic", "preset-http-mjpeg-generic", "preset-http-reolink",
          "preset-rtmp-generic", "preset-rtsp-generic", "preset-rtsp-restream",
          "preset-rtsp-restream-low-latency", "preset-rtsp-udp", "preset-rtsp-blue-iris"}},
        {CFG_PRESET_HWACCEL,
         CAPTURE_ARGS_HWACCEL,
         {"preset-rpi-64-h264", "preset-vaapi", "preset-intel-qsv-h264", "preset-intel-qsv-h265",
          "preset-nvidia", "preset-jetson-h264", "preset-rk-h264"}},
        {CFG_PRESET_RECORD,
         CAPTURE_ARGS_RECORD,
         {"preset-record-generic", "preset-record-generic-audio-aac",
          "preset-record-generic-audio-copy", "preset-record-mjpeg", "preset-record-jpeg",
          "preset-record-ubiquiti"}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        for (size_t n = 0; rows[i].names[n] != NULL; n++) {
            char name[64];
            char *items[] = {name};
            snprintf(name, sizeof name, "%s", rows[i].names[n]);
            struct cfg_list list = {items, 1}, expanded = {0};
            struct cfg_preset_values values = {
                .fps = 5, .width = 1280, .height = 720, .gpu = "/dev/x"};
            config_presets_expand(rows[i].preset, &list, &values, &expanded);
            assert_true(expanded.count > 0);
            struct capture_args args = {0};
            struct str AUTO_STR complaints = {0};
            capture_args_read(&args, rows[i].kind, &expanded, collect, &complaints);
            assert_string_equal(str_text(&complaints), "");
            capture_args_finish(&args);
            config_list_finish(&expanded);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading),  cmocka_unit_test(test_recording),
        cmocka_unit_test(test_hardware), cmocka_unit_test(test_complaints),
        cmocka_unit_test(test_presets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
