#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "render/child.h"

#define SAMPLE_MAX (64u << 20)
#define VISUAL_ENTRY_BYTES 86 /* box header and the fixed part: ISO/IEC 14496-12, 12.1.3 */

static uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Parameter sets: the content of avcC or hvcC. */
static void take_parameters(AVCodecContext *decoder, const struct mp4_track *track)
{
    size_t at = VISUAL_ENTRY_BYTES;
    while (at + 8 <= track->entry_bytes) {
        const uint8_t *box = track->entry + at;
        size_t bytes = get_u32(box);
        if (bytes < 8 || bytes > track->entry_bytes - at) {
            return;
        }
        if (memcmp(box + 4, "avcC", 4) == 0 || memcmp(box + 4, "hvcC", 4) == 0) {
            decoder->extradata = av_mallocz(bytes - 8 + AV_INPUT_BUFFER_PADDING_SIZE);
            if (decoder->extradata != NULL) {
                memcpy(decoder->extradata, box + 8, bytes - 8);
                decoder->extradata_size = (int)(bytes - 8);
            }
            return;
        }
        at += bytes;
    }
}

static int open_decoder(struct reel *reel, struct err *err)
{
    const struct mp4_track *track = &reel->mp4.tracks[MP4_VIDEO];
    enum AVCodecID id = track->codec == MEDIA_H264   ? AV_CODEC_ID_H264
                        : track->codec == MEDIA_H265 ? AV_CODEC_ID_HEVC
                                                     : AV_CODEC_ID_NONE;
    const AVCodec *codec = avcodec_find_decoder(id);
    reel->decoder = codec != NULL ? avcodec_alloc_context3(codec) : NULL;
    reel->packet = av_packet_alloc();
    reel->frame = av_frame_alloc();
    if (reel->decoder == NULL || reel->packet == NULL || reel->frame == NULL) {
        return err_set(err, ENOTSUP, "no decoder for this recording");
    }
    take_parameters(reel->decoder, track);
    reel->decoder->width = track->width;
    reel->decoder->height = track->height;
    reel->decoder->thread_count = 1;
    if (avcodec_open2(reel->decoder, codec, NULL) < 0) {
        return err_set(err, EBADMSG, "the decoder does not take this recording");
    }
    return 0;
}

static void list_times(struct reel *reel)
{
    const struct mp4_track *track = &reel->mp4.tracks[MP4_VIDEO];
    reel->shown = mem_array(track->count, sizeof *reel->shown);
    int64_t decode = track->first_decode;
    for (size_t i = 0; i < track->count; i++) {
        const struct mp4_sample *sample = &track->samples[i];
        double ticks = (double)(decode + sample->composition - track->shown_from);
        reel->shown[i] = (int64_t)(ticks * 1e6 / track->timescale + (ticks < 0 ? -0.5 : 0.5));
        decode += sample->duration;
    }
}

int reel_open(struct reel *reel, int fd, struct err *err)
{
    *reel = (struct reel){.fd = fd};
    int result = mp4_read_fd(fd, &reel->mp4, err);
    if (result == 0 && reel->mp4.tracks[MP4_VIDEO].count == 0) {
        result = err_set(err, EBADMSG, "no pictures in this recording");
    }
    if (result == 0) {
        list_times(reel);
        result = open_decoder(reel, err);
    }
    if (result < 0) {
        reel_close(reel);
    }
    return result;
}

void reel_close(struct reel *reel)
{
    avcodec_free_context(&reel->decoder);
    av_packet_free(&reel->packet);
    av_frame_free(&reel->frame);
    mp4_finish(&reel->mp4);
    free(reel->shown);
    if (reel->fd >= 0) {
        close(reel->fd);
    }
    *reel = (struct reel){.fd = -1};
}

int reel_feed(struct reel *reel, size_t sample)
{
    const struct mp4_sample *from = &reel->mp4.tracks[MP4_VIDEO].samples[sample];
    if (from->bytes == 0 || from->bytes > SAMPLE_MAX ||
        av_new_packet(reel->packet, (int)from->bytes) < 0) {
        return -EBADMSG;
    }
    ssize_t got = pread(reel->fd, reel->packet->data, from->bytes, (off_t)from->offset);
    int result = -EIO;
    if (got == (ssize_t)from->bytes) {
        reel->packet->pts = reel->packet->dts = (int64_t)sample;
        reel->packet->flags = from->key ? AV_PKT_FLAG_KEY : 0;
        result = avcodec_send_packet(reel->decoder, reel->packet);
        result = result < 0 && result != AVERROR(EAGAIN) ? -EBADMSG : result;
    }
    av_packet_unref(reel->packet);
    return result;
}

int reel_take(struct reel *reel)
{
    int result = avcodec_receive_frame(reel->decoder, reel->frame);
    if (result == AVERROR(EAGAIN) || result == AVERROR_EOF) {
        return 0;
    }
    return result < 0 ? -EBADMSG : 1;
}

void reel_drain(struct reel *reel)
{
    avcodec_send_packet(reel->decoder, NULL);
}

void reel_restart(struct reel *reel)
{
    avcodec_flush_buffers(reel->decoder);
}

size_t reel_key_at(const struct reel *reel, int64_t at_us)
{
    const struct mp4_track *track = &reel->mp4.tracks[MP4_VIDEO];
    size_t first = 0;
    for (size_t i = 0; i < track->count && reel->shown[i] <= at_us; i++) {
        first = track->samples[i].key ? i : first;
    }
    return first;
}
