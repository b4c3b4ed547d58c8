/* The colours of zones and labels. */
#ifndef CORVETTE_CONFIG_COLOR_H
#define CORVETTE_CONFIG_COLOR_H

#include "config/config.h"
#include "config/loader.h"

/* Colour `index` of `count`, in the peer's order of components (drawn as b, g, r). */
void cfg_palette(size_t count, size_t index, uint8_t color[3]);

/* Gives every tracked label a colour, by the order of the alphabet. */
void cfg_make_colormap(struct cfg_loader *loader, struct config *config);

/* Packed colours of struct config.colormap: first component in the high byte of three. */
void cfg_unpack_color(double packed, uint8_t color[3]);

#endif
