/* One thread for work that takes too long for the loop: encoding and writing pictures. Those for
 * which somebody waits go before those that have time, otherwise in the order given; at most
 * JOBS_MAX wait, more are refused and the caller counts what it drops. */
#ifndef CORVETTE_SERVER_JOBS_H
#define CORVETTE_SERVER_JOBS_H

#include "base/loop.h"

struct jobs;

#define JOBS_MAX 256

/* `run` is called on the jobs thread, then `done` on the loop's thread (from jobs_drain() too).
 * `done` releases `data`. */
typedef void (*job_fn)(void *data);

enum job_hurry { JOB_SOON = 1, JOB_LATER };

struct jobs *jobs_create(struct loop *loop);
/* Waits for the running job, drops the waiting ones (their `done` is called). NULL is fine. */
void jobs_destroy(struct jobs *jobs);
/* 0 or -EAGAIN (nothing was called). */
int jobs_submit(struct jobs *jobs, enum job_hurry hurry, job_fn run, job_fn done, void *data);
/* Loop's thread: waits until all jobs have run and their `done` was called; 0 or -ETIMEDOUT. */
int jobs_drain(struct jobs *jobs, int timeout_ms);

#endif
