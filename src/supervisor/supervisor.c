#include "supervisor/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/log_history.h"
#include "base/mem.h"
#include "supervisor/child.h"
#include "supervisor/shared.h"

#define CONFIG_LIMIT_BYTES (16u << 20)
/* Of one process. The server holds some for every camera and one for every connection and file on
 * its way: more than the 1024 that are customary. */
#define DESCRIPTORS 65536
#define WATCH_US 500000
#define HUNG_US 10000000      /* no heartbeat for this long: the worker's loop is stuck */
#define INFERENCE_US 10000000 /* Frigate's bound for one inference */
#define FIRST_DELAY_US 100000
#define LONGEST_DELAY_US 10000000
#define LONGEST_DELAY_KILLED_US 1000000 /* somebody else's doing: no reason to keep it waiting */
#define STEADY_US 5000000               /* lived this long: the next death is not a quick one */
/* A stop takes at most two seconds: the workers that feed the server first, then the server. */
#define STOP_WORKERS_US 1000000
#define STOP_SERVER_US 800000

struct supervisor {
    const struct supervisor_options *options;
    struct loop *loop;
    struct config *config;
    struct shared shared;
    struct child *children; /* the first is the server */
    size_t child_count;
    char data_dir[PATH_MAX];
    int lock_fd;
    bool stopping, server_stopping, restart;
    struct loop_source *stop_timer;
};

static struct child *server_of(struct supervisor *s)
{
    return &s->children[0];
}

static bool linked_to_server(const struct child *child)
{
    return child->role == BOARD_CAPTURE || child->role == BOARD_ANALYSE ||
           child->role == BOARD_SOUND;
}

/* A fresh channel between a worker and the server; an older one is replaced on both sides. */
static void link_to_server(struct supervisor *s, struct child *child)
{
    struct child *server = server_of(s);
    int ends[2];
    if (server->state != CHILD_RUNNING || child->state != CHILD_RUNNING || channel_pair(ends) < 0) {
        return;
    }
    struct msg_give to_server = {.what = GIVE_LINK, .role = child->role};
    struct msg_give to_child = {.what = GIVE_LINK, .role = BOARD_SERVER};
    snprintf(to_server.name, sizeof to_server.name, "%s", child->name);
    channel_send(server->channel, MSG_GIVE, &to_server, ends[0]);
    channel_send(child->channel, MSG_GIVE, &to_child, ends[1]);
    close(ends[0]);
    close(ends[1]);
}

static void on_hello(void *context, struct child *child)
{
    struct supervisor *s = context;
    if (s->stopping) {
        return;
    }
    shared_give(&s->shared, child);
    struct msg_start start = {.detector = child->number};
    snprintf(start.config_path, sizeof start.config_path, "%s", s->options->config_path);
    snprintf(start.data_dir, sizeof start.data_dir, "%.*s", IPC_PATH - 1, s->data_dir);
    snprintf(start.listen, sizeof start.listen, "%s", s->options->listen);
    snprintf(start.listen_auth, sizeof start.listen_auth, "%s", s->options->listen_auth);
    channel_send(child->channel, MSG_START, &start, -1);
    if (linked_to_server(child)) {
        link_to_server(s, child);
    }
    for (size_t i = 0; child == server_of(s) && i < s->child_count; i++) {
        if (linked_to_server(&s->children[i])) {
            link_to_server(s, &s->children[i]);
        }
    }
}

static void spawn(struct supervisor *s, struct child *child);

static void on_restart_timer(void *context)
{
    struct child *child = context;
    spawn(child->context, child);
}

static void spawn_later(struct child *child)
{
    int64_t longest = child->killed_by_signal ? LONGEST_DELAY_KILLED_US : LONGEST_DELAY_US;
    unsigned doublings = child->quick_deaths < 10 ? child->quick_deaths : 10;
    int64_t delay = (int64_t)FIRST_DELAY_US << doublings;
    loop_set_timer(child->restart_timer, delay < longest ? delay : longest, 0);
    child->quick_deaths++;
}

static void spawn(struct supervisor *s, struct child *child)
{
    if (s->stopping || child->state != CHILD_DOWN) {
        return;
    }
    struct err err = ERR_NONE;
    if (child_spawn(child, &err) < 0) {
        log_error("%s", err.text);
        spawn_later(child);
    }
}

static void stop_next(struct supervisor *s);

static void on_died(void *context, struct child *child)
{
    struct supervisor *s = context;
    if (s->stopping) {
        stop_next(s);
        return;
    }
    if (mono_since_us(child->started) >= STEADY_US) {
        child->quick_deaths = 0;
    }
    board_write_text(child->entry->last_death, sizeof child->entry->last_death, child->death);
    log_warning("%s died: %s; starting it again", child->label, child->death);
    spawn_later(child);
}

/* Kills what is stuck; the death then takes its ordinary way. */
static void on_watch(void *context)
{
    struct supervisor *s = context;
    int64_t now = mono_now().us;
    board_beat(&s->shared.board->entries[0]);
    for (size_t i = 0; i < s->child_count; i++) {
        struct child *child = &s->children[i];
        if (child->pid == 0 || child->death[0] != '\0') {
            continue;
        }
        if (now - (int64_t)atomic_load(&child->entry->heartbeat_us) > HUNG_US) {
            child_kill(child, "no heartbeat for 10 seconds");
            continue;
        }
        if (child->role == BOARD_DETECTOR) {
            int64_t began = atomic_load(&child->entry->detector.start_mono_us);
            if (began != 0 && now - began > INFERENCE_US) {
                atomic_store(&child->entry->detector.start_mono_us, 0);
                child_kill(child, "an inference ran for more than 10 seconds");
            }
        }
    }
}

static bool any_alive(const struct supervisor *s, bool servers)
{
    for (size_t i = 0; i < s->child_count; i++) {
        if (s->children[i].pid != 0 && (servers || s->children[i].role != BOARD_SERVER)) {
            return true;
        }
    }
    return false;
}

static void kill_late(struct supervisor *s)
{
    for (size_t i = 0; i < s->child_count; i++) {
        struct child *child = &s->children[i];
        if (child->pid != 0 && (s->server_stopping || child->role != BOARD_SERVER)) {
            child_kill(child, "did not stop in time");
        }
    }
}

static void on_stop_timer(void *context)
{
    struct supervisor *s = context;
    kill_late(s);
}

/* The server outlives the workers so that their last segments and events reach the database. */
static void stop_next(struct supervisor *s)
{
    if (!any_alive(s, true)) {
        loop_stop(s->loop, s->restart ? SUPERVISOR_RESTART : 0);
    } else if (!any_alive(s, false) && !s->server_stopping) {
        s->server_stopping = true;
        child_stop(server_of(s));
        loop_set_timer(s->stop_timer, STOP_SERVER_US, STOP_SERVER_US);
    }
}

static void stop(struct supervisor *s)
{
    if (s->stopping) {
        return;
    }
    s->stopping = true;
    s->stop_timer = loop_add_timer(s->loop, STOP_WORKERS_US, STOP_WORKERS_US, on_stop_timer, s);
    for (size_t i = 1; i < s->child_count; i++) {
        child_stop(&s->children[i]);
    }
    stop_next(s);
}

static void on_stop_signal(void *context, int signal_number)
{
    log_info("stopping on %s", strsignal(signal_number));
    stop(context);
}

/* The file's text and its parsed form; complaints go to the log. NULL when it will not do. */
static struct config *load(const char *path, struct str *text)
{
    int result = str_read_file(text, path, CONFIG_LIMIT_BYTES);
    if (result < 0) {
        log_error("%s: cannot be read: %s", path, err_name(result));
        return NULL;
    }
    struct cfg_issues issues = {0};
    struct config *config = config_load(path, str_text(text), text->length, &issues);
    for (size_t i = 0; i < issues.count; i++) {
        const struct cfg_issue *issue = &issues.items[i];
        char line[16] = "";
        if (issue->line > 0) {
            snprintf(line, sizeof line, ":%d", issue->line);
        }
        log_write(issue->is_warning ? LOG_WARNING : LOG_ERROR, "%s%s: %s: %s", path, line,
                  issue->path, issue->message);
    }
    config_issues_finish(&issues);
    return config;
}

/* A restart that would not come up again is not begun. */
static void restart(struct supervisor *s)
{
    AUTO_STR struct str text = {0};
    struct config *config = load(s->options->config_path, &text);
    if (config == NULL) {
        log_error("the configuration has errors: going on with the old one, not restarting");
        return;
    }
    config_free(config);
    log_info("restarting");
    s->restart = true;
    stop(s);
}

static void on_hangup(void *context, int signal_number)
{
    restart(context);
}

static void on_message(void *context, struct child *child, struct message *message)
{
    struct supervisor *s = context;
    if (message->type == MSG_RESTART && child->role == BOARD_SERVER) {
        restart(s);
    } else {
        child_kill(child, "sent a message that is not its to send");
    }
}

static void add_child(struct supervisor *s, enum board_role role, const char *title,
                      const char *name, unsigned number)
{
    static const struct child_events events = {on_hello, on_message, on_died};
    struct child *child = &s->children[s->child_count++];
    *child = (struct child){
        .role = role,
        .title = title,
        .number = number,
        .entry = board_find(s->shared.board, role, name),
        .loop = s->loop,
        .events = &events,
        .context = s,
        .state = CHILD_DOWN,
        .pidfd = -1,
    };
    snprintf(child->name, sizeof child->name, "%s", name);
    snprintf(child->label, sizeof child->label, "%s%s%s", title, *name != '\0' ? " " : "",
             child->name);
    child->restart_timer = loop_add_timer(s->loop, 0, 0, on_restart_timer, child);
}

static bool anyone_listens(const struct supervisor *s)
{
    for (size_t i = 0; i < s->shared.camera_count; i++) {
        if (s->shared.cameras[i].sounds >= 0) {
            return true;
        }
    }
    return false;
}

static void add_children(struct supervisor *s)
{
    size_t most = 2 + s->config->detector_count + 2 * s->shared.camera_count;
    s->children = mem_array(most, sizeof *s->children);
    add_child(s, BOARD_SERVER, "server", "", 0);
    for (size_t i = 0; i < s->shared.camera_count; i++) {
        add_child(s, BOARD_CAPTURE, "capture", s->shared.cameras[i].name, 0);
        add_child(s, BOARD_ANALYSE, "analyse", s->shared.cameras[i].name, 0);
    }
    for (size_t i = 0; i < s->config->detector_count; i++) {
        add_child(s, BOARD_DETECTOR, "detector", s->config->detectors[i].name, (unsigned)i);
    }
    if (anyone_listens(s)) {
        add_child(s, BOARD_SOUND, "sound", "", 0);
    }
}

/* One supervisor per data folder: two recorders in one tree would fight over its files. */
static int take_data_dir(struct supervisor *s)
{
    int result = file_make_dirs(s->options->data_dir);
    if (result < 0 || realpath(s->options->data_dir, s->data_dir) == NULL) {
        result = result < 0 ? result : -errno;
        log_error("data folder %s: %s", s->options->data_dir, err_name(result));
        return result;
    }
    if (strlen(s->data_dir) > IPC_PATH / 2) {
        log_error("data folder %s: the path is longer than %d bytes", s->data_dir, IPC_PATH / 2);
        return -ENAMETOOLONG;
    }
    AUTO_FREE char *path = mem_printf("%s/corvette.lock", s->data_dir);
    s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (s->lock_fd < 0 || flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0) {
        result = -errno;
        log_error("data folder %s: %s", s->data_dir,
                  result == -EWOULDBLOCK ? "another Corvette is running on it" : err_name(result));
        return result;
    }
    return 0;
}

static bool prepare(struct supervisor *s)
{
    AUTO_STR struct str text = {0};
    s->config = load(s->options->config_path, &text);
    if (s->config == NULL || take_data_dir(s) < 0) {
        return false;
    }
    log_set_level(s->config->logger.default_level);
    for (size_t i = 0; i < s->config->environment_vars.count; i++) {
        const struct cfg_pair *pair = &s->config->environment_vars.items[i];
        setenv(pair->name, pair->text, 1);
    }
    struct err err = ERR_NONE;
    if (!shared_create(&s->shared, s->config, &text, &err)) {
        log_error("%s", err.text);
        return false;
    }
    return true;
}

static void release(struct supervisor *s)
{
    free(s->children);
    if (s->shared.board != NULL) {
        shared_destroy(&s->shared);
    }
    config_free(s->config);
    loop_destroy(s->loop);
    if (s->lock_fd >= 0) {
        close(s->lock_fd);
    }
}

/* The lines of before a restart are kept over it: what was the matter is asked for afterwards. */
#define LOG_VARIABLE "CORVETTE_LOG_FD"

static int open_log_history(void)
{
    const char *kept = getenv(LOG_VARIABLE);
    long long fd;
    bool joined = kept != NULL && str_to_int(kept, &fd) && fd > STDERR_FILENO && fd < INT_MAX &&
                  log_history_join((int)fd) == 0;
    if (joined) {
        close((int)fd);
    }
    unsetenv(LOG_VARIABLE);
    int result = joined ? 0 : log_history_create();
    if (result < 0) {
        log_error("no memory for the last lines of the log: %s", err_name(result));
    }
    return result;
}

static void keep_log_history(void)
{
    AUTO_FREE char *fd = mem_printf("%d", log_history_fd());
    if (fcntl(log_history_fd(), F_SETFD, 0) == 0) {
        setenv(LOG_VARIABLE, fd, 1);
    }
}

/* For all processes: they inherit it. */
static void allow_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < DESCRIPTORS) {
        limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int supervisor_run(const struct supervisor_options *options)
{
    log_set_name("supervisor");
    allow_descriptors();
    struct supervisor s = {.options = options, .lock_fd = -1};
    s.loop = loop_create();
    if (open_log_history() < 0 || !prepare(&s)) {
        release(&s);
        return 1;
    }
    log_info("starting %zu cameras, %zu detectors, data in %s", s.shared.camera_count,
             s.config->detector_count, s.data_dir);
    loop_add_signal(s.loop, SIGTERM, on_stop_signal, &s);
    loop_add_signal(s.loop, SIGINT, on_stop_signal, &s);
    loop_add_signal(s.loop, SIGHUP, on_hangup, &s);
    loop_add_timer(s.loop, WATCH_US, WATCH_US, on_watch, &s);
    add_children(&s);
    int status = loop_run(s.loop);
    log_info("stopped");
    if (status == SUPERVISOR_RESTART) {
        keep_log_history();
    }
    release(&s);
    return status;
}
