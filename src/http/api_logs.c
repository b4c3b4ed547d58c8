/* The last lines of the log, in the form that the peer's page takes apart:
 * "2026-11-23 02:48:46.123456000  [2026-11-23 02:48:46] capture.back             INFO    : text".
 */
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/jout.h"
#include "base/log_history.h"
#include "base/mem.h"
#include "http/api.h"
#include "http/request.h"

#define STAMP 64
#define LATEST_US 253402300800000000 /* the year 10000 */

struct lines {
    struct str *items;
    size_t count, capacity;
    int64_t last_us;
};

static void add_stamp(struct str *out, int64_t wall_us)
{
    char stamp[STAMP];
    wall_us = wall_us >= 0 && wall_us < LATEST_US ? wall_us : 0; /* a worker may write anything */
    time_t seconds = (time_t)(wall_us / 1000000);
    struct tm tm;
    localtime_r(&seconds, &tm);
    strftime(stamp, sizeof stamp, "%Y-%m-%d %H:%M:%S", &tm);
    str_addf(out, "%s.%06d000  [%s] ", stamp, (int)(wall_us % 1000000), stamp);
}

/* What was logged at the very same instant makes one line. */
static void add_line(void *context, int64_t wall_us, const char *text, size_t length)
{
    struct lines *lines = context;
    if (lines->count > 0 && wall_us == lines->last_us) {
        struct str *last = &lines->items[lines->count - 1];
        str_add_char(last, '\n');
        str_add_bytes(last, text, length);
        return;
    }
    struct str *line = MEM_PUSH(lines->items, lines->count, lines->capacity);
    lines->last_us = wall_us;
    add_stamp(line, wall_us);
    str_add_bytes(line, text, length);
}

/* Where a place in a list of `count` lies, as Python counts: from the end when negative, and never
 * outside. */
static size_t place_in(int64_t place, size_t count)
{
    int64_t size = (int64_t)count;
    if (place < 0) {
        return place < -size ? 0 : (size_t)(size + place);
    }
    return place > size ? count : (size_t)place;
}

static void reply_lines(struct request *request, const struct lines *lines)
{
    struct db_opt_int start = request_int(request, "start"), end = request_int(request, "end");
    size_t from = start.has ? place_in(start.value, lines->count) : 0;
    size_t to = end.has ? place_in(end.value, lines->count) : lines->count;
    AUTO_STR struct str text = {0};
    struct jout json = {.out = &text};
    jout_begin_object(&json);
    jout_key(&json, "lines");
    jout_begin_array(&json);
    for (size_t i = from; i < to; i++) {
        jout_string_n(&json, lines->items[i].data, lines->items[i].length);
    }
    jout_end_array(&json);
    jout_put_int(&json, "totalLines", (int64_t)lines->count);
    jout_end_object(&json);
    reply_json(request, 200, &text);
}

/* All of it is one program here; what the peer's other two would say is among its lines. */
void api_logs(struct request *request)
{
    static const struct {
        const char *name;
        bool has_lines;
    } services[] = {{"frigate", true}, {"go2rtc", false}, {"nginx", false}};
    struct lines lines = {0};
    size_t i = 0;
    while (i < ARRAY_SIZE(services) && strcmp(services[i].name, request->args[0]) != 0) {
        i++;
    }
    if (i == ARRAY_SIZE(services)) {
        reply_message(request, 404, false, "Not a valid service");
        return;
    }
    if (services[i].has_lines) {
        log_history_read(add_line, &lines);
    }
    reply_lines(request, &lines);
    for (size_t k = 0; k < lines.count; k++) {
        str_finish(&lines.items[k]);
    }
    free(lines.items);
}
