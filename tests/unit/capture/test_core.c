/* Whole cameras, without a supervisor: files of every kind played in real time, what is recorded of
 * them and what detection gets to see. All play at once; each test waits for its own. */
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "capture/core.h"
#include "folder.h"
#include "stamped.h"

#define FPS 10
#define WIDTH 320
#define HEIGHT 180
#define PATIENCE_US 60000000
#define SEEN_MAX 1000

#define COPY "-f segment -segment_time 2 -c copy -an"
#define SOUND "-f segment -segment_time 2 -c:v copy -c:a aac"

struct camera;

struct scenario {
    const char *extension;
    struct stamped_options options;
    const char *input_args, *record_args;
    /* Makes something else of the file that was written; NULL = nothing. */
    void (*spoil)(const struct camera *camera);
    int detect_fps; /* 0 = FPS */
};

struct camera {
    const struct scenario *scenario;
    char folder[FOLDER_PATH], file[FOLDER_PATH + 32];
    struct config *config;
    struct frames *frames, *reader; /* the ring, mapped as capture and as others see it */
    struct board_entry entry;
    struct core *core;
    pthread_mutex_t lock;
    struct segment_info segments[64];
    size_t count;
    bool over; /* the file */
    /* what came into the ring */
    uint64_t sequence;
    struct {
        int number;
        double time;
        double lag; /* from that time to when it was in the ring, in seconds */
    } seen[SEEN_MAX];
    size_t seen_count;
};

/* ------------------------------------------------------------------ files with oddities */

/* Copies a file packet by packet; `change` may alter a packet, or leave it out by returning false.
 */
typedef bool (*change_fn)(AVPacket *packet, bool video, int count);

static void remux(const struct camera *camera, enum AVCodecID sound_codec, change_fn change)
{
    char path[sizeof camera->file + 16];
    snprintf(path, sizeof path, "%s.new.%s", camera->file, camera->scenario->extension);
    AVFormatContext *from = NULL, *to = NULL;
    assert_int_equal(avformat_open_input(&from, camera->file, NULL, NULL), 0);
    assert_true(avformat_find_stream_info(from, NULL) >= 0);
    assert_true(avformat_alloc_output_context2(&to, NULL, NULL, path) >= 0);
    for (unsigned i = 0; i < from->nb_streams; i++) {
        AVStream *stream = avformat_new_stream(to, NULL);
        avcodec_parameters_copy(stream->codecpar, from->streams[i]->codecpar);
        stream->codecpar->codec_tag = 0;
        if (stream->codecpar->codec_type == AVMEDIA_TYPE_AUDIO && sound_codec != 0) {
            stream->codecpar->codec_id = sound_codec;
        }
    }
    assert_true(avio_open(&to->pb, path, AVIO_FLAG_WRITE) >= 0);
    assert_true(avformat_write_header(to, NULL) >= 0);
    AVPacket *packet = av_packet_alloc();
    int counts[2] = {0};
    while (av_read_frame(from, packet) == 0) {
        const AVStream *stream = from->streams[packet->stream_index];
        bool video = stream->codecpar->codec_type == AVMEDIA_TYPE_VIDEO;
        av_packet_rescale_ts(packet, stream->time_base, AV_TIME_BASE_Q);
        bool keep = change(packet, video, counts[video]++);
        av_packet_rescale_ts(packet, AV_TIME_BASE_Q, to->streams[packet->stream_index]->time_base);
        if (keep) {
            assert_int_equal(av_write_frame(to, packet), 0);
        }
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    assert_int_equal(av_write_trailer(to), 0);
    avio_closep(&to->pb);
    avformat_free_context(to);
    avformat_close_input(&from);
    assert_int_equal(rename(path, camera->file), 0);
}

static bool garbage(AVPacket *packet, bool video, int count)
{
    if (!video) {
        assert_int_equal(av_packet_make_writable(packet), 0);
        uint32_t state = (uint32_t)count * 2654435761u + 1;
        for (int i = 0; i < packet->size; i++) {
            state = state * 1664525u + 1013904223u;
            packet->data[i] = (uint8_t)(state >> 24);
        }
    }
    return true;
}

static void spoil_sound(const struct camera *camera)
{
    remux(camera, AV_CODEC_ID_AC3, garbage);
}

static bool no_key(AVPacket *packet, bool video, int count)
{
    return (packet->flags & AV_PKT_FLAG_KEY) == 0;
}

static void drop_keys(const struct camera *camera)
{
    remux(camera, 0, no_key);
}

static bool ahead(AVPacket *packet, bool video, int count)
{
    int64_t jump = count >= 25 ? 3600000000 : 0;
    packet->pts += jump;
    packet->dts += jump;
    return true;
}

static void jump_ahead(const struct camera *camera)
{
    remux(camera, 0, ahead);
}

/* A second stream behind the first: larger pictures, and times that begin anew. */
static void append_larger(const struct camera *camera)
{
    char path[sizeof camera->file + 16];
    snprintf(path, sizeof path, "%s.more.%s", camera->file, camera->scenario->extension);
    struct stamped_options options = camera->scenario->options;
    options.first = options.frames;
    options.width *= 2;
    options.height *= 2;
    stamped_write_file(path, &options);
    int AUTO_CLOSE from = open(path, O_RDONLY);
    int AUTO_CLOSE to = open(camera->file, O_WRONLY | O_APPEND);
    char block[4096];
    ssize_t length;
    while ((length = read(from, block, sizeof block)) > 0) {
        assert_int_equal(file_write_all(to, block, (size_t)length), 0);
    }
    unlink(path);
}

/* ------------------------------------------------------------------ scenarios */

#define STREAM(codec_, frames_, ...)                                                            \
    {                                                                                           \
        .codec = AV_CODEC_ID_##codec_, .width = WIDTH, .height = HEIGHT, .fps = FPS, .gop = 10, \
        .frames = frames_, __VA_ARGS__                                                          \
    }

enum {
    H265,
    REORDERED,
    AAC_COPIED,
    AAC_DROPPED,
    PCM_ENCODED,
    OPUS_ENCODED,
    SOUND_GARBAGE,
    NO_KEYS,
    LARGER,
    JUMP,
    MJPEG,
    LOOPED,
    PICKED,
    SCENARIOS
};

static const struct scenario scenarios[SCENARIOS] = {
    [H265] = {"mp4", STREAM(HEVC, 50, ), "-re", COPY, NULL},
    [REORDERED] = {"mkv", STREAM(H264, 50, .b_frames = 3), "-re", COPY, NULL},
    [AAC_COPIED] = {"mp4", STREAM(H264, 50, .sound_rate = 44100, .sound_codec = AV_CODEC_ID_AAC),
                    "-re", SOUND, NULL},
    [AAC_DROPPED] = {"mp4", STREAM(H264, 50, .sound_rate = 44100, .sound_codec = AV_CODEC_ID_AAC),
                     "-re", "preset-record-generic", NULL},
    [PCM_ENCODED] = {"mkv",
                     STREAM(H264, 50, .sound_rate = 8000, .sound_codec = AV_CODEC_ID_PCM_S16LE),
                     "-re", "preset-record-generic-audio-aac", NULL},
    [OPUS_ENCODED] = {"mkv", STREAM(H264, 50, .sound_rate = 48000, .sound_codec = AV_CODEC_ID_OPUS),
                      "-re", SOUND, NULL},
    [SOUND_GARBAGE] = {"mkv",
                       STREAM(H264, 50, .sound_rate = 48000, .sound_codec = AV_CODEC_ID_PCM_S16LE),
                       "-re", SOUND, spoil_sound},
    [NO_KEYS] = {"mkv", STREAM(H264, 80, ), "-re -stream_loop -1", COPY, drop_keys},
    [LARGER] = {"ts", STREAM(H264, 25, ), "-re", COPY, append_larger},
    [JUMP] = {"mkv", STREAM(H264, 50, ), "-re", COPY, jump_ahead},
    [MJPEG] = {"avi", STREAM(MJPEG, 50, ), "-re", "preset-record-generic", NULL},
    [LOOPED] = {"ts", STREAM(H264, 20, ), "-re -stream_loop 2", COPY, NULL},
    [PICKED] = {"mkv", STREAM(H264, 50, .b_frames = 2), "-re", COPY, NULL, 2},
};

static struct camera *cameras;

/* ------------------------------------------------------------------ running */

static void segment_done(void *context, const struct segment_info *info)
{
    struct camera *camera = context;
    pthread_mutex_lock(&camera->lock);
    if (camera->count < ARRAY_SIZE(camera->segments)) {
        camera->segments[camera->count++] = *info;
    }
    pthread_mutex_unlock(&camera->lock);
}

static struct config *make_config(const struct camera *camera)
{
    char text[1024];
    snprintf(text, sizeof text,
             "mqtt: {enabled: false}\n"
             "cameras:\n"
             "  front:\n"
             "    ffmpeg:\n"
             "      inputs:\n"
             "        - {path: %s, roles: [detect, record], input_args: '%s'}\n"
             "      output_args: {record: '%s'}\n"
             "    detect: {width: %d, height: %d, fps: %d}\n"
             "    record: {enabled: true}\n",
             camera->file, camera->scenario->input_args, camera->scenario->record_args, WIDTH,
             HEIGHT, camera->scenario->detect_fps > 0 ? camera->scenario->detect_fps : FPS);
    struct cfg_issues issues = {0};
    struct config *config = config_load("test.yml", text, strlen(text), &issues);
    assert_non_null(config);
    config_issues_finish(&issues);
    return config;
}

static void camera_start(struct camera *camera)
{
    const struct scenario *scenario = camera->scenario;
    pthread_mutex_init(&camera->lock, NULL);
    folder_make(camera->folder);
    snprintf(camera->file, sizeof camera->file, "%s/source.%s", camera->folder,
             scenario->extension);
    stamped_write_file(camera->file, &scenario->options);
    if (scenario->spoil != NULL) {
        scenario->spoil(camera);
    }
    camera->config = make_config(camera);
    int AUTO_CLOSE memory = frames_create("front", WIDTH, HEIGHT, FRAMES_SLOTS);
    assert_true(memory >= 0);
    camera->frames = frames_open(memory, true);
    camera->reader = frames_open(memory, false);
    assert_non_null(camera->frames);
    assert_non_null(camera->reader);
    struct core_options options = {.camera = config_camera(camera->config, "front"),
                                   .media_dir = camera->folder,
                                   .frames = camera->frames,
                                   .ready_fd = -1,
                                   .entry = &camera->entry,
                                   .done = segment_done,
                                   .context = camera};
    camera->core = core_start(&options);
}

static void camera_finish(struct camera *camera)
{
    core_free(camera->core);
    frames_close(camera->frames);
    frames_close(camera->reader);
    config_free(camera->config);
    folder_remove(camera->folder);
    pthread_mutex_destroy(&camera->lock);
}

static int start_all(void **state)
{
    cameras = mem_array(SCENARIOS, sizeof *cameras);
    for (size_t i = 0; i < SCENARIOS; i++) {
        cameras[i].scenario = &scenarios[i];
        camera_start(&cameras[i]);
    }
    return 0;
}

static int finish_all(void **state)
{
    for (size_t i = 0; i < SCENARIOS; i++) {
        camera_finish(&cameras[i]);
    }
    free(cameras);
    return 0;
}

static void state_text(struct camera *camera, char text[160])
{
    board_read_text(camera->entry.state_text, sizeof camera->entry.state_text, text);
}

/* Notes which pictures are in the ring, and their times; a file that is over is not begun again. */
static void look(struct camera *camera)
{
    char text[160];
    state_text(camera, text);
    if (strstr(text, "the file is over") != NULL && !camera->over) {
        camera->over = true;
        core_stop(camera->core);
    }
    struct frame_info info;
    uint64_t latest = frames_latest(camera->reader);
    while (camera->sequence < latest) {
        uint64_t next = camera->sequence + 1;
        camera->sequence = latest - next >= FRAMES_SLOTS - 1 ? latest : next;
        const uint8_t *picture = frames_peek(camera->reader, camera->sequence, &info);
        int number = picture != NULL ? stamped_number(picture, WIDTH, WIDTH) : 0;
        if (picture != NULL && frames_still_valid(camera->reader, &info) &&
            camera->seen_count < SEEN_MAX) {
            camera->seen[camera->seen_count].number = number;
            camera->seen[camera->seen_count].time = info.time;
            camera->seen[camera->seen_count++].lag =
                wall_seconds(wall_now()) - info.time -
                (double)mono_since_us((struct mono){info.mono_us}) / 1e6;
        }
    }
}

static void look_at_all(void)
{
    for (size_t i = 0; i < SCENARIOS; i++) {
        look(&cameras[i]);
    }
    usleep(10000);
}

static void wait_state(struct camera *camera, const char *words)
{
    char text[160] = "";
    int64_t begin = mono_now().us;
    while (strstr(text, words) == NULL) {
        if (mono_now().us - begin > PATIENCE_US) {
            fail_msg("the state never said '%s' but '%s'", words, text);
        }
        look_at_all();
        state_text(camera, text);
    }
}

/* Plays the file to its end and closes the recording. */
static struct camera *play(size_t scenario)
{
    struct camera *camera = &cameras[scenario];
    int64_t begin = mono_now().us;
    while (!camera->over) {
        assert_true(mono_now().us - begin < PATIENCE_US);
        look_at_all();
    }
    while (!core_stopped(camera->core)) {
        assert_true(mono_now().us - begin < PATIENCE_US);
        look_at_all();
    }
    assert_true(core_finish(camera->core, PATIENCE_US));
    return camera;
}

/* ------------------------------------------------------------------ checks */

static void segment_path(const struct camera *camera, size_t i, char path[])
{
    snprintf(path, SEGMENT_PATH + FOLDER_PATH, "%s/%s", camera->folder, camera->segments[i].path);
}

/* Every picture `first`..`last` is recorded once, in order; the ring's pictures carry the same
 * times. Adds up the seconds of sound. */
static double check_recorded(const struct camera *camera, int first, int last)
{
    char path[SEGMENT_PATH + FOLDER_PATH];
    int expected = first;
    double *AUTO_FREE walls = mem_array((size_t)last + 1, sizeof *walls);
    double sound = 0;
    for (size_t i = 0; i < camera->count; i++) {
        const struct segment_info *info = &camera->segments[i];
        segment_path(camera, i, path);
        struct stamped_content content;
        stamped_read_file(path, &content);
        for (int n = 0; n < content.count; n++, expected++) {
            assert_int_equal(content.numbers[n], expected);
            assert_true(expected <= last);
            walls[expected] = (double)info->start_us / 1e6 + content.times[n] - content.times[0];
            assert_true(expected == first || walls[expected] > walls[expected - 1]);
        }
        sound += content.sound_seconds;
        stamped_content_finish(&content);
    }
    assert_int_equal(expected, last + 1);
    double taken = walls[last] - walls[first];
    assert_float_equal(taken, (last - first) / (double)FPS, 0.5);
    assert_true(camera->seen_count > 0);
    for (size_t i = 0; i < camera->seen_count; i++) {
        int number = camera->seen[i].number;
        assert_in_range(number, first, last);
        assert_true(fabs(camera->seen[i].time - walls[number]) < 0.001);
    }
    assert_int_equal(camera->entry.capture.packets_dropped, 0);
    return sound;
}

/* Stream `index` of a camera's first segment. */
static void first_stream(const struct camera *camera, unsigned index, enum AVCodecID *codec,
                         uint32_t *tag)
{
    char path[SEGMENT_PATH + FOLDER_PATH];
    segment_path(camera, 0, path);
    AVFormatContext *format = NULL;
    assert_int_equal(avformat_open_input(&format, path, NULL, NULL), 0);
    assert_true(avformat_find_stream_info(format, NULL) >= 0);
    *codec =
        index < format->nb_streams ? format->streams[index]->codecpar->codec_id : AV_CODEC_ID_NONE;
    *tag = index < format->nb_streams ? format->streams[index]->codecpar->codec_tag : 0;
    avformat_close_input(&format);
}

static void check_stream(const struct camera *camera, unsigned index, enum AVCodecID codec,
                         uint32_t tag)
{
    enum AVCodecID found;
    uint32_t found_tag;
    first_stream(camera, index, &found, &found_tag);
    assert_int_equal(found, codec);
    assert_int_equal(found_tag, tag);
}

/* ------------------------------------------------------------------ tests */

static void test_h265(void **state)
{
    struct camera *camera = play(H265);
    assert_int_equal(camera->count, 3); /* cut at the key pictures after 2 s */
    check_recorded(camera, 0, 49);
    check_stream(camera, 0, AV_CODEC_ID_HEVC, MKTAG('h', 'v', 'c', '1'));
}

static void test_reordered(void **state)
{
    struct camera *camera = play(REORDERED);
    check_recorded(camera, 0, 49);
    check_stream(camera, 0, AV_CODEC_ID_H264, MKTAG('a', 'v', 'c', '1'));
}

static void test_aac_copied(void **state)
{
    struct camera *camera = play(AAC_COPIED);
    assert_float_equal(check_recorded(camera, 0, 49), 5, 0.4);
    check_stream(camera, 1, AV_CODEC_ID_AAC, MKTAG('m', 'p', '4', 'a'));
    for (size_t i = 0; i < camera->count; i++) {
        assert_true(camera->segments[i].has_audio);
    }
}

static void test_aac_dropped(void **state)
{
    struct camera *camera = play(AAC_DROPPED);
    assert_int_equal(camera->count, 1);
    assert_true(check_recorded(camera, 0, 49) == 0);
    check_stream(camera, 1, AV_CODEC_ID_NONE, 0);
    assert_false(camera->segments[0].has_audio);
}

static void test_pcm_encoded(void **state)
{
    struct camera *camera = play(PCM_ENCODED);
    assert_float_equal(check_recorded(camera, 0, 49), 5, 0.4);
    check_stream(camera, 1, AV_CODEC_ID_AAC, MKTAG('m', 'p', '4', 'a'));
}

static void test_opus_encoded(void **state)
{
    struct camera *camera = play(OPUS_ENCODED);
    assert_float_equal(check_recorded(camera, 0, 49), 5, 0.4);
    check_stream(camera, 1, AV_CODEC_ID_AAC, MKTAG('m', 'p', '4', 'a'));
}

static void test_garbage_sound(void **state)
{
    struct camera *camera = play(SOUND_GARBAGE);
    check_recorded(camera, 0, 49);
}

static void test_no_keys(void **state)
{
    struct camera *camera = &cameras[NO_KEYS];
    wait_state(camera, "no key pictures");
    assert_int_equal(atomic_load(&camera->entry.state), CAPTURE_TROUBLE);
    assert_true(atomic_load(&camera->entry.capture.packets_dropped) > 0);
    core_stop(camera->core);
    assert_true(core_finish(camera->core, PATIENCE_US));
    assert_int_equal(camera->count, 0);
    assert_int_equal(folder_count(camera->folder, ".mp4"), 0);
}

static void test_larger(void **state)
{
    struct camera *camera = play(LARGER);
    check_recorded(camera, 0, 49);
    char path[SEGMENT_PATH + FOLDER_PATH];
    for (size_t i = 0; i < camera->count; i++) {
        segment_path(camera, i, path);
        struct stamped_content content;
        stamped_read_file(path, &content);
        bool larger = content.numbers[0] >= 25;
        assert_int_equal(content.width, larger ? 2 * WIDTH : WIDTH);
        assert_int_equal(content.height, larger ? 2 * HEIGHT : HEIGHT);
        stamped_content_finish(&content);
    }
    assert_true(camera->seen[camera->seen_count - 1].number > 40);
}

static void test_jump(void **state)
{
    check_recorded(play(JUMP), 0, 49);
}

static void test_mjpeg(void **state)
{
    struct camera *camera = play(MJPEG);
    check_recorded(camera, 0, 49);
    check_stream(camera, 0, AV_CODEC_ID_H264, MKTAG('a', 'v', 'c', '1'));
}

/* Three rounds, without a break between them though the file's times begin above zero. */
static void test_looped(void **state)
{
    struct camera *camera = play(LOOPED);
    int count = 0;
    double duration = 0;
    for (size_t i = 0; i < camera->count; i++) {
        char path[SEGMENT_PATH + FOLDER_PATH];
        segment_path(camera, i, path);
        struct stamped_content content;
        stamped_read_file(path, &content);
        for (int n = 0; n < content.count; n++) {
            assert_int_equal(content.numbers[n], count++ % 20);
        }
        duration += camera->segments[i].duration;
        stamped_content_finish(&content);
    }
    assert_int_equal(count, 60);
    assert_float_equal(duration, 6, 0.15);
}

/* Two of ten pictures a second go to detection, and wait for no later one that goes there. */
static void test_picked(void **state)
{
    const struct camera *camera = play(PICKED);
    check_recorded(camera, 0, 49);
    assert_in_range(camera->seen_count, 8, 11);
    double least = 60;
    for (size_t i = 0; i < camera->seen_count; i++) {
        least = fmin(least, camera->seen[i].lag);
        assert_true(i == 0 || fabs(camera->seen[i].time - camera->seen[i - 1].time - 0.5) < 0.15);
    }
    assert_true(least < 0.45);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_h265),         cmocka_unit_test(test_reordered),
        cmocka_unit_test(test_aac_copied),   cmocka_unit_test(test_aac_dropped),
        cmocka_unit_test(test_pcm_encoded),  cmocka_unit_test(test_garbage_sound),
        cmocka_unit_test(test_no_keys),      cmocka_unit_test(test_larger),
        cmocka_unit_test(test_jump),         cmocka_unit_test(test_mjpeg),
        cmocka_unit_test(test_looped),       cmocka_unit_test(test_picked),
        cmocka_unit_test(test_opus_encoded),
    };
    return cmocka_run_group_tests(tests, start_all, finish_all);
}
