/* The value of a key that is not there. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "config/value.h"

static void default_enum(const struct cfg_row *row, int *out)
{
    *out = row->unset;
    for (const struct cfg_choice *choice = row->choices; choice->name != NULL; choice++) {
        if (row->def != NULL && strcmp(choice->name, row->def) == 0) {
            *out = choice->value;
        }
    }
}

/* Lists of options are shown as lists, presets and "auto" as the texts they are. */
static void default_args(struct cfg_arena *arena, const char *text, struct cfg_list *out)
{
    *out = (struct cfg_list){0};
    cfg_split_args(arena, text, out);
    if (out->count == 1) {
        out->text = out->items[0];
    }
}

void cfg_default(struct cfg_loader *loader, const struct cfg_row *row, void *member)
{
    const char *def = row->def;
    switch (row->type) {
    case CFG_T_BOOL:
        *(bool *)member = def != NULL && strcmp(def, "true") == 0;
        return;
    case CFG_T_INT:
        *(int *)member = def != NULL ? (int)strtol(def, NULL, 10) : row->unset;
        return;
    case CFG_T_INT64:
        *(int64_t *)member = def != NULL ? strtoll(def, NULL, 10) : 0;
        return;
    case CFG_T_OPT_INT:
        *(struct cfg_opt_int *)member = (struct cfg_opt_int){0};
        return;
    case CFG_T_OPT_BOOL:
        *(struct cfg_opt_bool *)member = (struct cfg_opt_bool){0};
        return;
    case CFG_T_FLOAT:
        *(double *)member = def != NULL ? strtod(def, NULL) : NAN;
        return;
    case CFG_T_STRING:
        *(char **)member = (char *)def;
        return;
    case CFG_T_ENUM:
        default_enum(row, member);
        return;
    case CFG_T_STRINGS:
    case CFG_T_WEIGHTS:
        *(struct cfg_list *)member = (struct cfg_list){0};
        cfg_split_commas(loader->arena, def != NULL ? def : "", member);
        return;
    case CFG_T_ARGS:
        default_args(loader->arena, def != NULL ? def : "", member);
        return;
    case CFG_T_NUMBERS:
    case CFG_T_TEXTS:
        *(struct cfg_pairs *)member = (struct cfg_pairs){0};
        return;
    case CFG_T_MASK:
        *(struct cfg_mask *)member = (struct cfg_mask){0};
        return;
    case CFG_T_FREE:
        *(const struct cfg_node **)member = NULL;
        return;
    case CFG_T_SECTION:
    case CFG_T_BLOCK:
    case CFG_T_MAP:
    case CFG_T_LIST:
        return;
    }
}
