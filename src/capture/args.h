/* The peer's `ffmpeg` argument lists read as settings of our own: one table says what each option
 * means here. Presets must be expanded before (config/presets.h). */
#ifndef CORVETTE_CAPTURE_ARGS_H
#define CORVETTE_CAPTURE_ARGS_H

#include <libavutil/dict.h>
#include <stdbool.h>

#include "capture/capture.h"

struct capture_args {
    AVDictionary *format_options; /* for the demuxer and its protocols */
    AVDictionary *codec_options;  /* for the decoder */
    char format[32];              /* -f: demuxer, "" = found out */
    bool realtime;                /* -re */
    bool wallclock;               /* -use_wallclock_as_timestamps */
    bool patient;                 /* no option: nothing needs the pictures at once */
    bool thorough;                /* no option: looks into streams for what their headers do not
                                     say (rates); for people, takes a moment */
    int stream_loop;              /* -1 for ever */
    double rate;                  /* -r: pictures per second of a source without times, 0 = none */
    char hwaccel[32], hwaccel_device[128], decoder[64];
    bool no_audio; /* -an */
    char video_codec[32],
        audio_codec[32];    /* of the recording; "copy", an encoder, "" = not given */
    int audio_rate;         /* -ar */
    double segment_seconds; /* 0 = not given */
    int crf, bitrate;       /* for video_codec; 0 = not given */
    char encoder_preset[32];
};

/* Adds what `list` says; several lists may be read into one. `complain` (may be NULL) hears of each
 * option that cannot be honoured. */
void capture_args_read(struct capture_args *args, enum capture_args_kind kind,
                       const struct cfg_list *list, capture_complain_fn complain, void *context);
void capture_args_finish(struct capture_args *args);

#endif
