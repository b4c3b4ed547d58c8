/* Whether an event can be made as it was asked for. Pure. */
#include <errno.h>
#include <math.h>

#include "base/cleanup.h"
#include "server/manual.h"

static size_t characters(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++) {
        count += (*text & 0xc0) != 0x80;
    }
    return count;
}

static bool in_range(double value, double most)
{
    return value >= 0 && value <= most; /* false for NaN */
}

static int check_box(const struct manual_box *box, size_t number, struct err *err)
{
    const double numbers[] = {box->x, box->y, box->width, box->height};
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        if (!in_range(numbers[i], 1)) {
            return err_set(err, EINVAL, "draw.boxes[%zu].box: %g is not between 0 and 1", number,
                           numbers[i]);
        }
    }
    if (box->has_score && !isfinite(box->score)) {
        return err_set(err, EINVAL, "draw.boxes[%zu].score: not a number", number);
    }
    return 0;
}

int manual_check(const struct manual_event *what, struct err *err)
{
    size_t label = characters(what->label);
    size_t source = characters(what->source_type);
    if (label == 0 || label > MANUAL_LABEL_MAX) {
        return err_set(err, EINVAL, "label: has %zu characters, 1 to %d are allowed", label,
                       MANUAL_LABEL_MAX);
    }
    if (what->sub_label != NULL && characters(what->sub_label) > MANUAL_LABEL_MAX) {
        return err_set(err, EINVAL, "sub_label: longer than %d characters", MANUAL_LABEL_MAX);
    }
    if (source == 0 || source > MANUAL_SOURCE_MAX) {
        return err_set(err, EINVAL, "source_type: has %zu characters, 1 to %d are allowed", source,
                       MANUAL_SOURCE_MAX);
    }
    if (!in_range(what->score, 100)) {
        return err_set(err, EINVAL, "score: %g is not between 0 and 100", what->score);
    }
    if (!what->open_ended && !in_range(what->duration, MANUAL_LONGEST_S)) {
        return err_set(err, EINVAL, "duration: %g is not between 0 and %g seconds", what->duration,
                       MANUAL_LONGEST_S);
    }
    if (what->box_count > MANUAL_BOXES_MAX) {
        return err_set(err, EINVAL, "draw.boxes: %zu, more than %d", what->box_count,
                       MANUAL_BOXES_MAX);
    }
    for (size_t i = 0; i < what->box_count; i++) {
        int result = check_box(&what->boxes[i], i, err);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}
