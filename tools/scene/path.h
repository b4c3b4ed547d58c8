/* A way through the scene: corners joined by straight legs, with a halt at some corners. */
#ifndef SCENE_PATH_H
#define SCENE_PATH_H

#include <stdbool.h>

#include "rng.h"
#include "view.h"

enum { PATH_CORNERS_MAX = 12 };

struct corner {
    struct vec3 at;
    double halt_s;   /* time stood still here */
    double arrive_s; /* filled in by path_time() */
    double along_m;  /* likewise: the length walked so far */
};

struct path {
    struct corner corners[PATH_CORNERS_MAX];
    int count;
    bool eases; /* slows down towards a halt and starts gently, as a car does */
};

/* Where someone is, which way they face, and how far they have come (for the stride). */
struct stance {
    struct vec3 foot;
    double heading_x, heading_z; /* unit vector */
    double walked_m;
    double speed_mps;
};

void path_add(struct path *path, double x_m, double z_m, double halt_s);
/* Sets the times of all corners for this speed, starting at `start_s`. */
void path_time(struct path *path, double speed_mps, double start_s);
double path_start_s(const struct path *path);
double path_end_s(const struct path *path);
/* `turn_m`: over how long a stretch a corner is rounded when choosing the heading. */
struct stance path_at(const struct path *path, double time_s, double turn_m);

#endif
