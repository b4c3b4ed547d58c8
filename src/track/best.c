#include "track/best.h"

#include <string.h>

#include "base/cleanup.h"

#define BETTER_SCORE 0.05f
#define BETTER_AREA 1.1f

/* The attribute that makes a picture of such an object worth most. */
static const struct {
    const char *object, *attribute;
} telling[] = {{"person", "face"}, {"car", "license_plate"}};

static const char *telling_attribute(const char *object)
{
    for (size_t i = 0; i < ARRAY_SIZE(telling); i++) {
        if (strcmp(telling[i].object, object) == 0) {
            return telling[i].attribute;
        }
    }
    return NULL;
}

static float largest(const struct attributes *attributes, const char *label)
{
    float area = 0;
    for (size_t i = 0; i < attributes->count; i++) {
        const struct attribute *attribute = &attributes->items[i];
        if (strcmp(attribute->label, label) == 0 && extent_area(&attribute->box) > area) {
            area = extent_area(&attribute->box);
        }
    }
    return area;
}

static bool touches_border(const struct extent *box, float width, float height)
{
    return box->x1 <= 0 || box->y1 <= 0 || box->x2 >= width - 1 || box->y2 >= height - 1;
}

bool best_is_better(const struct candidate *fresh, const struct candidate *kept, float width,
                    float height)
{
    const char *attribute = telling_attribute(fresh->label);
    if (attribute != NULL) {
        float fresh_area = largest(fresh->attributes, attribute);
        float kept_area = largest(kept->attributes, attribute);
        if (fresh_area > kept_area) {
            return true;
        }
        if (kept_area > 0) {
            return false;
        }
    }
    if (touches_border(&fresh->box, width, height) && !touches_border(&kept->box, width, height)) {
        return false;
    }
    return fresh->score > kept->score + BETTER_SCORE ||
           extent_area(&fresh->box) > BETTER_AREA * extent_area(&kept->box);
}
