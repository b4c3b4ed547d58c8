#include <errno.h>
#include <libavutil/pixdesc.h>

#include "base/log.h"
#include "capture/capture.h"
#include "capture/source.h"
#include "config/presets.h"

#define PACKETS_MAX 500 /* to see each stream's first, and its rate */
#define PROBE_US 5000000

static void count_rate(const AVStream *stream, int64_t first, int64_t last, unsigned count,
                       FILE *out)
{
    double rate = av_q2d(stream->avg_frame_rate);
    if (rate <= 0 && count > 1 && last > first) {
        rate = (count - 1) / ((double)(last - first) * av_q2d(stream->time_base));
    }
    if (rate > 0) {
        fprintf(out, ", %.4g fps", rate);
    }
}

struct seen {
    int64_t first, last;
    unsigned count;
};

static void print_stream(const AVStream *stream, const struct seen *seen, FILE *out)
{
    const AVCodecParameters *parameters = stream->codecpar;
    const char *type = av_get_media_type_string(parameters->codec_type);
    const char *profile = avcodec_profile_name(parameters->codec_id, parameters->profile);
    fprintf(out, "stream %d: %s: %s%s%s%s", stream->index, type != NULL ? type : "unknown",
            avcodec_get_name(parameters->codec_id), profile != NULL ? " (" : "",
            profile != NULL ? profile : "", profile != NULL ? ")" : "");
    if (parameters->codec_type == AVMEDIA_TYPE_VIDEO) {
        const char *format = av_get_pix_fmt_name((enum AVPixelFormat)parameters->format);
        fprintf(out, ", %dx%d%s%s", parameters->width, parameters->height,
                format != NULL ? ", " : "", format != NULL ? format : "");
        count_rate(stream, seen->first, seen->last, seen->count, out);
    } else if (parameters->codec_type == AVMEDIA_TYPE_AUDIO) {
        fprintf(out, ", %d Hz, %d channel%s", parameters->sample_rate,
                parameters->ch_layout.nb_channels,
                parameters->ch_layout.nb_channels == 1 ? "" : "s");
    }
    fprintf(out, "\n");
}

static void complain(void *context, const char *argument, const char *why)
{
    log_warning("%s %s", argument, why);
}

static void read_some(struct source *source, struct seen seen[8], struct err *err)
{
    AVPacket *packet = av_packet_alloc();
    struct mono arrival, begin = mono_now();
    for (int i = 0; packet != NULL && i < PACKETS_MAX && mono_since_us(begin) < PROBE_US; i++) {
        if (source_read(source, packet, &arrival, err) < 0) {
            break;
        }
        int64_t time = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;
        if (packet->stream_index < 8 && time != AV_NOPTS_VALUE) {
            struct seen *one = &seen[packet->stream_index];
            one->first = one->count == 0 || time < one->first ? time : one->first;
            one->last = one->count == 0 || time > one->last ? time : one->last;
            one->count++;
        }
        av_packet_unref(packet);
        if (seen[0].count >= 50 && source_stream(source, 0)->codecpar->width > 0) {
            break;
        }
    }
    av_packet_free(&packet);
}

int capture_probe(const char *url, const struct cfg_list *input_args, FILE *out, struct err *err)
{
    struct capture_args args = {0};
    struct stopper stopper;
    int result = stopper_init(&stopper);
    if (result < 0) {
        return err_set(err, -result, "%s", err_name(result));
    }
    av_log_set_level(AV_LOG_QUIET);
    struct cfg_list expanded = {0};
    config_presets_expand(CFG_PRESET_INPUT, input_args, &(struct cfg_preset_values){.fps = 5},
                          &expanded);
    capture_args_read(&args, CAPTURE_ARGS_INPUT, &expanded, complain, NULL);
    config_list_finish(&expanded);
    args.thorough = true;
    struct source *source = source_open(url, &args, &stopper, err);
    if (source != NULL) {
        struct seen seen[8] = {0};
        read_some(source, seen, err);
        for (int i = 0; i < source_stream_count(source); i++) {
            print_stream(source_stream(source, i), i < 8 ? &seen[i] : &(struct seen){0}, out);
        }
    }
    result = source == NULL ? -err->code : 0;
    source_close(source);
    stopper_finish(&stopper);
    capture_args_finish(&args);
    return result;
}
