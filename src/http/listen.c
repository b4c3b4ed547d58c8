#include "http/listen.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/str.h"

/* "HOST:PORT", "[V6]:PORT" or ":PORT" in two; false when it is neither. */
static bool split_address(const char *listen, char **host, char **port)
{
    const char *colon = strrchr(listen, ':');
    if (colon == NULL || colon[1] == '\0') {
        return false;
    }
    const char *from = listen, *to = colon;
    if (*from == '[' && to > from && to[-1] == ']') {
        from++;
        to--;
    }
    *host = mem_strndup(from, (size_t)(to - from));
    *port = mem_strdup(colon + 1);
    return true;
}

static int bind_one(const struct addrinfo *info)
{
    AUTO_CLOSE int fd =
        socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, info->ai_protocol);
    int yes = 1;
    if (fd < 0) {
        return -errno;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, info->ai_addr, info->ai_addrlen) != 0 || listen(fd, 256) != 0) {
        return -errno;
    }
    return steal_fd(&fd);
}

static int port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    char port[16];
    if (getsockname(fd, (struct sockaddr *)&address, &length) != 0 ||
        getnameinfo((struct sockaddr *)&address, length, NULL, 0, port, sizeof port,
                    NI_NUMERICSERV) != 0) {
        return 0;
    }
    long long number;
    return str_to_int(port, &number) ? (int)number : 0;
}

int listen_open(const char *option, const char *address, int *port_number, struct err *err)
{
    AUTO_FREE char *host = NULL, *port = NULL;
    if (!split_address(address, &host, &port)) {
        return err_set(err, EINVAL, "%s %s: expected HOST:PORT", option, address);
    }
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int result = getaddrinfo(*host != '\0' ? host : NULL, port, &hints, &found);
    if (result != 0) {
        return err_set(err, EINVAL, "%s %s: %s", option, address, gai_strerror(result));
    }
    int fd = -EADDRNOTAVAIL;
    for (const struct addrinfo *info = found; info != NULL && fd < 0; info = info->ai_next) {
        fd = bind_one(info);
    }
    freeaddrinfo(found);
    if (fd < 0) {
        return err_set(err, -fd, "cannot listen on %s: %s", address, err_name(fd));
    }
    *port_number = port_of(fd);
    return fd;
}
