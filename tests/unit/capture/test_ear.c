/* Sound on its way to those who listen: what becomes of packets, and how loud spans are. */
#include "../cmocka_all.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "capture/ear.h"
#include "capture/levels.h"

#define SOURCE_RATE 48000
#define PACKET 1024
#define BEGIN_US INT64_C(1700000000000000)

struct rig {
    int fd, ready;
    struct sounds *writer, *reader;
    struct board_capture counters;
    struct ear *ear;
    AVCodecParameters *parameters;
    int64_t sent; /* samples */
};

static void begin(struct rig *rig)
{
    *rig = (struct rig){.fd = sounds_create("yard"), .ready = eventfd(0, EFD_NONBLOCK)};
    rig->writer = sounds_open(rig->fd, true);
    rig->reader = sounds_open(rig->fd, false);
    struct ear_options options = {.sounds = rig->writer,
                                  .ready_fd = rig->ready,
                                  .min_volume = 500,
                                  .counters = &rig->counters};
    rig->ear = ear_create(&options);
    rig->parameters = avcodec_parameters_alloc();
    rig->parameters->codec_type = AVMEDIA_TYPE_AUDIO;
    rig->parameters->codec_id = AV_CODEC_ID_PCM_S16LE;
    rig->parameters->sample_rate = SOURCE_RATE;
    rig->parameters->format = AV_SAMPLE_FMT_S16;
    av_channel_layout_default(&rig->parameters->ch_layout, 2);
    ear_begin(rig->ear, rig->parameters);
}

static void end(struct rig *rig)
{
    ear_destroy(rig->ear);
    sounds_close(rig->writer);
    sounds_close(rig->reader);
    avcodec_parameters_free(&rig->parameters);
    close(rig->fd);
    close(rig->ready);
}

/* Stereo sound of one frequency, `ahead_us` off its time. */
static void play(struct rig *rig, double seconds, double amplitude, int64_t ahead_us)
{
    AVPacket *packet = av_packet_alloc();
    for (int64_t until = rig->sent + (int64_t)(seconds * SOURCE_RATE); rig->sent < until;) {
        assert_int_equal(av_new_packet(packet, PACKET * 4), 0);
        int16_t *samples = (int16_t *)(void *)packet->data;
        for (int i = 0; i < PACKET; i++) {
            double at = (double)(rig->sent + i) / SOURCE_RATE;
            samples[2 * i] = samples[2 * i + 1] =
                (int16_t)lround(amplitude * sin(2 * M_PI * 440 * at));
        }
        packet->dts = BEGIN_US + rig->sent * 1000000 / SOURCE_RATE + ahead_us;
        ear_packet(rig->ear, packet);
        av_packet_unref(packet);
        rig->sent += PACKET;
    }
    av_packet_free(&packet);
}

static double rms_shown(const struct rig *rig)
{
    return atomic_load(&rig->counters.audio_rms_x10000) / 1e4;
}

static void sound_becomes_hops(void **state)
{
    struct rig rig;
    begin(&rig);
    play(&rig, 10, 10000, 0);
    uint64_t count = sounds_latest(rig.reader);
    assert_in_range(count, 19, 20); /* 10 s are 20.5 hops */
    eventfd_t ready;
    assert_int_equal(eventfd_read(rig.ready, &ready), 0);
    assert_int_equal(ready, count);
    int16_t hop[SOUNDS_HOP];
    for (uint64_t n = 2; n <= count; n++) {
        struct sounds_info info;
        assert_int_equal(sounds_copy(rig.reader, n, hop, &info), 0);
        assert_int_equal(info.joined, n > 1);
        double due = BEGIN_US / 1e6 + (double)(n - 1) * SOUNDS_HOP / SOUNDS_RATE;
        assert_true(fabs(info.time - due) < 0.005);
        assert_true(fabs(sounds_level(hop, SOUNDS_HOP).rms - 10000 / sqrt(2)) < 100);
    }
    assert_true(fabs(rms_shown(&rig) - 10000 / sqrt(2)) < 50);
    double dbfs = atomic_load(&rig.counters.audio_dbfs_x10000) / 1e4;
    assert_true(fabs(dbfs - sounds_dbfs(rms_shown(&rig))) < 0.001);
    assert_int_equal(ear_dbfs(rig.ear, BEGIN_US, BEGIN_US + 10000000), -13);
    assert_int_equal(ear_dbfs(rig.ear, BEGIN_US + 20000000, BEGIN_US + 30000000), 0);
    ear_end(rig.ear);
    assert_true(rms_shown(&rig) == 0);
    end(&rig);
}

/* Quiet chunks say nothing of a span in which there is a loud one. */
static void loud_chunks_count(void **state)
{
    struct rig rig;
    begin(&rig);
    play(&rig, 10, 100, 0);
    play(&rig, 3, 20000, 0);
    play(&rig, 10, 100, 0);
    assert_int_equal(ear_dbfs(rig.ear, BEGIN_US, BEGIN_US + 8000000), -53);
    int mixed = ear_dbfs(rig.ear, BEGIN_US + 8000000, BEGIN_US + 16000000);
    assert_in_range(mixed + 100, 100 - 12, 100 - 7);
    end(&rig);
}

/* A hole in the packets' times: what is before and after does not become one window. */
static void holes_part_hops(void **state)
{
    struct rig rig;
    begin(&rig);
    play(&rig, 2, 10000, 0);
    uint64_t before = sounds_latest(rig.reader);
    play(&rig, 2, 10000, 3000000);
    struct sounds_info info;
    int16_t hop[SOUNDS_HOP];
    assert_int_equal(sounds_copy(rig.reader, before + 1, hop, &info), 0);
    assert_false(info.joined);
    assert_true(fabs(info.time - BEGIN_US / 1e6 - 5) < 0.1);
    assert_int_equal(sounds_copy(rig.reader, before + 2, hop, &info), 0);
    assert_true(info.joined);
    /* Jitter does not. */
    play(&rig, 1, 10000, 3050000);
    assert_int_equal(sounds_copy(rig.reader, before + 5, hop, &info), 0);
    assert_true(info.joined);
    end(&rig);
}

/* What no decoder knows, no sound at all, and packets of nonsense. */
static void what_cannot_be_heard(void **state)
{
    struct rig rig;
    begin(&rig);
    ear_begin(rig.ear, NULL);
    play(&rig, 1, 10000, 0);
    rig.parameters->codec_id = AV_CODEC_ID_BINTEXT;
    ear_begin(rig.ear, rig.parameters);
    play(&rig, 1, 10000, 0);
    rig.parameters->codec_id = AV_CODEC_ID_AAC;
    ear_begin(rig.ear, rig.parameters);
    play(&rig, 3, 10000, 0);
    assert_int_equal(sounds_latest(rig.reader), 0);
    /* The next connection is a new chance. */
    rig.parameters->codec_id = AV_CODEC_ID_PCM_S16LE;
    ear_begin(rig.ear, rig.parameters);
    play(&rig, 2, 10000, 0);
    assert_true(sounds_latest(rig.reader) >= 3);
    end(&rig);
}

static void means_of_levels(void **state)
{
    static struct levels levels;
    assert_int_equal(levels_mean(&levels, 0, INT64_MAX), 0);
    levels_add(&levels, 10, -60.4, false);
    levels_add(&levels, 20, -61.4, false);
    assert_int_equal(levels_mean(&levels, 0, 100), -61);
    levels_add(&levels, 30, -20.4, true);
    assert_int_equal(levels_mean(&levels, 0, 100), -20);
    assert_int_equal(levels_mean(&levels, 0, 30), -61); /* the end is not part of it */
    levels_add(&levels, 40, 0, false);                  /* digital silence */
    assert_int_equal(levels_mean(&levels, 35, 100), 0);
    levels_add(&levels, 50, -0.1, true); /* never 0: that would be silence */
    assert_int_equal(levels_mean(&levels, 50, 51), -1);
    for (int i = 0; i < LEVELS_MAX; i++) {
        levels_add(&levels, 1000 + i, -30, true);
    }
    assert_int_equal(levels_mean(&levels, 0, 100), 0);
    assert_int_equal(levels_mean(&levels, 1000, 2000), -30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_becomes_hops), cmocka_unit_test(loud_chunks_count),
        cmocka_unit_test(holes_part_hops),    cmocka_unit_test(what_cannot_be_heard),
        cmocka_unit_test(means_of_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
