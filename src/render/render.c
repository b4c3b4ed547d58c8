#include "render/render.h"

#include <errno.h>
#include <libavutil/log.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "render/child.h"

#define IOPRIO_IDLE (3 << 13)
#define FILM_NICE 10
/* Decoding 4K HEVC takes a few hundred MB; what wants more than this is no recording. */
#define MEMORY_MAX (2ull << 30)

struct kind {
    enum render_kind kind;
    unsigned cpu_s; /* at most */
    bool background;
    int (*run)(const struct render_message *task, int out, struct err *err);
};

static const struct kind kinds[] = {
    {RENDER_PICTURE, 30, false, child_picture},
    {RENDER_TIMELAPSE, 12 * 3600, true, child_timelapse},
    {RENDER_STRIP, 120, false, child_strip},
    {RENDER_PREVIEW, 3600, true, child_strip},
};

int child_want(uint32_t index, struct render_message *file)
{
    struct render_message want = {.say = RENDER_WANT, .index = index};
    int fd = -1;
    if (render_send(RENDER_FD, &want, -1) < 0 || render_receive(RENDER_FD, file, &fd) != 1) {
        return -EPIPE;
    }
    if (file->say == RENDER_FILE && file->result == 0 && fd >= 0) {
        return fd;
    }
    return file->result < 0 ? file->result : -EBADMSG;
}

static void limit(int what, rlim_t most)
{
    setrlimit(what, &(struct rlimit){.rlim_cur = most, .rlim_max = most});
}

static void confine(const struct kind *kind)
{
    prctl(PR_SET_NAME, "render");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    limit(RLIMIT_CPU, kind->cpu_s);
    limit(RLIMIT_CORE, 0);
#ifndef __SANITIZE_ADDRESS__ /* which reserves terabytes */
    limit(RLIMIT_AS, MEMORY_MAX);
#endif
    if (kind->background) {
        setpriority(PRIO_PROCESS, 0, FILM_NICE);
        syscall(SYS_ioprio_set, 1, 0, IOPRIO_IDLE);
    }
}

int render_main(int argc, char **argv)
{
    struct render_message task;
    struct err err = ERR_NONE;
    AUTO_CLOSE int out = -1;
    log_set_name("render");
    av_log_set_level(AV_LOG_QUIET);
    if (render_receive(RENDER_FD, &task, &out) != 1 || task.say != RENDER_TASK || out < 0) {
        return 2;
    }
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (kinds[i].kind == (enum render_kind)task.kind) {
            struct render_message done = {.say = RENDER_DONE};
            confine(&kinds[i]);
            done.result = kinds[i].run(&task, out, &err);
            snprintf(done.text, sizeof done.text, "%.*s", (int)sizeof done.text - 1, err.text);
            return render_send(RENDER_FD, &done, -1) == 0 && done.result == 0 ? 0 : 1;
        }
    }
    return 2;
}
