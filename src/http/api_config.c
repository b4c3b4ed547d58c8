/* The configuration: as it runs, as it is written, and changed. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/reference.h"
#include "http/api.h"
#include "http/http_private.h"
#include "http/request.h"
#include "server/config_file.h"
#include "server/server.h"

void api_config(struct request *request)
{
    AUTO_STR struct str text = {0};
    str_add(&text, request->config->api_json);
    reply_json(request, 200, &text);
}

/* The type is the peer's; no browser shall run what somebody wrote into a configuration. */
void api_config_raw(struct request *request)
{
    AUTO_STR struct str text = {0};
    int result = config_file_read(server_config_file(request->server), &text);
    if (result < 0) {
        log_error("the configuration cannot be read: %s", err_name(result));
        reply_message(request, 404, false, "Could not find file");
        return;
    }
    reply_html(request, 200, str_text(&text));
    reply_header(request, "Content-Security-Policy", "sandbox; default-src 'none'");
}

void api_config_schema(struct request *request)
{
    AUTO_STR struct str text = {0};
    config_reference_schema(&text);
    text.length -= text.length > 0 && text.data[text.length - 1] == '\n'; /* reply_json() has one */
    reply_json(request, 200, &text);
}

/* The peer shows messages as HTML. */
static void add_escaped(struct str *out, const char *text)
{
    static const struct {
        char c;
        const char *text;
    } escapes[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#x27;"}};
    for (; *text != '\0'; text++) {
        size_t i = 0;
        while (i < ARRAY_SIZE(escapes) && escapes[i].c != *text) {
            i++;
        }
        if (i < ARRAY_SIZE(escapes)) {
            str_add(out, escapes[i].text);
        } else {
            str_add_char(out, *text);
        }
    }
}

static void reply_saved(struct request *request)
{
    const char *option = request_text(request, "save_option");
    if (option == NULL || strcmp(option, "restart") != 0) {
        reply_message(request, 200, true, "Config successfully saved.");
    } else if (http_restart(request->http) != 0) {
        reply_message(request, 200, true, "Config successfully saved, unable to restart Frigate");
    } else {
        reply_message(request, 200, true,
                      "Config successfully saved, restarting (this can take up to one minute)...");
    }
}

static void reply_not_written(struct request *request, const char *why)
{
    log_error("%.*s", (int)strcspn(why, "\n"), why);
    reply_message(request, 400, false,
                  "Could not write config file, be sure that Frigate has write permission on the "
                  "config file.");
}

void api_config_save(struct request *request)
{
    AUTO_STR struct str why = {0}, shown = {0};
    if (request->body.length == 0) {
        reply_message(request, 400, false, "Config with body param is required");
        return;
    }
    switch (config_file_save(server_config_file(request->server), &request->body, &why)) {
    case CONFIG_SAVED:
        reply_saved(request);
        return;
    case CONFIG_NOT_WRITTEN:
        reply_not_written(request, str_text(&why));
        return;
    case CONFIG_REFUSED:
    case CONFIG_NOT_CHANGED:
        break;
    }
    add_escaped(&shown, str_text(&why));
    reply_message(request, 400, false, "\nConfig Error:\n\n%s", str_text(&shown));
}

/* The query as changes: each path once, where it comes first, with all its values. The arrays are
 * as long as the query may be. */
static size_t take_changes(const struct request *request, struct cfg_change *changes,
                           const char **values)
{
    size_t count = 0, used = 0;
    for (size_t i = 0; i < request->query_count; i++) {
        const char *path = request->query[i].name;
        bool seen = false;
        for (size_t k = 0; k < count && !seen; k++) {
            seen = strcmp(changes[k].path, path) == 0;
        }
        if (seen) {
            continue;
        }
        changes[count] = (struct cfg_change){.path = path, .values = &values[used]};
        for (size_t k = i; k < request->query_count; k++) {
            if (strcmp(request->query[k].name, path) == 0) {
                values[used++] = request->query[k].value;
                changes[count].count++;
            }
        }
        count++;
    }
    return count;
}

/* Each complaint on a line of its own, for the message sends people to the log. */
static void log_lines(char *text)
{
    char *line;
    while ((line = strsep(&text, "\n")) != NULL) {
        if (*line != '\0') {
            log_error("%s", line);
        }
    }
}

void api_config_set(struct request *request)
{
    struct cfg_change changes[REQUEST_QUERY_MAX];
    const char *values[REQUEST_QUERY_MAX];
    AUTO_STR struct str why = {0};
    size_t count = take_changes(request, changes, values);
    enum config_saved saved =
        config_file_set(server_config_file(request->server), changes, count, &why);
    if (saved == CONFIG_SAVED) {
        reply_message(request, 200, true, "Config successfully updated, restart to apply");
        return;
    }
    if (saved == CONFIG_NOT_WRITTEN) {
        reply_not_written(request, str_text(&why));
        return;
    }
    log_error("a change of the configuration over HTTP is refused:");
    log_lines(request_keep(request, mem_strdup(str_text(&why))));
    if (saved == CONFIG_REFUSED) {
        reply_message(request, 400, false, "Error parsing config. Check logs for error message.");
    } else {
        reply_message(request, 500, false, "Error updating config");
    }
}
