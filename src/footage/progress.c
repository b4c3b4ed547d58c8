#include "footage/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

#define TERMINAL_US 200000
#define LOG_US 10000000

void progress_begin(struct progress *progress, const char *what, uint64_t total)
{
    int64_t now = mono_now().us;
    *progress = (struct progress){.what = what,
                                  .total = total,
                                  .begun_us = now,
                                  .told_us = now,
                                  .terminal = isatty(STDERR_FILENO) != 0};
}

static void describe(const struct progress *progress, int64_t now, struct str *text)
{
    double seconds = (double)(now - progress->begun_us) / 1e6;
    double rate = seconds > 0 ? (double)progress->done / seconds : 0;
    str_addf(text, "%llu", (unsigned long long)progress->done);
    if (progress->total > 0) {
        str_addf(text, " of %llu", (unsigned long long)progress->total);
    }
    str_addf(text, " %s, %.0f a second", progress->what, rate);
    if (progress->total > progress->done && rate > 0) {
        str_addf(text, ", %.0f s left", (double)(progress->total - progress->done) / rate);
    }
}

void progress_step(struct progress *progress, uint64_t done)
{
    int64_t now = mono_now().us;
    progress->done = done;
    if (now - progress->told_us < (progress->terminal ? TERMINAL_US : LOG_US)) {
        return;
    }
    progress->told_us = now;
    AUTO_STR struct str text = {0};
    describe(progress, now, &text);
    if (progress->terminal) {
        fprintf(stderr, "\r%s\033[K", str_text(&text));
        progress->shown = true;
    } else {
        log_info("%s", str_text(&text));
    }
}

void progress_end(struct progress *progress)
{
    if (progress->shown) {
        fputs("\r\033[K", stderr);
    }
}
