/* What the parts of this folder share of the running HTTP server. */
#ifndef CORVETTE_HTTP_HTTP_PRIVATE_H
#define CORVETTE_HTTP_HTTP_PRIVATE_H

#include "http/http.h"

struct auth;
struct files;
struct presence_memory;
struct request;
struct streams;

struct auth *http_auth(struct http *http);
struct files *http_files(struct http *http);
struct streams *http_streams(struct http *http);
struct presence_memory *http_presence(struct http *http);
/* Asks for a restart of everything; 0 or -errno. */
int http_restart(struct http *http);

/* api_recording_picture.c: the recorded file that shows the moment of the path (its second
 * argument) at the camera (its first), open, and how many seconds into it; -1 after a reply, or
 * when the handler is called again where it may wait. */
int http_open_recording(struct request *request, double *time, double *into);

/* page.c: a file of the web page, or the page itself for any other path. */
void page_reply(struct request *request);

/* Whether an Accept-Encoding header asks for gzip. */
int http_accepts_gzip(const char *header);

#endif
