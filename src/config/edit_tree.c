#include "config/edit_tree.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "config/tree.h"

struct reader {
    struct cfg_arena *arena;
    yaml_parser_t parser;
    const char *text;
    size_t length;
    uint32_t *bytes; /* where each character begins; libyaml counts characters */
    size_t characters;
    struct {
        const char *name;
        struct place *place;
    } * anchors;
    size_t anchor_count, anchor_capacity;
    struct place *stack[CFG_MAX_DEPTH];
    struct place *key[CFG_MAX_DEPTH]; /* of a map: the key whose value is awaited */
    size_t depth;
    struct place *root;
};

/* Every byte that does not go on with a character begins one, for libyaml has checked the text. */
static void count_characters(struct reader *r)
{
    size_t from = r->length >= 3 && memcmp(r->text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    r->bytes = mem_array(r->length + 1, sizeof *r->bytes);
    for (size_t i = from; i < r->length; i++) {
        if (((unsigned char)r->text[i] & 0xc0) != 0x80) {
            r->bytes[r->characters++] = (uint32_t)i;
        }
    }
    r->bytes[r->characters] = (uint32_t)r->length;
}

static size_t byte_of(const struct reader *r, const yaml_mark_t *mark)
{
    return r->bytes[mark->index < r->characters ? mark->index : r->characters];
}

static struct place *new_place(struct reader *r, enum place_kind kind, const yaml_event_t *event)
{
    struct place *place = cfg_alloc(r->arena, sizeof *place);
    place->kind = kind;
    place->text = "";
    place->start = byte_of(r, &event->start_mark);
    place->end = byte_of(r, &event->end_mark);
    place->column = event->start_mark.column;
    return place;
}

static void set_properties(struct reader *r, struct place *place, const yaml_char_t *anchor,
                           const yaml_char_t *tag)
{
    place->tagged = anchor != NULL || tag != NULL;
    if (anchor != NULL) {
        MEM_PUSH(r->anchors, r->anchor_count, r->anchor_capacity);
        r->anchors[r->anchor_count - 1].name = cfg_strdup(r->arena, (const char *)anchor);
        r->anchors[r->anchor_count - 1].place = place;
    }
}

static void mark_shared(struct reader *r, const char *name)
{
    for (size_t i = r->anchor_count; i-- > 0;) { /* a later anchor of the same name wins */
        if (strcmp(r->anchors[i].name, name) == 0) {
            r->anchors[i].place->shared = true;
            return;
        }
    }
}

static struct place *read_scalar(struct reader *r, const yaml_event_t *event)
{
    static const enum place_quote quotes[] = {
        [YAML_ANY_SCALAR_STYLE] = PLACE_PLAIN,
        [YAML_PLAIN_SCALAR_STYLE] = PLACE_PLAIN,
        [YAML_SINGLE_QUOTED_SCALAR_STYLE] = PLACE_SINGLE,
        [YAML_DOUBLE_QUOTED_SCALAR_STYLE] = PLACE_DOUBLE,
        [YAML_LITERAL_SCALAR_STYLE] = PLACE_BLOCK,
        [YAML_FOLDED_SCALAR_STYLE] = PLACE_BLOCK,
    };
    struct place *place = new_place(r, PLACE_SCALAR, event);
    place->text =
        cfg_strndup(r->arena, (const char *)event->data.scalar.value, event->data.scalar.length);
    place->quote = quotes[event->data.scalar.style];
    set_properties(r, place, event->data.scalar.anchor, event->data.scalar.tag);
    /* A block scalar's mark stands behind the line ends after it. */
    while (place->quote == PLACE_BLOCK && place->end > place->start &&
           strchr(" \r\n", r->text[place->end - 1]) != NULL) {
        place->end--;
    }
    return place;
}

static void deliver(struct reader *r, struct place *place)
{
    if (r->depth == 0) {
        r->root = place;
        return;
    }
    struct place *top = r->stack[r->depth - 1];
    struct place **key = &r->key[r->depth - 1];
    if (top->kind == PLACE_MAP && *key == NULL) {
        *key = place;
        return;
    }
    if (top->kind == PLACE_MAP) {
        top->keys = cfg_push(r->arena, top->keys, top->count, sizeof *top->keys);
        top->keys[top->count] = *key;
        *key = NULL;
    }
    top->values = cfg_push(r->arena, top->values, top->count, sizeof *top->values);
    top->values[top->count++] = place;
}

static bool begin(struct reader *r, struct place *place)
{
    if (r->depth == CFG_MAX_DEPTH) {
        return false;
    }
    r->key[r->depth] = NULL;
    r->stack[r->depth++] = place;
    return true;
}

static void end(struct reader *r, const yaml_event_t *event)
{
    struct place *place = r->stack[--r->depth];
    if (place->flow) {
        place->end = byte_of(r, &event->end_mark);
    } else if (place->count > 0) {
        size_t last = place->values[place->count - 1]->end;
        place->end = last > place->start ? last : place->start;
    }
    deliver(r, place);
}

static bool take(struct reader *r, const yaml_event_t *event)
{
    struct place *place;
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        deliver(r, read_scalar(r, event));
        return true;
    case YAML_ALIAS_EVENT:
        mark_shared(r, (const char *)event->data.alias.anchor);
        deliver(r, new_place(r, PLACE_ALIAS, event));
        return true;
    case YAML_MAPPING_START_EVENT:
        place = new_place(r, PLACE_MAP, event);
        place->flow = event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
        set_properties(r, place, event->data.mapping_start.anchor, event->data.mapping_start.tag);
        return begin(r, place);
    case YAML_SEQUENCE_START_EVENT:
        place = new_place(r, PLACE_LIST, event);
        place->flow = event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
        set_properties(r, place, event->data.sequence_start.anchor, event->data.sequence_start.tag);
        return begin(r, place);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        end(r, event);
        return true;
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
    case YAML_NO_EVENT:
        return true;
    }
    return true;
}

/* False when libyaml does not take it. */
static bool run(struct reader *r)
{
    if (!yaml_parser_initialize(&r->parser)) {
        abort();
    }
    yaml_parser_set_input_string(&r->parser, (const unsigned char *)r->text, r->length);
    bool good = true;
    for (bool more = true; more && good;) {
        yaml_event_t event;
        good = yaml_parser_parse(&r->parser, &event) != 0;
        if (good) {
            good = take(r, &event);
            more = event.type != YAML_STREAM_END_EVENT;
            yaml_event_delete(&event);
        }
    }
    yaml_parser_delete(&r->parser);
    return good;
}

/* With an anchor or tag before it, a block's mark is theirs, not that of its first key or dash. */
static void mend_columns(struct place *place)
{
    if (place->kind == PLACE_MAP && !place->flow && place->count > 0) {
        place->column = place->keys[0]->column;
    }
    for (size_t i = 0; i < place->count; i++) {
        mend_columns(place->values[i]);
    }
}

struct place *place_read(struct cfg_arena *arena, const char *text, size_t length)
{
    struct reader r = {.arena = arena, .text = text, .length = length};
    count_characters(&r);
    bool good = run(&r) && r.root != NULL;
    free(r.bytes);
    free(r.anchors);
    if (!good) {
        return NULL;
    }
    mend_columns(r.root);
    return r.root;
}

bool place_is_null(const struct place *place)
{
    if (place->kind != PLACE_SCALAR || place->quote != PLACE_PLAIN) {
        return false;
    }
    struct cfg_node node = {.text = place->text};
    cfg_scalar_resolve(&node);
    return node.kind == CFG_NULL;
}

long place_find(const struct place *map, const char *key)
{
    for (size_t i = 0; i < map->count; i++) {
        if (map->keys[i]->kind == PLACE_SCALAR && strcmp(map->keys[i]->text, key) == 0) {
            return (long)i;
        }
    }
    return -1;
}

bool place_holds_shared(const struct place *place)
{
    bool shared = place->shared;
    for (size_t i = 0; i < place->count && !shared; i++) {
        shared = place_holds_shared(place->values[i]) ||
                 (place->kind == PLACE_MAP && place->keys[i]->shared);
    }
    return shared;
}
