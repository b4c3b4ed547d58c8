/* Every row of the table: its default is applied, a value of its is taken and shown, a wrong type
 * and a number beyond its range are refused with its path, and so is a key that is like it. */
#include "help.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "config/table.h"

/* Where the rows of a block stand in a file. Steps are separated by '/'; "0" is a list's item. */
static const struct {
    enum cfg_block block;
    unsigned scope;
    const char *prefix;
} mounts[] = {
    {CFG_B_ROOT, CFG_GLOBAL, ""},
    {CFG_B_CAMERA, CFG_GLOBAL, ""},
    {CFG_B_CAMERA, CFG_CAMERA, "cameras/cam/"},
    {CFG_B_INPUT, CFG_CAMERA, "cameras/cam/ffmpeg/inputs/0/"},
    {CFG_B_ZONE, CFG_CAMERA, "cameras/cam/zones/yard/"},
    {CFG_B_FILTER, CFG_GLOBAL, "objects/filters/person/"},
    {CFG_B_FILTER, CFG_CAMERA, "cameras/cam/objects/filters/person/"},
    {CFG_B_FILTER, CFG_CAMERA, "cameras/cam/zones/yard/filters/person/"},
    {CFG_B_AUDIO_FILTER, CFG_GLOBAL, "audio/filters/bark/"},
    {CFG_B_AUDIO_FILTER, CFG_CAMERA, "cameras/cam/audio/filters/bark/"},
    {CFG_B_MODEL, CFG_GLOBAL, "model/"},
    {CFG_B_DETECTOR, CFG_GLOBAL, "detectors/one/"},
    {CFG_B_GROUP, CFG_GLOBAL, "camera_groups/all/"},
};

/* Values that are fine by themselves but not beside the rest, or that need a form of their own. */
static const struct {
    enum cfg_block block;
    const char *path;
    const char *json;
} particular[] = {
    {CFG_B_ROOT, "version", "0.14"},
    {CFG_B_ROOT, "auth.cookie_name", "\"token_2\""},
    {CFG_B_ROOT, "auth.trusted_proxies", "[\"10.0.0.0/8\"]"},
    {CFG_B_ROOT, "auth.failed_login_rate_limit", "\"1/second\""},
    {CFG_B_ROOT, "ui.timezone", "\"UTC\""},
    {CFG_B_ROOT, "cameras", NULL}, /* every test has cameras */
    {CFG_B_ROOT, "model", NULL},   /* rows of its own block */
    {CFG_B_ROOT, "go2rtc", "{\"streams\": {\"a\": [\"exec:b\"]}}"},
    {CFG_B_MODEL, "labelmap", "{\"2\": \"vehicle\"}"},
    {CFG_B_DETECTOR, "type", "\"onnx\""},
    {CFG_B_DETECTOR, "model", NULL},
    {CFG_B_GROUP, "cameras", "[\"cam\"]"},
    {CFG_B_CAMERA, "name", NULL}, /* has tests of its own */
    {CFG_B_CAMERA, "ffmpeg.inputs", "[{\"path\": \"x\", \"roles\": [\"record\", \"detect\"]}]"},
    {CFG_B_CAMERA, "ffmpeg.output_args.record", "\"preset-record-mjpeg\""},
    {CFG_B_CAMERA, "ffmpeg.input_args", "\"preset-rtsp-udp\""},
    {CFG_B_CAMERA, "ffmpeg.hwaccel_args", "\"preset-vaapi\""},
    {CFG_B_CAMERA, "audio.enabled", "false"},
    {CFG_B_CAMERA, "motion.enabled", "true"},
    {CFG_B_CAMERA, "detect.width", "640"},
    {CFG_B_CAMERA, "detect.height", "480"},
    {CFG_B_CAMERA, "detect.max_disappeared", "33"},
    {CFG_B_CAMERA, "review.alerts.required_zones", "[\"yard\"]"},
    {CFG_B_CAMERA, "review.detections.required_zones", "[\"yard\"]"},
    {CFG_B_CAMERA, "onvif.autotracking.enabled", "false"},
    {CFG_B_CAMERA, "onvif.autotracking.movement_weights",
     "[\"1.0\", \"2.0\", \"3.0\", \"4.0\", \"5.0\"]"},
    {CFG_B_INPUT, "roles", "[\"record\", \"detect\"]"}, /* what a single input always has */
    {CFG_B_INPUT, "input_args", "\"preset-rtsp-udp\""},
    {CFG_B_INPUT, "hwaccel_args", "\"preset-vaapi\""},
    {CFG_B_ZONE, "objects", "[\"person\"]"},
};

static json_t *base(void)
{
    json_error_t error;
    json_t *root =
        json_loads("{\"mqtt\": {\"enabled\": false, \"user\": \"u\", \"password\": \"p\"},"
                   " \"detectors\": {\"one\": {}}, \"camera_groups\": {\"all\": {}},"
                   " \"cameras\": {\"cam\": {"
                   "   \"ffmpeg\": {\"inputs\": [{\"path\": \"rtsp://a\"}]},"
                   "   \"onvif\": {\"user\": \"u\", \"password\": \"p\"},"
                   "   \"zones\": {\"yard\": {\"coordinates\": \"0,0,1,0,1,1\"}}}}}",
                   0, &error);
    assert_non_null(root);
    return root;
}

/* Goes down one step, making the map when it is not there. */
static json_t *step(json_t *at, const char *name, size_t length, bool make)
{
    char key[64];
    snprintf(key, sizeof key, "%.*s", (int)length, name);
    if (json_is_array(at)) {
        return json_array_get(at, (size_t)atoi(key));
    }
    json_t *below = json_object_get(at, key);
    if (below == NULL && make) {
        below = json_object();
        json_object_set_new(at, key, below);
    }
    return below;
}

/* Walks to what holds the last step; `*last` is its name. */
static json_t *holder(json_t *root, const char *steps, const char **last, bool make)
{
    json_t *at = root;
    const char *slash;
    while (at != NULL && (slash = strchr(steps, '/')) != NULL) {
        at = step(at, steps, (size_t)(slash - steps), make);
        steps = slash + 1;
    }
    *last = steps;
    return at;
}

struct subject {
    const struct cfg_row *row;
    char steps[256]; /* "cameras/cam/detect/fps" */
    char path[256];  /* the same with dots, as complaints have it */
    bool is_global_mask;
};

static void make_subject(struct subject *s, const struct cfg_row *row, const char *prefix)
{
    s->row = row;
    snprintf(s->steps, sizeof s->steps, "%s%s", prefix, row->path);
    for (char *p = s->steps; *p != '\0'; p++) {
        *p = *p == '.' ? '/' : *p;
    }
    snprintf(s->path, sizeof s->path, "%s", s->steps);
    for (char *p = s->path; *p != '\0'; p++) {
        *p = *p == '/' ? '.' : *p;
    }
}

/* Loads the base with `value` (stolen) at the subject, or at `name` beside it. */
static struct loaded load_with(const struct subject *s, const char *name, json_t *value)
{
    json_t *root = base();
    const char *last;
    json_t *at = holder(root, s->steps, &last, true);
    json_object_set_new(at, name != NULL ? name : last, value);
    char *text = json_dumps(root, JSON_INDENT(1));
    struct loaded loaded = load(text);
    free(text);
    json_decref(root);
    return loaded;
}

/* What /api/config shows for it (borrowed from `*answer`), or NULL. */
static json_t *shown(const struct subject *s, const struct loaded *loaded, json_t **answer)
{
    json_error_t error;
    const char *last;
    *answer = json_loads(loaded->config->api_json, JSON_REJECT_DUPLICATES, &error);
    if (*answer == NULL) {
        fail_msg("/api/config is no JSON: %s", error.text);
    }
    json_t *at = holder(*answer, s->steps, &last, false);
    return at != NULL ? step(at, last, strlen(last), false) : NULL;
}

static json_t *number_in_range(const struct cfg_row *row)
{
    double value = row->def != NULL ? strtod(row->def, NULL) + 1 : 5;
    bool above = (row->limits & CFG_L_MAX) != 0 && value >= row->max;
    if (above || ((row->limits & CFG_L_MIN) != 0 && value <= row->min)) {
        value = (row->limits & CFG_L_MAX) != 0 ? (row->min + row->max) / 2 : row->min + 1;
    }
    return row->type == CFG_T_FLOAT ? json_real(value) : json_integer((json_int_t)value);
}

static json_t *good_value(const struct cfg_row *row)
{
    for (size_t i = 0; i < ARRAY_SIZE(particular); i++) {
        if (particular[i].block == row->in && strcmp(particular[i].path, row->path) == 0) {
            json_error_t error;
            return particular[i].json != NULL
                       ? json_loads(particular[i].json, JSON_DECODE_ANY, &error)
                       : NULL;
        }
    }
    switch (row->type) {
    case CFG_T_BOOL:
        return json_boolean(row->def == NULL || strcmp(row->def, "true") != 0);
    case CFG_T_OPT_BOOL:
        return json_true();
    case CFG_T_INT:
    case CFG_T_INT64:
    case CFG_T_OPT_INT:
    case CFG_T_FLOAT:
        return number_in_range(row);
    case CFG_T_STRING:
        return json_string(row->choices != NULL ? row->choices[1].name : "text");
    case CFG_T_ENUM:
        return json_string(row->choices[1].name);
    case CFG_T_STRINGS:
        return json_pack("[s]", "person");
    case CFG_T_ARGS:
        return json_pack("[ss]", "-a", "b");
    case CFG_T_NUMBERS:
        return (row->flags & CFG_F_INTEGER) != 0 ? json_pack("{si}", "car", 7)
                                                 : json_pack("{sf}", "car", 7.5);
    case CFG_T_TEXTS:
        return json_pack("{ss}", "some", row->choices != NULL ? row->choices[0].name : "text");
    case CFG_T_MASK:
        return json_string("0,0,0.5,0,0.5,0.5");
    default:
        return NULL; /* sections and maps: their rows are walked by themselves */
    }
}

static json_t *bad_value(const struct cfg_row *row)
{
    switch (row->type) {
    case CFG_T_BOOL:
    case CFG_T_OPT_BOOL:
    case CFG_T_INT:
    case CFG_T_INT64:
    case CFG_T_OPT_INT:
    case CFG_T_FLOAT:
    case CFG_T_ENUM:
        return json_string("nonsense");
    case CFG_T_MAP:
    case CFG_T_SECTION:
    case CFG_T_BLOCK:
    case CFG_T_NUMBERS:
    case CFG_T_TEXTS:
        return json_pack("[s]", "a");
    default:
        return json_pack("{ss}", "a", "b");
    }
}

static void check_default(const struct subject *s)
{
    const struct cfg_row *row = s->row;
    if (row->def == NULL || row->type == CFG_T_ARGS || cfg_row_is_secret(row)) {
        return;
    }
    AUTO_LOADED loaded = load_with(s, "enabled", NULL); /* nothing added */
    assert_loads(&loaded);
    json_t *answer;
    const json_t *value = shown(s, &loaded, &answer);
    AUTO_FREE char *text = NULL;
    if (value != NULL && (json_is_array(value))) {
        struct str joined = {0};
        for (size_t i = 0; i < json_array_size(value); i++) {
            str_addf(&joined, "%s%s", i > 0 ? ", " : "",
                     json_string_value(json_array_get(value, i)));
        }
        text = str_steal(&joined);
    } else if (json_is_string(value)) {
        text = strdup(json_string_value(value));
    } else if (value != NULL) {
        text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(12));
    }
    bool same = text != NULL &&
                (strcmp(text, row->def) == 0 ||
                 (json_is_number(value) && json_number_value(value) == strtod(row->def, NULL)));
    /* The first is filled in per camera, the second is set in the base, and the third is shown for
     * a detector of another type only. */
    bool particular_default = strncmp(row->path, "api_", 4) == 0 ||
                              strcmp(row->path, "live.stream_name") == 0 ||
                              strcmp(row->path, "mqtt.enabled") == 0;
    /* Elements that are not in the base have no default to show. */
    bool absent = holder(answer, s->steps, &(const char *){NULL}, false) == NULL;
    if (!same && !particular_default && !absent) {
        fail_msg("%s: default %s, but shown as %s", s->path, row->def, text);
    }
    json_decref(answer);
}

static void check_good(const struct subject *s)
{
    json_t *value = good_value(s->row);
    if (value == NULL) {
        return;
    }
    json_incref(value);
    AUTO_LOADED loaded = load_with(s, NULL, value);
    if (loaded.config == NULL) {
        fail_msg("%s: refused:\n%s", s->path, said(&loaded));
    }
    json_t *answer;
    const json_t *seen = shown(s, &loaded, &answer);
    /* A label map of a detector, a masked secret and the like are shown otherwise. */
    bool hidden = (s->row->flags & CFG_F_HIDDEN) != 0;
    bool changed = cfg_row_is_secret(s->row) || s->row->type == CFG_T_LIST ||
                   strcmp(s->path, "motion.mask") == 0 || strcmp(s->row->path, "version") == 0 ||
                   s->row->in == CFG_B_DETECTOR ||
                   /* Width and height count only together. */
                   strcmp(s->path, "cameras.cam.detect.width") == 0 ||
                   strcmp(s->path, "cameras.cam.detect.height") == 0;
    if (hidden) {
        assert_null(seen);
    } else if (!changed && !json_equal(value, seen)) {
        AUTO_FREE char *text = seen != NULL ? json_dumps(seen, JSON_ENCODE_ANY) : NULL;
        fail_msg("%s: shown as %s", s->path, text != NULL ? text : "nothing");
    }
    json_decref(value);
    json_decref(answer);
}

static void check_bad_type(const struct subject *s)
{
    if (s->row->type == CFG_T_FREE && s->row->in != CFG_B_ROOT) {
        return;
    }
    json_t *value = s->row->type == CFG_T_FREE ? json_string("x") : bad_value(s->row);
    AUTO_LOADED loaded = load_with(s, NULL, value);
    if (loaded.config != NULL || !has_error(&loaded, s->path, "")) {
        fail_msg("%s: a value of the wrong type was not refused:\n%s", s->path, said(&loaded));
    }
}

static void check_empty(const struct subject *s)
{
    AUTO_LOADED loaded = load_with(s, NULL, json_null());
    bool taken = (s->row->flags & CFG_F_NULL) != 0;
    if (!taken && !has_error(&loaded, s->path, "empty")) {
        fail_msg("%s: an empty value was not refused:\n%s", s->path, said(&loaded));
    }
    if (taken && has_error(&loaded, s->path, "")) {
        fail_msg("%s: an empty value was refused:\n%s", s->path, said(&loaded));
    }
}

static void check_number(const struct subject *s, double value)
{
    const char *last = strrchr(s->path, '.') + 1;
    bool is_map = s->row->type == CFG_T_NUMBERS;
    char path[300];
    snprintf(path, sizeof path, "%s%s", s->path, is_map ? ".car" : "");
    json_t *number =
        value == (double)(json_int_t)value ? json_integer((json_int_t)value) : json_real(value);
    AUTO_LOADED loaded = load_with(s, NULL, is_map ? json_pack("{so}", "car", number) : number);
    if (loaded.config != NULL || !has_error(&loaded, path, "out of range")) {
        fail_msg("%s = %g was not refused:\n%s", last, value, said(&loaded));
    }
}

static void check_range(const struct subject *s)
{
    const struct cfg_row *row = s->row;
    double step_size = row->type == CFG_T_FLOAT ? 0.001 : 1;
    if ((row->limits & CFG_L_MIN) != 0) {
        check_number(s, (row->limits & CFG_L_ABOVE) != 0 ? row->min : row->min - step_size);
    }
    if ((row->limits & CFG_L_MAX) != 0) {
        check_number(s, (row->limits & CFG_L_BELOW) != 0 ? row->max : row->max + step_size);
    }
}

/* A slip of the finger: a letter more. */
static void check_neighbour(const struct subject *s)
{
    char name[64], path[300];
    snprintf(name, sizeof name, "%sx", cfg_row_name(s->row));
    snprintf(path, sizeof path, "%sx", s->path);
    AUTO_LOADED loaded = load_with(s, name, json_integer(1));
    bool lenient = s->row->in == CFG_B_ZONE || s->row->in == CFG_B_DETECTOR ||
                   strncmp(s->path, "cameras.cam.birdseye.", 21) == 0;
    const char *advice = strlen(cfg_row_name(s->row)) < 3 ? "unknown key" : "did you mean";
    bool told = lenient ? has_warning(&loaded, path, advice) : has_error(&loaded, path, advice);
    if (!told) {
        fail_msg("%s: nothing said about it:\n%s", path, said(&loaded));
    }
}

typedef void check_fn(const struct subject *s);

static void walk(check_fn *check)
{
    size_t walked = 0;
    for (size_t m = 0; m < ARRAY_SIZE(mounts); m++) {
        for (size_t i = 0; i < cfg_row_count; i++) {
            const struct cfg_row *row = &cfg_rows[i];
            if (row->in != mounts[m].block || (row->flags & CFG_F_DERIVED) != 0 ||
                (row->scope != 0 && (row->scope & mounts[m].scope) == 0)) {
                continue;
            }
            struct subject subject = {0};
            make_subject(&subject, row, mounts[m].prefix);
            check(&subject);
            walked++;
        }
    }
    assert_true(walked > cfg_row_count);
}

static void defaults(void **state)
{
    walk(check_default);
}
static void good_values(void **state)
{
    walk(check_good);
}
static void wrong_types(void **state)
{
    walk(check_bad_type);
}
static void empty_values(void **state)
{
    walk(check_empty);
}
static void ranges(void **state)
{
    walk(check_range);
}
static void neighbours(void **state)
{
    walk(check_neighbour);
}

/* What walking the table relies on. */
static void order(void **state)
{
    for (size_t i = 0; i < cfg_row_count; i++) {
        const struct cfg_row *row = &cfg_rows[i];
        const char *dot = strrchr(row->path, '.');
        bool parent_found = dot == NULL;
        for (size_t j = 0; j < i && !parent_found; j++) {
            const struct cfg_row *other = &cfg_rows[j];
            parent_found = other->in == row->in && other->type == CFG_T_SECTION &&
                           strlen(other->path) == (size_t)(dot - row->path) &&
                           strncmp(other->path, row->path, strlen(other->path)) == 0;
        }
        if (!parent_found) {
            fail_msg("%s has no section before it", row->path);
        }
        assert_non_null(row->help);
        assert_int_equal(row->help[strlen(row->help) - 1], '.');
        for (size_t j = i + 1; j < cfg_row_count; j++) {
            if (cfg_rows[j].in == row->in && strcmp(cfg_rows[j].path, row->path) == 0) {
                fail_msg("%s is there twice", row->path);
            }
        }
    }
    /* Every row is reached by walking level by level. */
    size_t reached = 0;
    for (int block = CFG_B_ROOT; block < CFG_B_COUNT; block++) {
        const struct cfg_row *stack[16] = {cfg_row_first((enum cfg_block)block, CFG_BOTH)};
        for (int depth = 0; depth >= 0;) {
            const struct cfg_row *row = stack[depth];
            if (row == NULL) {
                depth--;
                continue;
            }
            reached++;
            stack[depth] = cfg_row_next(row, CFG_BOTH);
            stack[++depth] = cfg_row_child(row, CFG_BOTH);
        }
    }
    assert_int_equal(reached, cfg_row_count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order),        cmocka_unit_test(defaults),
        cmocka_unit_test(good_values),  cmocka_unit_test(wrong_types),
        cmocka_unit_test(empty_values), cmocka_unit_test(ranges),
        cmocka_unit_test(neighbours),
    };
    return cmocka_run_group_tests_name("config table", tests, NULL, NULL);
}
