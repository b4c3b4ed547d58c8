/* Events of libyaml into a tree. */
#include "config/tree.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/str.h"

/* A collection being read. */
struct frame {
    struct cfg_node *node;
    const char *anchor; /* or NULL */
    const char *key;    /* maps: key waiting for its value, or NULL */
    int key_line;
    bool key_is_merge;
    struct cfg_node **merges; /* values of `<<`, in order */
    size_t merge_count;
    struct cfg_path path; /* of this collection; `up` is the enclosing frame's */
};

struct anchor {
    const char *name;
    struct cfg_node *node; /* NULL while it is being read */
};

struct builder {
    struct cfg_arena *arena;
    struct cfg_issues *issues;
    yaml_parser_t parser;
    const char *text;
    size_t length;
    struct frame stack[CFG_MAX_DEPTH];
    size_t depth;
    struct anchor *anchors;
    size_t anchor_count, anchor_capacity;
    size_t nodes; /* made so far, merged entries included */
    struct cfg_node *root;
    bool failed;
};

static void fail(struct builder *b, int line, const char *message)
{
    if (!b->failed) {
        const struct frame *top = b->depth > 0 ? &b->stack[b->depth - 1] : NULL;
        const struct cfg_path *path = b->depth > 1 ? &top->path : NULL;
        struct cfg_path key = {.up = path, .key = top != NULL ? top->key : NULL};
        cfg_error(b->issues, line, key.key != NULL ? &key : path, "%s", message);
    }
    b->failed = true;
}

static int event_line(const yaml_event_t *event)
{
    return (int)event->start_mark.line + 1;
}

static bool take_nodes(struct builder *b, size_t count, int line)
{
    b->nodes += count;
    if (b->nodes > CFG_MAX_NODES) {
        fail(b, line, "too many values: more than 200000");
        return false;
    }
    return true;
}

static void remember_anchor(struct builder *b, const char *name, struct cfg_node *node)
{
    for (size_t i = b->anchor_count; i-- > 0;) {
        if (strcmp(b->anchors[i].name, name) == 0) {
            b->anchors[i].node = node; /* a later anchor of the same name wins */
            return;
        }
    }
    if (b->anchor_count == 1000) {
        fail(b, node != NULL ? node->line : 0, "too many anchors: more than 1000");
        return;
    }
    struct anchor *anchor = MEM_PUSH(b->anchors, b->anchor_count, b->anchor_capacity);
    anchor->name = name;
    anchor->node = node;
}

static uint32_t weight_of_children(const struct cfg_node *node)
{
    uint64_t weight = 1;
    for (size_t i = 0; i < node->count; i++) {
        weight += node->kind == CFG_MAP ? node->entries[i].value->weight : node->items[i]->weight;
    }
    return weight > CFG_MAX_NODES ? CFG_MAX_NODES + 1 : (uint32_t)weight;
}

/* Gives a finished value to what encloses it. */
static void deliver(struct builder *b, struct cfg_node *node)
{
    if (b->depth == 0) {
        b->root = node;
        return;
    }
    struct frame *top = &b->stack[b->depth - 1];
    if (top->node->kind == CFG_LIST) {
        top->node->items =
            cfg_push(b->arena, top->node->items, top->node->count, sizeof *top->node->items);
        top->node->items[top->node->count++] = node;
        return;
    }
    if (top->key_is_merge) {
        top->merges = cfg_push(b->arena, top->merges, top->merge_count, sizeof *top->merges);
        top->merges[top->merge_count++] = node;
    } else {
        cfg_add(b->arena, top->node, top->key, top->key_line, node);
    }
    top->key = NULL;
    top->key_is_merge = false;
}

/* Own keys and earlier merges win. */
static void merge_map(struct builder *b, struct cfg_node *map, const struct cfg_node *from)
{
    for (size_t i = 0; i < from->count; i++) {
        uint32_t *slot = cfg_slot(map, from->entries[i].key);
        if (*slot == 0) {
            cfg_add(b->arena, map, from->entries[i].key, from->entries[i].line,
                    from->entries[i].value);
            *slot = (uint32_t)map->count;
        }
    }
}

/* How many entries a value of `<<` may bring in; -1 when it is no map and no list of maps. */
static long merge_size(const struct cfg_node *value)
{
    if (value->kind == CFG_MAP) {
        return (long)value->count;
    }
    if (value->kind != CFG_LIST) {
        return -1;
    }
    long total = 0;
    for (size_t i = 0; i < value->count; i++) {
        if (value->items[i]->kind != CFG_MAP) {
            return -1;
        }
        total += (long)value->items[i]->count;
    }
    return total;
}

static void refuse_duplicates(struct builder *b, const struct frame *frame)
{
    const struct cfg_node *map = frame->node;
    for (size_t i = 0; i < map->count; i++) {
        const struct cfg_entry *entry = &map->entries[i];
        uint32_t *slot = cfg_slot(map, entry->key);
        if (*slot == 0) {
            *slot = (uint32_t)i + 1;
            continue;
        }
        struct cfg_path path = {.up = b->depth > 1 ? &frame->path : NULL, .key = entry->key};
        cfg_error(b->issues, entry->line, &path,
                  "this key is given twice (first on line %d); keep one",
                  map->entries[*slot - 1].line);
    }
}

/* Refuses duplicate keys and works in the merged ones. */
static void finish_map(struct builder *b, struct frame *frame)
{
    struct cfg_node *map = frame->node;
    size_t merged = 0;
    for (size_t i = 0; i < frame->merge_count; i++) {
        long size = merge_size(frame->merges[i]);
        if (size < 0) {
            fail(b, frame->merges[i]->line, "`<<` merges a map or a list of maps, nothing else");
            return;
        }
        merged += (size_t)size;
        if (!take_nodes(b, (size_t)size, map->line)) {
            return;
        }
    }
    cfg_slots_init(b->arena, map, map->count + merged);
    refuse_duplicates(b, frame);
    for (size_t i = 0; i < frame->merge_count; i++) {
        const struct cfg_node *from = frame->merges[i];
        if (from->kind == CFG_MAP) {
            merge_map(b, map, from);
        }
        for (size_t j = 0; from->kind == CFG_LIST && j < from->count; j++) {
            merge_map(b, map, from->items[j]);
        }
    }
    if (map->count < CFG_LONG_MAP) {
        map->slots = NULL; /* looking through is faster */
    }
}

static void begin(struct builder *b, const yaml_event_t *event, enum cfg_kind kind,
                  const yaml_char_t *anchor)
{
    if (b->depth == CFG_MAX_DEPTH) {
        fail(b, event_line(event), "nested too deeply: more than 40 levels");
        return;
    }
    struct frame *up = b->depth > 0 ? &b->stack[b->depth - 1] : NULL;
    struct frame *frame = &b->stack[b->depth];
    *frame = (struct frame){.node = cfg_new(b->arena, kind, event_line(event))};
    if (up != NULL) {
        frame->path.up = b->depth > 1 ? &up->path : NULL;
        frame->path.key = up->node->kind == CFG_MAP ? (up->key != NULL ? up->key : "<<") : NULL;
        frame->path.index = up->node->count;
    }
    if (anchor != NULL) {
        frame->anchor = cfg_strdup(b->arena, (const char *)anchor);
        remember_anchor(b, frame->anchor, NULL);
    }
    b->depth++;
    take_nodes(b, 1, event_line(event));
}

static void end(struct builder *b)
{
    struct frame *frame = &b->stack[b->depth - 1];
    if (frame->node->kind == CFG_MAP) {
        finish_map(b, frame);
        if (b->failed) {
            return;
        }
    }
    struct cfg_node *node = frame->node;
    node->weight = weight_of_children(node);
    if (node->weight > CFG_MAX_NODES) {
        fail(b, node->line, "aliases expand this to more than 200000 values");
        return;
    }
    if (frame->anchor != NULL) {
        remember_anchor(b, frame->anchor, node);
    }
    b->depth--;
    deliver(b, node);
}

/* What an explicit tag asks for, or a complaint. */
static void apply_tag(struct builder *b, struct cfg_node *node, const char *tag, bool plain)
{
    static const struct {
        const char *tag;
        enum cfg_kind kind;
    } known[] = {
        {YAML_NULL_TAG, CFG_NULL},  {YAML_BOOL_TAG, CFG_BOOL},   {YAML_INT_TAG, CFG_INT},
        {YAML_STR_TAG, CFG_STRING}, {YAML_FLOAT_TAG, CFG_FLOAT},
    };
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        if (strcmp(tag, known[i].tag) != 0) {
            continue;
        }
        cfg_scalar_resolve(node);
        if (known[i].kind == CFG_STRING) {
            node->kind = CFG_STRING;
        } else if (known[i].kind == CFG_FLOAT && node->kind == CFG_INT) {
            node->kind = CFG_FLOAT;
            node->number = (double)node->integer;
        } else if (node->kind != known[i].kind) {
            fail(b, node->line, "the value does not fit its tag");
        }
        return;
    }
    if (strcmp(tag, "!") == 0 && !plain) {
        node->kind = CFG_STRING;
        return;
    }
    AUTO_STR struct str message = {0};
    str_addf(&message, "the tag %s is not supported%s", tag,
             strcmp(tag, "!secret") == 0 || strcmp(tag, "!env_var") == 0
                 ? "; use '{FRIGATE_NAME}' and set that environment variable"
                 : "");
    fail(b, node->line, str_text(&message));
}

static struct cfg_node *scalar_node(struct builder *b, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    struct cfg_node *node = cfg_new(b->arena, CFG_STRING, event_line(event));
    node->text = cfg_strndup(b->arena, text, length);
    if (memchr(text, '\0', length) != NULL) {
        fail(b, node->line, "the text holds a NUL character");
        return node;
    }
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (event->data.scalar.tag != NULL) {
        apply_tag(b, node, (const char *)event->data.scalar.tag, plain);
    } else if (plain) {
        cfg_scalar_resolve(node);
    }
    return node;
}

static void scalar(struct builder *b, const yaml_event_t *event)
{
    struct frame *top = b->depth > 0 ? &b->stack[b->depth - 1] : NULL;
    struct cfg_node *node = scalar_node(b, event);
    if (b->failed || !take_nodes(b, 1, node->line)) {
        return;
    }
    if (event->data.scalar.anchor != NULL) {
        remember_anchor(b, cfg_strdup(b->arena, (const char *)event->data.scalar.anchor), node);
    }
    if (top != NULL && top->node->kind == CFG_MAP && top->key == NULL && !top->key_is_merge) {
        if (node->kind == CFG_NULL && node->text[0] == '\0') {
            fail(b, node->line, "a key is missing before the colon");
            return;
        }
        top->key = node->text;
        top->key_line = node->line;
        top->key_is_merge =
            event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && strcmp(node->text, "<<") == 0;
        return;
    }
    deliver(b, node);
}

static void alias(struct builder *b, const yaml_event_t *event)
{
    const char *name = (const char *)event->data.alias.anchor;
    const struct anchor *found = NULL;
    for (size_t i = 0; i < b->anchor_count && found == NULL; i++) {
        if (strcmp(b->anchors[i].name, name) == 0) {
            found = &b->anchors[i];
        }
    }
    AUTO_STR struct str message = {0};
    if (found == NULL) {
        str_addf(&message, "no anchor &%s comes before this alias", name);
        fail(b, event_line(event), str_text(&message));
    } else if (found->node == NULL) {
        str_addf(&message, "the alias *%s stands inside its own anchor", name);
        fail(b, event_line(event), str_text(&message));
    } else if (take_nodes(b, 1, event_line(event))) {
        deliver(b, found->node);
    }
}

/* A collection or an alias where a key belongs. */
static bool key_expected(const struct builder *b)
{
    const struct frame *top = b->depth > 0 ? &b->stack[b->depth - 1] : NULL;
    return top != NULL && top->node->kind == CFG_MAP && top->key == NULL && !top->key_is_merge;
}

static void collection(struct builder *b, const yaml_event_t *event)
{
    bool is_map = event->type == YAML_MAPPING_START_EVENT;
    const char *tag =
        (const char *)(is_map ? event->data.mapping_start.tag : event->data.sequence_start.tag);
    if (key_expected(b)) {
        fail(b, event_line(event),
             "a key must be plain text, not a list or a map; a value that "
             "begins with { or [ needs quotes");
        return;
    }
    if (tag != NULL && strcmp(tag, is_map ? YAML_MAP_TAG : YAML_SEQ_TAG) != 0) {
        fail(b, event_line(event), "tags on lists and maps are not supported");
        return;
    }
    begin(b, event, is_map ? CFG_MAP : CFG_LIST,
          is_map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor);
}

/* Returns false after the last event. */
static bool take(struct builder *b, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        if (key_expected(b)) {
            fail(b, event_line(event), "an alias cannot be a key");
        } else {
            alias(b, event);
        }
        return true;
    case YAML_SCALAR_EVENT:
        scalar(b, event);
        return true;
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        collection(b, event);
        return true;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        end(b);
        return true;
    case YAML_DOCUMENT_START_EVENT:
        if (b->root != NULL) {
            fail(b, event_line(event), "a second document begins here; only one is allowed");
        }
        return true;
    case YAML_STREAM_END_EVENT:
        return false;
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
    case YAML_NO_EVENT:
        return true;
    }
    return true;
}

/* The text of a line, 1-based. */
static const char *line_start(const struct builder *b, int line, size_t *length)
{
    const char *at = b->text, *stop = b->text + b->length;
    for (int i = 1; i < line && at < stop; i++) {
        const char *newline = memchr(at, '\n', (size_t)(stop - at));
        at = newline != NULL ? newline + 1 : stop;
    }
    const char *newline = memchr(at, '\n', (size_t)(stop - at));
    *length = (size_t)((newline != NULL ? newline : stop) - at);
    return at;
}

static bool indented_by_tab(const struct builder *b, int line)
{
    size_t length;
    const char *at = line_start(b, line, &length);
    for (size_t i = 0; i < length && (at[i] == ' ' || at[i] == '\t'); i++) {
        if (at[i] == '\t') {
            return true;
        }
    }
    return false;
}

static int line_of_offset(const struct builder *b, size_t offset)
{
    int line = 1;
    for (size_t i = 0; i < offset && i < b->length; i++) {
        line += b->text[i] == '\n';
    }
    return line;
}

static void parser_error(struct builder *b)
{
    const yaml_parser_t *p = &b->parser;
    AUTO_STR struct str message = {0};
    int line = (int)p->problem_mark.line + 1;
    if (p->error == YAML_MEMORY_ERROR) {
        abort();
    }
    if (p->error == YAML_READER_ERROR) {
        line = line_of_offset(b, p->problem_offset);
        str_addf(&message, "not valid text: %s", p->problem);
        if (strstr(p->problem, "UTF-8") != NULL) {
            str_add(&message, "; save the file as UTF-8");
        }
    } else if (indented_by_tab(b, line)) {
        str_add(&message, "the line is indented with a tab; YAML allows only spaces there");
    } else {
        str_addf(&message, "not valid YAML: %s", p->problem != NULL ? p->problem : "syntax error");
        if (p->context != NULL) {
            str_addf(&message, " (%s", p->context);
            if (p->context_mark.line != p->problem_mark.line) {
                str_addf(&message, " that begins on line %zu", p->context_mark.line + 1);
            }
            str_add(&message, ")");
        }
    }
    b->depth = 0; /* the place in the tree is not yet known */
    fail(b, line, str_text(&message));
}

static void run(struct builder *b)
{
    if (!yaml_parser_initialize(&b->parser)) {
        abort();
    }
    yaml_parser_set_input_string(&b->parser, (const unsigned char *)b->text, b->length);
    for (bool more = true; more && !b->failed;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&b->parser, &event)) {
            parser_error(b);
            break;
        }
        more = take(b, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&b->parser);
    free(b->anchors);
}

struct cfg_node *cfg_yaml_parse(struct cfg_arena *arena, const char *text, size_t length,
                                struct cfg_issues *issues)
{
    if (length > CFG_MAX_BYTES) {
        cfg_error(issues, 0, NULL, "the file is too large: more than 4 MiB");
        return NULL;
    }
    struct builder b = {.arena = arena, .issues = issues, .text = text, .length = length};
    const char *nul = length > 0 ? memchr(text, '\0', length) : NULL;
    bool utf16 =
        length >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0);
    if (utf16) {
        cfg_error(issues, 1, NULL, "the file is UTF-16; save it as UTF-8");
        return NULL;
    }
    if (nul != NULL) {
        cfg_error(issues, line_of_offset(&b, (size_t)(nul - text)), NULL,
                  "the file holds a NUL byte: it is not text, or it is damaged");
        return NULL;
    }
    run(&b);
    if (b.failed) {
        return NULL;
    }
    if (b.root == NULL || b.root->kind == CFG_NULL) {
        cfg_error(issues, 0, NULL, "the file is empty; it needs at least `mqtt:` and `cameras:`");
        return NULL;
    }
    if (b.root->kind != CFG_MAP) {
        cfg_error(issues, b.root->line, NULL,
                  "the file must be a map of sections (`cameras:`, ...)");
        return NULL;
    }
    return b.root;
}
