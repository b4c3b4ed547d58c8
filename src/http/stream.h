/* MJPEG streams: one thread makes the pictures of all of them, shares what several clients want
 * alike, and wakes a client's connection when its picture is due. Between pictures a connection is
 * suspended, and one whose client does not read is not asked for more: a slow client costs nothing
 * and misses pictures instead of delaying them. */
#ifndef CORVETTE_HTTP_STREAM_H
#define CORVETTE_HTTP_STREAM_H

#include "server/picture.h"

struct MHD_Connection;
struct MHD_Response;
struct server;
struct stream;
struct streams;

#define STREAMS_MAX 128
#define STREAM_FPS_MAX 30.0

struct streams *streams_create(struct server *server);
/* Ends all streams and the thread; none can begin afterwards. */
void streams_stop(struct streams *streams);
void streams_destroy(struct streams *streams);

/* NULL when there are too many. */
struct stream *stream_create(struct streams *streams, int camera, double fps,
                             const struct picture_options *options);
void stream_destroy(struct stream *stream); /* NULL is fine */
/* The stream as a response; takes it over. */
struct MHD_Response *stream_response(struct stream *stream, struct MHD_Connection *connection);

#define STREAM_TYPE "multipart/x-mixed-replace; boundary=frame"

#endif
