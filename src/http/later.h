/* Handlers that wait for another machine (a camera, Frigate+) or compute for long (hashes of
 * passwords), on threads of their own: the threads of the HTTP server each serve many connections
 * and must not stand still for one. The connection is suspended meanwhile. One per kind of waiting
 * (enum waits). */
#ifndef CORVETTE_HTTP_LATER_H
#define CORVETTE_HTTP_LATER_H

struct later;
struct request;

#define LATER_THREADS 8
#define LATER_QUEUE_MAX 64 /* waiting requests; more are refused */

/* Runs the request's handler; on one of our threads. */
typedef void (*later_fn)(struct request *request);

struct later *later_create(later_fn fn);
/* No request may wait or run any more. NULL is fine. */
void later_destroy(struct later *later);
/* Waits for the handlers that run, which whoever they wait for must have been told to end; those
 * in the queue run too, none can be added. */
void later_stop(struct later *later);

/* Suspends the request's connection and runs its handler later, after which libmicrohttpd calls
 * again. 0, or -EAGAIN with nothing done: too many, or stopping. */
int later_run(struct later *later, struct request *request);

#endif
