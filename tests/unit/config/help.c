#include "help.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

struct loaded load(const char *text)
{
    struct loaded loaded = {0};
    loaded.config = config_load("test.yml", text, strlen(text), &loaded.issues);
    return loaded;
}

struct loaded load_file(const char *name)
{
    struct str path = {0}, text = {0};
    str_addf(&path, "%s/%s", CONFIG_TEST_DATA, name);
    assert_int_equal(str_read_file(&text, str_text(&path), 1 << 20), 0);
    struct loaded loaded = {0};
    loaded.config = config_load(str_text(&path), str_text(&text), text.length, &loaded.issues);
    str_finish(&path);
    str_finish(&text);
    return loaded;
}

void unload(struct loaded *loaded)
{
    config_issues_finish(&loaded->issues);
    config_free(loaded->config);
    loaded->config = NULL;
}

static bool has(const struct loaded *loaded, bool is_warning, const char *path,
                const char *fragment)
{
    for (size_t i = 0; i < loaded->issues.count; i++) {
        const struct cfg_issue *issue = &loaded->issues.items[i];
        if (issue->is_warning == is_warning && (path == NULL || str_equal(issue->path, path)) &&
            strstr(issue->message, fragment) != NULL) {
            return true;
        }
    }
    return false;
}

bool has_error(const struct loaded *loaded, const char *path, const char *fragment)
{
    return has(loaded, false, path, fragment);
}

bool has_warning(const struct loaded *loaded, const char *path, const char *fragment)
{
    return has(loaded, true, path, fragment);
}

const char *said(const struct loaded *loaded)
{
    static char text[65536];
    struct str out = {0};
    config_issues_format(&loaded->issues, "test.yml", &out);
    snprintf(text, sizeof text, "%s", str_text(&out));
    str_finish(&out);
    return text;
}

void assert_loads(const struct loaded *loaded)
{
    if (loaded->config == NULL) {
        fail_msg("refused:\n%s", said(loaded));
    }
}

void assert_error(const char *text, const char *path, const char *fragment)
{
    AUTO_LOADED loaded = load(text);
    if (loaded.config != NULL) {
        fail_msg("was taken, but an error about %s was expected:\n%s", path, text);
    }
    if (!has_error(&loaded, path, fragment)) {
        fail_msg("no error about %s with \"%s\" in:\n%s\nof:\n%s", path, fragment, said(&loaded),
                 text);
    }
}

void assert_warning(const char *text, const char *path, const char *fragment)
{
    AUTO_LOADED loaded = load(text);
    assert_loads(&loaded);
    if (!has_warning(&loaded, path, fragment)) {
        fail_msg("no warning about %s with \"%s\" in:\n%s\nof:\n%s", path, fragment, said(&loaded),
                 text);
    }
}

void assert_quiet(const char *text)
{
    AUTO_LOADED loaded = load(text);
    assert_loads(&loaded);
    for (size_t i = 0; i < loaded.issues.count; i++) {
        const char *message = loaded.issues.items[i].message;
        if (strstr(message, "demo model") == NULL && strstr(message, "demo sound model") == NULL) {
            fail_msg("said:\n%s\nof:\n%s", said(&loaded), text);
        }
    }
}
