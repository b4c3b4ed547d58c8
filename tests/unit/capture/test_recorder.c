#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "capture/recorder.h"
#include "capture/sound.h"
#include "folder.h"
#include "media/fmp4.h"
#include "stamped.h"

#define START_US 1795377657000000 /* 20:00:57 UTC of 2026-11-22 */

struct rig {
    char media[FOLDER_PATH];
    struct board_capture counters;
    struct recorder *recorder;
    struct segment_info segments[64];
    size_t count;
    /* of the stream being fed */
    int64_t offset_us; /* wall time of pts 0 */
    bool announced;
    AVCodecContext *encoder;
    enum AVCodecID codec;
    int dropped;
    bool strip_key;
};

static void segment_done(void *context, const struct segment_info *info)
{
    struct rig *rig = context;
    assert_true(rig->count < 64);
    rig->segments[rig->count++] = *info;
}

static void rig_start(struct rig *rig)
{
    struct recorder_options options = {.camera = "front",
                                       .media_dir = rig->media,
                                       .segment_us = 10000000,
                                       .counters = &rig->counters,
                                       .done = segment_done,
                                       .context = rig};
    rig->recorder = recorder_create(&options);
}

static int setup(void **state)
{
    struct rig *rig = mem_alloc(sizeof *rig);
    folder_make(rig->media);
    rig->offset_us = START_US;
    rig_start(rig);
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    recorder_destroy(rig->recorder);
    char recordings[FOLDER_PATH + 16]; /* a test that failed may have left its disk */
    snprintf(recordings, sizeof recordings, "%s/recordings", rig->media);
    umount2(recordings, MNT_DETACH);
    folder_remove(rig->media);
    free(rig);
    return 0;
}

/* Everything handed over is on disk. */
static void rig_finish(struct rig *rig)
{
    recorder_destroy(steal_ptr(&rig->recorder));
}

static void feed(void *context, const AVPacket *packet)
{
    struct rig *rig = context;
    AVPacket *copy = av_packet_clone(packet);
    copy->pts = rig->offset_us + packet->pts * 100 / 9;
    copy->dts = rig->offset_us + packet->dts * 100 / 9;
    if (rig->strip_key) {
        copy->flags &= ~AV_PKT_FLAG_KEY;
    }
    rig->dropped += !recorder_video(rig->recorder, copy, false);
    av_packet_free(&copy);
}

static void begin_stream(struct rig *rig, const struct stamped_options *options)
{
    rig->encoder = stamped_encoder(options);
    recorder_set_video(rig->recorder, options->codec == AV_CODEC_ID_HEVC ? MEDIA_H265 : MEDIA_H264,
                       rig->encoder->extradata, (size_t)rig->encoder->extradata_size);
}

static void end_stream(struct rig *rig)
{
    stamped_flush(rig->encoder, feed, rig);
    avcodec_free_context(&rig->encoder);
}

static void feed_frames(struct rig *rig, const struct stamped_options *options, int from, int to)
{
    for (int i = from; i < to; i++) {
        stamped_encode(rig->encoder, options, i, feed, rig);
    }
}

/* Decodes all segments one after the other: frames `first` to `last`, none missing, none twice,
 * each at its wall time. */
static void check_frames(struct rig *rig, int first, int last, int fps)
{
    int expected = first;
    for (size_t i = 0; i < rig->count; i++) {
        char path[SEGMENT_PATH + FOLDER_PATH];
        snprintf(path, sizeof path, "%s/%s", rig->media, rig->segments[i].path);
        struct stamped_content content;
        stamped_read_file(path, &content);
        for (int n = 0; n < content.count; n++, expected++) {
            assert_int_equal(content.numbers[n], expected);
            double wall =
                (double)rig->segments[i].start_us / 1e6 + content.times[n] - content.times[0];
            double due = (double)rig->offset_us / 1e6 + (double)expected / fps;
            assert_true(fabs(wall - due) < 2e-5);
        }
        struct stat status;
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_size, rig->segments[i].bytes);
        stamped_content_finish(&content);
    }
    assert_int_equal(expected, last + 1);
}

static const struct stamped_options plain = {.codec = AV_CODEC_ID_H264,
                                             .width = 320,
                                             .height = 180,
                                             .fps = 10,
                                             .gop = 30,
                                             .frames = 0,
                                             .first = 0};

static void test_segments_lack_no_frame(void **state)
{
    static const struct {
        enum AVCodecID codec;
        int b_frames;
    } rows[] = {{AV_CODEC_ID_H264, 0}, {AV_CODEC_ID_H264, 3}, {AV_CODEC_ID_HEVC, 2}};
    struct rig *rig = *state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct stamped_options options = plain;
        options.codec = rows[i].codec;
        options.b_frames = rows[i].b_frames;
        rig->count = 0;
        rig->offset_us = START_US + (int64_t)i * 3600000000;
        begin_stream(rig, &options);
        feed_frames(rig, &options, 0, 400);
        end_stream(rig);
        assert_true(recorder_finish(rig->recorder, 10000000));
        assert_int_equal(rig->count, 4); /* 12 s each: the first key picture after 10 s */
        for (size_t n = 0; n < rig->count; n++) {
            assert_float_equal(rig->segments[n].duration, n < 3 ? 12 : 4, 1e-6);
            assert_int_equal(rig->segments[n].start_us, rig->offset_us + (int64_t)n * 12000000);
            assert_false(rig->segments[n].has_audio);
        }
        check_frames(rig, 0, 399, 10);
    }
    assert_int_equal(folder_count(rig->media, ".part"), 0);
    assert_int_equal(rig->counters.packets_dropped, 0);
    assert_int_equal(rig->counters.segments, 12);
}

static void test_names(void **state)
{
    struct rig *rig = *state;
    for (int i = 0; i < 3; i++) { /* three connections that begin in the same second */
        begin_stream(rig, &plain);
        feed_frames(rig, &plain, 0, 5);
        end_stream(rig);
        recorder_break(rig->recorder);
    }
    rig_finish(rig);
    assert_int_equal(rig->count, 3);
    assert_string_equal(rig->segments[0].path, "recordings/2026-11-22/20/front/00.57.mp4");
    assert_string_equal(rig->segments[1].path, "recordings/2026-11-22/20/front/00.57-2.mp4");
    assert_string_equal(rig->segments[2].path, "recordings/2026-11-22/20/front/00.57-3.mp4");
}

static void test_fragments_are_short(void **state)
{
    struct rig *rig = *state;
    struct stamped_options options = plain;
    options.fps = 12;
    options.gop = 60;
    begin_stream(rig, &options);
    feed_frames(rig, &options, 0, 100);
    end_stream(rig);
    rig_finish(rig);
    assert_int_equal(rig->count, 1);
    char path[SEGMENT_PATH + FOLDER_PATH];
    snprintf(path, sizeof path, "%s/%s", rig->media, rig->segments[0].path);
    int AUTO_CLOSE fd = open(path, O_RDONLY);
    struct fmp4_index index;
    struct err err = ERR_NONE;
    assert_int_equal(fmp4_read_fd(fd, &index, &err), 0);
    assert_false(index.truncated);
    assert_int_equal(index.start_us, rig->segments[0].start_us);
    assert_true(index.fragments[0].parts[0].duration <= 36000); /* the first one early */
    for (size_t i = 0; i < index.fragment_count; i++) {
        assert_true(index.fragments[i].parts[0].duration <= 90000);
        uint64_t time = index.fragments[i].parts[0].decode_time;
        assert_int_equal(index.fragments[i].key, time % (90000 * 5) == 0);
    }
    fmp4_finish(&index);
}

static void test_changed_parameters_cut(void **state)
{
    struct rig *rig = *state;
    struct stamped_options options = plain;
    begin_stream(rig, &options);
    feed_frames(rig, &options, 0, 50);
    end_stream(rig);
    options.width = 640;
    options.height = 360;
    options.first = 50;
    rig->offset_us += 5000000;
    begin_stream(rig, &options); /* same connection: the packets themselves say it */
    feed_frames(rig, &options, 50, 80);
    end_stream(rig);
    rig_finish(rig);
    assert_int_equal(rig->count, 2);
    assert_float_equal(rig->segments[0].duration, 5, 1e-6);
    for (int i = 0; i < 2; i++) {
        char path[SEGMENT_PATH + FOLDER_PATH];
        snprintf(path, sizeof path, "%s/%s", rig->media, rig->segments[i].path);
        struct stamped_content content;
        stamped_read_file(path, &content);
        assert_int_equal(content.width, i == 0 ? 320 : 640);
        assert_int_equal(content.count, i == 0 ? 50 : 30);
        stamped_content_finish(&content);
    }
}

static void test_no_key_pictures(void **state)
{
    struct rig *rig = *state;
    begin_stream(rig, &plain);
    rig->strip_key = true;
    feed_frames(rig, &plain, 0, 40);
    assert_int_equal(rig->dropped, 40);
    rig->strip_key = false;
    feed_frames(rig, &plain, 40, 100); /* the next key picture is number 60 */
    end_stream(rig);
    rig_finish(rig);
    assert_int_equal(rig->dropped, 60);
    assert_int_equal(rig->counters.packets_dropped, 60);
    assert_int_equal(rig->count, 1);
    check_frames(rig, 60, 99, 10);
}

struct sound_feed {
    struct rig *rig;
    struct sound *sound;
};

static void emit_sound(void *context, AVPacket *packet)
{
    struct sound_feed *feed_to = context;
    uint32_t rate;
    unsigned channels;
    const uint8_t *config;
    size_t bytes;
    assert_true(sound_describe(feed_to->sound, &rate, &channels, &config, &bytes));
    recorder_audio(feed_to->rig->recorder, packet);
}

/* A file's pictures and sound through the recorder, late sound and all. */
static void test_sound(void **state)
{
    static const struct {
        enum AVCodecID codec;
        const char *extension;
        int rate;
    } rows[] = {{AV_CODEC_ID_AAC, "mp4", 44100}, {AV_CODEC_ID_PCM_S16LE, "mkv", 8000}};
    struct rig *rig = *state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char source[FOLDER_PATH + 32];
        snprintf(source, sizeof source, "%s/source.%s", rig->media, rows[i].extension);
        struct stamped_options options = plain;
        options.frames = 300;
        options.sound_rate = rows[i].rate;
        options.sound_codec = rows[i].codec;
        stamped_write_file(source, &options);
        AVFormatContext *format = NULL;
        assert_int_equal(avformat_open_input(&format, source, NULL, NULL), 0);
        assert_true(avformat_find_stream_info(format, NULL) >= 0);
        const AVCodecParameters *video = format->streams[0]->codecpar;
        recorder_set_video(rig->recorder, MEDIA_H264, video->extradata,
                           (size_t)video->extradata_size);
        struct sound_feed feed_to = {rig, sound_open(format->streams[1]->codecpar, 0)};
        uint32_t rate;
        unsigned channels;
        const uint8_t *config;
        size_t bytes;
        assert_true(sound_describe(feed_to.sound, &rate, &channels, &config, &bytes));
        recorder_set_audio(rig->recorder, rate, channels, config, bytes);
        AVPacket *packet = av_packet_alloc();
        rig->count = 0;
        int64_t start = START_US + (int64_t)i * 3600000000;
        while (av_read_frame(format, packet) == 0) {
            const AVStream *stream = format->streams[packet->stream_index];
            av_packet_rescale_ts(packet, stream->time_base, AV_TIME_BASE_Q);
            packet->pts += start;
            packet->dts += start;
            if (packet->stream_index == 0) {
                assert_true(recorder_video(rig->recorder, packet, false));
            } else {
                assert_true(sound_packet(feed_to.sound, packet, emit_sound, &feed_to));
            }
            av_packet_unref(packet);
        }
        av_packet_free(&packet);
        sound_close(feed_to.sound);
        avformat_close_input(&format);
        assert_true(recorder_finish(rig->recorder, 10000000));
        assert_int_equal(rig->count, 3);
        double sound_seconds = 0;
        for (size_t n = 0; n < rig->count; n++) {
            char path[SEGMENT_PATH + FOLDER_PATH];
            snprintf(path, sizeof path, "%s/%s", rig->media, rig->segments[n].path);
            assert_true(rig->segments[n].has_audio);
            struct stamped_content content;
            stamped_read_file(path, &content);
            assert_true(content.sound_first < 0.13);
            assert_float_equal(content.sound_seconds, rig->segments[n].duration, 0.2);
            sound_seconds += content.sound_seconds;
            stamped_content_finish(&content);
        }
        assert_float_equal(sound_seconds, 30, 0.25);
        rig->offset_us = start;
        check_frames(rig, 0, 299, 10);
        unlink(source);
    }
}

/* What a killed process left is cut to whole fragments, named and reported by the next. */
static void test_adoption(void **state)
{
    struct rig *rig = *state;
    begin_stream(rig, &plain);
    feed_frames(rig, &plain, 0, 60);
    end_stream(rig);
    rig_finish(rig);
    assert_int_equal(rig->count, 1);
    char path[2 * FOLDER_PATH], part[2 * FOLDER_PATH], empty[2 * FOLDER_PATH];
    snprintf(path, sizeof path, "%s/recordings/2026-11-22/20/front/00.57.mp4", rig->media);
    snprintf(part, sizeof part, "%s/recordings/2026-11-22/20/front/.00.57.mp4.part", rig->media);
    snprintf(empty, sizeof empty, "%s/recordings/2026-11-22/20/front/.01.10.mp4.part", rig->media);
    assert_int_equal(rename(path, part), 0);
    assert_int_equal(truncate(part, (off_t)rig->segments[0].bytes * 2 / 3), 0);
    int AUTO_CLOSE fd = open(empty, O_CREAT | O_WRONLY, 0644);
    assert_int_equal(file_write_all(fd, "nothing", 7), 0);

    rig->count = 0;
    rig_start(rig);
    assert_true(recorder_finish(rig->recorder, 10000000));
    assert_int_equal(rig->count, 1);
    assert_string_equal(rig->segments[0].path, "recordings/2026-11-22/20/front/00.57.mp4");
    assert_int_equal(rig->segments[0].start_us, START_US);
    assert_true(rig->segments[0].duration >= 2 && rig->segments[0].duration < 6);
    check_frames(rig, 0, (int)(rig->segments[0].duration * 10 + 0.5) - 1, 10);
    assert_int_equal(folder_count(rig->media, ".part"), 0);
    assert_int_equal(folder_count(rig->media, ".mp4"), 1);
}

/* Wherever a kill or a power cut ended the file, what is whole in it is kept and plays. */
static void test_adoption_cut_anywhere(void **state)
{
    struct rig *rig = *state;
    begin_stream(rig, &plain);
    feed_frames(rig, &plain, 0, 50);
    end_stream(rig);
    rig_finish(rig);
    char path[2 * FOLDER_PATH], part[2 * FOLDER_PATH], copy[2 * FOLDER_PATH];
    snprintf(path, sizeof path, "%s/recordings/2026-11-22/20/front/00.57.mp4", rig->media);
    snprintf(part, sizeof part, "%s/recordings/2026-11-22/20/front/.00.57.mp4.part", rig->media);
    snprintf(copy, sizeof copy, "%s/copy", rig->media);
    assert_int_equal(rename(path, copy), 0);
    size_t whole = rig->segments[0].bytes;
    char *AUTO_FREE bytes = mem_alloc(whole);
    int AUTO_CLOSE from = open(copy, O_RDONLY);
    assert_int_equal(read(from, bytes, whole), whole);
    int last = 0;
    for (size_t length = 0; length <= whole; length += length + 97 < whole ? 97 : 1) {
        int AUTO_CLOSE to = open(part, O_CREAT | O_EXCL | O_WRONLY, 0644);
        assert_int_equal(file_write_all(to, bytes, length), 0);
        rig->count = 0;
        rig_start(rig);
        assert_true(recorder_finish(rig->recorder, 10000000));
        int frames = rig->count > 0 ? (int)(rig->segments[0].duration * 10 + 0.5) : 0;
        assert_true(frames >= last);
        if (frames != last) {
            check_frames(rig, 0, frames - 1, 10);
        }
        last = frames;
        rig_finish(rig);
        assert_int_equal(folder_count(rig->media, ".part"), 0);
        assert_int_equal(folder_count(rig->media, ".mp4"), rig->count);
        unlink(path);
    }
    assert_int_equal(last, 50);
}

/* The disk is full: what fits is kept and plays; recording goes on when there is room again. */
static void test_full_disk(void **state)
{
    struct rig *rig = *state;
    char recordings[FOLDER_PATH + 16], ballast[FOLDER_PATH + 32];
    snprintf(recordings, sizeof recordings, "%s/recordings", rig->media);
    snprintf(ballast, sizeof ballast, "%s/ballast", recordings);
    assert_int_equal(mkdir(recordings, 0755), 0);
    if (mount("none", recordings, "tmpfs", 0, "size=256k") < 0) {
        skip(); /* not root */
    }
    int fd = open(ballast, O_CREAT | O_WRONLY, 0644);
    char block[4096] = "x";
    for (int i = 0; i < 53; i++) { /* some 10 pages are left, for folders and a bit of video */
        assert_int_equal(file_write_all(fd, block, sizeof block), 0);
    }
    close(fd);
    begin_stream(rig, &plain);
    feed_frames(rig, &plain, 0, 300);
    recorder_break(rig->recorder);
    assert_true(recorder_finish(rig->recorder, 10000000));
    uint64_t dropped = rig->counters.packets_dropped;
    assert_true(dropped > 0);
    assert_int_equal(recorder_error(rig->recorder), ENOSPC);
    assert_int_equal(unlink(ballast), 0);
    feed_frames(rig, &plain, 300, 400);
    end_stream(rig);
    rig_finish(rig);
    assert_int_equal(rig->counters.packets_dropped, dropped);
    int frames = 0, last = -1;
    for (size_t i = 0; i < rig->count; i++) {
        char path[SEGMENT_PATH + FOLDER_PATH];
        snprintf(path, sizeof path, "%s/%s", rig->media, rig->segments[i].path);
        struct stamped_content content;
        stamped_read_file(path, &content);
        for (int n = 0; n < content.count; n++, frames++) {
            assert_true(content.numbers[n] > last);
            last = content.numbers[n];
        }
        stamped_content_finish(&content);
    }
    assert_int_equal(last, 399);
    assert_int_equal(frames, 400 - (int)dropped);
    assert_int_equal(folder_count(recordings, ".part"), 0);
    assert_int_equal(umount(recordings), 0);
}

/* Nowhere to write: pictures are dropped and counted, and recording resumes when it can. */
static void test_unwritable(void **state)
{
    struct rig *rig = *state;
    char blocked[FOLDER_PATH + 16];
    snprintf(blocked, sizeof blocked, "%s/recordings", rig->media);
    int fd = open(blocked, O_CREAT | O_WRONLY, 0644); /* a file where the folder should be */
    assert_true(fd >= 0);
    close(fd);
    begin_stream(rig, &plain);
    feed_frames(rig, &plain, 0, 62);
    recorder_break(rig->recorder);
    assert_true(recorder_finish(rig->recorder, 10000000));
    assert_int_equal(rig->count, 0);
    assert_int_equal(rig->counters.packets_dropped, 62);
    assert_true(recorder_error(rig->recorder) > 0);
    assert_int_equal(unlink(blocked), 0);
    feed_frames(rig, &plain, 62, 120);
    end_stream(rig);
    rig_finish(rig);
    assert_int_equal(rig->count, 1);
    check_frames(rig, 90, 119, 10);
}

/* A pause in the stream: what came before it is on disk soon, and the picture at its edge lasts as
 * long. */
static void test_stall(void **state)
{
    struct rig *rig = *state;
    begin_stream(rig, &plain);
    feed_frames(rig, &plain, 0, 8);
    struct fmp4_index index = {0};
    struct err err = ERR_NONE;
    char path[2 * FOLDER_PATH];
    snprintf(path, sizeof path, "%s/recordings/2026-11-22/20/front/.00.57.mp4.part", rig->media);
    uint64_t samples = 0;
    for (int tries = 0; tries < 1000 && samples < 7; tries++) {
        usleep(10000);
        int AUTO_CLOSE fd = open(path, O_RDONLY);
        if (fd >= 0 && fmp4_read_fd(fd, &index, &err) == 0) {
            samples = index.track_count > 0 ? index.tracks[0].samples : 0;
            fmp4_finish(&index);
        }
    }
    assert_int_equal(samples, 7);
    rig->offset_us += 5000000;
    feed_frames(rig, &plain, 8, 20);
    end_stream(rig);
    rig_finish(rig);
    assert_int_equal(rig->count, 1);
    assert_float_equal(rig->segments[0].duration, 7, 1e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_segments_lack_no_frame, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fragments_are_short, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changed_parameters_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_key_pictures, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sound, setup, teardown),
        cmocka_unit_test_setup_teardown(test_adoption, setup, teardown),
        cmocka_unit_test_setup_teardown(test_adoption_cut_anywhere, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unwritable, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stall, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
