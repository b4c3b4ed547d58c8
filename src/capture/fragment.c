#include "capture/fragment.h"

#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "base/mem.h"
#include "media/bytes.h"
#include "media/fmp4.h"

struct stream_spec *spec_take(struct stream_spec *spec)
{
    atomic_fetch_add(&spec->references, 1);
    return spec;
}

void spec_drop(struct stream_spec *spec)
{
    if (spec != NULL && atomic_fetch_sub(&spec->references, 1) == 1) {
        params_finish(&spec->params);
        str_finish(&spec->init);
        free(spec);
    }
}

struct fragment *fragment_create(struct stream_spec *spec)
{
    struct fragment *fragment = mem_alloc(sizeof *fragment);
    fragment->spec = spec != NULL ? spec_take(spec) : NULL;
    return fragment;
}

void fragment_add(struct fragment *fragment, AVPacket *packet, bool audio)
{
    struct fragment_item *item = MEM_PUSH(fragment->items, fragment->count, fragment->capacity);
    item->packet = packet;
    item->audio = audio;
    fragment->bytes += (size_t)packet->size;
    fragment->video_count += !audio;
}

void fragment_free(struct fragment *fragment)
{
    if (fragment == NULL) {
        return;
    }
    for (size_t i = 0; i < fragment->count; i++) {
        av_packet_free(&fragment->items[i].packet);
    }
    free(fragment->items);
    spec_drop(fragment->spec);
    free(fragment);
}

void fragment_layout_finish(struct fragment_layout *layout)
{
    free(layout->samples);
    free(layout->pieces);
    free(layout->parts);
    free(layout->prefixes);
    str_finish(&layout->head);
    *layout = (struct fragment_layout){0};
}

static uint64_t video_ticks(const struct fragment_place *place, int64_t time_us)
{
    int64_t us = time_us > place->base_us ? time_us - place->base_us : 0;
    return (uint64_t)((us * 9 + 50) / 100); /* FMP4_VIDEO_TIMESCALE / 1e6 */
}

/* NAL units of a packet that go into the file; their bytes with lengths, 0 = nothing worth keeping.
 */
static uint32_t take_picture(const struct stream_spec *spec, const AVPacket *packet,
                             struct fragment_layout *layout)
{
    uint32_t bytes = 0;
    struct nal_walk walk = nal_walk(packet->data, (size_t)packet->size, spec->length_bytes);
    struct nal nal;
    while (nal_next(&walk, &nal)) {
        enum nal_kind kind = nal_kind(spec->params.codec, &nal);
        bool is_set = kind == NAL_VPS || kind == NAL_SPS || kind == NAL_PPS;
        if (kind == NAL_DELIMITER || (is_set && params_hold(&spec->params, &nal))) {
            continue;
        }
        *MEM_PUSH(layout->pieces, layout->piece_count, layout->piece_capacity) = nal;
        bytes += 4 + (uint32_t)nal.length;
    }
    return bytes;
}

static void lay_out_video(const struct fragment *fragment, struct fragment_place *place,
                          struct fragment_layout *layout, struct fmp4_run *run)
{
    size_t first = layout->sample_count;
    uint64_t time = 0;
    for (size_t i = 0; i < fragment->count; i++) {
        const AVPacket *packet = fragment->items[i].packet;
        uint32_t bytes = 0;
        if (fragment->items[i].audio ||
            (bytes = take_picture(fragment->spec, packet, layout)) == 0) {
            continue;
        }
        uint64_t decode = video_ticks(place, packet->dts);
        decode = decode > place->video_time ? decode : place->video_time;
        if (layout->sample_count > first) {
            layout->samples[layout->sample_count - 1].duration = (uint32_t)(decode - time);
        } else {
            run->decode_time = place->video_begin = decode;
        }
        time = place->video_time = decode;
        int64_t shown = (packet->pts - place->base_us) * 9;
        shown = (shown + (shown < 0 ? -50 : 50)) / 100;
        *MEM_PUSH(layout->samples, layout->sample_count, layout->sample_capacity) =
            (struct fmp4_sample){.bytes = bytes,
                                 .offset = (int32_t)(shown - (int64_t)decode),
                                 .key = (packet->flags & AV_PKT_FLAG_KEY) != 0};
    }
    run->track = FMP4_VIDEO;
    run->count = layout->sample_count - first;
    if (run->count > 0) {
        uint64_t end = video_ticks(place, fragment->end_us);
        end = end > time ? end : time + 1;
        layout->samples[layout->sample_count - 1].duration = (uint32_t)(end - time);
        place->video_time = end;
        place->video_samples += run->count;
    }
}

/* Sound packets come with smoothed times, so a difference of a tick or two is rounding; more is a
 * hole. */
static void lay_out_audio(const struct fragment *fragment, struct fragment_place *place,
                          struct fragment_layout *layout, struct fmp4_run *run)
{
    size_t first = layout->sample_count;
    uint64_t rate = fragment->spec->audio_rate;
    for (size_t i = 0; i < fragment->count; i++) {
        const AVPacket *packet = fragment->items[i].packet;
        if (!fragment->items[i].audio || rate == 0) {
            continue;
        }
        int64_t us = packet->dts > place->base_us ? packet->dts - place->base_us : 0;
        uint64_t time = ((uint64_t)us * rate + 500000) / 1000000;
        if (place->audio_begun && time < place->audio_time + rate / 200) {
            time = place->audio_time;
        }
        if (layout->sample_count > first) {
            layout->samples[layout->sample_count - 1].duration +=
                (uint32_t)(time - place->audio_time);
        } else {
            run->decode_time = time;
        }
        uint32_t duration = packet->duration > 0 ? (uint32_t)packet->duration : 1024;
        *MEM_PUSH(layout->samples, layout->sample_count, layout->sample_capacity) =
            (struct fmp4_sample){
                .bytes = (uint32_t)packet->size, .duration = duration, .key = true};
        *MEM_PUSH(layout->pieces, layout->piece_count, layout->piece_capacity) =
            (struct nal){packet->data, (size_t)packet->size};
        place->audio_time = time + duration;
        place->audio_begun = true;
    }
    run->track = FMP4_AUDIO;
    run->count = layout->sample_count - first;
    place->audio_samples += run->count;
}

static void grow_parts(struct fragment_layout *layout, size_t parts, size_t prefixes)
{
    if (layout->parts_capacity < parts) {
        layout->parts_capacity = parts * 2;
        layout->parts = mem_grow(layout->parts, layout->parts_capacity, sizeof *layout->parts);
    }
    if (layout->prefixes_capacity < prefixes) {
        layout->prefixes_capacity = prefixes * 2;
        layout->prefixes = mem_grow(layout->prefixes, layout->prefixes_capacity, 4);
    }
}

size_t fragment_lay_out(const struct fragment *fragment, struct fragment_place *place,
                        struct fragment_layout *layout)
{
    struct fmp4_run runs[2] = {0};
    layout->sample_count = layout->piece_count = 0;
    str_clear(&layout->head);
    lay_out_video(fragment, place, layout, &runs[0]);
    size_t video_pieces = layout->piece_count;
    if (runs[0].count == 0) {
        return 0;
    }
    lay_out_audio(fragment, place, layout, &runs[1]);
    runs[0].samples = layout->samples;
    runs[1].samples = layout->samples + runs[0].count;
    fmp4_write_fragment(&layout->head, ++place->sequence, runs, runs[1].count > 0 ? 2 : 1);

    grow_parts(layout, 1 + 2 * layout->piece_count, video_pieces);
    size_t count = 0;
    layout->parts[count++] = (struct iovec){layout->head.data, layout->head.length};
    for (size_t i = 0; i < layout->piece_count; i++) {
        const struct nal *piece = &layout->pieces[i];
        if (i < video_pieces) {
            set_u32(layout->prefixes + 4 * i, (uint32_t)piece->length);
            layout->parts[count++] = (struct iovec){layout->prefixes + 4 * i, 4};
        }
        layout->parts[count++] = (struct iovec){(void *)(uintptr_t)piece->data, piece->length};
    }
    return count;
}
