#include "actor.h"

#include "body.h"

const char *actor_label(enum actor_kind kind)
{
    switch (kind) {
    case ACTOR_PERSON:
        return "person";
    case ACTOR_CAR:
        return "car";
    case ACTOR_DOG:
        return "dog";
    case ACTOR_BICYCLE:
        return "bicycle";
    }
    return "";
}

double actor_random_size_m(enum actor_kind kind, struct rng *rng)
{
    switch (kind) {
    case ACTOR_PERSON:
        return rng_chance(rng, 0.12) ? rng_range(rng, 1.1, 1.5) : rng_range(rng, 1.55, 1.95);
    case ACTOR_CAR:
        return rng_range(rng, 3.6, 4.9);
    case ACTOR_DOG:
        return rng_range(rng, 0.45, 0.85);
    case ACTOR_BICYCLE:
        return rng_range(rng, 0.98, 1.12);
    }
    return 1;
}

double actor_height_m(const struct actor *actor)
{
    switch (actor->kind) {
    case ACTOR_PERSON:
        return actor->size_m * 1.12 + (actor->rides ? 0.5 : 0);
    case ACTOR_CAR:
        return 2.2;
    case ACTOR_DOG:
        return actor->size_m * 1.5;
    case ACTOR_BICYCLE:
        return 1.3;
    }
    return 1;
}

double actor_reach_m(const struct actor *actor)
{
    switch (actor->kind) {
    case ACTOR_PERSON:
        return actor->rides ? 0.9 : 0.75;
    case ACTOR_CAR:
        return actor->size_m * 0.5 + 0.6;
    case ACTOR_DOG:
        return actor->size_m * 1.3;
    case ACTOR_BICYCLE:
        return 1.05;
    }
    return 1;
}

struct stance actor_stance(const struct actor *actor, double time_s)
{
    return path_at(&actor->path, time_s, actor->kind == ACTOR_CAR ? 1.6 : 0.35);
}

void actor_paint(const struct actor *actor, const struct view *view, const struct light *light,
                 const struct stance *stance, double time_s, cairo_t *cr)
{
    const struct body body = {.view = view,
                              .stance = *stance,
                              .cr = cr,
                              .sun_side = light->sunny ? (light->sun_x > 0 ? -1 : 1) : 0};
    switch (actor->kind) {
    case ACTOR_PERSON:
        person_paint(actor, &body, time_s);
        break;
    case ACTOR_CAR:
        car_paint(actor, &body);
        break;
    case ACTOR_DOG:
        dog_paint(actor, &body, time_s);
        break;
    case ACTOR_BICYCLE:
        bicycle_paint(actor, &body);
        break;
    }
}
