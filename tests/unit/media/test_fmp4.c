#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/mem.h"
#include "media/bytes.h"
#include "media/fmp4.h"
#include "media/params.h"
#include "stamped.h"

#define START_US 1795377601234567

/* A segment made from an encoder's packets: one fragment per `per_fragment` pictures. */
struct making {
    struct str file, data;
    struct params params;
    struct fmp4_sample samples[64];
    struct fmp4_entry entries[64];
    size_t count, entry_count;
    size_t per_fragment;
    uint32_t sequence, step;
    int64_t first_dts, decode_time;
    double delay; /* of the first picture: reordering */
    bool audio;
    uint64_t audio_time;
    size_t ends[64], end_count; /* file length after each fragment */
};

static const uint8_t sound_config[] = {0x12, 0x10};

static void write_init(struct making *making, const struct stamped_options *options,
                       const AVCodecContext *encoder)
{
    unsigned length_bytes;
    assert_true(params_from_extradata(
        &making->params, options->codec == AV_CODEC_ID_HEVC ? MEDIA_H265 : MEDIA_H264,
        encoder->extradata, (size_t)encoder->extradata_size, &length_bytes));
    assert_int_equal(length_bytes, 0);
    assert_true(params_complete(&making->params));
    struct fmp4_video video = {.codec = making->params.codec};
    assert_true(params_size(&making->params, &video.width, &video.height));
    assert_int_equal(video.width, options->width);
    assert_int_equal(video.height, options->height);
    struct str AUTO_STR config = {0};
    params_write(&making->params, &config);
    video.config = config.data;
    video.config_bytes = config.length;
    struct fmp4_audio audio = {44100, 2, sound_config, sizeof sound_config};
    fmp4_write_init(&making->file, &video, making->audio ? &audio : NULL);
    fmp4_write_start(&making->file, START_US);
}

static void close_fragment(struct making *making)
{
    static const uint8_t silence[6] = {0x21, 0x10, 0x04, 0x60, 0x8c, 0x1c}; /* an empty AAC frame */
    if (making->count == 0) {
        return;
    }
    if (making->samples[0].key) {
        making->entries[making->entry_count++] =
            (struct fmp4_entry){making->file.length, (uint64_t)making->decode_time};
    }
    struct fmp4_sample sound[2] = {{sizeof silence, 1024, 0, true},
                                   {sizeof silence, 1024, 0, true}};
    struct fmp4_run runs[2] = {
        {FMP4_VIDEO, (uint64_t)making->decode_time, making->samples, making->count},
        {FMP4_AUDIO, making->audio_time, sound, 2}};
    fmp4_write_fragment(&making->file, ++making->sequence, runs, making->audio ? 2 : 1);
    str_add_bytes(&making->file, making->data.data, making->data.length);
    if (making->audio) {
        str_add_bytes(&making->file, silence, sizeof silence);
        str_add_bytes(&making->file, silence, sizeof silence);
        making->audio_time += 2048;
    }
    for (size_t i = 0; i < making->count; i++) {
        making->decode_time += making->samples[i].duration;
    }
    making->count = 0;
    str_clear(&making->data);
    making->ends[making->end_count++] = making->file.length;
}

static void add_packet(void *context, const AVPacket *packet)
{
    struct making *making = context;
    if (making->count == making->per_fragment) {
        close_fragment(making);
    }
    if (making->first_dts == INT64_MIN) {
        making->first_dts = packet->dts;
        making->delay = (double)(packet->pts - packet->dts) / 90000;
    }
    size_t before = making->data.length;
    struct nal_walk walk = nal_walk(packet->data, (size_t)packet->size, 0);
    struct nal nal;
    bool key = false;
    while (nal_next(&walk, &nal)) {
        put_u32(&making->data, (uint32_t)nal.length);
        str_add_bytes(&making->data, nal.data, nal.length);
        key = key || nal_kind(making->params.codec, &nal) == NAL_SLICE_KEY;
    }
    assert_int_equal(key, (packet->flags & AV_PKT_FLAG_KEY) != 0);
    int64_t decode_time = making->decode_time + (int64_t)(making->count * making->step);
    making->samples[making->count++] = (struct fmp4_sample){
        .bytes = (uint32_t)(making->data.length - before),
        .duration = making->step,
        .offset = (int32_t)(packet->pts - making->first_dts - decode_time),
        .key = key,
    };
}

static void make(struct making *making, const struct stamped_options *options, bool audio)
{
    *making = (struct making){.per_fragment = 10,
                              .step = 90000u / (unsigned)options->fps,
                              .first_dts = INT64_MIN,
                              .audio = audio};
    AVCodecContext *encoder = stamped_encoder(options);
    write_init(making, options, encoder);
    for (int i = 0; i < options->frames; i++) {
        stamped_encode(encoder, options, options->first + i, add_packet, making);
    }
    stamped_flush(encoder, add_packet, making);
    close_fragment(making);
    avcodec_free_context(&encoder);
}

static void making_finish(struct making *making)
{
    str_finish(&making->file);
    str_finish(&making->data);
    params_finish(&making->params);
}

static const struct stamped_options plain = {.codec = AV_CODEC_ID_H264,
                                             .width = 320,
                                             .height = 180,
                                             .fps = 10,
                                             .gop = 20,
                                             .frames = 45,
                                             .first = 7};

static void check_content(const struct making *making, const struct stamped_options *options)
{
    char path[] = "/tmp/corvette-fmp4-XXXXXX";
    int AUTO_CLOSE fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(file_write_all(fd, making->file.data, making->file.length), 0);
    struct stamped_content content;
    stamped_read_file(path, &content);
    unlink(path);
    assert_int_equal(content.count, options->frames);
    for (int i = 0; i < content.count; i++) {
        assert_int_equal(content.numbers[i], options->first + i);
        assert_float_equal(content.times[i], making->delay + (double)i / options->fps, 1e-4);
    }
    stamped_content_finish(&content);
}

static void test_round_trip(void **state)
{
    static const struct {
        enum AVCodecID codec;
        int b_frames;
        bool audio;
    } rows[] = {{AV_CODEC_ID_H264, 0, false},
                {AV_CODEC_ID_H264, 3, false},
                {AV_CODEC_ID_H264, 2, true},
                {AV_CODEC_ID_HEVC, 0, false},
                {AV_CODEC_ID_HEVC, 3, true}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct stamped_options options = plain;
        options.codec = rows[i].codec;
        options.b_frames = rows[i].b_frames;
        struct making making;
        make(&making, &options, rows[i].audio);
        fmp4_write_index(&making.file, making.entries, making.entry_count);
        struct fmp4_index index;
        struct err err = ERR_NONE;
        assert_int_equal(fmp4_read_memory(making.file.data, making.file.length, &index, &err), 0);
        assert_true(index.has_start && !index.truncated);
        assert_int_equal(index.start_us, START_US);
        assert_float_equal(index.duration, 4.5, 1e-9);
        assert_float_equal(index.first_offset, making.delay, 1e-9);
        assert_int_equal(making.delay > 0, rows[i].b_frames > 0);
        assert_int_equal(index.fragment_count, 5);
        assert_int_equal(index.track_count, rows[i].audio ? 2 : 1);
        const struct fmp4_track *video = fmp4_video_track(&index);
        assert_int_equal(video->codec, making.params.codec);
        assert_int_equal(video->width, 320);
        assert_int_equal(video->samples, 45);
        struct params read = {0};
        unsigned length_bytes;
        assert_true(params_from_extradata(&read, video->codec,
                                          making.file.data + video->config_offset,
                                          video->config_bytes, &length_bytes));
        assert_int_equal(length_bytes, 4);
        assert_true(params_equal(&read, &making.params));
        params_finish(&read);
        const struct fmp4_track *sound = fmp4_audio_track(&index);
        assert_int_equal(sound != NULL, rows[i].audio);
        if (sound != NULL) {
            assert_int_equal(sound->sample_rate, 44100);
            assert_int_equal(sound->end_time, 5 * 2048);
        }
        for (size_t n = 0; n < index.fragment_count; n++) {
            const struct fmp4_fragment *fragment = &index.fragments[n];
            assert_int_equal(fragment->offset + fragment->bytes, making.ends[n]);
            assert_int_equal(fragment->parts[0].decode_time, 90000 * n);
            assert_int_equal(get_u64((uint8_t *)making.file.data + fragment->parts[0].tfdt_offset),
                             90000 * n);
            assert_int_equal(fragment->key, n % 2 == 0);
        }
        fmp4_finish(&index);
        check_content(&making, &options);
        making_finish(&making);
    }
}

/* Cut at every byte: the reader never fails after the init section and gives whole fragments only.
 */
static void test_truncated(void **state)
{
    struct stamped_options options = plain;
    options.width = 256;
    options.height = 64;
    options.frames = 25;
    struct making making;
    make(&making, &options, true);
    struct fmp4_index whole;
    struct err err = ERR_NONE;
    assert_int_equal(fmp4_read_memory(making.file.data, making.file.length, &whole, &err), 0);
    for (size_t length = 0; length < making.file.length; length++) {
        void *copy =
            mem_dup(making.file.data, length + (length == 0)); /* so that ASan sees an overread */
        struct fmp4_index index;
        int result = fmp4_read_memory(copy, length, &index, &err);
        if (length < whole.init_bytes) {
            assert_int_equal(result, -EBADMSG);
        } else {
            assert_int_equal(result, 0);
            size_t expected = 0;
            while (expected < making.end_count && making.ends[expected] <= length) {
                expected++;
            }
            assert_int_equal(index.fragment_count, expected);
            assert_int_equal(index.truncated, index.whole_bytes != length);
            if (expected > 0) {
                assert_int_equal(index.whole_bytes, making.ends[expected - 1]);
            }
            fmp4_finish(&index);
        }
        free(copy);
    }
    fmp4_finish(&whole);
    making_finish(&making);
}

/* Every byte turned over, one at a time: no crash, no overread (under the sanitizers), no endless
 * loop. */
static void test_mangled(void **state)
{
    struct stamped_options options = plain;
    options.width = 256;
    options.height = 64;
    options.frames = 12;
    struct making making;
    make(&making, &options, true);
    size_t good = 0;
    for (size_t i = 0; i < making.file.length; i++) {
        struct fmp4_index index;
        struct err err = ERR_NONE;
        making.file.data[i] = (char)~making.file.data[i];
        if (fmp4_read_memory(making.file.data, making.file.length, &index, &err) == 0) {
            assert_true(index.whole_bytes <= index.file_bytes);
            good++;
            fmp4_finish(&index);
        }
        making.file.data[i] = (char)~making.file.data[i];
    }
    assert_true(good > 0 && good < making.file.length);
    making_finish(&making);
}

static void test_zero_tail(void **state)
{
    struct making making;
    make(&making, &plain, false);
    size_t length = making.file.length;
    static const char zeros[4096];
    str_add_bytes(&making.file, zeros, sizeof zeros);
    struct fmp4_index index;
    struct err err = ERR_NONE;
    assert_int_equal(fmp4_read_memory(making.file.data, making.file.length, &index, &err), 0);
    assert_int_equal(index.whole_bytes, length);
    assert_true(index.truncated);
    fmp4_finish(&index);
    assert_int_equal(fmp4_read_memory(zeros, sizeof zeros, &index, &err), -EBADMSG);
    making_finish(&making);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_mangled),
        cmocka_unit_test(test_zero_tail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
