/* The commands of Frigate's topic `<camera>/ptz`. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/str.h"
#include "link/ptz_private.h"

#define SPEED 0.5 /* of continuous moves, as Frigate's */

struct order;
typedef int (*order_fn)(struct ptz_camera *camera, const struct order *order, struct err *err);

struct command {
    const char *name; /* with a '_' at the end when something follows */
    int numbers;      /* that follow, apart by '_' */
    double x, y;      /* directions of continuous moves */
    order_fn run;
};

/* A command as it was given. */
struct order {
    const struct command *command;
    const char *text; /* what follows the command's name */
    double numbers[2];
};

static int stop(struct ptz_camera *camera, struct err *err)
{
    int result = onvif_stop(camera->onvif, err);
    camera->active = camera->active && result < 0;
    return result;
}

/* Some cameras take a new move during another badly. */
static int begin_move(struct ptz_camera *camera, struct err *err)
{
    return camera->active ? stop(camera, err) : 0;
}

static int run_move(struct ptz_camera *camera, const struct order *order, struct err *err)
{
    int result = begin_move(camera, err);
    if (result == 0) {
        result = onvif_pan_tilt(camera->onvif, SPEED * order->command->x, SPEED * order->command->y,
                                err);
        camera->active = result != -EOPNOTSUPP; /* one that does not answer may move as well */
    }
    return result;
}

static int run_zoom(struct ptz_camera *camera, const struct order *order, struct err *err)
{
    int result = begin_move(camera, err);
    if (result == 0) {
        result = onvif_zoom(camera->onvif, SPEED * order->command->x, err);
        camera->active = result != -EOPNOTSUPP; /* one that does not answer may move as well */
    }
    return result;
}

static int run_stop(struct ptz_camera *camera, const struct order *order, struct err *err)
{
    return stop(camera, err);
}

static int run_move_by(struct ptz_camera *camera, const struct order *order, struct err *err)
{
    int result = begin_move(camera, err);
    return result < 0 ? result
                      : onvif_pan_tilt_by(camera->onvif, order->numbers[0], order->numbers[1], err);
}

static int run_zoom_by(struct ptz_camera *camera, const struct order *order, struct err *err)
{
    int result = begin_move(camera, err);
    return result < 0 ? result : onvif_zoom_by(camera->onvif, order->numbers[0], err);
}

static int run_zoom_to(struct ptz_camera *camera, const struct order *order, struct err *err)
{
    int result = begin_move(camera, err);
    return result < 0 ? result : onvif_zoom_to(camera->onvif, order->numbers[0], err);
}

static int no_preset(const struct onvif_facts *facts, const char *name, struct err *err)
{
    AUTO_STR struct str have = {0};
    for (size_t i = 0; i < facts->preset_count && have.length < 200; i++) {
        str_addf(&have, "%s%s", i > 0 ? ", " : "", facts->presets[i].name);
    }
    return err_set(err, ENOENT, "it has no preset \"%.60s\" (it has: %s)", name,
                   have.length > 0 ? str_text(&have) : "none");
}

static int run_preset(struct ptz_camera *camera, const struct order *order, struct err *err)
{
    struct onvif_facts facts;
    onvif_get_facts(camera->onvif, &facts);
    for (size_t i = 0; i < facts.preset_count; i++) {
        if (strcasecmp(facts.presets[i].name, order->text) == 0) {
            int result = begin_move(camera, err);
            return result < 0 ? result : onvif_go_to(camera->onvif, facts.presets[i].token, err);
        }
    }
    return no_preset(&facts, order->text, err);
}

static const struct command commands[] = {
    {"MOVE_UP", 0, 0, 1, run_move},
    {"MOVE_DOWN", 0, 0, -1, run_move},
    {"MOVE_LEFT", 0, -1, 0, run_move},
    {"MOVE_RIGHT", 0, 1, 0, run_move},
    {"ZOOM_IN", 0, 1, 0, run_zoom},
    {"ZOOM_OUT", 0, -1, 0, run_zoom},
    {"STOP", 0, 0, 0, run_stop},
    {"PRESET_", 0, 0, 0, run_preset},
    {"MOVE_RELATIVE_", 2, 0, 0, run_move_by},
    {"ZOOM_RELATIVE_", 1, 0, 0, run_zoom_by},
    {"ZOOM_ABSOLUTE_", 1, 0, 0, run_zoom_to},
};

/* "-0.5_0.25" */
static bool read_numbers(const char *text, int count, double *numbers)
{
    AUTO_FREE char *copy = mem_strdup(text);
    char *rest = copy;
    for (int i = 0; i < count; i++) {
        const char *word = strsep(&rest, "_");
        if (word == NULL || !str_to_double(word, &numbers[i]) || numbers[i] < -1 ||
            numbers[i] > 1) {
            return false;
        }
    }
    return rest == NULL;
}

static int parse(const char *text, struct order *order, struct err *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        const struct command *command = &commands[i];
        size_t length = strlen(command->name);
        bool more = command->name[length - 1] == '_';
        if (strncasecmp(text, command->name, length) != 0 || (text[length] != '\0') != more) {
            continue;
        }
        order->command = command;
        order->text = text + length;
        if (!read_numbers(order->text, command->numbers, order->numbers) && command->numbers > 0) {
            return err_set(err, EINVAL, "\"%.80s\": expected %s and %s from -1 to 1", text,
                           command->name,
                           command->numbers == 2 ? "two numbers, PAN_TILT," : "a number");
        }
        return 0;
    }
    AUTO_STR struct str have = {0};
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        static const char *const follows[] = {"<name>", "<zoom>", "<pan>_<tilt>"};
        bool more = str_ends(commands[i].name, "_");
        str_addf(&have, "%s%s%s", i > 0 ? ", " : "", commands[i].name,
                 more ? follows[commands[i].numbers] : "");
    }
    return err_set(err, EINVAL, "\"%.80s\" is not a command; these are: %s", text, str_text(&have));
}

static int carry_out(struct ptz_camera *camera, void *context, struct err *err)
{
    const struct order *order = context;
    return order->command->run(camera, order, err);
}

int ptz_command(struct ptz *ptz, int camera, const char *text, struct err *err)
{
    struct order order = {0};
    int result = parse(text, &order, err);
    if (result < 0) {
        return result;
    }
    bool urgent = order.command->run == run_stop; /* it may be moving */
    return ptz_step(ptz, camera, urgent, carry_out, &order, err);
}
