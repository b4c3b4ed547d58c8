#include "server/preview_rule.h"

#include <string.h>

#define IDLE_S 30.0
#define APART_S 1.0
#define APART_CAR_S 0.5
#define BACK_S 5.0 /* further back than this the clock was set, and nothing is known */

static bool is_active(const struct msg_object *object)
{
    return object->active && !object->false_positive && object->end_time <= 0;
}

bool preview_rule_takes(struct preview_rule *rule, const struct msg_frame *frame)
{
    bool active = false, car = false;
    for (size_t i = 0; i < frame->objects.count; i++) {
        if (is_active(&frame->objects.items[i])) {
            active = true;
            car = car || strcmp(frame->objects.items[i].label, "car") == 0;
        }
    }
    double since = frame->time - rule->last;
    bool worth = active || frame->motion.count > 0;
    bool takes = !rule->begun || since < -BACK_S || since > IDLE_S ||
                 (worth && since >= (car ? APART_CAR_S : APART_S));
    if (takes) {
        *rule = (struct preview_rule){.begun = true, .last = frame->time};
    }
    return takes;
}
