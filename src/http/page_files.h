/* The files of the web page as web/embed.py packed them into the program. */
#ifndef CORVETTE_HTTP_PAGE_FILES_H
#define CORVETTE_HTTP_PAGE_FILES_H

#include <stddef.h>

struct page_file {
    const char *path; /* "/app.js" */
    const char *type;
    const char *etag; /* quoted */
    const unsigned char *plain;
    size_t plain_length;
    const unsigned char *packed; /* gzip */
    size_t packed_length;
};

extern const struct page_file page_files[];
extern const size_t page_file_count;

#endif
