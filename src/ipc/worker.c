#include "ipc/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/log_history.h"
#include "base/mem.h"

#define CONTROL_FD 3
#define HEARTBEAT_US 500000

/* What worker.c keeps beside the public part. */
struct worker_state {
    struct worker worker;
    bool started, stopping;
    int config_fd;
};

static struct worker_state *state_of(struct worker *worker)
{
    return (struct worker_state *)(void *)worker;
}

void worker_done(struct worker *worker)
{
    loop_stop(worker->loop, 0);
}

void worker_fatal(struct worker *worker, const char *format, ...)
{
    struct msg_fatal fatal;
    va_list args;
    va_start(args, format);
    vsnprintf(fatal.reason, sizeof fatal.reason, format, args);
    va_end(args);
    log_error("%s", fatal.reason);
    if (worker->entry != NULL) {
        board_set_state(worker->entry, 0, fatal.reason);
    }
    if (worker->supervisor != NULL) {
        channel_send(worker->supervisor, MSG_FATAL, &fatal, -1);
    }
    loop_stop(worker->loop, 1);
}

int worker_send(struct worker *worker, enum msg_type type, const void *value, int fd)
{
    return worker->server != NULL ? channel_send(worker->server, type, value, fd) : -ENOTCONN;
}

static void on_heartbeat(void *context)
{
    struct worker *worker = context;
    board_beat(worker->entry);
}

static void on_server_message(void *context, struct channel *channel, struct message *message)
{
    struct worker *worker = context;
    if (worker->role->message != NULL) {
        worker->role->message(worker, message);
    }
}

static void on_server_closed(void *context, struct channel *channel, int error)
{
    struct worker *worker = context;
    if (worker->server == channel) {
        worker->server = NULL;
    }
    channel_destroy(channel);
}

static void link_to_server(struct worker *worker, int *fd)
{
    channel_destroy(worker->server);
    worker->server = channel_create(worker->loop, *fd, on_server_message, on_server_closed, worker);
    *fd = -1;
    if (state_of(worker)->started && worker->role->linked != NULL) {
        worker->role->linked(worker);
    }
}

static void on_give(struct worker *worker, const struct msg_give *give, int *fd)
{
    struct worker_state *state = state_of(worker);
    switch ((enum give_what)give->what) {
    case GIVE_CONFIG:
        state->config_fd = *fd;
        *fd = -1;
        return;
    case GIVE_BOARD:
        worker->board = board_open(*fd);
        if (worker->board != NULL) {
            worker->entry = board_find(worker->board, worker->role->role, worker->name);
        }
        return;
    case GIVE_LOG:
        log_history_join(*fd); /* without it only stderr has the lines */
        return;
    case GIVE_LINK:
        if (worker->role->role != BOARD_SERVER) {
            link_to_server(worker, fd);
            return;
        }
        break;
    case GIVE_FRAMES:
    case GIVE_FRAME_READY:
    case GIVE_TENSORS:
    case GIVE_WORK:
    case GIVE_DONE:
    case GIVE_SOUNDS:
    case GIVE_SOUND_READY:
        break;
    }
    worker->role->give(worker, give, fd);
}

/* All workers share this descriptor's file position, so it is not used. */
static int read_shared(int fd, struct str *text)
{
    struct stat st;
    if (fstat(fd, &st) < 0) {
        return -errno;
    }
    str_reserve(text, (size_t)st.st_size);
    while (text->length < (size_t)st.st_size) {
        ssize_t n = pread(fd, text->data + text->length, (size_t)st.st_size - text->length,
                          (off_t)text->length);
        if (n <= 0) {
            return -EIO;
        }
        text->length += (size_t)n;
    }
    text->data[text->length] = '\0';
    return 0;
}

static int load_config(struct worker *worker)
{
    struct worker_state *state = state_of(worker);
    AUTO_STR struct str text = {0};
    int result = read_shared(state->config_fd, &text);
    if (result < 0) {
        return result;
    }
    struct cfg_issues issues = {0};
    worker->config = config_load(worker->start.config_path, str_text(&text), text.length, &issues);
    config_issues_finish(&issues);
    if (worker->config == NULL) {
        return -EINVAL; /* the supervisor accepted this very text: something is badly wrong */
    }
    enum log_level level = worker->config->logger.default_level;
    for (size_t i = 0; i < worker->config->logger.logs.count; i++) {
        const struct cfg_pair *pair = &worker->config->logger.logs.items[i];
        if (str_equal(pair->name, worker->role->title) && log_level_from(pair->text) != 0) {
            level = log_level_from(pair->text);
        }
    }
    log_set_level(level);
    worker->camera_index = -1;
    if (worker->role->role == BOARD_CAPTURE || worker->role->role == BOARD_ANALYSE) {
        worker->camera = config_camera(worker->config, worker->name);
        worker->camera_index = config_camera_index(worker->config, worker->name);
    }
    return 0;
}

static void on_start(struct worker *worker, const struct msg_start *start)
{
    worker->start = *start;
    if (worker->entry == NULL || load_config(worker) < 0) {
        worker_fatal(worker, "started without a scoreboard entry or a configuration");
        return;
    }
    board_beat(worker->entry);
    loop_add_timer(worker->loop, HEARTBEAT_US, HEARTBEAT_US, on_heartbeat, worker);
    if (worker->role->begin(worker) != 0) {
        loop_stop(worker->loop, 1);
        return;
    }
    state_of(worker)->started = true;
    if (worker->server != NULL && worker->role->linked != NULL) {
        worker->role->linked(worker);
    }
}

static void stop(struct worker *worker)
{
    struct worker_state *state = state_of(worker);
    if (state->stopping) {
        return;
    }
    state->stopping = true;
    if (state->started) {
        worker->role->stop(worker);
    } else {
        worker_done(worker);
    }
}

static void on_control(void *context, struct channel *channel, struct message *message)
{
    struct worker *worker = context;
    switch (message->type) {
    case MSG_GIVE:
        on_give(worker, message->value, &message->fd);
        return;
    case MSG_START:
        on_start(worker, message->value);
        return;
    case MSG_STOP:
        stop(worker);
        return;
    case MSG_HELLO:
    case MSG_FATAL:
    case MSG_RESTART:
    case MSG_SEGMENT:
    case MSG_FRAME:
    case MSG_BEST:
    case MSG_GRID:
    case MSG_GAP:
    case MSG_SPACE:
    case MSG_SOUND:
    case MSG_TYPE_COUNT:
        break;
    }
    worker_fatal(worker, "unexpected message '%s' from the supervisor",
                 msg_row(message->type)->name);
}

/* The supervisor is gone: nobody is left to serve. */
static void on_control_closed(void *context, struct channel *channel, int error)
{
    stop(context);
}

static void on_term(void *context, int signal_number)
{
    stop(context);
}

int worker_main(const struct worker_role *role, const char *name)
{
    char title[96];
    snprintf(title, sizeof title, "%s%s%s", role->title, *name != '\0' ? "." : "", name);
    log_set_name(title);
    prctl(PR_SET_NAME, role->title); /* else top shows "exe" */
    /* Frames and segments come and go: without this each thread's arena keeps its high-water mark.
     */
    mallopt(M_ARENA_MAX, 2);
    fcntl(CONTROL_FD, F_SETFD, FD_CLOEXEC);
    signal(SIGPIPE, SIG_IGN);

    struct worker_state *state = mem_alloc(sizeof *state);
    struct worker *worker = &state->worker;
    state->config_fd = -1;
    worker->role = role;
    worker->name = name;
    worker->loop = loop_create();
    worker->context = mem_alloc(role->context_bytes);
    loop_add_signal(worker->loop, SIGTERM, on_term, worker);
    loop_add_signal(worker->loop, SIGINT, on_term, worker);
    worker->supervisor =
        channel_create(worker->loop, CONTROL_FD, on_control, on_control_closed, worker);

    struct msg_hello hello = {.version = IPC_VERSION, .role = role->role, .pid = getpid()};
    snprintf(hello.name, sizeof hello.name, "%s", name);
    channel_send(worker->supervisor, MSG_HELLO, &hello, -1);

    int result = loop_run(worker->loop);

    role->finish(worker);
    channel_destroy(worker->server);
    channel_destroy(worker->supervisor);
    loop_destroy(worker->loop);
    config_free(worker->config);
    board_close(worker->board);
    if (state->config_fd >= 0) {
        close(state->config_fd);
    }
    free(worker->context);
    free(state);
    return result;
}
