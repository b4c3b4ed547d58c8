/* The web page, held in the program: its files were packed by web/embed.py. */
#include <string.h>

#include "base/cleanup.h"
#include "http/http_private.h"
#include "http/page_files.h"
#include "http/request.h"

/* Whether an Origin-free, same-site page may do what ours does, and nothing else. */
#define POLICY                                                                                   \
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self'; frame-ancestors 'self'; " \
    "base-uri 'none'; form-action 'none'"

static const struct page_file *find(const char *path)
{
    for (size_t i = 0; i < page_file_count; i++) {
        if (strcmp(page_files[i].path, path) == 0) {
            return &page_files[i];
        }
    }
    return NULL;
}

void page_reply(struct request *request)
{
    const struct page_file *file = find(request->path);
    if (file == NULL) {
        file = find("/index.html"); /* the page finds its own way from here */
    }
    const char *known = request_header(request, "If-None-Match");
    struct reply *reply = &request->reply;
    reply->type = file->type;
    reply->cache = "no-cache"; /* keep, but ask: the page changes with the program */
    reply->no_gzip = true;
    reply_header(request, "ETag", file->etag);
    reply_header(request, "Vary", "Accept-Encoding");
    reply_header(request, "Content-Security-Policy", POLICY);
    if (known != NULL && strstr(known, file->etag) != NULL) {
        reply->status = 304;
        return;
    }
    reply->status = 200;
    if (http_accepts_gzip(request_header(request, "Accept-Encoding"))) {
        reply_header(request, "Content-Encoding", "gzip");
        str_add_bytes(&reply->body, file->packed, file->packed_length);
    } else {
        str_add_bytes(&reply->body, file->plain, file->plain_length);
    }
}
