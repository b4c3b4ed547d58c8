/* Label maps: what index of a model's output is called. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "config/config.h"

#define USUAL_LABELS 91 /* the peer's list is never shorter */
#define MAX_FILE_BYTES (1024 * 1024)

/* The labels of COCO with 91 numbers, as models of type ssd have them. Truck is called car, since
 * the usual small models take one for the other. */
static const char coco91[] =
    "person\nbicycle\ncar\nmotorcycle\nairplane\nbus\ntrain\ncar\nboat\ntraffic light\n"
    "fire hydrant\nstreet sign\nstop sign\nparking meter\nbench\nbird\ncat\ndog\nhorse\nsheep\n"
    "cow\nelephant\nbear\nzebra\ngiraffe\nhat\nbackpack\numbrella\nshoe\neye glasses\nhandbag\n"
    "tie\nsuitcase\nfrisbee\nskis\nsnowboard\nsports ball\nkite\nbaseball bat\nbaseball glove\n"
    "skateboard\nsurfboard\ntennis racket\nbottle\nplate\nwine glass\ncup\nfork\nknife\nspoon\n"
    "bowl\nbanana\napple\nsandwich\norange\nbroccoli\ncarrot\nhot dog\npizza\ndonut\ncake\nchair\n"
    "couch\npotted plant\nbed\nmirror\ndining table\nwindow\ndesk\ntoilet\ndoor\ntv\nlaptop\n"
    "mouse\nremote\nkeyboard\ncell phone\nmicrowave\noven\ntoaster\nsink\nrefrigerator\nblender\n"
    "book\nclock\nvase\nscissors\nteddy bear\nhair drier\ntoothbrush\nhair brush\n";

/* The eighty that other models have. */
static const char coco80[] =
    "person\nbicycle\ncar\nmotorcycle\nairplane\nbus\ntrain\ntruck\nboat\ntraffic light\n"
    "fire hydrant\nstop sign\nparking meter\nbench\nbird\ncat\ndog\nhorse\nsheep\ncow\nelephant\n"
    "bear\nzebra\ngiraffe\nbackpack\numbrella\nhandbag\ntie\nsuitcase\nfrisbee\nskis\nsnowboard\n"
    "sports ball\nkite\nbaseball bat\nbaseball glove\nskateboard\nsurfboard\ntennis racket\n"
    "bottle\nwine glass\ncup\nfork\nknife\nspoon\nbowl\nbanana\napple\nsandwich\norange\nbroccoli\n"
    "carrot\nhot dog\npizza\ndonut\ncake\nchair\ncouch\npotted plant\nbed\ndining table\ntoilet\n"
    "tv\nlaptop\nmouse\nremote\nkeyboard\ncell phone\nmicrowave\noven\ntoaster\nsink\n"
    "refrigerator\nbook\nclock\nvase\nscissors\nteddy bear\nhair drier\ntoothbrush\n";

void config_labels_free(struct cfg_labels *labels)
{
    for (size_t i = 0; i < labels->count; i++) {
        free(labels->items[i]);
    }
    free(labels->items);
    *labels = (struct cfg_labels){0};
}

static void set(struct cfg_labels *labels, size_t index, const char *text, size_t length)
{
    if (index >= CFG_MAX_LABELS) {
        return;
    }
    if (index >= labels->count) {
        labels->items = mem_grow(labels->items, index + 1, sizeof *labels->items);
        while (labels->count <= index) {
            labels->items[labels->count++] = mem_strdup("unknown");
        }
    }
    free(labels->items[index]);
    labels->items[index] = mem_strndup(text, length);
}

/* "12 person" -> 12; the first line decides whether a file has numbers. */
static bool leading_index(const char *line, size_t length, size_t *index, size_t *skip)
{
    size_t digits = 0, value = 0;
    while (digits < length && digits < 6 && isdigit((unsigned char)line[digits])) {
        value = value * 10 + (size_t)(line[digits] - '0');
        digits++;
    }
    if (digits == 0 || digits == length || !isspace((unsigned char)line[digits])) {
        return false;
    }
    *index = value;
    *skip = digits + 1;
    return true;
}

static void parse(const char *text, struct cfg_labels *labels)
{
    bool numbered = false;
    for (size_t row = 0; *text != '\0'; row++) {
        size_t length = strcspn(text, "\n"), index = row, skip = 0, found;
        if (row == 0) {
            numbered = leading_index(text, length, &found, &skip);
        }
        skip = 0;
        bool usable = !numbered || leading_index(text, length, &index, &skip);
        const char *start = text + skip, *end = text + length;
        while (start < end && isspace((unsigned char)*start)) {
            start++;
        }
        while (end > start && isspace((unsigned char)end[-1])) {
            end--;
        }
        if (usable && end > start) {
            set(labels, index, start, (size_t)(end - start));
        }
        text += length + (text[length] == '\n');
    }
}

/* The file that is meant; `builtin` when it is one of the peer's container that is not here. */
static const char *label_file(const struct cfg_model *model, const char **builtin)
{
    *builtin = NULL;
    if (model->is_demo) {
        return config_demo_labels_path();
    }
    const char *path = model->labelmap_path;
    if (path == NULL || str_equal(path, "/labelmap.txt")) {
        *builtin = model->model_type == CFG_MODEL_SSD ? coco91 : coco80;
        return "/labelmap.txt";
    }
    if (str_equal(path, "/labelmap/coco-80.txt")) {
        *builtin = coco80;
    }
    return path;
}

bool config_labels_load(const struct cfg_model *model, struct cfg_labels *labels, struct err *err)
{
    *labels = (struct cfg_labels){0};
    const char *builtin;
    const char *path = label_file(model, &builtin);
    AUTO_STR struct str text = {0};
    int result = str_read_file(&text, path, MAX_FILE_BYTES);
    if (result < 0 && builtin == NULL) {
        err_set(err, -result, "label file %s: %s", path, err_name(result));
        return false;
    }
    if (!model->is_demo) {
        set(labels, USUAL_LABELS - 1, "unknown", strlen("unknown"));
    }
    parse(result < 0 ? builtin : str_text(&text), labels);
    for (size_t i = 0; i < model->labelmap.count; i++) {
        long long index;
        const struct cfg_pair *pair = &model->labelmap.items[i];
        if (str_to_int(pair->name, &index) && index >= 0) {
            set(labels, (size_t)index, pair->text, strlen(pair->text));
        }
    }
    return true;
}

/* --- the demo models ------------------------------------------------------------------------ */

#define PATH_BYTES 4096

/* Beside the program as built, else as installed. */
static const char *beside_program(const char *name, char path[static PATH_BYTES])
{
    char program[PATH_BYTES - 64];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    program[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(program, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    snprintf(path, PATH_BYTES, "%s/../models/%s", program, name);
    if (access(path, R_OK) != 0) {
        snprintf(path, PATH_BYTES, "%s/../share/corvette/%s", program, name);
    }
    return path;
}

bool config_sound_labels_load(const struct config *config, struct cfg_labels *labels,
                              struct err *err)
{
    *labels = (struct cfg_labels){0};
    char demo[PATH_BYTES];
    const char *path = config->sound_model.path != NULL ? config->sound_model.labels_path
                                                        : beside_program("sound-labels.txt", demo);
    AUTO_STR struct str text = {0};
    int result = str_read_file(&text, path, MAX_FILE_BYTES);
    if (result < 0) {
        err_set(err, -result, "label file %s: %s", path, err_name(result));
        return false;
    }
    parse(str_text(&text), labels);
    return true;
}

const char *config_sound_model_path(const struct config *config)
{
    static _Thread_local char path[PATH_BYTES];
    return config->sound_model.path != NULL ? config->sound_model.path
                                            : beside_program("sound.onnx", path);
}

const char *config_demo_model_path(void)
{
    static _Thread_local char path[PATH_BYTES];
    const char *chosen = getenv("CORVETTE_DEMO_MODEL");
    return chosen != NULL && chosen[0] != '\0' ? chosen : beside_program("demo.onnx", path);
}

/* demo-labels.txt in the model's folder. */
const char *config_demo_labels_path(void)
{
    static _Thread_local char path[PATH_BYTES];
    const char *model = config_demo_model_path();
    const char *slash = strrchr(model, '/');
    snprintf(path, sizeof path, "%.*sdemo-labels.txt", slash != NULL ? (int)(slash + 1 - model) : 0,
             model);
    return path;
}
