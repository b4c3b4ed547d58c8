#include "options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads one value into the options; false when it makes no sense. `text` is NULL for flags. */
typedef bool option_setter(struct options *options, const char *text);

struct option_row {
    const char *name;
    const char *value; /* what the value is called in the help; NULL for a flag */
    option_setter *set;
    const char *help;
};

static bool read_number(const char *text, double low, double high, double *number)
{
    char *end;
    *number = strtod(text, &end);
    return end != text && *end == '\0' && *number >= low && *number <= high;
}

static bool read_whole(const char *text, int low, int high, int *number)
{
    double value;
    if (!read_number(text, low, high, &value) || value != floor(value)) {
        return false;
    }
    *number = (int)value;
    return true;
}

static bool set_seed(struct options *options, const char *text)
{
    char *end;
    options->seed = strtoull(text, &end, 10);
    return end != text && *end == '\0';
}

static bool set_duration(struct options *options, const char *text)
{
    return read_number(text, 0.1, 86400, &options->wish.duration_s);
}

static bool set_fps(struct options *options, const char *text)
{
    return read_whole(text, 1, 120, &options->fps);
}

static bool set_size(struct options *options, const char *text)
{
    char rest;
    return sscanf(text, "%dx%d%c", &options->width_px, &options->height_px, &rest) == 2 &&
           options->width_px >= 160 && options->height_px >= 120 && options->width_px <= 7680 &&
           options->height_px <= 4320 && options->width_px % 2 == 0 && options->height_px % 2 == 0;
}

static bool set_night(struct options *options, const char *text)
{
    (void)text;
    options->night = true;
    return true;
}

static bool set_quiet(struct options *options, const char *text)
{
    (void)text;
    options->wish.counted = true;
    memset(options->wish.counts, 0, sizeof options->wish.counts);
    return true;
}

static bool set_count(struct options *options, const char *label, size_t length, int count)
{
    for (int kind = 1; kind <= ACTOR_KINDS; kind++) {
        const char *known = actor_label((enum actor_kind)kind);
        if (strlen(known) == length && strncmp(known, label, length) == 0) {
            options->wish.counts[kind - 1] = count;
            return true;
        }
    }
    return false;
}

/* "person=4,car=2" */
static bool set_objects(struct options *options, const char *text)
{
    set_quiet(options, NULL);
    while (*text != '\0') {
        const char *equals = strchr(text, '=');
        if (equals == NULL) {
            return false;
        }
        char *end;
        const long count = strtol(equals + 1, &end, 10);
        if (end == equals + 1 || count < 0 || count > CAST_MAX || (*end != ',' && *end != '\0') ||
            !set_count(options, text, (size_t)(equals - text), (int)count)) {
            return false;
        }
        text = *end == ',' ? end + 1 : end;
    }
    return true;
}

static bool set_density(struct options *options, const char *text)
{
    options->wish.counted = false;
    return read_number(text, 0, 600, &options->wish.per_minute);
}

static bool set_loopable(struct options *options, const char *text)
{
    (void)text;
    options->wish.loopable = true;
    return true;
}

static bool set_stamp(struct options *options, const char *text)
{
    (void)text;
    options->stamp = true;
    return true;
}

static bool set_gop(struct options *options, const char *text)
{
    return read_number(text, 0.01, 3600, &options->gop_s);
}

static bool set_b_frames(struct options *options, const char *text)
{
    return read_whole(text, 0, 16, &options->encode.b_frames);
}

static bool set_crf(struct options *options, const char *text)
{
    return read_whole(text, 0, 51, &options->encode.crf);
}

static bool set_bitrate(struct options *options, const char *text)
{
    return read_whole(text, 16, 200000, &options->encode.bitrate_kbps);
}

static bool set_preset(struct options *options, const char *text)
{
    options->encode.preset = text;
    return true;
}

static bool set_output(struct options *options, const char *text)
{
    options->output_path = text;
    return true;
}

static bool set_truth(struct options *options, const char *text)
{
    options->truth_path = text;
    return true;
}

static bool set_raw(struct options *options, const char *text)
{
    options->raw_path = text;
    return true;
}

static const struct option_row rows[] = {
    {"-o", "FILE", set_output, "H.264 video; .mp4, .mkv or .ts"},
    {"--truth", "FILE", set_truth, "what is in each frame, one JSON object a line; - for stdout"},
    {"--raw", "FILE", set_raw, "frames before encoding, I420 (BT.601); - for stdout"},
    {"--seed", "N", set_seed, "the same seed gives the same clip (1)"},
    {"--duration", "S", set_duration, "seconds (60)"},
    {"--fps", "N", set_fps, "frames a second (20)"},
    {"--size", "WxH", set_size, "picture size, even numbers (1280x720)"},
    {"--night", NULL, set_night, "infrared or lamp light instead of day"},
    {"--objects", "LIST", set_objects, "how many of each, as person=3,car=2,dog=1,bicycle=1"},
    {"--density", "N", set_density, "objects a minute, kinds at random (14)"},
    {"--quiet", NULL, set_quiet, "no objects: only wind, clouds, light and noise"},
    {"--loopable", NULL, set_loopable, "the end meets the start, with nobody in the picture"},
    {"--stamp", NULL, set_stamp, "burn frame number and time into the top left corner"},
    {"--gop", "S", set_gop, "seconds between keyframes (2)"},
    {"--b-frames", "N", set_b_frames, "B-frames in a row (0)"},
    {"--crf", "N", set_crf, "constant quality, 0..51 (26)"},
    {"--bitrate", "KBPS", set_bitrate, "average bit rate instead of constant quality"},
    {"--preset", "NAME", set_preset, "x264 preset (veryfast)"},
};
enum { ROW_COUNT = sizeof rows / sizeof *rows };

static void print_help(void)
{
    puts("Usage: corvette-scene [OPTION]... -o FILE\n"
         "Makes surveillance footage of an invented place, and the truth about what it shows.\n");
    for (int i = 0; i < ROW_COUNT; i++) {
        char left[32];
        snprintf(left, sizeof left, "%s %s", rows[i].name,
                 rows[i].value != NULL ? rows[i].value : "");
        printf("  %-18s %s\n", left, rows[i].help);
    }
    puts("  --help             this text");
}

static const struct option_row *find_row(const char *name)
{
    for (int i = 0; i < ROW_COUNT; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

static enum options_verdict bad(const char *what, const char *name)
{
    fprintf(stderr, "corvette-scene: %s: %s (see --help)\n", name, what);
    return OPTIONS_BAD;
}

enum options_verdict options_parse(struct options *options, int argc, char **argv)
{
    *options = (struct options){
        .seed = 1,
        .fps = 20,
        .width_px = 1280,
        .height_px = 720,
        .gop_s = 2,
        .wish = {.per_minute = 14, .duration_s = 60},
        .encode = {.crf = 26, .preset = "veryfast"},
    };
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            print_help();
            return OPTIONS_HELP;
        }
        const struct option_row *row = find_row(argv[i]);
        if (row == NULL) {
            return bad("no such option", argv[i]);
        }
        const char *text = NULL;
        if (row->value != NULL) {
            if (++i == argc) {
                return bad("needs a value", row->name);
            }
            text = argv[i];
        }
        if (!row->set(options, text)) {
            return bad("not a usable value", row->name);
        }
    }
    if (options->output_path == NULL && options->raw_path == NULL && options->truth_path == NULL) {
        return bad("nothing to write; name -o, --raw or --truth", "output");
    }
    options->encode.width_px = options->width_px;
    options->encode.height_px = options->height_px;
    options->encode.fps = options->fps;
    options->encode.gop_frames = (int)fmax(1, round(options->gop_s * options->fps));
    return OPTIONS_RUN;
}
