#include "server/live_object.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/mem.h"

#define PICTURE_SIDE_MAX 16384

struct live_picture *live_picture_ref(struct live_picture *picture)
{
    if (picture != NULL) {
        atomic_fetch_add(&picture->references, 1);
    }
    return picture;
}

void live_picture_unref(struct live_picture *picture)
{
    if (picture == NULL || atomic_fetch_sub(&picture->references, 1) != 1) {
        return;
    }
    if (picture->mapping != NULL) {
        munmap(picture->mapping, picture->mapping_bytes);
    } else {
        free((void *)(uintptr_t)picture->pixels);
    }
    free(picture);
}

struct live_picture *live_picture_new(uint8_t *pixels, int width, int height, double time)
{
    struct live_picture *picture = mem_alloc(sizeof *picture);
    picture->pixels = pixels;
    picture->width = width;
    picture->height = height;
    picture->time = time;
    atomic_init(&picture->references, 1);
    return picture;
}

struct live_picture *live_picture_map(int memfd, int width, int height, double time)
{
    if (width < 2 || height < 2 || width > PICTURE_SIDE_MAX || height > PICTURE_SIDE_MAX) {
        errno = EINVAL;
        return NULL;
    }
    /* Without the seal the sender could shrink the file later and each read here would be a SIGBUS.
     */
    int seals = fcntl(memfd, F_GET_SEALS);
    struct stat status;
    size_t bytes = frames_picture_bytes(width, height);
    if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(memfd, &status) < 0 ||
        (size_t)status.st_size < bytes) {
        errno = EBADMSG;
        return NULL;
    }
    void *mapping = mmap(NULL, bytes, PROT_READ, MAP_SHARED, memfd, 0);
    if (mapping == MAP_FAILED) {
        return NULL;
    }
    struct live_picture *picture = live_picture_new(mapping, width, height, time);
    picture->mapping = mapping;
    picture->mapping_bytes = bytes;
    return picture;
}

static void *copy_array(const void *items, size_t count, size_t bytes)
{
    return count > 0 ? mem_dup(items, count * bytes) : NULL;
}

#define COPY_ARRAY(to, from, member) \
    ((to)->member.items =            \
         copy_array((from)->member.items, (from)->member.count, sizeof *(from)->member.items))

/* Arrays of its own. */
static void object_state_copy(struct msg_object *to, const struct msg_object *from)
{
    *to = *from;
    COPY_ARRAY(to, from, current_zones);
    COPY_ARRAY(to, from, entered_zones);
    COPY_ARRAY(to, from, attributes);
    COPY_ARRAY(to, from, current_attributes);
    COPY_ARRAY(to, from, best_attributes);
}

void object_state_finish(struct msg_object *state)
{
    free(state->current_zones.items);
    free(state->entered_zones.items);
    free(state->attributes.items);
    free(state->current_attributes.items);
    free(state->best_attributes.items);
    memset(state, 0, sizeof *state);
}

void live_object_copy(struct live_object *to, const struct live_object *from)
{
    *to = *from;
    object_state_copy(&to->state, &from->state);
    live_picture_ref(to->best.picture);
    to->best.attributes = copy_array(from->best.attributes, from->best.attribute_count,
                                     sizeof *from->best.attributes);
}

void live_best_finish(struct live_best *best)
{
    live_picture_unref(best->picture);
    free(best->attributes);
    memset(best, 0, sizeof *best);
}

void live_object_finish(struct live_object *object)
{
    object_state_finish(&object->state);
    live_best_finish(&object->best);
    memset(object, 0, sizeof *object);
}

void live_view_finish(struct live_view *view)
{
    free(view->motion);
    free(view->regions);
    for (size_t i = 0; i < view->object_count; i++) {
        live_object_finish(&view->objects[i]);
    }
    free(view->objects);
    memset(view, 0, sizeof *view);
}

/* Area of the largest attribute that makes a picture of this label special; 0 = none. */
static double special_area(const struct live_object *object)
{
    const char *wanted = strcmp(object->state.label, "person") == 0 ? "face"
                         : strcmp(object->state.label, "car") == 0  ? "license_plate"
                                                                    : "";
    double largest = 0;
    for (size_t i = 0; i < object->best.attribute_count; i++) {
        const struct msg_attribute *attribute = &object->best.attributes[i];
        double area = ((double)attribute->box[2] - attribute->box[0]) *
                      ((double)attribute->box[3] - attribute->box[1]);
        if (strcmp(attribute->label, wanted) == 0 && area > largest) {
            largest = area;
        }
    }
    return largest;
}

static bool touches_border(const struct live_object *object)
{
    const int32_t *box = object->best.box;
    const struct live_picture *picture = object->best.picture;
    return box[0] <= 0 || box[1] <= 0 || box[2] >= picture->width - 1 ||
           box[3] >= picture->height - 1;
}

bool live_object_better(const struct live_object *a, const struct live_object *b)
{
    double special_a = special_area(a);
    double special_b = special_area(b);
    if (special_a > 0 || special_b > 0) {
        return special_a > special_b;
    }
    if (touches_border(a) && !touches_border(b)) {
        return false;
    }
    return a->best.score > b->best.score + 0.05F ||
           (double)a->best.area > 1.1 * (double)b->best.area;
}
