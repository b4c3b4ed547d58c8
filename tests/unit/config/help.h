/* Loading texts and asking what was said about them. */
#ifndef CORVETTE_TEST_CONFIG_HELP_H
#define CORVETTE_TEST_CONFIG_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include <stdbool.h>

#include "config/config.h"

/* A configuration with one camera "cam" of one input; a test adds what it is about. */
#define TOP "mqtt: {enabled: false}\n"
#define CAMERA   \
    "cameras:\n" \
    "  cam:\n"   \
    "    ffmpeg: {inputs: [{path: rtsp://cam/1, roles: [detect]}]}\n"
#define MINIMAL TOP CAMERA

struct loaded {
    struct config *config; /* or NULL */
    struct cfg_issues issues;
};

struct loaded load(const char *text);
struct loaded load_file(const char *name); /* of tests/data/config */
void unload(struct loaded *loaded);
#define AUTO_LOADED __attribute__((cleanup(unload))) struct loaded

/* Whether something was said about that path (NULL: any) that holds the fragment. */
bool has_error(const struct loaded *loaded, const char *path, const char *fragment);
bool has_warning(const struct loaded *loaded, const char *path, const char *fragment);
/* All that was said, in one text for messages of failing tests. Valid until the next call. */
const char *said(const struct loaded *loaded);

/* These fail the test with the text and what was said about it. */
void assert_loads(const struct loaded *loaded);
void assert_error(const char *text, const char *path, const char *fragment);
void assert_warning(const char *text, const char *path, const char *fragment);
/* Loads without a word beyond the one about the demo model. */
void assert_quiet(const char *text);

#endif
