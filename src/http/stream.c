#include "http/stream.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/server.h"

#define SHARE_US 30000 /* a picture this young serves every client that wants the same */
#define SHARED 16      /* different pictures remembered */
#define BLOCK (128u << 10)

/* A finished part of the multipart stream, shared by the clients it goes to. Guarded by the lock
 * but for `bytes`, which never change. */
struct part {
    unsigned references;
    struct str bytes;
};

struct stream {
    struct streams *streams;
    struct MHD_Connection *connection;
    int camera;
    struct picture_options options;
    int64_t interval_us;
    /* Under the lock: */
    struct list link; /* in streams->waiting while suspended */
    bool suspended;
    struct mono due;   /* of the next picture */
    struct part *part; /* being sent */
    size_t sent;
};

struct rendered {
    int camera;
    struct picture_options options;
    struct mono made;
    struct part *part;
};

struct streams {
    struct server *server;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock: */
    struct list waiting; /* suspended streams */
    unsigned count;
    bool stop;
    /* The thread only: */
    struct rendered shared[SHARED];
};

/* Lock held. */
static void part_unref(struct part *part)
{
    if (part != NULL && --part->references == 0) {
        str_finish(&part->bytes);
        free(part);
    }
}

static bool same_options(const struct picture_options *a, const struct picture_options *b)
{
    return a->height == b->height && a->quality == b->quality && a->bbox == b->bbox &&
           a->timestamp == b->timestamp && a->zones == b->zones && a->mask == b->mask &&
           a->motion == b->motion && a->regions == b->regions;
}

/* The part a stream gets now, with a reference for it; NULL when it cannot be made. The thread,
 * lock not held. */
static struct part *render(struct streams *streams, const struct stream *stream)
{
    struct rendered *oldest = &streams->shared[0];
    for (struct rendered *r = streams->shared; r < streams->shared + SHARED; r++) {
        if (r->part != NULL && r->camera == stream->camera &&
            same_options(&r->options, &stream->options) && mono_since_us(r->made) < SHARE_US) {
            return r->part;
        }
        oldest = r->made.us < oldest->made.us ? r : oldest;
    }
    struct part *part = mem_alloc(sizeof *part);
    part->references = 1;
    str_add(&part->bytes, "--frame\r\nContent-Type: image/jpeg\r\n\r\n");
    struct server *server = streams->server;
    struct mono began = mono_now();
    int result = picture_stream(server_live(server), server_config(server), stream->camera,
                                &stream->options, &part->bytes);
    str_add(&part->bytes, "\r\n\r\n");
    pthread_mutex_lock(&streams->lock);
    if (result != 0) {
        part_unref(part);
        part = NULL;
    } else {
        part_unref(oldest->part);
        *oldest = (struct rendered){stream->camera, stream->options, began, part};
    }
    pthread_mutex_unlock(&streams->lock);
    return part;
}

/* The suspended stream whose picture is due next. Lock held. */
static struct stream *next_due(struct streams *streams)
{
    struct stream *next = NULL;
    for (struct list *item = streams->waiting.next; item != &streams->waiting; item = item->next) {
        struct stream *stream = list_entry(item, struct stream, link);
        next = next == NULL || stream->due.us < next->due.us ? stream : next;
    }
    return next;
}

/* Lock held: the connection goes on reading from the stream. */
static void wake(struct stream *stream)
{
    list_remove(&stream->link);
    stream->suspended = false;
    MHD_resume_connection(stream->connection);
}

/* Serves the stream, which stays suspended and so alive until wake(). Lock held, dropped between.
 */
static void serve(struct streams *streams, struct stream *stream)
{
    pthread_mutex_unlock(&streams->lock);
    struct part *part = render(streams, stream);
    pthread_mutex_lock(&streams->lock);
    /* The next picture counts from when this one was due; a client that fell behind starts anew. */
    struct mono now = mono_now();
    stream->due.us += stream->interval_us;
    if (stream->due.us < now.us) {
        stream->due.us = now.us;
    }
    if (part != NULL) {
        part->references++;
        part_unref(stream->part);
        stream->part = part;
        stream->sent = 0;
        wake(stream);
    }
}

static void wait_until(struct streams *streams, struct mono due)
{
    struct timespec at = {.tv_sec = due.us / 1000000, .tv_nsec = (long)(due.us % 1000000) * 1000};
    pthread_cond_timedwait(&streams->changed, &streams->lock, &at);
}

static void *run(void *context)
{
    struct streams *streams = context;
    pthread_mutex_lock(&streams->lock);
    while (!streams->stop) {
        struct stream *stream = next_due(streams);
        if (stream == NULL) {
            pthread_cond_wait(&streams->changed, &streams->lock);
        } else if (stream->due.us > mono_now().us) {
            wait_until(streams, stream->due);
        } else {
            serve(streams, stream);
        }
    }
    while (!list_empty(&streams->waiting)) {
        wake(next_due(streams));
    }
    for (size_t i = 0; i < SHARED; i++) {
        part_unref(streams->shared[i].part);
    }
    pthread_mutex_unlock(&streams->lock);
    return NULL;
}

/* Called on a thread of the pool whenever the client can take more. */
static ssize_t on_read(void *context, uint64_t position, char *buffer, size_t room)
{
    struct stream *stream = context;
    struct streams *streams = stream->streams;
    ssize_t given = 0;
    pthread_mutex_lock(&streams->lock);
    if (streams->stop) {
        given = MHD_CONTENT_READER_END_OF_STREAM;
    } else if (stream->part != NULL && stream->sent < stream->part->bytes.length) {
        size_t left = stream->part->bytes.length - stream->sent;
        given = (ssize_t)(left < room ? left : room);
        memcpy(buffer, stream->part->bytes.data + stream->sent, (size_t)given);
        stream->sent += (size_t)given;
    } else {
        MHD_suspend_connection(stream->connection);
        stream->suspended = true;
        list_append(&streams->waiting, &stream->link);
        pthread_cond_signal(&streams->changed);
    }
    pthread_mutex_unlock(&streams->lock);
    return given;
}

static void on_free(void *context)
{
    stream_destroy(context);
}

struct stream *stream_create(struct streams *streams, int camera, double fps,
                             const struct picture_options *options)
{
    struct stream *stream = mem_alloc(sizeof *stream);
    *stream = (struct stream){.streams = streams,
                              .camera = camera,
                              .options = *options,
                              .interval_us = (int64_t)(1e6 / fps)};
    stream->due.us = mono_now().us + stream->interval_us;
    list_init(&stream->link);
    pthread_mutex_lock(&streams->lock);
    bool room = streams->count < STREAMS_MAX && !streams->stop;
    streams->count += room;
    pthread_mutex_unlock(&streams->lock);
    if (!room) {
        free(stream);
        return NULL;
    }
    return stream;
}

void stream_destroy(struct stream *stream)
{
    if (stream == NULL) {
        return;
    }
    struct streams *streams = stream->streams;
    pthread_mutex_lock(&streams->lock);
    list_remove(&stream->link);
    part_unref(stream->part);
    streams->count--;
    pthread_mutex_unlock(&streams->lock);
    free(stream);
}

struct MHD_Response *stream_response(struct stream *stream, struct MHD_Connection *connection)
{
    stream->connection = connection;
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, on_read, stream, on_free);
    if (response == NULL) {
        stream_destroy(stream);
    }
    return response;
}

struct streams *streams_create(struct server *server)
{
    struct streams *streams = mem_alloc(sizeof *streams);
    streams->server = server;
    list_init(&streams->waiting);
    pthread_mutex_init(&streams->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&streams->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    int result = pthread_create(&streams->thread, NULL, run, streams);
    if (result != 0) {
        log_write(LOG_CRITICAL, "no thread for streams: %s", err_name(result));
        abort();
    }
    pthread_setname_np(streams->thread, "streams");
    return streams;
}

void streams_stop(struct streams *streams)
{
    pthread_mutex_lock(&streams->lock);
    streams->stop = true;
    pthread_cond_signal(&streams->changed);
    pthread_mutex_unlock(&streams->lock);
    pthread_join(streams->thread, NULL);
}

void streams_destroy(struct streams *streams)
{
    pthread_cond_destroy(&streams->changed);
    pthread_mutex_destroy(&streams->lock);
    free(streams);
}
