#include "server/jobs.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"

struct job {
    struct list item;
    job_fn run, done;
    void *data;
};

struct jobs {
    struct loop_source *source; /* loop's thread */
    pthread_t thread;
    int finished_fd; /* eventfd: the `finished` list has grown */

    pthread_mutex_t lock; /* what follows */
    pthread_cond_t changed;
    struct list soon, later, finished;
    unsigned unfinished; /* waiting or running */
    bool stop;
};

static struct job *take_first(struct list *list)
{
    struct job *job = list_entry(list->next, struct job, item);
    list_remove(&job->item);
    return job;
}

static void *jobs_thread(void *context)
{
    struct jobs *jobs = context;
    pthread_setname_np(pthread_self(), "jobs");
    pthread_mutex_lock(&jobs->lock);
    while (true) {
        while (list_empty(&jobs->soon) && list_empty(&jobs->later) && !jobs->stop) {
            pthread_cond_wait(&jobs->changed, &jobs->lock);
        }
        if (jobs->stop) {
            break;
        }
        struct job *job = take_first(list_empty(&jobs->soon) ? &jobs->later : &jobs->soon);
        pthread_mutex_unlock(&jobs->lock);
        job->run(job->data);
        pthread_mutex_lock(&jobs->lock);
        list_append(&jobs->finished, &job->item);
        jobs->unfinished--;
        pthread_cond_broadcast(&jobs->changed);
        eventfd_write(jobs->finished_fd, 1);
    }
    pthread_mutex_unlock(&jobs->lock);
    return NULL;
}

/* Loop's thread: the done functions of everything that has run. They may submit again. */
static void report_finished(struct jobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    while (!list_empty(&jobs->finished)) {
        struct job *job = take_first(&jobs->finished);
        pthread_mutex_unlock(&jobs->lock);
        job->done(job->data);
        free(job);
        pthread_mutex_lock(&jobs->lock);
    }
    pthread_mutex_unlock(&jobs->lock);
}

static void on_finished(void *context, uint32_t events)
{
    struct jobs *jobs = context;
    eventfd_t count;
    eventfd_read(jobs->finished_fd, &count);
    report_finished(jobs);
}

struct jobs *jobs_create(struct loop *loop)
{
    struct jobs *jobs = mem_alloc(sizeof *jobs);
    jobs->finished_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (jobs->finished_fd < 0) {
        free(jobs);
        return NULL;
    }
    list_init(&jobs->soon);
    list_init(&jobs->later);
    list_init(&jobs->finished);
    pthread_mutex_init(&jobs->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&jobs->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&jobs->thread, NULL, jobs_thread, jobs) != 0) {
        close(jobs->finished_fd);
        free(jobs);
        return NULL;
    }
    jobs->source = loop_add_fd(loop, jobs->finished_fd, EPOLLIN, on_finished, jobs);
    return jobs;
}

void jobs_destroy(struct jobs *jobs)
{
    if (jobs == NULL) {
        return;
    }
    pthread_mutex_lock(&jobs->lock);
    jobs->stop = true;
    pthread_cond_broadcast(&jobs->changed);
    pthread_mutex_unlock(&jobs->lock);
    pthread_join(jobs->thread, NULL);
    struct list *dropped[] = {&jobs->soon, &jobs->later};
    for (size_t i = 0; i < ARRAY_SIZE(dropped); i++) {
        while (!list_empty(dropped[i])) {
            list_append(&jobs->finished, &take_first(dropped[i])->item);
        }
    }
    report_finished(jobs);
    loop_remove(jobs->source);
    close(jobs->finished_fd);
    pthread_cond_destroy(&jobs->changed);
    pthread_mutex_destroy(&jobs->lock);
    free(jobs);
}

int jobs_submit(struct jobs *jobs, enum job_hurry hurry, job_fn run, job_fn done, void *data)
{
    pthread_mutex_lock(&jobs->lock);
    if (jobs->stop || jobs->unfinished >= JOBS_MAX) {
        pthread_mutex_unlock(&jobs->lock);
        return -EAGAIN;
    }
    struct job *job = mem_alloc(sizeof *job);
    *job = (struct job){.run = run, .done = done, .data = data};
    list_append(hurry == JOB_SOON ? &jobs->soon : &jobs->later, &job->item);
    jobs->unfinished++;
    pthread_cond_broadcast(&jobs->changed);
    pthread_mutex_unlock(&jobs->lock);
    return 0;
}

int jobs_drain(struct jobs *jobs, int timeout_ms)
{
    struct mono end = {mono_now().us + (int64_t)timeout_ms * 1000};
    struct timespec until = {.tv_sec = end.us / 1000000, .tv_nsec = end.us % 1000000 * 1000};
    int result = 0;
    pthread_mutex_lock(&jobs->lock);
    while (jobs->unfinished > 0 && result == 0) {
        result = pthread_cond_timedwait(&jobs->changed, &jobs->lock, &until);
    }
    pthread_mutex_unlock(&jobs->lock);
    report_finished(jobs);
    return -result;
}
