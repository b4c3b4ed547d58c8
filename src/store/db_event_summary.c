/* Counts of events by camera, label, sub label, local day and zones.
 *
 * Events come sorted by camera, label, sub label, zones and time, out of an index without the
 * thumbnails, so those to be counted together stand together. The answer has the day before the
 * zones: groups are gathered for one camera, label and sub label at a time and sorted by day. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/jout.h"
#include "base/mem.h"
#include "store/db_event.h"
#include "store/db_raw.h"
#include "store/row_json.h"
#include "store/where.h"

enum { CAMERA, LABEL, SUB_LABEL, ZONES, KEYS, START = KEYS };

struct group {
    int64_t day;                /* since the epoch, local */
    size_t zones, zones_length; /* a piece of `texts` */
    size_t number;              /* in order of zones */
    int64_t count;
};

struct summary {
    struct str *out;
    struct str keys[KEYS]; /* of the last row, as stored */
    bool has_sub_label;
    struct group *groups; /* of the last row's camera, label and sub label */
    size_t count, capacity;
    struct str texts; /* zones as JSON, one after the other */
};

static void summary_finish(struct summary *summary)
{
    for (int i = 0; i < KEYS; i++) {
        str_finish(&summary->keys[i]);
    }
    str_finish(&summary->texts);
    free(summary->groups);
}
#define AUTO_SUMMARY __attribute__((cleanup(summary_finish)))

static int compare_groups(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    if (x->day != y->day) {
        return x->day < y->day ? -1 : 1;
    }
    return (x->number > y->number) - (x->number < y->number);
}

static void name_day(int64_t day, char name[static 16])
{
    struct tm tm;
    time_t begin = (time_t)(day * 86400);
    gmtime_r(&begin, &tm);
    strftime(name, 16, "%Y-%m-%d", &tm);
}

/* What the groups of a camera, label and sub label have in common, around their count and day. */
static void add_common(const struct summary *summary, struct str *before, struct str *after)
{
    struct jout json = {.out = before};
    str_add(before, "{\"camera\":");
    jout_string(&json, str_text(&summary->keys[CAMERA]));
    str_add(before, ",\"count\":");
    str_add(after, "\",\"label\":");
    json = (struct jout){.out = after};
    jout_string(&json, str_text(&summary->keys[LABEL]));
    str_add(after, ",\"sub_label\":");
    json.need_comma = false;
    jout_string(&json, summary->has_sub_label ? str_text(&summary->keys[SUB_LABEL]) : NULL);
    str_add(after, ",\"zones\":");
}

static void put_groups(struct summary *summary)
{
    if (summary->count == 0) {
        return;
    }
    AUTO_STR struct str before = {0}, after = {0};
    add_common(summary, &before, &after);
    qsort(summary->groups, summary->count, sizeof *summary->groups, compare_groups);
    char day[16] = "";
    for (size_t i = 0; i < summary->count; i++) {
        const struct group *group = &summary->groups[i];
        if (i == 0 || group->day != group[-1].day) {
            name_day(group->day, day);
        }
        if (summary->out->data[summary->out->length - 1] != '[') {
            str_add_char(summary->out, ',');
        }
        struct jout json = {.out = summary->out};
        str_add_bytes(summary->out, before.data, before.length);
        jout_int(&json, group->count);
        str_add(summary->out, ",\"day\":\"");
        str_add(summary->out, day);
        str_add_bytes(summary->out, after.data, after.length);
        str_add_bytes(summary->out, summary->texts.data + group->zones, group->zones_length);
        str_add_char(summary->out, '}');
    }
    summary->count = 0;
    str_clear(&summary->texts);
}

static bool same_key(const struct summary *summary, struct db_query *query, int key)
{
    size_t length;
    const char *bytes = db_bytes(query, key, &length);
    const struct str *last = &summary->keys[key];
    return last->length == length && memcmp(str_text(last), bytes, length) == 0;
}

static void take_key(struct summary *summary, struct db_query *query, int key)
{
    size_t length;
    const char *bytes = db_bytes(query, key, &length);
    str_clear(&summary->keys[key]);
    str_add_bytes(&summary->keys[key], bytes, length);
}

static void add_event(struct summary *summary, struct db_query *query, int utc_offset_s)
{
    bool has_sub_label = !db_is_null(query, SUB_LABEL);
    bool same = summary->count > 0 && has_sub_label == summary->has_sub_label &&
                same_key(summary, query, SUB_LABEL) && same_key(summary, query, LABEL) &&
                same_key(summary, query, CAMERA);
    if (!same) {
        put_groups(summary);
        take_key(summary, query, CAMERA);
        take_key(summary, query, LABEL);
        take_key(summary, query, SUB_LABEL);
        summary->has_sub_label = has_sub_label;
    }
    struct group *last =
        same && same_key(summary, query, ZONES) ? &summary->groups[summary->count - 1] : NULL;
    int64_t day = (int64_t)floor((db_double(query, START) + utc_offset_s) / 86400);
    if (last != NULL && last->day == day) {
        last->count++;
        return;
    }
    size_t from = last != NULL ? last->zones : summary->texts.length;
    if (last == NULL) {
        const struct str *zones = &summary->keys[ZONES];
        take_key(summary, query, ZONES);
        row_json_canonical(str_text(zones), zones->length, &summary->texts);
    }
    size_t length = summary->texts.length - from, number = summary->count;
    *MEM_PUSH(summary->groups, summary->count, summary->capacity) = (struct group){
        .day = day, .zones = from, .zones_length = length, .number = number, .count = 1};
}

int db_event_summary_json(struct db *db, int utc_offset_s, struct db_opt_int has_clip,
                          struct db_opt_int has_snapshot, struct str *out)
{
    AUTO_WHERE struct where where = {0};
    if (has_clip.has) {
        where_int(&where, "has_clip = ?", has_clip.value != 0);
    }
    if (has_snapshot.has) {
        where_int(&where, "has_snapshot = ?", has_snapshot.value != 0);
    }
    AUTO_QUERY struct db_query *query =
        where_query(db, &where, "SELECT camera, label, sub_label, zones, start_time FROM event",
                    " ORDER BY camera, label, sub_label, zones, start_time");
    AUTO_SUMMARY struct summary summary = {.out = out};
    int result;
    str_add_char(out, '[');
    while ((result = db_step(query)) == 1) {
        add_event(&summary, query, utc_offset_s);
    }
    put_groups(&summary);
    str_add_char(out, ']');
    return result;
}
