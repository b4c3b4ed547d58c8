/* Maps of the document into structs. The shape was checked before, so what does not fit here is
 * only passed over: its default stands, and the complaint is already written. */
#include <string.h>

#include "config/loader.h"

/* An array of structs is a pointer with its count behind it (see table.c). */
struct array {
    void *items;
    size_t count;
};

static void fill_element(struct cfg_loader *loader, const struct cfg_row *row, unsigned scope,
                         const char *name, const struct cfg_node *value, void *element)
{
    if (name != NULL) {
        *(char **)element = (char *)name; /* `name` is the first member of every such struct */
    }
    cfg_fill(loader, cfg_row_first(row->block, scope), scope, value, element);
}

static void fill_array(struct cfg_loader *loader, const struct cfg_row *row, unsigned scope,
                       const struct cfg_node *value, void *member)
{
    enum cfg_kind wanted = row->type == CFG_T_MAP ? CFG_MAP : CFG_LIST;
    size_t limit = row->at_most > 0 ? row->at_most : CFG_MAX_ITEMS;
    struct array array = {0};
    if (value != NULL && value->kind == wanted && value->count > 0) {
        size_t count = value->count < limit ? value->count : limit;
        array.items = cfg_array(loader->arena, count, row->size);
        array.count = count;
        for (size_t i = 0; i < count; i++) {
            void *element = (char *)array.items + i * row->size;
            if (wanted == CFG_MAP) {
                fill_element(loader, row, scope, value->entries[i].key, value->entries[i].value,
                             element);
            } else {
                fill_element(loader, row, scope, NULL, value->items[i], element);
            }
        }
    }
    memcpy(member, &array, sizeof array);
}

static void fill_value(struct cfg_loader *loader, const struct cfg_row *row,
                       const struct cfg_node *value, void *member)
{
    if (value == NULL || value->kind == CFG_NULL || !cfg_value(loader, row, value, NULL, member)) {
        cfg_default(loader, row, member);
    }
}

void cfg_fill(struct cfg_loader *loader, const struct cfg_row *first, unsigned scope,
              const struct cfg_node *map, void *base)
{
    for (const struct cfg_row *row = first; row != NULL; row = cfg_row_next(row, scope)) {
        if ((row->flags & CFG_F_DERIVED) != 0 || row->block == CFG_B_CAMERA) {
            continue;
        }
        struct cfg_node *value = cfg_get(map, cfg_row_name(row));
        void *member = (char *)base + row->offset;
        if (row->present != 0) {
            *((bool *)base + row->present) = value != NULL && value->kind != CFG_NULL;
        }
        switch (row->type) {
        case CFG_T_SECTION:
            cfg_fill(loader, cfg_row_child(row, scope), scope, value, base);
            break;
        case CFG_T_BLOCK:
            cfg_fill(loader, cfg_row_first(row->block, scope), scope, value, member);
            break;
        case CFG_T_MAP:
        case CFG_T_LIST:
            fill_array(loader, row, scope, value, member);
            break;
        default:
            fill_value(loader, row, value, member);
            break;
        }
    }
}
