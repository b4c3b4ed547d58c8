/* One line per message on stderr: "[2026-11-23 02:48:46.123] capture.back    INFO    : text".
 * (Workers write to the supervisor's stderr; log_history.h keeps the last lines of all.) Log once,
 * where the decision is made; state changes at info, repeats rate-limited. Thread-safe; one
 * write(2) per line. Control characters are shown as '?': no text makes up lines of its own. */
#ifndef CORVETTE_BASE_LOG_H
#define CORVETTE_BASE_LOG_H

#include <stdint.h>

enum log_level { LOG_DEBUG = 1, LOG_INFO, LOG_WARNING, LOG_ERROR, LOG_CRITICAL };

/* Name of this process in its lines ("supervisor", "capture.back"); copied. */
void log_set_name(const char *name);
void log_set_level(enum log_level level);
enum log_level log_level(void);
/* "debug".."critical" -> level, or 0. */
enum log_level log_level_from(const char *name);

void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, __VA_ARGS__)
#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)

/* Lets one message through per interval; `*swallowed` is how many were held back since the last. */
struct log_limit {
    int64_t next_us;
    unsigned held;
};
int log_allowed(struct log_limit *limit, int64_t interval_us, unsigned *swallowed);

#endif
