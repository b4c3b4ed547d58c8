/* The texts of an event's row, and the rules that say what the event has to show. Pure. */
#ifndef CORVETTE_SERVER_EVENT_ROW_H
#define CORVETTE_SERVER_EVENT_ROW_H

#include "base/jout.h"
#include "base/str.h"
#include "server/live.h"

/* Contract, pipeline section 8. True positives only; at least one move. */
bool event_rule_clip(const struct cfg_camera *camera, const struct msg_object *state);
bool event_rule_snapshot(const struct cfg_camera *camera, const struct msg_object *state);

/* ["yard","door"]: entered zones in order of entry. */
void event_zones_json(const struct cfg_camera *camera, const struct msg_object *state,
                      struct str *out);
/* box, region (relative x, y, w, h), score, top_score, attributes, type, sub_label_score. */
void event_data_json(const struct cfg_camera *camera, const struct live_object *object,
                     struct str *out);

/* "key":[x,y,w,h], relative to a picture of that size. */
void event_box_json(struct jout *json, const char *key, const int32_t box[4], double width,
                    double height);
/* Of the picture that an object's boxes refer to; never 0. */
void event_frame_size(const struct cfg_camera *camera, const struct live_object *object,
                      double *width, double *height);

#endif
