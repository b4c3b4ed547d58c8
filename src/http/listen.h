/* Sockets to listen on. */
#ifndef CORVETTE_HTTP_LISTEN_H
#define CORVETTE_HTTP_LISTEN_H

#include "base/err.h"

/* Opens "HOST:PORT", "[V6]:PORT" or ":PORT" for the command line's `option`; port 0 = any free one,
 * `port` gets the number. The socket, or -errno with a sentence. */
int listen_open(const char *option, const char *address, int *port, struct err *err);

#endif
