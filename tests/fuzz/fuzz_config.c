/* Configurations: whatever the text, it is taken or refused with a complaint, and what is taken
 * makes valid JSON. Then a key of it is changed: what comes out is read back the same way. Input:
 * the text; behind a NUL, if there is one, "path=value". */
#include "fuzz.h"

#include <jansson.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "config/config.h"
#include "config/edit.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    log_set_level(LOG_CRITICAL);
    return 0;
}

static void load(const char *text, size_t length)
{
    struct cfg_issues issues = {0};
    struct config *config = config_load("fuzz.yml", text, length, &issues);
    AUTO_STR struct str report = {0};
    config_issues_format(&issues, "fuzz.yml", &report);
    if (config != NULL) {
        json_t *json = json_loads(config->api_json, JSON_DECODE_ANY, NULL);
        FUZZ_CHECK(json_is_object(json));
        json_decref(json);
    } else {
        FUZZ_CHECK(report.length > 0);
    }
    config_issues_finish(&issues);
    config_free(config);
}

static void edit(const char *text, size_t length, char *change)
{
    char *value = strchr(change, '=');
    if (value == NULL) {
        return;
    }
    *value++ = '\0';
    const char *const values[] = {value};
    const struct cfg_change wanted = {.path = change, .values = values, .count = 1};
    AUTO_STR struct str out = {0};
    struct err err = ERR_NONE;
    if (config_edit(text, length, &wanted, 1, &out, &err) == 0) {
        load(str_text(&out), out.length);
    } else {
        FUZZ_CHECK(out.length == 0 && err.text[0] != '\0');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    size_t length = strnlen(text, size);
    load(text, length);
    if (length < size) {
        char *change = mem_strndup(text + length + 1, size - length - 1);
        edit(text, length, change);
        free(change);
    }
    return 0;
}
