/* Detectors and the models they run. */
#ifndef CORVETTE_CONFIG_DETECTORS_H
#define CORVETTE_CONFIG_DETECTORS_H

#include "config/loader.h"

/* Gives every detector its model, puts cpu in the place of what this build lacks, adds the usual
 * one when there is none. */
void cfg_resolve_detectors(struct cfg_loader *loader, struct config *config,
                           const struct cfg_node *root);
/* Turns the global model into the demo model when none was given; after /api/config was written,
 * which shows what the file says. */
void cfg_use_demo_model(struct config *config);

#endif
