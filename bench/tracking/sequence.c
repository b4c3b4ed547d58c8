#include "sequence.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"

unsigned names_number(struct names *names, const char *text)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i], text) == 0) {
            return (unsigned)i;
        }
    }
    *MEM_PUSH(names->items, names->count, names->capacity) = mem_strdup(text);
    return (unsigned)names->count - 1;
}

void names_finish(struct names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        free(names->items[i]);
    }
    free(names->items);
    *names = (struct names){0};
}

struct moment *sequence_add(struct sequence *sequence, double time)
{
    struct moment *moment = MEM_PUSH(sequence->moments, sequence->count, sequence->capacity);
    moment->time = time;
    return moment;
}

void moment_add(struct moment *moment, const struct seen *seen)
{
    *MEM_PUSH(moment->items, moment->count, moment->capacity) = *seen;
}

void sequence_finish(struct sequence *sequence)
{
    for (size_t i = 0; i < sequence->count; i++) {
        free(sequence->moments[i].items);
    }
    free(sequence->moments);
    names_finish(&sequence->ids);
    *sequence = (struct sequence){0};
}

static bool flag(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return value == NULL || json_is_true(value);
}

static bool read_object(struct sequence *sequence, struct names *labels, struct moment *moment,
                        const json_t *object)
{
    const json_t *id = json_object_get(object, "id"), *box = json_object_get(object, "box");
    const json_t *visible = json_object_get(object, "visible");
    const char *label = json_string_value(json_object_get(object, "label"));
    if (id == NULL || label == NULL || json_array_size(box) != 4) {
        return false;
    }
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)json_integer_value(id));
    struct seen seen = {
        .id = names_number(&sequence->ids, json_is_string(id) ? json_string_value(id) : number),
        .label = names_number(labels, label),
        .box = {(float)json_number_value(json_array_get(box, 0)),
                (float)json_number_value(json_array_get(box, 1)),
                (float)json_number_value(json_array_get(box, 2)),
                (float)json_number_value(json_array_get(box, 3))},
        .visible = visible != NULL ? (float)json_number_value(visible) : 1,
        .moving = flag(object, "moving"),
        .confirmed = flag(object, "confirmed"),
    };
    moment_add(moment, &seen);
    return true;
}

static bool read_line(struct sequence *sequence, struct names *labels, const char *line)
{
    json_t *root = json_loads(line, 0, NULL);
    const json_t *time = json_object_get(root, "time");
    const json_t *objects = json_object_get(root, "objects");
    bool ok = json_is_number(time) && json_is_array(objects);
    if (ok) {
        struct moment *moment = sequence_add(sequence, json_number_value(time));
        for (size_t i = 0; ok && i < json_array_size(objects); i++) {
            ok = read_object(sequence, labels, moment, json_array_get(objects, i));
        }
    }
    json_decref(root);
    return ok;
}

bool sequence_read(struct sequence *sequence, struct names *labels, const char *path,
                   struct err *err)
{
    AUTO_FCLOSE FILE *file = strcmp(path, "-") == 0 ? fdopen(dup(0), "r") : fopen(path, "r");
    if (file == NULL) {
        err_set(err, errno, "%s: %s", path, strerror(errno));
        return false;
    }
    AUTO_FREE char *line = NULL;
    size_t capacity = 0, number = 1;
    for (; getline(&line, &capacity, file) > 0; number++) {
        if (!read_line(sequence, labels, line)) {
            err_set(err, EINVAL, "%s:%zu: not a line of a sequence", path, number);
            return false;
        }
    }
    return true;
}
