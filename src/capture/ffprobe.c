/* The process `corvette: ffprobe`: looks into a stream for the API. It parses bytes of strangers,
 * so it is a process of its own, with little it could do harm with, and little time. */
#include <errno.h>
#include <inttypes.h>
#include <libavcodec/codec_desc.h>
#include <libavutil/log.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/jout.h"
#include "base/log.h"
#include "capture/capture.h"
#include "capture/source.h"
#include "config/presets.h"

#define INPUT_MAX 65536
#define LINES_MIN 2
#define LINES_MAX 200
#define LOOK_S \
    4 /* then what is known by then is the answer; who started us waits a little longer */
#define CPU_S 8
/* What lies in the media folder. No playlists: they name other files. */
#define FILE_FORMATS "mov,matroska,mpegts,avi,flv,gif,image2,jpeg_pipe,png_pipe,webp_pipe"
#define MEMORY_MAX (1ull << 30)

static struct stopper stopper;

static void on_alarm(int signal_number)
{
    atomic_store(&stopper.stopped, true);
}

static void limit(int what, rlim_t most)
{
    setrlimit(what, &(struct rlimit){.rlim_cur = most, .rlim_max = most});
}

static void confine(void)
{
    prctl(PR_SET_NAME, "ffprobe");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    limit(RLIMIT_CPU, CPU_S);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, 0);
#ifndef __SANITIZE_ADDRESS__ /* which reserves terabytes */
    limit(RLIMIT_AS, MEMORY_MAX);
#endif
}

/* "16:9"; nothing when the shape of a pixel is not known, as in the peer. */
static void put_shape(struct jout *json, const AVStream *stream)
{
    const AVCodecParameters *parameters = stream->codecpar;
    AVRational pixel = stream->sample_aspect_ratio.num > 0 ? stream->sample_aspect_ratio
                                                           : parameters->sample_aspect_ratio;
    AVRational shape;
    if (pixel.num <= 0 || pixel.den <= 0 || parameters->width <= 0 || parameters->height <= 0) {
        return;
    }
    AUTO_STR struct str text = {0};
    av_reduce(&shape.num, &shape.den, parameters->width * (int64_t)pixel.num,
              parameters->height * (int64_t)pixel.den, 1024 * 1024);
    str_addf(&text, "%d:%d", shape.num, shape.den);
    jout_put_string(json, "display_aspect_ratio", str_text(&text));
}

/* The entries the peer asks its ffprobe for, in the order of their names, as texts where it has
 * texts. */
static void put_stream(struct jout *json, const AVStream *stream)
{
    const AVCodecParameters *parameters = stream->codecpar;
    const AVCodecDescriptor *codec = avcodec_descriptor_get(parameters->codec_id);
    bool video = parameters->codec_type == AVMEDIA_TYPE_VIDEO;
    AUTO_STR struct str rate = {0}, bits = {0}, duration = {0};
    jout_begin_object(json);
    str_addf(&rate, "%d/%d", stream->avg_frame_rate.num, stream->avg_frame_rate.den);
    jout_put_string(json, "avg_frame_rate",
                    stream->avg_frame_rate.den == 0 ? "0/0" : str_text(&rate));
    if (parameters->bit_rate > 0) {
        str_addf(&bits, "%" PRId64, parameters->bit_rate);
        jout_put_string(json, "bit_rate", str_text(&bits));
    }
    if (codec != NULL) {
        jout_put_string(json, "codec_long_name",
                        codec->long_name != NULL ? codec->long_name : "unknown");
    }
    if (video) {
        put_shape(json, stream);
    }
    if (stream->duration != AV_NOPTS_VALUE && stream->duration >= 0) {
        str_addf(&duration, "%.6f", (double)stream->duration * av_q2d(stream->time_base));
        jout_put_string(json, "duration", str_text(&duration));
    }
    if (video) {
        jout_put_int(json, "height", parameters->height);
        jout_put_int(json, "width", parameters->width);
    }
    jout_end_object(json);
}

static void write_answer(const struct source *source)
{
    AUTO_STR struct str text = {0};
    struct jout json = {.out = &text};
    jout_begin_object(&json);
    jout_key(&json, "programs");
    jout_begin_array(&json);
    jout_end_array(&json);
    jout_key(&json, "streams");
    jout_begin_array(&json);
    for (int i = 0; i < source_stream_count(source); i++) {
        put_stream(&json, source_stream(source, i));
    }
    jout_end_array(&json);
    jout_end_object(&json);
    puts(str_text(&text));
    fflush(stdout);
}

/* The lines in `args` live in `text`. False: there are too few of them. */
static bool read_task(struct str *text, const char **protocols, const char **url,
                      struct cfg_list *args)
{
    char *lines[LINES_MAX], *rest, *line;
    size_t count = 0;
    if (str_read_fd(text, STDIN_FILENO, INPUT_MAX) < 0 || text->length == 0) {
        return false;
    }
    rest = text->data;
    while (count < LINES_MAX && (line = strsep(&rest, "\n")) != NULL) {
        lines[count++] = line;
    }
    if (count < LINES_MIN) {
        return false;
    }
    *protocols = lines[0];
    *url = lines[1];
    for (size_t i = LINES_MIN; i < count; i++) {
        config_list_add(args, lines[i]);
    }
    return true;
}

static int probe(const char *url, struct capture_args *args, struct err *err)
{
    struct source *source = source_open(url, args, &stopper, err);
    if (source == NULL) {
        if (atomic_load(&stopper.stopped)) {
            err_set(err, ETIMEDOUT, "no answer for %d s", LOOK_S);
        }
        return -err->code;
    }
    write_answer(source);
    source_close(source);
    return 0;
}

int capture_ffprobe_main(void)
{
    AUTO_STR struct str text = {0}, shown = {0};
    const char *protocols, *url;
    struct cfg_list list = {0};
    struct capture_args args = {0};
    struct err err = ERR_NONE;
    log_set_name("ffprobe");
    log_set_level(LOG_CRITICAL); /* stderr is for the answer */
    av_log_set_level(AV_LOG_QUIET);
    confine();
    if (!read_task(&text, &protocols, &url, &list) || stopper_init(&stopper) < 0) {
        fprintf(stderr, "no task was given\n");
        config_list_finish(&list);
        return 2;
    }
    signal(SIGALRM, on_alarm);
    signal(SIGPIPE, SIG_IGN);
    alarm(LOOK_S);
    capture_args_read(&args, CAPTURE_ARGS_INPUT, &list, NULL, NULL);
    args.thorough = true;
    av_dict_set(&args.format_options, "protocol_whitelist", protocols, 0);
    bool given = strcmp(url, "-") == 0;
    if (given) {
        av_dict_set(&args.format_options, "format_whitelist", FILE_FORMATS, 0);
    }
    int result = probe(given ? "file:/proc/self/fd/3" : url, &args, &err);
    if (result < 0) {
        config_mask_url(given ? "the file" : url, &shown);
        fprintf(stderr, "%s: %s\n", str_text(&shown), err.text);
    }
    capture_args_finish(&args);
    config_list_finish(&list);
    stopper_finish(&stopper);
    return result < 0 ? 1 : 0;
}
