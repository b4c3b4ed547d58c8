#include "config/substitute.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "config/issues.h"

#define PREFIX "FRIGATE_"
#define MAX_SECRET_BYTES 65536
#define MAX_VARS 1000

extern char **environ;

static void set(struct cfg_vars *vars, const char *name, size_t name_length, const char *value)
{
    for (size_t i = 0; i < vars->count; i++) {
        if (strncmp(vars->items[i].name, name, name_length) == 0 &&
            vars->items[i].name[name_length] == '\0') {
            free(vars->items[i].value);
            vars->items[i].value = mem_strdup(value);
            return;
        }
    }
    if (vars->count == MAX_VARS) {
        return;
    }
    struct cfg_var *var = MEM_PUSH(vars->items, vars->count, vars->capacity);
    var->name = mem_strndup(name, name_length);
    var->value = mem_strdup(value);
}

static void set_from_file(struct cfg_vars *vars, const char *folder, const char *name)
{
    AUTO_STR struct str content = {0};
    AUTO_FREE char *path = mem_printf("%s/%s", folder, name);
    if (str_read_file(&content, path, MAX_SECRET_BYTES) != 0) {
        return;
    }
    static const char blanks[] = " \t\r\n\v\f";
    char *text = content.data != NULL ? content.data : (char[]){""};
    text += strspn(text, blanks);
    size_t length = strlen(text);
    while (length > 0 && strchr(blanks, text[length - 1]) != NULL) {
        text[--length] = '\0';
    }
    set(vars, name, strlen(name), text);
}

void cfg_vars_load(struct cfg_vars *vars, const char *secrets_folder)
{
    for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
        const char *equals = strchr(*entry, '=');
        if (equals != NULL && str_starts(*entry, PREFIX)) {
            set(vars, *entry, (size_t)(equals - *entry), equals + 1);
        }
    }
    DIR *dir = opendir(secrets_folder);
    if (dir == NULL) {
        return;
    }
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (str_starts(entry->d_name, PREFIX)) {
            set_from_file(vars, secrets_folder, entry->d_name);
        }
    }
    closedir(dir);
}

void cfg_vars_finish(struct cfg_vars *vars)
{
    for (size_t i = 0; i < vars->count; i++) {
        free(vars->items[i].name);
        free(vars->items[i].value);
    }
    free(vars->items);
    *vars = (struct cfg_vars){0};
}

static bool add_value(const struct cfg_vars *vars, const char *name, size_t length, struct str *out,
                      struct err *err)
{
    AUTO_FREE char *wanted = mem_strndup(name, length);
    struct cfg_nearest nearest = {.word = wanted};
    for (size_t i = 0; i < vars->count; i++) {
        if (str_equal(vars->items[i].name, wanted)) {
            str_add(out, vars->items[i].value);
            return true;
        }
        cfg_nearest_offer(&nearest, vars->items[i].name);
    }
    /* Only what is shaped like a name is shown: anything else may be part of a password. */
    if (!str_starts(wanted, PREFIX) || length > 100 ||
        wanted[strspn(wanted, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")] !=
            '\0') {
        err_set(err, EINVAL,
                "between braces only a name that begins with FRIGATE_ may stand; a brace that "
                "belongs to the text is written twice");
        return false;
    }
    const char *best = cfg_nearest_best(&nearest);
    err_set(err, ENOENT, "{%s} names no environment variable and no file in /run/secrets%s%s%s",
            wanted, best != NULL ? "; did you mean {" : "", best != NULL ? best : "",
            best != NULL ? "}?" : "");
    return false;
}

bool cfg_substitute(const struct cfg_vars *vars, const char *text, struct str *out, struct err *err)
{
    while (*text != '\0') {
        size_t plain = strcspn(text, "{}");
        str_add_bytes(out, text, plain);
        text += plain;
        if (*text == '\0') {
            break;
        }
        if (text[0] == text[1]) {
            str_add_char(out, text[0]);
            text += 2;
            continue;
        }
        const char *close = text[0] == '{' ? strpbrk(text + 1, "{}") : NULL;
        if (close == NULL || *close != '}') {
            err_set(err, EINVAL, "a single %s stands in the text; write %s for the brace itself",
                    text[0] == '{' ? "{" : "}", text[0] == '{' ? "{{" : "}}");
            return false;
        }
        if (!add_value(vars, text + 1, (size_t)(close - text - 1), out, err)) {
            return false;
        }
        text = close + 1;
    }
    return true;
}
