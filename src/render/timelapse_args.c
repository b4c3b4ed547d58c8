#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "render/job.h"

#define SPEED_MAX 100000
#define RATE_MAX 120

/* "setpts=0.04*PTS" */
static bool read_speed(const char *filter, double *speed)
{
    double factor;
    if (!str_starts(filter, "setpts=") || !str_ends(filter, "*PTS")) {
        return false;
    }
    filter += strlen("setpts=");
    AUTO_FREE char *number = mem_strndup(filter, strlen(filter) - strlen("*PTS"));
    if (!str_to_double(number, &factor) || factor <= 1.0 / SPEED_MAX || factor > 1) {
        return false;
    }
    *speed = 1 / factor;
    return true;
}

static bool read_rate(const char *text, double *rate)
{
    double value;
    if (!str_to_double(text, &value) || value < 1 || value > RATE_MAX) {
        return false;
    }
    *rate = value;
    return true;
}

bool render_timelapse_args(const char *args, double *speed, double *rate)
{
    *speed = 25;
    *rate = 30;
    AUTO_FREE char *copy = mem_strdup(args);
    char *rest = NULL;
    bool all = true;
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        bool filter = str_equal(word, "-vf") || str_equal(word, "-filter:v");
        bool rates = str_equal(word, "-r");
        const char *value = filter || rates ? strtok_r(NULL, " ", &rest) : NULL;
        all = value != NULL && (filter ? read_speed(value, speed) : read_rate(value, rate)) && all;
    }
    return all;
}
