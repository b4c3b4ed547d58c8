/* What is drawn over pictures, in Frigate's colours and thicknesses (contract: pipeline section 8).
 */
#ifndef CORVETTE_SERVER_OVERLAY_H
#define CORVETTE_SERVER_OVERLAY_H

#include "server/canvas.h"

/* Live picture: every object (false positives too): label colour, grey when stationary, blue when
 * not seen in this picture. */
void overlay_objects(struct canvas *canvas, const struct config *config,
                     const struct live_view *view);
/* Zone outlines, thick while occupied. */
void overlay_zones(struct canvas *canvas, const struct cfg_camera *camera,
                   const struct live_view *view);
void overlay_mask(struct canvas *canvas, const struct cfg_camera *camera); /* motion mask, black */
void overlay_motion(struct canvas *canvas, const struct live_view *view);  /* red */
void overlay_regions(struct canvas *canvas, const struct live_view *view); /* green */

/* Box, attributes and caption of an object's best picture. */
void overlay_best(struct canvas *canvas, const struct config *config,
                  const struct live_object *object);

/* The picture's time (local), as timestamp_style says. */
void overlay_timestamp(struct canvas *canvas, const struct cfg_timestamp_style *style, double time);

#endif
