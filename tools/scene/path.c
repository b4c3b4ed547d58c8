#include "path.h"

#include <math.h>

void path_add(struct path *path, double x_m, double z_m, double halt_s)
{
    if (path->count < PATH_CORNERS_MAX) {
        path->corners[path->count++] = (struct corner){.at = {x_m, 0, z_m}, .halt_s = halt_s};
    }
}

static bool leg_slows(const struct path *path, int leg)
{
    return path->eases && path->corners[leg + 1].halt_s > 0;
}

static bool leg_starts(const struct path *path, int leg)
{
    return path->eases && path->corners[leg].halt_s > 0;
}

void path_time(struct path *path, double speed_mps, double start_s)
{
    path->corners[0].arrive_s = start_s;
    path->corners[0].along_m = 0;
    for (int i = 1; i < path->count; i++) {
        const struct corner *from = &path->corners[i - 1];
        struct corner *to = &path->corners[i];
        const double length_m = hypot(to->at.x - from->at.x, to->at.z - from->at.z);
        /* A parabola takes twice as long as an even pace that meets it at full speed. */
        const double slower = leg_slows(path, i - 1) || leg_starts(path, i - 1) ? 2 : 1;
        to->arrive_s = from->arrive_s + from->halt_s + slower * length_m / speed_mps;
        to->along_m = from->along_m + length_m;
    }
}

double path_start_s(const struct path *path)
{
    return path->corners[0].arrive_s;
}

double path_end_s(const struct path *path)
{
    const struct corner *last = &path->corners[path->count - 1];
    return last->arrive_s + last->halt_s;
}

static double along_at(const struct path *path, double time_s)
{
    int leg = 0;
    while (leg < path->count - 2 && time_s >= path->corners[leg + 1].arrive_s) {
        leg++;
    }
    const struct corner *from = &path->corners[leg], *to = &path->corners[leg + 1];
    const double leave_s = from->arrive_s + from->halt_s;
    double share = (time_s - leave_s) / fmax(to->arrive_s - leave_s, 1e-9);
    share = fmin(fmax(share, 0), 1);
    if (leg_slows(path, leg) && leg_starts(path, leg)) {
        share = share * share * (3 - 2 * share);
    } else if (leg_slows(path, leg)) {
        share = share * (2 - share);
    } else if (leg_starts(path, leg)) {
        share = share * share;
    }
    return from->along_m + (to->along_m - from->along_m) * share;
}

/* The point at a length along the path; beyond the ends it goes straight on. */
static struct vec3 point_along(const struct path *path, double along_m)
{
    int leg = 0;
    while (leg < path->count - 2 && along_m > path->corners[leg + 1].along_m) {
        leg++;
    }
    const struct corner *from = &path->corners[leg], *to = &path->corners[leg + 1];
    const double length_m = fmax(to->along_m - from->along_m, 1e-9);
    const double share = (along_m - from->along_m) / length_m;
    return (struct vec3){from->at.x + (to->at.x - from->at.x) * share, 0,
                         from->at.z + (to->at.z - from->at.z) * share};
}

struct stance path_at(const struct path *path, double time_s, double turn_m)
{
    const double along_m = along_at(path, time_s);
    const double step_s = 0.05;
    const struct vec3 ahead = point_along(path, along_m + turn_m);
    const struct vec3 behind = point_along(path, along_m - turn_m);
    const double length = fmax(hypot(ahead.x - behind.x, ahead.z - behind.z), 1e-9);
    return (struct stance){
        .foot = point_along(path, along_m),
        .heading_x = (ahead.x - behind.x) / length,
        .heading_z = (ahead.z - behind.z) / length,
        .walked_m = along_m,
        .speed_mps =
            (along_at(path, time_s + step_s) - along_at(path, time_s - step_s)) / (2 * step_s),
    };
}
