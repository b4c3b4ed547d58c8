/* The truth file: one JSON object a line for each frame; see README.md. */
#ifndef SCENE_TRUTH_H
#define SCENE_TRUTH_H

#include <stdio.h>

#include "stage.h"

void truth_write(FILE *file, const struct stage *stage, int frame, double time_s);

#endif
