/* The HTTP server in its own process: every input is one request over a real connection to a server
 * with a small database. Input: "METHOD TARGET", lines of headers, an empty line, the body. What
 * frames the message (its length, the end of lines) is put right, as reading that is
 * libmicrohttpd's work. */
#include "fuzz.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "http/http.h"
#include "render/render.h"
#include "ring/board.h"
#include "server/server.h"
#include "store/db_recording.h"

#define PATIENCE_MS 20000
#define REPLY_MAX (64u << 10) /* of an endless one this much is enough */

static const char yaml[] =
    "mqtt: {enabled: false}\n"
    "auth: {hash_iterations: 1}\n"
    "record: {enabled: true, retain: {days: 100000}}\n"
    "snapshots: {enabled: true}\n"
    "cameras:\n"
    "  back:\n"
    "    ffmpeg: {inputs: [{path: \"rtsp://u:p@127.0.0.1:1/x\", roles: [detect, record]}]}\n"
    "    detect: {width: 64, height: 48, fps: 5}\n"
    "    zones: {yard: {coordinates: \"0,0,1,0,1,1\"}}\n";

static unsigned short port;

static int do_nothing(void *context)
{
    return 0;
}

/* A port that was free a moment ago. */
static unsigned short free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    FUZZ_CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
    FUZZ_CHECK(getsockname(fd, (struct sockaddr *)&address, &length) == 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void *run_loop(void *loop)
{
    loop_run(loop);
    return NULL;
}

static void add_recordings(struct server *server)
{
    struct store_work *work = store_begin(server_store(server));
    for (int i = 0; i < 3; i++) {
        AUTO_FREE char *id = mem_printf("%d.0-aaaaaa", 1700000000 + 10 * i);
        AUTO_FREE char *path =
            mem_printf("/media/frigate/recordings/2023-11-14/22/back/13.%02d.mp4", 20 + 10 * i);
        db_recording_put(work, &(struct db_recording){.id = id,
                                                      .camera = "back",
                                                      .path = path,
                                                      .start_time = 1700000000 + 10 * i,
                                                      .end_time = 1700000010 + 10 * i,
                                                      .duration = 10,
                                                      .segment_mib = 1.5});
    }
    FUZZ_CHECK(store_submit_wait(work, PATIENCE_MS) >= 0);
}

static struct board *make_board(void)
{
    int fd = board_create(3);
    struct board *board = board_open(fd);
    close(fd);
    FUZZ_CHECK(board != NULL);
    static const enum board_role roles[] = {BOARD_SERVER, BOARD_CAPTURE, BOARD_ANALYSE};
    for (int i = 0; i < 3; i++) {
        board->entries[i].role = roles[i];
        snprintf(board->entries[i].name, sizeof board->entries[i].name, "%s", i > 0 ? "back" : "");
    }
    atomic_store(&board->entries[0].pid, getpid());
    return board;
}

/* Everything lives as long as the process. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    if (*argc == 3 && strcmp((*argv)[0], "corvette:") == 0) {
        exit(
            render_main(*argc, *argv)); /* the server makes pictures in processes of this program */
    }
    log_set_level(LOG_CRITICAL);
    const char *parent = getenv("FUZZ_FOLDER"); /* whoever runs this removes it */
    char *folder = mem_printf("%s/data-XXXXXX", parent != NULL ? parent : "/tmp");
    FUZZ_CHECK(mkdtemp(folder) != NULL);
    char *config_path = mem_printf("%s/config.yml", folder);
    FUZZ_CHECK(file_write_atomic(config_path, yaml, strlen(yaml)) == 0);
    struct cfg_issues issues = {0};
    struct err err = ERR_NONE;
    struct board *board = make_board();
    struct server_setup setup = {
        .loop = loop_create(),
        .config = config_load(config_path, yaml, strlen(yaml), &issues),
        .board = board,
        .entry = &board->entries[0],
        .data_dir = folder,
        .config_path = config_path,
    };
    struct server *server = server_create();
    config_issues_finish(&issues);
    FUZZ_CHECK(setup.config != NULL && server_begin(server, &setup, &err) == 0);
    port = free_port();
    struct http_setup http = {
        .server = server,
        .listen = mem_printf("127.0.0.1:%d", port),
        .listen_auth = "",
        .config_path = config_path,
        .entry = &board->entries[0],
        .restart = do_nothing,
    };
    FUZZ_CHECK(http_start(&http, &err) != NULL);
    pthread_t thread;
    FUZZ_CHECK(pthread_create(&thread, NULL, run_loop, setup.loop) == 0);
    add_recordings(server);
    return 0;
}

/* ---- one request ---- */

static const char *take_line(const char **at, const char *end, size_t *length)
{
    const char *line = *at;
    const char *newline = memchr(line, '\n', (size_t)(end - line));
    *length = (size_t)((newline != NULL ? newline : end) - line);
    *at = newline != NULL ? newline + 1 : end;
    return line;
}

/* Control characters would end the line early, or make it none. */
static void add_clean(struct str *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] >= ' ' && text[i] != 0x7f) {
            str_add_char(out, text[i]);
        }
    }
}

static void build(struct str *request, const char *data, size_t size)
{
    const char *at = data, *end = data + size;
    size_t length;
    const char *line = take_line(&at, end, &length);
    const char *blank = memchr(line, ' ', length);
    size_t method = blank != NULL ? (size_t)(blank - line) : 0;
    for (size_t i = 0; i < method; i++) {
        str_add_char(request, (char)('A' + (unsigned char)(line[i] - 'A') % 26));
    }
    str_add(request, method > 0 ? " /" : "GET /");
    for (size_t i = method + (blank != NULL); i < length; i++) {
        if ((unsigned char)line[i] > ' ' && line[i] != 0x7f &&
            !(i == method + 1 && line[i] == '/')) {
            str_add_char(request, line[i]);
        }
    }
    str_add(request, " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    while (at < end && (line = take_line(&at, end, &length), length > 0)) {
        static const char *const framing[] = {"content-length", "transfer-encoding", "connection",
                                              "expect",         "upgrade",           "host"};
        bool allowed = memchr(line, ':', length) != NULL && *line != ' ' && *line != ':';
        for (size_t i = 0; i < sizeof framing / sizeof framing[0]; i++) {
            allowed = allowed && strncasecmp(line, framing[i], strlen(framing[i])) != 0;
        }
        if (allowed) {
            add_clean(request, line, length);
            str_add(request, "\r\n");
        }
    }
    str_addf(request, "Content-Length: %zu\r\n\r\n", (size_t)(end - at));
    str_add_bytes(request, at, (size_t)(end - at));
}

static int connect_server(void)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct linger at_once = {.l_onoff = 1}; /* no port may linger: there are many requests */
    FUZZ_CHECK(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    FUZZ_CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    return fd;
}

static void read_reply(int fd, struct str *reply)
{
    while (reply->length < REPLY_MAX) {
        char buffer[16384];
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int ready = poll(&wait, 1, PATIENCE_MS);
        if (ready < 0 && errno == EINTR) { /* libFuzzer's alarm */
            continue;
        }
        FUZZ_CHECK(ready == 1); /* else: a request without an answer */
        ssize_t got = recv(fd, buffer, sizeof buffer, 0);
        if (got <= 0) {
            return;
        }
        str_add_bytes(reply, buffer, (size_t)got);
        if (strstr(str_text(reply), "multipart/x-mixed-replace") != NULL) {
            return;
        }
    }
}

static void check_reply(const struct str *reply)
{
    const char *text = str_text(reply);
    const char *head_end = strstr(text, "\r\n\r\n");
    FUZZ_CHECK(str_starts(text, "HTTP/1.1 ") && head_end != NULL);
    FUZZ_CHECK(strstr(text, "\"No answer\"") == NULL);
    const char *json = strstr(text, "Content-Type: application/json");
    const char *packed = strstr(text, "Content-Encoding:");
    if (json != NULL && json < head_end && (packed == NULL || packed > head_end) &&
        reply->length < REPLY_MAX && head_end[4] != '\0') {
        json_t *value = json_loads(head_end + 4, JSON_DECODE_ANY, NULL);
        FUZZ_CHECK(value != NULL);
        json_decref(value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_STR struct str request = {0}, reply = {0};
    build(&request, (const char *)data, size);
    int fd = connect_server();
    size_t sent = 0;
    while (sent < request.length) {
        ssize_t done = send(fd, request.data + sent, request.length - sent, MSG_NOSIGNAL);
        if (done <= 0) {
            break; /* refused before all of it was there */
        }
        sent += (size_t)done;
    }
    read_reply(fd, &reply);
    close(fd);
    if (sent == request.length) {
        check_reply(&reply);
    }
    return 0;
}
