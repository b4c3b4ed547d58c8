/* Statistics, version, restart. */
#include "http/api.h"
#include "http/http_private.h"
#include "http/openapi.h"
#include "http/request.h"
#include "server/server.h"
#include "server/stats.h"

void api_root(struct request *request)
{
    reply_html(request, 200, "Frigate is running. Alive and healthy!");
}

void api_stats(struct request *request)
{
    AUTO_STR struct str text = {0};
    stats_json(server_stats(request->server), &text);
    reply_json(request, 200, &text);
}

void api_stats_history(struct request *request)
{
    AUTO_STR struct str text = {0};
    stats_history_json(server_stats(request->server), request_text(request, "keys"), &text);
    reply_json(request, 200, &text);
}

void api_version(struct request *request)
{
    reply_html(request, 200, server_version());
}

void api_restart(struct request *request)
{
    if (http_restart(request->http) != 0) {
        reply_message(request, 500, false, "Unable to restart Frigate.");
    } else {
        reply_message(request, 200, true, "Restarting (this can take up to one minute)...");
    }
}

void api_openapi(struct request *request)
{
    AUTO_STR struct str text = {0};
    openapi_json(&text);
    reply_json(request, 200, &text);
}
