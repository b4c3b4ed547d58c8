/* One input of a camera: a thread that holds its connection, reconnects when it is lost, and hands
 * what comes to recording and detection. */
#ifndef CORVETTE_CAPTURE_INPUT_H
#define CORVETTE_CAPTURE_INPUT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "capture/args.h"
#include "capture/decode.h"
#include "capture/ear.h"
#include "capture/recorder.h"
#include "capture/source.h"
#include "config/config.h"
#include "ring/board.h"

struct input {
    /* set before the thread starts */
    const struct cfg_input *config;
    unsigned index;
    unsigned roles; /* those it has work for: enum cfg_role bits */
    double retry_interval;
    struct capture_args args;        /* reading and decoding */
    struct capture_args record_args; /* recording */
    struct stopper *stopper;
    struct board_capture *counters;
    struct recorder *recorder;      /* NULL: does not record */
    struct decode *decode;          /* NULL: does not detect */
    struct ear *ear;                /* NULL: does not listen */
    void (*changed)(void *context); /* its state: below */
    void (*ended)(void *context);
    void *context;

    pthread_t thread;
    bool running;
    atomic_bool finished;
    /* what it is at, for the scoreboard; under the lock */
    pthread_mutex_t lock; /* initialised by whoever makes the input */
    bool connected;
    char trouble[120]; /* "" = none */
};

void input_start(struct input *input);
void input_finish(struct input *input); /* joins; destroys the lock */

#endif
