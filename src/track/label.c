#include "track/label.h"

#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"

enum { FAMILY_NONE, FAMILY_VEHICLE, FAMILY_CYCLE, FAMILY_PET, FAMILY_HERD };

/* Pairs that detectors of the COCO kind exchange from one picture to the next. */
static const struct {
    const char *name;
    unsigned family;
} families[] = {
    {"car", FAMILY_VEHICLE},   {"truck", FAMILY_VEHICLE},    {"bus", FAMILY_VEHICLE},
    {"van", FAMILY_VEHICLE},   {"vehicle", FAMILY_VEHICLE},  {"train", FAMILY_VEHICLE},
    {"bicycle", FAMILY_CYCLE}, {"motorcycle", FAMILY_CYCLE}, {"dog", FAMILY_PET},
    {"cat", FAMILY_PET},       {"fox", FAMILY_PET},          {"raccoon", FAMILY_PET},
    {"horse", FAMILY_HERD},    {"cow", FAMILY_HERD},         {"sheep", FAMILY_HERD},
    {"deer", FAMILY_HERD},     {"bear", FAMILY_HERD},        {"goat", FAMILY_HERD},
};

unsigned label_family(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        if (strcmp(families[i].name, name) == 0) {
            return families[i].family;
        }
    }
    return FAMILY_NONE;
}

bool label_fits(const struct track_label *a, const struct track_label *b)
{
    return a == b || (a->family != 0 && a->family == b->family);
}
