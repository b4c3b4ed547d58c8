/* The steps between a tree and the structs. All of them take rows, so they know no key by name. */
#ifndef CORVETTE_CONFIG_LOADER_H
#define CORVETTE_CONFIG_LOADER_H

#include "config/config.h"
#include "config/substitute.h"
#include "config/table.h"
#include "config/tree.h"

struct cfg_loader {
    struct cfg_arena *arena;
    struct cfg_issues *issues; /* NULL: say nothing (values were checked before) */
    struct cfg_vars *vars;
    size_t coordinates; /* of all polygons so far: a global mask is read again for every camera */
};

/* The whole file. */
void cfg_check_shape(struct cfg_loader *loader, const struct cfg_node *root);

/* value.c: one value into its member; false, with a complaint, when it does not fit. `member` is
 * scratch memory of CFG_MEMBER_BYTES when only the complaint is wanted. */
#define CFG_MEMBER_BYTES 128
bool cfg_value(struct cfg_loader *loader, const struct cfg_row *row, const struct cfg_node *node,
               const struct cfg_path *path, void *member);
void cfg_default(struct cfg_loader *loader, const struct cfg_row *row, void *member);
/* Shell rules: blanks separate, quotes and backslashes keep together. False: a quote is not closed.
 */
bool cfg_split_args(struct cfg_arena *arena, const char *text, struct cfg_list *out);

/* fill.c: a map (or NULL: defaults) into the struct at `base`. Cameras are left out: they need
 * inheritance first. */
void cfg_fill(struct cfg_loader *loader, const struct cfg_row *first, unsigned scope,
              const struct cfg_node *map, void *base);

/* inherit.c */
/* Brings keys of the 0.13 form to where 0.14 has them, with a warning each. */
struct cfg_node *cfg_migrate(struct cfg_loader *loader, struct cfg_node *root);
/* Attribute labels (face, ...) need a higher score than others unless told so. */
struct cfg_node *cfg_attribute_filters(struct cfg_loader *loader, struct cfg_node *root);
/* The camera's map with what it inherits from the root worked in: maps merge deep, all else is
 * replaced by what the camera says. */
struct cfg_node *cfg_inherit(struct cfg_loader *loader, const struct cfg_node *root,
                             const struct cfg_node *camera);

/* resolve.c: what follows from other values (counts from fps, colours, polygons, roles, names). */
void cfg_resolve_camera(struct cfg_loader *loader, struct cfg_camera *camera,
                        const struct cfg_node *map, const struct cfg_path *path);
void cfg_resolve_global(struct cfg_loader *loader, struct config *config,
                        const struct cfg_node *root);

/* check.c: what is right by itself but not together. */
void cfg_check(struct cfg_loader *loader, const struct config *config, const struct cfg_node *root);

/* coords.c: texts of a mask to polygons. `points`: each text is one corner of one polygon (zones
 * written as lists). Pixel coordinates are brought to 0..1 by the size; `keep_text` leaves the
 * texts as they are. False, with a complaint, when the mask makes no sense. */
struct cfg_coords {
    int width, height; /* of the detect picture; never 0 */
    bool size_is_known;
    bool is_zone;
    bool keep_text;
};
bool cfg_polygons(struct cfg_loader *loader, const struct cfg_coords *coords, struct cfg_mask *mask,
                  int line, const struct cfg_path *path);

/* to_json.c */
char *cfg_to_json(const struct config *config);

struct cfg_private {
    struct cfg_arena arena;
    const struct cfg_node *root;
};

/* Line of the key at a path of keys below `map`, as deep as it exists; for later complaints. */
int cfg_line_of(const struct cfg_node *map, const char *dotted, int otherwise);

#endif
