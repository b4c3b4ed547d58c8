#include "http/peer.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/str.h"
#include "http/request.h"

struct address {
    unsigned char bytes[16];
    unsigned bits; /* 32 or 128; 0 = none */
};

static struct address parse(const char *text)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct address address = {0};
    if (inet_pton(AF_INET, text, address.bytes) == 1) {
        address.bits = 32;
    } else if (inet_pton(AF_INET6, text, address.bytes) == 1) {
        address.bits = 128;
        if (memcmp(address.bytes, mapped, sizeof mapped) == 0) {
            memmove(address.bytes, address.bytes + sizeof mapped, 4);
            address.bits = 32;
        }
    }
    return address;
}

bool peer_in_network(const char *text, const char *network)
{
    char base[PEER_MAX];
    size_t length = strcspn(network, "/");
    snprintf(base, sizeof base, "%.*s", (int)length, network);
    struct address address = parse(text), of = parse(base);
    long long prefix = of.bits;
    bool good = network[length] == '\0' || str_to_int(network + length + 1, &prefix);
    if (!good || address.bits == 0 || address.bits != of.bits || prefix < 0 || prefix > of.bits) {
        return false;
    }
    size_t whole = (size_t)prefix / 8, rest = (size_t)prefix % 8;
    unsigned mask = rest > 0 ? 0xff00u >> rest & 0xff : 0;
    return memcmp(address.bytes, of.bytes, whole) == 0 &&
           (rest == 0 || ((address.bytes[whole] ^ of.bytes[whole]) & mask) == 0);
}

static bool is_trusted(const char *address, const struct cfg_list *proxies)
{
    for (size_t i = 0; i < proxies->count; i++) {
        if (peer_in_network(address, proxies->items[i])) {
            return true;
        }
    }
    return false;
}

void peer_of(const char *connection, const char *forwarded, const struct cfg_list *proxies,
             char address[static PEER_MAX])
{
    snprintf(address, PEER_MAX, "%s", connection);
    AUTO_FREE char *list = mem_strdup(forwarded != NULL ? forwarded : "");
    while (*list != '\0' && is_trusted(address, proxies)) {
        char *comma = strrchr(list, ',');
        char *last = comma != NULL ? comma + 1 : list;
        last += strspn(last, " \t");
        last[strcspn(last, " \t")] = '\0';
        if (parse(last).bits == 0) {
            return;
        }
        snprintf(address, PEER_MAX, "%s", last);
        *(comma != NULL ? comma : list) = '\0';
    }
}

/* Proxies append to the header, or put one of their own behind it: which comes to the same. */
static enum MHD_Result add_forwarded(void *context, enum MHD_ValueKind kind, const char *name,
                                     const char *value)
{
    struct str *list = context;
    if (strcasecmp(name, "X-Forwarded-For") == 0 && value != NULL) {
        str_addf(list, "%s%s", list->length > 0 ? "," : "", value);
    }
    return MHD_YES;
}

void peer_address(struct request *request, const struct cfg_list *proxies,
                  char address[static PEER_MAX])
{
    char text[PEER_MAX] = "unknown";
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info != NULL && info->client_addr != NULL) {
        socklen_t length = info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                                    : sizeof(struct sockaddr_in);
        getnameinfo(info->client_addr, length, text, sizeof text, NULL, 0, NI_NUMERICHOST);
    }
    AUTO_STR struct str forwarded = {0};
    MHD_get_connection_values(request->connection, MHD_HEADER_KIND, add_forwarded, &forwarded);
    peer_of(text, str_text(&forwarded), proxies, address);
}
