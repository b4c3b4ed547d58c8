/* The reference and the schema say what the table says, and the committed reference is not stale.
 */
#include "help.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "config/reference.h"
#include "config/table.h"

static void document_is_fresh(void **state)
{
    AUTO_STR struct str made = {0}, committed = {0};
    config_reference_markdown(&made);
    if (str_read_file(&committed, CONFIG_TEST_DOCS "/configuration.md", 1 << 20) < 0) {
        fail_msg("docs/configuration.md is missing");
    }
    if (strcmp(str_text(&made), str_text(&committed)) != 0) {
        fail_msg("docs/configuration.md is stale: corvette config-reference > "
                 "docs/configuration.md");
    }
}

static void document_has_every_row(void **state)
{
    AUTO_STR struct str made = {0};
    config_reference_markdown(&made);
    size_t lines = 0;
    for (const char *p = str_text(&made); (p = strstr(p, "\n| `")) != NULL; p++) {
        lines++;
    }
    size_t expected = 0;
    for (size_t i = 0; i < cfg_row_count; i++) {
        bool shown = cfg_rows[i].type != CFG_T_SECTION && (cfg_rows[i].flags & CFG_F_DERIVED) == 0;
        expected += shown;
        if (shown && strstr(str_text(&made), cfg_rows[i].help) == NULL) {
            fail_msg("%s is not described", cfg_rows[i].path);
        }
        /* Rows of both scopes stand once, in the chapter of their section. */
    }
    assert_int_equal(lines, expected);
}

static json_t *schema(void)
{
    AUTO_STR struct str made = {0};
    json_error_t error;
    config_reference_schema(&made);
    json_t *root = json_loads(str_text(&made), JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        fail_msg("the schema is no JSON: %s", error.text);
    }
    return root;
}

/* Down through "properties", following references into the definitions. */
static json_t *property(json_t *root, json_t *at, const char *name)
{
    json_t *found = json_object_get(json_object_get(at, "properties"), name);
    const char *reference = json_string_value(json_object_get(found, "$ref"));
    if (reference != NULL) {
        found = json_object_get(json_object_get(root, "definitions"), strrchr(reference, '/') + 1);
    }
    return found;
}

static void schema_has_every_row(void **state)
{
    static const char *const definitions[CFG_B_COUNT] = {
        [CFG_B_CAMERA] = "camera",
        [CFG_B_INPUT] = "input",
        [CFG_B_ZONE] = "zone",
        [CFG_B_FILTER] = "filter",
        [CFG_B_AUDIO_FILTER] = "audio_filter",
        [CFG_B_MODEL] = "model",
        [CFG_B_DETECTOR] = "detector",
        [CFG_B_GROUP] = "camera_group",
    };
    json_t *root = schema();
    for (size_t i = 0; i < cfg_row_count; i++) {
        const struct cfg_row *row = &cfg_rows[i];
        bool global =
            row->in == CFG_B_ROOT || (row->in == CFG_B_CAMERA && row->scope == CFG_GLOBAL);
        if ((row->flags & CFG_F_DERIVED) != 0) {
            continue;
        }
        json_t *at =
            global ? root
                   : json_object_get(json_object_get(root, "definitions"), definitions[row->in]);
        char path[128];
        snprintf(path, sizeof path, "%s", row->path);
        for (char *save, *name = strtok_r(path, ".", &save); name != NULL;
             name = strtok_r(NULL, ".", &save)) {
            at = property(root, at, name);
        }
        if (at == NULL) {
            fail_msg("%s is not in the schema", row->path);
        }
        if ((row->limits & CFG_L_MAX) != 0 && row->type != CFG_T_NUMBERS) {
            const char *key = (row->limits & CFG_L_BELOW) != 0 ? "exclusiveMaximum" : "maximum";
            assert_true(json_number_value(json_object_get(at, key)) == row->max);
        }
    }
    json_decref(root);
}

static void schema_requires(void **state)
{
    json_t *root = schema();
    json_t *required = json_object_get(root, "required");
    assert_int_equal(json_array_size(required), 2);
    assert_string_equal(json_string_value(json_array_get(required, 0)), "mqtt");
    json_t *camera = json_object_get(json_object_get(root, "definitions"), "camera");
    assert_string_equal(json_string_value(json_array_get(json_object_get(camera, "required"), 0)),
                        "ffmpeg");
    assert_true(json_is_false(json_object_get(camera, "additionalProperties")));
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(document_is_fresh),
        cmocka_unit_test(document_has_every_row),
        cmocka_unit_test(schema_has_every_row),
        cmocka_unit_test(schema_requires),
    };
    return cmocka_run_group_tests_name("config reference", tests, NULL, NULL);
}
