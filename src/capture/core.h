/* Everything capture does for one camera, apart from being a process: its inputs (one thread each,
 * one connection each whatever its roles), its recorder, its decoder. The role in role.c runs one;
 * tests run one without a supervisor. */
#ifndef CORVETTE_CAPTURE_CORE_H
#define CORVETTE_CAPTURE_CORE_H

#include <stdbool.h>

#include "capture/recorder.h"
#include "config/config.h"
#include "ring/board.h"
#include "ring/frames.h"
#include "ring/sounds.h"

/* board_entry.state of capture */
enum capture_state { CAPTURE_STARTING = 0, CAPTURE_WORKING = 1, CAPTURE_TROUBLE = 2 };

struct core;

struct core_options {
    const struct cfg_camera *camera; /* must stay */
    const char *media_dir;           /* DATA/media */
    struct frames *frames;           /* NULL: no detection */
    int ready_fd;                    /* eventfd, -1 = none */
    struct sounds *sounds;           /* NULL: sound is measured, but goes nowhere */
    int sound_ready_fd;              /* eventfd; looked at with `sounds` only */
    struct board_entry *entry;
    recorder_done_fn done; /* on the recorder's thread */
    gaps_report_fn gap;    /* any thread */
    recorder_need_fn need; /* on the recorder's thread */
    void *context;
    void (*ended)(void *context); /* each time an input's thread is about to end; that thread */
};

struct core *core_start(const struct core_options *options);
/* From time to time. */
void core_tick(struct core *core);
/* Tells the inputs to end; returns at once. */
void core_stop(struct core *core);
/* All inputs have ended. */
bool core_stopped(struct core *core);
/* After core_stopped(): writes what there is; false when the disk takes longer than that. */
bool core_finish(struct core *core, int64_t timeout_us);
/* Stops if need be, joins the threads (an input inside a name look-up may hold that up) and frees.
 */
void core_free(struct core *core);

#endif
