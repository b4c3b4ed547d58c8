#include "config/plus_key.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "config/issues.h"
#include "config/tree.h"

#define VARIABLE "PLUS_API_KEY"
#define FILE_MAX 65536

static bool has_form(const char *key)
{
    static const char form[] = "********-****-****-****-************:"
                               "****************************************";
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    if (strlen(key) != strlen(form)) {
        return false;
    }
    for (size_t i = 0; form[i] != '\0'; i++) {
        if (form[i] == '*' ? strchr(allowed, key[i]) == NULL : form[i] != key[i]) {
            return false;
        }
    }
    return true;
}

/* Without the blanks around it; NULL when nothing is left. */
static char *trimmed(const char *text)
{
    static const char blanks[] = " \t\r\n\v\f";
    text += strspn(text, blanks);
    size_t length = strlen(text);
    while (length > 0 && strchr(blanks, text[length - 1]) != NULL) {
        length--;
    }
    return length > 0 ? mem_strndup(text, length) : NULL;
}

static char *from_secret(const char *folder)
{
    AUTO_STR struct str content = {0};
    AUTO_FREE char *path = mem_printf("%s/" VARIABLE, folder);
    return str_read_file(&content, path, FILE_MAX) == 0 ? trimmed(str_text(&content)) : NULL;
}

/* YAML reads JSON. */
static char *from_options(const char *path)
{
    AUTO_STR struct str content = {0};
    struct cfg_arena arena = {0};
    struct cfg_issues ignored = {0};
    char *key = NULL;
    if (str_read_file(&content, path, FILE_MAX) == 0) {
        const struct cfg_node *root =
            cfg_yaml_parse(&arena, str_text(&content), content.length, &ignored);
        const struct cfg_node *value =
            root != NULL && root->kind == CFG_MAP ? cfg_get(root, "plus_api_key") : NULL;
        key = value != NULL && value->kind == CFG_STRING ? trimmed(value->text) : NULL;
    }
    config_issues_finish(&ignored);
    cfg_arena_finish(&arena);
    return key;
}

char *cfg_plus_key(struct cfg_arena *arena, struct cfg_issues *issues, const char *secrets_folder,
                   const char *options_path)
{
    const char *variable = getenv(VARIABLE);
    const char *where = "the environment";
    AUTO_FREE char *key = variable != NULL ? trimmed(variable) : NULL;
    if (key == NULL) {
        where = secrets_folder;
        key = from_secret(secrets_folder);
    }
    if (key == NULL) {
        where = options_path;
        key = from_options(options_path);
    }
    if (key != NULL && !has_form(key)) {
        cfg_warn(issues, 0, NULL,
                 VARIABLE " of %s is malformed: it is not used, and nothing is sent to Frigate+",
                 where);
        return NULL;
    }
    return key != NULL ? cfg_strdup(arena, key) : NULL;
}
