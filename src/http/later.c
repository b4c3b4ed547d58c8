#include "http/later.h"

#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"
#include "http/request.h"

struct later {
    later_fn fn;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t changed;
    bool stop;
    struct request *queue[LATER_QUEUE_MAX]; /* a ring */
    size_t first, count;
    size_t idle, thread_count;
    pthread_t threads[LATER_THREADS];
};

static void *run(void *context)
{
    struct later *later = context;
    pthread_mutex_lock(&later->lock);
    for (;;) {
        later->idle++;
        while (later->count == 0 && !later->stop) {
            pthread_cond_wait(&later->changed, &later->lock);
        }
        later->idle--;
        if (later->count == 0) {
            break;
        }
        struct request *request = later->queue[later->first];
        later->first = (later->first + 1) % LATER_QUEUE_MAX;
        later->count--;
        pthread_mutex_unlock(&later->lock);
        struct MHD_Connection *connection = request->connection;
        later->fn(request);
        MHD_resume_connection(connection); /* the request is no longer ours */
        pthread_mutex_lock(&later->lock);
    }
    pthread_mutex_unlock(&later->lock);
    return NULL;
}

struct later *later_create(later_fn fn)
{
    struct later *later = mem_alloc(sizeof *later);
    later->fn = fn;
    pthread_mutex_init(&later->lock, NULL);
    pthread_cond_init(&later->changed, NULL);
    return later;
}

void later_stop(struct later *later)
{
    if (later == NULL) {
        return;
    }
    pthread_mutex_lock(&later->lock);
    later->stop = true;
    pthread_cond_broadcast(&later->changed);
    pthread_mutex_unlock(&later->lock);
    for (size_t i = 0; i < later->thread_count; i++) {
        pthread_join(later->threads[i], NULL);
    }
    later->thread_count = 0;
}

void later_destroy(struct later *later)
{
    if (later != NULL) {
        later_stop(later);
        pthread_cond_destroy(&later->changed);
        pthread_mutex_destroy(&later->lock);
        free(later);
    }
}

/* Threads are made when they are first wanted: most systems move no cameras. Lock held. */
static bool has_thread(struct later *later)
{
    if (later->idle <= later->count && later->thread_count < LATER_THREADS &&
        pthread_create(&later->threads[later->thread_count], NULL, run, later) == 0) {
        later->thread_count++;
    }
    return later->thread_count > 0;
}

int later_run(struct later *later, struct request *request)
{
    pthread_mutex_lock(&later->lock);
    if (later->stop || later->count == LATER_QUEUE_MAX || !has_thread(later)) {
        pthread_mutex_unlock(&later->lock);
        return -EAGAIN;
    }
    MHD_suspend_connection(request->connection);
    later->queue[(later->first + later->count++) % LATER_QUEUE_MAX] = request;
    pthread_cond_signal(&later->changed);
    pthread_mutex_unlock(&later->lock);
    return 0;
}
