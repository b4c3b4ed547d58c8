#include "config/tree.h"

#include <string.h>

struct cfg_node *cfg_new(struct cfg_arena *arena, enum cfg_kind kind, int line)
{
    struct cfg_node *node = cfg_alloc(arena, sizeof *node);
    node->kind = kind;
    node->line = line;
    node->weight = 1;
    node->text = "";
    return node;
}

void cfg_add(struct cfg_arena *arena, struct cfg_node *map, const char *key, int line,
             struct cfg_node *value)
{
    map->entries = cfg_push(arena, map->entries, map->count, sizeof *map->entries);
    map->entries[map->count++] = (struct cfg_entry){.key = key, .line = line, .value = value};
}

static uint32_t hash(const char *text)
{
    uint64_t h = 1469598103934665603u;
    for (; *text != '\0'; text++) {
        h = (h ^ (unsigned char)*text) * 1099511628211u;
    }
    return (uint32_t)(h ^ (h >> 32));
}

void cfg_slots_init(struct cfg_arena *arena, struct cfg_node *map, size_t at_most)
{
    uint32_t slots = 64;
    while (slots < at_most * 2) {
        slots *= 2;
    }
    map->slots = cfg_array(arena, slots, sizeof *map->slots);
    map->slot_mask = slots - 1;
}

uint32_t *cfg_slot(const struct cfg_node *map, const char *key)
{
    uint32_t i = hash(key) & map->slot_mask;
    while (map->slots[i] != 0 && strcmp(map->entries[map->slots[i] - 1].key, key) != 0) {
        i = (i + 1) & map->slot_mask;
    }
    return &map->slots[i];
}

void cfg_index(struct cfg_arena *arena, struct cfg_node *map)
{
    if (map->slots != NULL || map->count < CFG_LONG_MAP) {
        return;
    }
    cfg_slots_init(arena, map, map->count);
    for (size_t i = 0; i < map->count; i++) {
        uint32_t *slot = cfg_slot(map, map->entries[i].key);
        if (*slot == 0) {
            *slot = (uint32_t)i + 1;
        }
    }
}

const struct cfg_entry *cfg_entry(const struct cfg_node *map, const char *key)
{
    if (map == NULL || map->kind != CFG_MAP) {
        return NULL;
    }
    if (map->slots != NULL) {
        uint32_t found = *cfg_slot(map, key);
        return found != 0 ? &map->entries[found - 1] : NULL;
    }
    for (size_t i = 0; i < map->count; i++) {
        if (strcmp(map->entries[i].key, key) == 0) {
            return &map->entries[i];
        }
    }
    return NULL;
}

struct cfg_node *cfg_get(const struct cfg_node *map, const char *key)
{
    const struct cfg_entry *entry = cfg_entry(map, key);
    return entry != NULL ? entry->value : NULL;
}

struct cfg_node *cfg_with(struct cfg_arena *arena, const struct cfg_node *map, const char *key,
                          struct cfg_node *value)
{
    struct cfg_node *copy = cfg_new(arena, CFG_MAP, map != NULL ? map->line : 0);
    bool done = value == NULL;
    for (size_t i = 0; map != NULL && i < map->count; i++) {
        const struct cfg_entry *entry = &map->entries[i];
        bool same = strcmp(entry->key, key) == 0;
        if (!same) {
            cfg_add(arena, copy, entry->key, entry->line, entry->value);
        } else if (!done) {
            cfg_add(arena, copy, key, entry->line, value);
            done = true;
        }
    }
    if (!done) {
        cfg_add(arena, copy, key, value->line, value);
    }
    cfg_index(arena, copy);
    return copy;
}
