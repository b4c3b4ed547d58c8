/* Where a request comes from. */
#ifndef CORVETTE_HTTP_PEER_H
#define CORVETTE_HTTP_PEER_H

#include <stdbool.h>

#include "config/config.h"

struct request;

#define PEER_MAX 64

/* The client's address in words. When the connection is one of a trusted proxy (a network such as
 * 172.16.0.0/12), the last address of X-Forwarded-For that is not a trusted proxy's itself. */
void peer_address(struct request *request, const struct cfg_list *proxies,
                  char address[static PEER_MAX]);
/* The same from what a connection and a header say; for tests. */
void peer_of(const char *connection, const char *forwarded, const struct cfg_list *proxies,
             char address[static PEER_MAX]);
/* Whether an address lies in a network, "10.0.0.0/8" or a single address; IPv4 within IPv6 counts
 * as IPv4. */
bool peer_in_network(const char *address, const char *network);

#endif
