#include "stage.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "shadow.h"

/* A pixel belongs to a thing that covers at least half of it. */
enum { OPAQUE = 128 };

static_assert(CAST_MAX < 256, "an owner is one byte");

/* An object painted in the current frame: what is nearer must be painted over `touched`. */
struct painted {
    struct rect touched;
    double z_m;
};

struct take {
    struct stage *stage;
    cairo_t *cr;         /* on stage->picture */
    cairo_t *scratch_cr; /* on stage->scratch */
    double time_s;
    struct painted painted[CAST_MAX];
    int painted_count;
    int totals[CAST_MAX]; /* pixels of each actor, hidden ones too */
};

void stage_init(struct stage *stage, uint64_t seed, int width_px, int height_px, bool night,
                const struct cast_wish *wish)
{
    *stage = (struct stage){0};
    scene_init(&stage->scene, seed, width_px, height_px, night, wish->duration_s);
    cast_make(&stage->cast, &stage->scene, seed, wish);
    stage->picture = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width_px, height_px);
    stage->scratch = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, width_px, height_px);
    stage->owners = calloc((size_t)width_px, (size_t)height_px);
    if (stage->owners == NULL) {
        abort();
    }
}

void stage_finish(struct stage *stage)
{
    scene_finish(&stage->scene);
    cairo_surface_destroy(stage->picture);
    cairo_surface_destroy(stage->scratch);
    free(stage->owners);
    *stage = (struct stage){0};
}

/* ARGB32: a pixel is one word in the machine's own byte order. */
static const uint32_t *row_of(cairo_surface_t *surface, int y)
{
    const unsigned char *pixels = cairo_image_surface_get_data(surface);
    const int stride = cairo_image_surface_get_stride(surface);
    return (const uint32_t *)(const void *)(pixels + (ptrdiff_t)y * stride);
}

static bool is_opaque(uint32_t pixel)
{
    return pixel >> 24 >= OPAQUE;
}

/* Writes the scratch picture's opaque pixels into the owner map; returns their bounds. */
static struct rect claim_pixels(struct take *take, int index, struct rect area)
{
    struct stage *stage = take->stage;
    cairo_surface_flush(stage->scratch);
    struct rect found = {area.x1, area.y1, area.x0, area.y0};
    int total = 0;
    for (int y = area.y0; y < area.y1; y++) {
        unsigned char *owners = stage->owners + (ptrdiff_t)y * stage->scene.view.width_px;
        const uint32_t *pixels = row_of(stage->scratch, y);
        for (int x = area.x0; x < area.x1; x++) {
            if (!is_opaque(pixels[x])) {
                continue;
            }
            owners[x] = (unsigned char)(index + 1);
            total++;
            found.x0 = x < found.x0 ? x : found.x0;
            found.x1 = x >= found.x1 ? x + 1 : found.x1;
            found.y0 = y < found.y0 ? y : found.y0;
            found.y1 = y >= found.y1 ? y + 1 : found.y1;
        }
    }
    take->totals[index] = total;
    return found;
}

static void clear_scratch(struct take *take, struct rect area)
{
    cairo_save(take->scratch_cr);
    cairo_set_operator(take->scratch_cr, CAIRO_OPERATOR_CLEAR);
    cairo_rectangle(take->scratch_cr, area.x0, area.y0, area.x1 - area.x0, area.y1 - area.y0);
    cairo_fill(take->scratch_cr);
    cairo_restore(take->scratch_cr);
}

/* The actor alone, in the light of the place where it stands. */
static void paint_on_scratch(struct take *take, const struct actor *actor,
                             const struct stance *stance, struct rect area)
{
    const struct scene *scene = &take->stage->scene;
    cairo_t *cr = take->scratch_cr;
    cairo_save(cr);
    cairo_rectangle(cr, area.x0, area.y0, area.x1 - area.x0, area.y1 - area.y0);
    cairo_clip(cr);
    actor_paint(actor, &scene->view, &scene->light, stance, take->time_s, cr);
    const double light = light_at(&scene->light, stance->foot.x, stance->foot.z);
    cairo_set_operator(cr, CAIRO_OPERATOR_ATOP);
    cairo_set_source_rgba(cr, 0, 0, 0, 1 - light);
    cairo_paint(cr);
    cairo_restore(cr);
}

static void copy_scratch(struct take *take, struct rect area)
{
    cairo_save(take->cr);
    cairo_rectangle(take->cr, area.x0, area.y0, area.x1 - area.x0, area.y1 - area.y0);
    cairo_set_source_surface(take->cr, take->stage->scratch, 0, 0);
    cairo_fill(take->cr);
    cairo_restore(take->cr);
}

static void paint_actor(struct take *take, int index, const struct stance *stance)
{
    struct stage *stage = take->stage;
    const struct actor *actor = &stage->cast.actors[index];
    const struct rect area =
        view_bounds(&stage->scene.view, stance->foot, actor_reach_m(actor), actor_height_m(actor));
    if (rect_is_empty(area)) {
        return;
    }
    paint_on_scratch(take, actor, stance, area);
    const struct rect box = claim_pixels(take, index, area);
    struct rect touched = area;
    if (!rect_is_empty(box)) {
        touched = rect_unite(
            touched, shadow_paint(&stage->scene, actor, stance, stage->scratch, area, take->cr));
        copy_scratch(take, area);
        touched = rect_unite(touched, headlights_paint(&stage->scene, actor, stance, take->cr));
        stage->sightings[stage->sighting_count++] =
            (struct sighting){.actor = actor, .box = box, .moving = stance->speed_mps > 0.05};
    }
    clear_scratch(take, area);
    take->painted[take->painted_count++] = (struct painted){touched, stance->foot.z};
}

/* What a prop covers no longer belongs to the actor behind it. */
static void hide_pixels(struct take *take, const struct prop *prop, struct rect area)
{
    const int width_px = take->stage->scene.view.width_px;
    for (int y = area.y0; y < area.y1; y++) {
        unsigned char *owners = take->stage->owners + (ptrdiff_t)y * width_px;
        const uint32_t *pixels = row_of(prop->picture, y - prop->bounds.y0);
        for (int x = area.x0; x < area.x1; x++) {
            if (is_opaque(pixels[x - prop->bounds.x0])) {
                owners[x] = 0;
            }
        }
    }
}

static void paint_prop(struct take *take, const struct prop *prop)
{
    const struct scene *scene = &take->stage->scene;
    if (prop->sways) {
        scene_paint_prop(scene, take->cr, prop, take->time_s, prop->bounds);
    }
    for (int i = 0; i < take->painted_count; i++) {
        const struct rect area = rect_intersect(take->painted[i].touched, prop->bounds);
        if (rect_is_empty(area)) {
            continue;
        }
        if (!prop->sways) {
            scene_paint_prop(scene, take->cr, prop, take->time_s, area);
        }
        hide_pixels(take, prop, area);
    }
}

struct entry {
    int index;
    struct stance stance;
};

static int compare_far_first(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;
    const double dz = right->stance.foot.z - left->stance.foot.z;
    if (dz != 0) {
        return dz > 0 ? 1 : -1;
    }
    return left->index - right->index; /* a rider is painted after the bicycle */
}

static int list_present(const struct cast *cast, double time_s, struct entry *entries)
{
    int count = 0;
    for (int i = 0; i < cast->count; i++) {
        const struct actor *actor = &cast->actors[i];
        if (time_s >= path_start_s(&actor->path) && time_s < path_end_s(&actor->path)) {
            entries[count++] = (struct entry){i, actor_stance(actor, time_s)};
        }
    }
    qsort(entries, (size_t)count, sizeof *entries, compare_far_first);
    return count;
}

/* Counts what is left of each actor after all nearer things were painted. */
static void count_visible(struct take *take)
{
    struct stage *stage = take->stage;
    for (int i = 0; i < stage->sighting_count; i++) {
        struct sighting *sighting = &stage->sightings[i];
        const int index = (int)(sighting->actor - stage->cast.actors);
        int left = 0;
        for (int y = sighting->box.y0; y < sighting->box.y1; y++) {
            const unsigned char *owners = stage->owners + (ptrdiff_t)y * stage->scene.view.width_px;
            for (int x = sighting->box.x0; x < sighting->box.x1; x++) {
                left += owners[x] == index + 1;
            }
        }
        sighting->visible = (double)left / take->totals[index];
    }
}

static void copy_backdrop(struct stage *stage)
{
    cairo_surface_flush(stage->picture);
    const size_t bytes = (size_t)cairo_image_surface_get_stride(stage->picture) *
                         (size_t)stage->scene.view.height_px;
    memcpy(cairo_image_surface_get_data(stage->picture),
           cairo_image_surface_get_data(stage->scene.backdrop), bytes);
    cairo_surface_mark_dirty(stage->picture);
}

void stage_render(struct stage *stage, double time_s)
{
    const struct scene *scene = &stage->scene;
    copy_backdrop(stage);
    memset(stage->owners, 0, (size_t)scene->view.width_px * (size_t)scene->view.height_px);
    stage->sighting_count = 0;

    struct take take = {.stage = stage, .time_s = time_s};
    take.cr = cairo_create(stage->picture);
    take.scratch_cr = cairo_create(stage->scratch);
    struct entry entries[CAST_MAX];
    const int count = list_present(&stage->cast, time_s, entries);
    int prop = 0;
    for (int i = 0; i < count; i++) {
        while (prop < scene->prop_count && scene->props[prop].z_m >= entries[i].stance.foot.z) {
            paint_prop(&take, &scene->props[prop++]);
        }
        paint_actor(&take, entries[i].index, &entries[i].stance);
    }
    while (prop < scene->prop_count) {
        paint_prop(&take, &scene->props[prop++]);
    }
    cairo_destroy(take.cr);
    cairo_destroy(take.scratch_cr);
    cairo_surface_flush(stage->picture);
    count_visible(&take);
}
