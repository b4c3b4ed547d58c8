/* corvette-scene: surveillance footage of invented places, with the truth about it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encode.h"
#include "options.h"
#include "sensor.h"
#include "stage.h"
#include "stamp.h"
#include "truth.h"

/* Where frames go; a missing one is NULL. */
struct sinks {
    struct encoder *encoder;
    FILE *truth;
    FILE *raw;
};

static bool open_file(FILE **file, const char *path)
{
    if (path == NULL) {
        return true;
    }
    *file = strcmp(path, "-") == 0 ? stdout : fopen(path, "wb");
    if (*file == NULL) {
        perror(path);
        return false;
    }
    return true;
}

static bool open_sinks(struct sinks *sinks, const struct options *options)
{
    if (!open_file(&sinks->truth, options->truth_path) ||
        !open_file(&sinks->raw, options->raw_path)) {
        return false;
    }
    if (options->output_path != NULL) {
        sinks->encoder = encoder_open(options->output_path, &options->encode);
        return sinks->encoder != NULL;
    }
    return true;
}

static bool close_file(FILE *file)
{
    if (file == NULL) {
        return true;
    }
    const bool written = ferror(file) == 0;
    if (fclose(file) != 0 || !written) {
        fputs("corvette-scene: output file could not be written\n", stderr);
        return false;
    }
    return true;
}

static bool close_sinks(struct sinks *sinks)
{
    bool complete = sinks->encoder == NULL || encoder_close(sinks->encoder);
    complete = close_file(sinks->truth) && complete;
    return close_file(sinks->raw) && complete;
}

static bool write_frame(const struct sinks *sinks, const struct stage *stage,
                        const struct i420 *picture, int frame, double time_s)
{
    if (sinks->truth != NULL) {
        truth_write(sinks->truth, stage, frame, time_s);
    }
    if (sinks->raw != NULL &&
        fwrite(picture->planes[0], 1, i420_bytes(picture), sinks->raw) != i420_bytes(picture)) {
        return false;
    }
    return sinks->encoder == NULL || encoder_write(sinks->encoder, picture);
}

static bool make_clip(const struct options *options, const struct sinks *sinks)
{
    struct stage stage;
    stage_init(&stage, options->seed, options->width_px, options->height_px, options->night,
               &options->wish);
    struct sensor *sensor = sensor_create(&stage.scene, options->seed);
    struct i420 *picture = i420_create(options->width_px, options->height_px);
    const int frames = (int)lround(options->wish.duration_s * options->fps);
    bool good = true;
    for (int frame = 0; frame < frames && good; frame++) {
        const double time_s = (double)frame / options->fps;
        stage_render(&stage, time_s);
        sensor_develop(sensor, &stage, time_s, frame, picture);
        if (options->stamp) {
            stamp_paint(picture, frame, time_s);
        }
        good = write_frame(sinks, &stage, picture, frame, time_s);
    }
    i420_destroy(picture);
    sensor_destroy(sensor);
    stage_finish(&stage);
    return good;
}

int main(int argc, char **argv)
{
    struct options options;
    switch (options_parse(&options, argc, argv)) {
    case OPTIONS_HELP:
        return EXIT_SUCCESS;
    case OPTIONS_BAD:
        return EXIT_FAILURE;
    case OPTIONS_RUN:
        break;
    }
    struct sinks sinks = {0};
    bool good = open_sinks(&sinks, &options) && make_clip(&options, &sinks);
    good = close_sinks(&sinks) && good;
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
