/* Cameras with motors. */
#include <errno.h>

#include "http/api.h"
#include "http/request.h"
#include "link/ptz.h"
#include "server/server.h"

static void reply_trouble(struct request *request, int result, const struct err *err)
{
    static const struct {
        int result, status;
    } statuses[] = {
        {-EINVAL, 400}, {-ENODEV, 400}, {-EOPNOTSUPP, 400},
        {-ENOENT, 404}, {-EBUSY, 503},  {-ECANCELED, 503},
    };
    int status = 502;
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        if (statuses[i].result == result) {
            status = statuses[i].status;
        }
    }
    reply_message(request, status, false, "%s", err->text);
}

/* A camera that cannot be asked has no features for now: clients hide the controls and ask again.
 */
void api_ptz_info(struct request *request)
{
    int camera = request_camera(request, request->args[0]);
    if (camera < 0) {
        return;
    }
    AUTO_STR struct str text = {0};
    struct jout json = {.out = &text};
    struct err err = ERR_NONE;
    ptz_info_json(server_ptz(request->server), camera, &json, &err);
    reply_json(request, 200, &text);
}

void api_ptz_status(struct request *request)
{
    int camera = request_camera(request, request->args[0]);
    if (camera < 0) {
        return;
    }
    AUTO_STR struct str text = {0};
    struct jout json = {.out = &text};
    struct err err = ERR_NONE;
    int result = ptz_status_json(server_ptz(request->server), camera, &json, &err);
    if (result < 0) {
        reply_trouble(request, result, &err);
    } else {
        reply_json(request, 200, &text);
    }
}

void api_ptz_command(struct request *request)
{
    int camera = request_camera(request, request->args[0]);
    if (camera < 0) {
        return;
    }
    struct err err = ERR_NONE;
    const char *command = json_string_value(json_object_get(request_json(request), "command"));
    if (command == NULL) {
        reply_message(request, 400, false, "command: expected a text, such as \"MOVE_LEFT\"");
        return;
    }
    int result = ptz_command(server_ptz(request->server), camera, command, &err);
    if (result < 0) {
        reply_trouble(request, result, &err);
    } else {
        reply_message(request, 200, true, "Camera %s: %s", request->args[0], command);
    }
}
