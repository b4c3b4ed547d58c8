#include "cast.h"

#include <math.h>

/* Around a loop's seam nobody may be in the picture for this long on either side. */
static const double seam_s = 0.5;
static const int tries = 60;

/* What planning needs. */
struct planner {
    const struct scene *scene;
    const struct cast_wish *wish;
    struct cast *cast;
    struct rng *rng;
    double lane_speed_mps[2];
};

/* Lanes and parking strip, as shares of the road's width from its near edge. */
static const double lane_share[2] = {0.22, 0.55};
static const double parking_share = 0.87;

static double edge_x(const struct planner *planner, double z, double reach_m)
{
    return view_half_width_m(&planner->scene->view, z + reach_m) + reach_m + 0.3;
}

static double random_depth(struct planner *planner)
{
    const struct scene *scene = planner->scene;
    /* Sometimes so near that the feet are below the picture. */
    const double near_m = scene->view.near_m * (rng_chance(planner->rng, 0.15) ? 0.8 : 1.03);
    const double share = pow(rng_range(planner->rng, 0, 1), 1.3);
    return near_m + (scene->back_m - 1.6 - near_m) * share;
}

static double random_halt(struct planner *planner, double chance)
{
    return rng_chance(planner->rng, chance) ? rng_range(planner->rng, 2, 9) : 0;
}

static void add_hide_out(struct planner *planner, struct path *path)
{
    const struct scene *scene = planner->scene;
    for (int i = 0; i < 8 && scene->prop_count > 0; i++) {
        const struct prop *prop = &scene->props[rng_int(planner->rng, 0, scene->prop_count - 1)];
        if (prop->can_hide) {
            path_add(path, prop->x_m, prop->z_m + 0.9, rng_range(planner->rng, 1.5, 7));
            return;
        }
    }
}

static void plan_walk(struct planner *planner, struct actor *actor, double reach_m)
{
    struct rng *rng = planner->rng;
    struct path *path = &actor->path;
    const bool in_haste = actor->kind == ACTOR_BICYCLE;
    const double side = rng_chance(rng, 0.5) ? 1 : -1;
    double z = random_depth(planner);
    path_add(path, side * edge_x(planner, z, reach_m), z, 0);
    const int inner = in_haste ? rng_int(rng, 0, 1) : rng_int(rng, 0, 3);
    for (int i = 0; i < inner; i++) {
        if (!in_haste && rng_chance(rng, 0.25)) {
            add_hide_out(planner, path);
            continue;
        }
        z = random_depth(planner);
        const double x = rng_range(rng, -0.85, 0.85) * view_half_width_m(&planner->scene->view, z);
        path_add(path, x, z, random_halt(planner, in_haste ? 0.2 : 0.45));
    }
    const double way_out = rng_chance(rng, inner > 0 ? 0.6 : 1) ? -side : side;
    if (rng_chance(rng, 0.6)) {
        z = random_depth(planner);
    }
    path_add(path, way_out * edge_x(planner, z, reach_m), z, 0);
}

static bool slot_is_free(const struct planner *planner, double x, double z)
{
    for (int i = 0; i < planner->cast->count; i++) {
        const struct path *path = &planner->cast->actors[i].path;
        for (int k = 0; k < path->count; k++) {
            const struct corner *corner = &path->corners[k];
            if (corner->halt_s > 0 && hypot(corner->at.x - x, corner->at.z - z) < 5) {
                return false;
            }
        }
    }
    return true;
}

static double random_slot_x(struct planner *planner, double z)
{
    const double slot_m = 5.4;
    const double half = view_half_width_m(&planner->scene->view, z);
    const int slots = (int)fmax(1, half * 0.8 / slot_m);
    return (rng_int(planner->rng, -slots, slots - 1) + 0.5) * slot_m;
}

static void plan_parking(struct planner *planner, struct path *path, double direction,
                         double lane_z)
{
    const struct scene *scene = planner->scene;
    const double z = scene->road_near_m + (scene->road_far_m - scene->road_near_m) * parking_share;
    const double x = random_slot_x(planner, z);
    if (!slot_is_free(planner, x, z)) {
        return;
    }
    path_add(path, x - direction * 9, lane_z, 0);
    path_add(path, x - direction * 2.5, z, 0);
    path_add(path, x, z, rng_range(planner->rng, 4, 15));
    path_add(path, x + direction * 2.5, z, 0);
    path_add(path, x + direction * 9, lane_z, 0);
}

/* Leaves the road towards the camera, or comes from there. */
static void plan_drive_in(struct planner *planner, struct path *path, double direction,
                          double lane_z)
{
    const double near_m = planner->scene->view.near_m;
    const double x =
        rng_range(planner->rng, -0.6, 0.6) * view_half_width_m(&planner->scene->view, near_m);
    path_add(path, x - direction * 4, lane_z, 0);
    path_add(path, x - direction * 1.2, lane_z - 1.2, 0);
    path_add(path, x, lane_z - 4, random_halt(planner, 0.3));
    path_add(path, x, fmin(near_m * 0.45, lane_z - 6), 0);
}

static void reverse_path(struct path *path)
{
    for (int i = 0, k = path->count - 1; i < k; i++, k--) {
        const struct corner swap = path->corners[i];
        path->corners[i] = path->corners[k];
        path->corners[k] = swap;
    }
}

static int plan_drive(struct planner *planner, struct actor *actor, double reach_m)
{
    const struct scene *scene = planner->scene;
    struct rng *rng = planner->rng;
    struct path *path = &actor->path;
    const int lane = rng_int(rng, 0, 1);
    const double direction = lane == 0 ? 1 : -1;
    const double z =
        scene->road_near_m + (scene->road_far_m - scene->road_near_m) * lane_share[lane];
    path->eases = true;
    path_add(path, -direction * edge_x(planner, z, reach_m), z, 0);
    const double kind = rng_range(rng, 0, 1);
    if (kind < 0.35 && lane == 1) {
        plan_parking(planner, path, direction, z);
    } else if (kind < 0.65) {
        plan_drive_in(planner, path, direction, z);
        if (rng_chance(rng, 0.5)) {
            reverse_path(path);
        }
        return lane;
    }
    path_add(path, direction * edge_x(planner, z, reach_m), z, 0);
    return lane;
}

/* Stays where it is for the whole clip. */
static void plan_stay(struct planner *planner, struct actor *actor)
{
    const struct scene *scene = planner->scene;
    double z = random_depth(planner), x;
    double dx = rng_range(planner->rng, -1, 1), dz = rng_range(planner->rng, -1, 1);
    if (actor->kind == ACTOR_CAR) {
        z = scene->road_near_m + (scene->road_far_m - scene->road_near_m) * parking_share;
        x = random_slot_x(planner, z);
        dx = rng_chance(planner->rng, 0.5) ? 1 : -1;
        dz = 0;
    } else {
        x = rng_range(planner->rng, -0.9, 0.9) * view_half_width_m(&scene->view, z);
    }
    path_add(&actor->path, x, z, planner->wish->duration_s + 20);
    path_add(&actor->path, x + dx, z + dz, 0);
}

static bool way_is_free(const struct scene *scene, const struct actor *actor)
{
    static const double half_width_m[] = {0.25, 1.1, 0.3, 0.4};
    const struct path *path = &actor->path;
    for (int i = 0; i + 1 < path->count; i++) {
        if (!scene_way_is_free(scene, path->corners[i].at, path->corners[i + 1].at,
                               half_width_m[actor->kind - 1])) {
            return false;
        }
    }
    return true;
}

/* Half sizes of what an actor takes up on the ground. */
static double footprint_x(const struct actor *actor, const struct stance *stance)
{
    if (actor->kind == ACTOR_CAR) {
        return 0.9 + 1.5 * fabs(stance->heading_x);
    }
    return actor->kind == ACTOR_PERSON ? 0.25 : 0.5;
}

static double footprint_z(const struct actor *actor, const struct stance *stance)
{
    if (actor->kind == ACTOR_CAR) {
        return 0.9 + 1.5 * fabs(stance->heading_z);
    }
    return 0.25;
}

static bool meet(const struct actor *a, const struct actor *b)
{
    const double step_s = 0.2;
    const double from = fmax(path_start_s(&a->path), path_start_s(&b->path));
    const double to = fmin(path_end_s(&a->path), path_end_s(&b->path));
    for (double t = from; t < to; t += step_s) {
        const struct stance p = actor_stance(a, t), q = actor_stance(b, t);
        if (fabs(p.foot.x - q.foot.x) < footprint_x(a, &p) + footprint_x(b, &q) &&
            fabs(p.foot.z - q.foot.z) < footprint_z(a, &p) + footprint_z(b, &q)) {
            return true;
        }
    }
    return false;
}

static bool meets_anyone(const struct cast *cast, const struct actor *actor)
{
    for (int i = 0; i < cast->count; i++) {
        if (meet(&cast->actors[i], actor)) {
            return true;
        }
    }
    return false;
}

static double random_speed(struct planner *planner, enum actor_kind kind, int lane)
{
    struct rng *rng = planner->rng;
    switch (kind) {
    case ACTOR_PERSON:
        return rng_chance(rng, 0.12) ? rng_range(rng, 2.2, 3.2) : rng_range(rng, 0.9, 1.7);
    case ACTOR_DOG:
        return rng_range(rng, 0.9, 3);
    case ACTOR_BICYCLE:
        return rng_range(rng, 2.8, 5.5);
    case ACTOR_CAR:
        break;
    }
    return planner->lane_speed_mps[lane];
}

/* Chooses the moment of entry; false when the clip is too short for this way. */
static bool set_times(struct planner *planner, struct actor *actor, double speed_mps)
{
    const double duration_s = planner->wish->duration_s;
    path_time(&actor->path, speed_mps, 0);
    const double length_s = path_end_s(&actor->path);
    double earliest = fmax(-0.8 * length_s, -40), latest = duration_s - 1;
    if (planner->wish->loopable) {
        earliest = seam_s;
        latest = duration_s - seam_s - length_s;
    }
    if (latest < earliest) {
        return false;
    }
    path_time(&actor->path, speed_mps, rng_range(planner->rng, earliest, latest));
    return true;
}

static bool plan_once(struct planner *planner, struct actor *actor)
{
    const double reach_m = actor_reach_m(actor);
    actor->path = (struct path){0};
    int lane = 0;
    if (!planner->wish->loopable && rng_chance(planner->rng, 0.2)) {
        plan_stay(planner, actor);
        path_time(&actor->path, 1, -10);
        return way_is_free(planner->scene, actor) && !meets_anyone(planner->cast, actor);
    }
    if (actor->kind == ACTOR_CAR) {
        lane = plan_drive(planner, actor, reach_m);
    } else {
        plan_walk(planner, actor, reach_m);
    }
    return way_is_free(planner->scene, actor) &&
           set_times(planner, actor, random_speed(planner, actor->kind, lane)) &&
           !meets_anyone(planner->cast, actor);
}

static void add_actor(struct planner *planner, enum actor_kind kind)
{
    struct cast *cast = planner->cast;
    if (cast->count + 2 > CAST_MAX) {
        return;
    }
    struct actor actor = {.kind = kind};
    actor.look = rng_next(planner->rng);
    actor.size_m = actor_random_size_m(kind, planner->rng);
    for (int i = 0; i < tries; i++) {
        if (!plan_once(planner, &actor)) {
            continue;
        }
        actor.id = cast->count + 1;
        cast->actors[cast->count++] = actor;
        if (kind == ACTOR_BICYCLE && actor.path.corners[0].halt_s <= 0) {
            actor.kind = ACTOR_PERSON;
            actor.rides = true;
            actor.size_m = rng_range(planner->rng, 1.6, 1.85);
            actor.id = cast->count + 1;
            cast->actors[cast->count++] = actor;
        }
        return;
    }
}

static enum actor_kind random_kind(struct rng *rng)
{
    const double draw = rng_range(rng, 0, 1);
    if (draw < 0.38) {
        return ACTOR_PERSON;
    }
    if (draw < 0.62) {
        return ACTOR_CAR;
    }
    return draw < 0.82 ? ACTOR_DOG : ACTOR_BICYCLE;
}

void cast_make(struct cast *cast, const struct scene *scene, uint64_t seed,
               const struct cast_wish *wish)
{
    struct rng rng = rng_make(seed, 4);
    struct planner planner = {.scene = scene, .wish = wish, .cast = cast, .rng = &rng};
    *cast = (struct cast){0};
    for (int lane = 0; lane < 2; lane++) {
        /* One speed for each lane: nobody overtakes. */
        planner.lane_speed_mps[lane] = rng_range(&rng, 4, 9);
    }
    if (!wish->counted) {
        const int count = (int)ceil(wish->per_minute * wish->duration_s / 60);
        for (int i = 0; i < count; i++) {
            add_actor(&planner, random_kind(&rng));
        }
        return;
    }
    for (int kind = 1; kind <= ACTOR_KINDS; kind++) {
        for (int i = 0; i < wish->counts[kind - 1]; i++) {
            add_actor(&planner, (enum actor_kind)kind);
        }
    }
}
