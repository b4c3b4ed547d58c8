/* The Markdown reference, one table of keys for each section. */
#include "config/reference.h"

#include <string.h>

#include "base/cleanup.h"
#include "config/table.h"

/* Blocks that hold others' elements come as chapters of their own. */
static const struct {
    enum cfg_block block;
    const char *where;
    const char *intro;
} chapters[] = {
    {CFG_B_INPUT, "cameras.NAME.ffmpeg.inputs",
     "Each camera has one input or more. A single one is used for detection and recording. With "
     "several, each says in `roles` what it is for, and no role is given twice."},
    {CFG_B_ZONE, "cameras.NAME.zones.NAME",
     "Coordinates are parts of the detect picture, from 0 to 1. Numbers above 1 are taken as "
     "pixels of `detect.width` and `detect.height`, as old files have them."},
    {CFG_B_FILTER, "objects.filters.LABEL",
     "At the top of the file, in a camera, and in a zone "
     "(`cameras.NAME.zones.NAME.filters.LABEL`). "
     "A zone's filters inherit nothing."},
    {CFG_B_AUDIO_FILTER, "audio.filters.LABEL", "At the top of the file and in a camera."},
    {CFG_B_MODEL, "model",
     "At the top of the file. A detector may have one too, of which only `path` counts."},
    {CFG_B_DETECTOR, "detectors.NAME",
     "Keys that are not known are kept and passed on without effect."},
    {CFG_B_GROUP, "camera_groups.NAME", "For the web page."},
};

static void add_default(const struct cfg_row *row, struct str *out)
{
    bool is_list = row->type == CFG_T_STRINGS || row->type == CFG_T_WEIGHTS;
    if (is_list && row->def != NULL) {
        str_addf(out, "`[%s]`", row->def);
    } else if (row->def != NULL && row->def[0] != '\0') {
        str_addf(out, "`%s`", row->def);
    } else if (row->def != NULL && row->type == CFG_T_STRING) {
        str_add(out, "`\"\"`");
    }
}

static void add_value(const struct cfg_row *row, struct str *out)
{
    AUTO_STR struct str range = {0};
    str_add(out, cfg_row_type_text(row));
    for (const struct cfg_choice *choice = row->choices; choice && choice->name; choice++) {
        str_addf(out, "%s`%s`", choice == row->choices ? ": " : ", ", choice->name);
    }
    cfg_row_add_range(row, &range);
    if (range.length > 0) {
        str_addf(out, ", %s", str_text(&range));
    }
    if (row->unit != NULL) {
        str_addf(out, " (%s)", row->unit);
    }
    if ((row->flags & CFG_F_REQUIRED) != 0) {
        str_add(out, ", **required**");
    }
    if ((row->flags & CFG_F_SUBST) != 0) {
        str_add(out, "; `{FRIGATE_...}`");
    }
}

static void add_restarts(unsigned restarts, struct str *out)
{
    static const struct {
        unsigned bit;
        const char *name;
    } parts[] = {{CFG_R_CAPTURE, "capture"},
                 {CFG_R_ANALYSE, "analyse"},
                 {CFG_R_DETECTOR, "detector"},
                 {CFG_R_SERVER, "server"},
                 {CFG_R_SOUND, "sound"}};
    bool any = false;
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        if ((restarts & parts[i].bit) != 0) {
            str_addf(out, "%s%s", any ? ", " : "", parts[i].name);
            any = true;
        }
    }
}

static void add_row(const struct cfg_row *row, size_t skip, bool scopes, struct str *out)
{
    const char *scope = row->scope == CFG_GLOBAL   ? " (only at the top)"
                        : row->scope == CFG_CAMERA ? " (only in a camera)"
                                                   : "";
    str_addf(out, "| `%s`%s | ", row->path + skip, scopes ? scope : "");
    add_value(row, out);
    str_add(out, " | ");
    add_default(row, out);
    str_add(out, " | ");
    add_restarts(row->restarts, out);
    str_addf(out, " | %s |\n", row->help);
}

static void add_head(struct str *out)
{
    str_add(out, "\n| Key | Value | Default | A change restarts | Meaning |\n"
                 "| --- | --- | --- | --- | --- |\n");
}

/* All keys below a section, at any depth. */
static void add_section_rows(const struct cfg_row *section, struct str *out)
{
    size_t skip = strlen(section->path) + 1;
    const struct cfg_row *end = cfg_rows + cfg_row_count;
    for (const struct cfg_row *row = section + 1; row < end && row->in == section->in; row++) {
        if (strncmp(row->path, section->path, skip - 1) != 0 || row->path[skip - 1] != '.') {
            break;
        }
        if (row->type != CFG_T_SECTION && (row->flags & CFG_F_DERIVED) == 0) {
            add_row(row, skip, section->scope == 0 && section->in == CFG_B_CAMERA, out);
        }
    }
}

static void add_sections(enum cfg_block block, unsigned scope, struct str *out)
{
    for (const struct cfg_row *row = cfg_row_first(block, scope); row != NULL;
         row = cfg_row_next(row, scope)) {
        if (row->type != CFG_T_SECTION) {
            continue;
        }
        bool in_camera = block == CFG_B_CAMERA;
        str_addf(out, "\n## %s%s\n\n%s", row->scope == CFG_CAMERA ? "cameras.NAME." : "", row->path,
                 row->help);
        if (in_camera && row->scope == 0) {
            str_add(out, " At the top of the file for all cameras, or in a camera.");
        }
        str_add(out, "\n");
        add_head(out);
        add_section_rows(row, out);
    }
}

/* Keys that stand directly on the level. */
static void add_plain_rows(enum cfg_block block, unsigned scope, struct str *out)
{
    for (const struct cfg_row *row = cfg_row_first(block, scope); row != NULL;
         row = cfg_row_next(row, scope)) {
        if (row->type != CFG_T_SECTION && (row->flags & CFG_F_DERIVED) == 0) {
            add_row(row, 0, false, out);
        }
    }
}

void config_reference_markdown(struct str *out)
{
    str_add(out,
            "# Configuration\n\n"
            "<!-- Made by `corvette config-reference`; edit src/config/table.c instead. -->\n\n"
            "The file is YAML 1.1 (or JSON) in the form of Frigate 0.14. `corvette check-config "
            "FILE` names every mistake by line; a key that is not known is a mistake. What a "
            "section at the top of the file says holds for every camera that does not say "
            "otherwise: maps merge key by key, everything else is replaced.\n\n"
            "`{FRIGATE_NAME}` stands for the environment variable of that name, or for the content "
            "of `/run/secrets/FRIGATE_NAME`, in the keys marked so. A brace that belongs to the "
            "text is written twice.\n\n"
            "The column \"A change restarts\" names the processes that begin anew when the value "
            "changes; where it is empty the change is taken up as it runs.\n\n"
            "## Top of the file\n");
    add_head(out);
    add_plain_rows(CFG_B_ROOT, CFG_GLOBAL, out);
    add_sections(CFG_B_ROOT, CFG_GLOBAL, out);
    str_add(out, "\n## cameras.NAME\n\nOne camera. The name may hold letters, digits, `_` and `-`. "
                 "Besides these keys a camera has the sections below.\n");
    add_head(out);
    add_plain_rows(CFG_B_CAMERA, CFG_CAMERA, out);
    add_sections(CFG_B_CAMERA, CFG_CAMERA, out);
    for (size_t i = 0; i < ARRAY_SIZE(chapters); i++) {
        str_addf(out, "\n## %s\n\n%s\n", chapters[i].where, chapters[i].intro);
        add_head(out);
        add_plain_rows(chapters[i].block, CFG_CAMERA, out);
    }
}
