/* Asks one address over and over on keep-alive connections and says how long it took.
 *
 *     load HOST PORT PATH CALLERS SECONDS [NAME: VALUE]...
 *
 * CALLERS connections, each with one request on the way at a time (a closed loop), on one thread,
 * so that the server has the rest of the machine. A "#" in PATH becomes the number of the request,
 * which makes each an address of its own. Further arguments are request headers. Prints one line of
 * JSON: requests, seconds, p50, p99 and longest in milliseconds, bytes of an answer on the wire
 * without its head, and CPU seconds this program itself took. Ends with 1 on any answer that is not
 * 200 or has no length. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#define CALLERS_MAX 256
#define HEAD_MAX 4096
#define BLOCK (256u << 10)
#define PATIENCE_US 60000000 /* for the first answer */

struct caller {
    int fd;
    int64_t asked_us;
    char head[HEAD_MAX]; /* what of the answer's head came so far */
    size_t head_length;
    bool in_body;
    uint64_t left; /* bytes of the body to come */
};

struct load {
    struct sockaddr_in address;
    const char *host, *path;
    char **headers; /* up to NULL */
    struct str request;
    uint64_t asked;
    struct caller callers[CALLERS_MAX];
    int caller_count, epoll;
    uint32_t *times; /* microseconds */
    size_t count, capacity;
    uint64_t bytes; /* of the last answer */
    char *block;
};

static int64_t now_us(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

static void fail(const char *what)
{
    fprintf(stderr, "load: %s\n", what);
    exit(1);
}

static void make_request(struct load *load)
{
    size_t before = strcspn(load->path, "#");
    str_clear(&load->request);
    str_add(&load->request, "GET ");
    str_add_bytes(&load->request, load->path, before);
    if (load->path[before] == '#') {
        str_addf(&load->request, "%llu%s", (unsigned long long)load->asked,
                 load->path + before + 1);
    }
    str_addf(&load->request, " HTTP/1.1\r\nHost: %s\r\n", load->host);
    for (char **header = load->headers; *header != NULL; header++) {
        str_addf(&load->request, "%s\r\n", *header);
    }
    str_add(&load->request, "\r\n");
}

static void ask(struct load *load, struct caller *caller)
{
    if (load->asked++ == 0 || strchr(load->path, '#') != NULL) {
        make_request(load);
    }
    caller->head_length = 0;
    caller->in_body = false;
    caller->asked_us = now_us();
    ssize_t sent = send(caller->fd, load->request.data, load->request.length, MSG_NOSIGNAL);
    if (sent != (ssize_t)load->request.length) {
        fail("a request could not be sent");
    }
}

static void begin(struct load *load, struct caller *caller)
{
    int yes = 1;
    caller->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (caller->fd < 0 ||
        connect(caller->fd, (struct sockaddr *)&load->address, sizeof load->address) != 0) {
        fail(err_name(errno));
    }
    setsockopt(caller->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = caller};
    epoll_ctl(load->epoll, EPOLL_CTL_ADD, caller->fd, &event);
    ask(load, caller);
}

/* The head is complete: status and length, and what of the body came with it. */
static void end_head(struct load *load, struct caller *caller, const char *end)
{
    size_t head = (size_t)(end - caller->head) + 4;
    caller->head[head - 1] = '\0';
    const char *length = strcasestr(caller->head, "\r\ncontent-length:");
    if (strncmp(caller->head, "HTTP/1.1 200", 12) != 0) {
        caller->head[strcspn(caller->head, "\r\n")] = '\0';
        fail(caller->head);
    }
    if (length == NULL) {
        fail("an answer has no length");
    }
    load->bytes = strtoull(length + strlen("\r\ncontent-length:"), NULL, 10);
    size_t body = caller->head_length - head;
    if (body > load->bytes) {
        fail("an answer is longer than it says");
    }
    caller->left = load->bytes - body;
    caller->in_body = true;
}

static void read_head(struct load *load, struct caller *caller)
{
    ssize_t got = recv(caller->fd, caller->head + caller->head_length,
                       HEAD_MAX - 1 - caller->head_length, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) {
        return;
    }
    if (got <= 0) {
        fail("a connection ended");
    }
    caller->head_length += (size_t)got;
    caller->head[caller->head_length] = '\0';
    const char *end = strstr(caller->head, "\r\n\r\n");
    if (end != NULL) {
        end_head(load, caller, end);
    } else if (caller->head_length == HEAD_MAX - 1) {
        fail("the head of an answer is too long");
    }
}

static void read_body(struct load *load, struct caller *caller)
{
    while (caller->left > 0) {
        size_t wanted = caller->left < BLOCK ? (size_t)caller->left : BLOCK;
        ssize_t got = recv(caller->fd, load->block, wanted, MSG_DONTWAIT);
        if (got < 0 && errno == EAGAIN) {
            return;
        }
        if (got <= 0) {
            fail("a connection ended within an answer");
        }
        caller->left -= (uint64_t)got;
    }
}

static void on_readable(struct load *load, struct caller *caller)
{
    if (!caller->in_body) {
        read_head(load, caller);
    }
    if (caller->in_body) {
        read_body(load, caller);
    }
    if (caller->in_body && caller->left == 0) {
        *MEM_PUSH(load->times, load->count, load->capacity) =
            (uint32_t)(now_us() - caller->asked_us);
        ask(load, caller);
    }
}

static void run(struct load *load, int64_t until_us)
{
    struct epoll_event events[CALLERS_MAX];
    int64_t now;
    while ((now = now_us()) < until_us || (load->count == 0 && now < until_us + PATIENCE_US)) {
        int wait_ms = now < until_us ? (int)((until_us - now) / 1000 + 1) : 1000;
        int count = epoll_wait(load->epoll, events, CALLERS_MAX, wait_ms);
        for (int i = 0; i < count; i++) {
            on_readable(load, events[i].data.ptr);
        }
    }
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void report(struct load *load, double seconds)
{
    if (load->count == 0) {
        fail("no answer came in time");
    }
    qsort(load->times, load->count, sizeof *load->times, compare);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    printf("{\"requests\":%zu,\"seconds\":%.3f,\"p50\":%.3f,\"p99\":%.3f,\"longest\":%.3f,"
           "\"bytes\":%llu,\"cpu\":%.3f}\n",
           load->count, seconds, load->times[load->count / 2] / 1e3,
           load->times[(load->count * 99) / 100] / 1e3, load->times[load->count - 1] / 1e3,
           (unsigned long long)load->bytes, cpu);
}

int main(int argc, char **argv)
{
    long long port, callers;
    double seconds;
    if (argc < 6 || !str_to_int(argv[2], &port) || !str_to_int(argv[4], &callers) ||
        !str_to_double(argv[5], &seconds) || callers < 1 || callers > CALLERS_MAX) {
        fail("usage: load HOST PORT PATH CALLERS SECONDS [NAME: VALUE]...");
    }
    struct load *load = mem_alloc(sizeof *load);
    load->address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (inet_pton(AF_INET, argv[1], &load->address.sin_addr) != 1) {
        fail("HOST is not an IPv4 address");
    }
    load->host = argv[1];
    load->path = argv[3];
    load->headers = argv + 6;
    load->block = mem_alloc(BLOCK);
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    load->caller_count = (int)callers;
    int64_t start = now_us();
    for (int i = 0; i < load->caller_count; i++) {
        begin(load, &load->callers[i]);
    }
    run(load, start + (int64_t)(seconds * 1e6));
    report(load, (double)(now_us() - start) / 1e6);
    return 0;
}
