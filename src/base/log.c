#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log_history.h"

static const struct {
    enum log_level level;
    const char *key, *shown;
} levels[] = {
    {LOG_DEBUG, "debug", "DEBUG"},          {LOG_INFO, "info", "INFO"},
    {LOG_WARNING, "warning", "WARNING"},    {LOG_ERROR, "error", "ERROR"},
    {LOG_CRITICAL, "critical", "CRITICAL"},
};

static char process_name[80] = "corvette";
static atomic_int minimum = LOG_INFO;

void log_set_name(const char *name)
{
    snprintf(process_name, sizeof process_name, "%s", name);
}

void log_set_level(enum log_level level)
{
    minimum = (int)level;
}

enum log_level log_level(void)
{
    return (enum log_level)minimum;
}

enum log_level log_level_from(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
        if (strcmp(name, levels[i].key) == 0) {
            return levels[i].level;
        }
    }
    return (enum log_level)0;
}

void log_write(enum log_level level, const char *format, ...)
{
    if ((int)level < minimum) {
        return;
    }
    struct wall now = wall_now();
    time_t seconds = (time_t)(now.us / 1000000);
    struct tm tm;
    localtime_r(&seconds, &tm);
    char line[2048];
    size_t n = strftime(line, sizeof line, "[%Y-%m-%d %H:%M:%S", &tm);
    n += (size_t)snprintf(line + n, sizeof line - n, ".%03d] ", (int)(now.us / 1000 % 1000));
    size_t after_time = n;
    n += (size_t)snprintf(line + n, sizeof line - n, "%-24s %-8s: ", process_name,
                          levels[level - 1].shown);
    va_list args;
    va_start(args, format);
    int more = vsnprintf(line + n, sizeof line - n, format, args);
    va_end(args);
    n += more > 0 ? (size_t)more : 0;
    if (n > sizeof line - 2) {
        n = sizeof line - 2;
    }
    for (size_t i = after_time; i < n; i++) { /* what a stranger chose must not look like a line */
        line[i] = (unsigned char)line[i] < ' ' || line[i] == 0x7f ? '?' : line[i];
    }
    log_history_add(now.us, line + after_time, n - after_time);
    line[n++] = '\n';
    /* One write per line keeps lines of different processes apart; nothing can be done if it fails.
     */
    ssize_t ignored = write(STDERR_FILENO, line, n);
    (void)ignored;
}

int log_allowed(struct log_limit *limit, int64_t interval_us, unsigned *swallowed)
{
    int64_t now = mono_now().us;
    if (now < limit->next_us) {
        limit->held++;
        return 0;
    }
    limit->next_us = now + interval_us;
    *swallowed = limit->held;
    limit->held = 0;
    return 1;
}
