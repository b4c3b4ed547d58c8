/* What the parts of the editor share: where a change goes, and the pieces of the text it replaces.
 */
#ifndef CORVETTE_CONFIG_EDIT_PRIVATE_H
#define CORVETTE_CONFIG_EDIT_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"
#include "config/edit_check.h"
#include "config/edit_text.h"
#include "config/edit_tree.h"

struct splice {
    size_t from, to; /* bytes of the old text that go */
    struct str text; /* what comes there */
};

#define EDIT_SPLICES_MAX 2

struct editor {
    const char *text;
    size_t length;
    const char *newline;
    size_t step; /* blanks per level */
    struct splice splices[EDIT_SPLICES_MAX];
    size_t splice_count;
    struct err *err;
};

/* Where a path ends in the text. */
struct spot {
    struct place *parent; /* map or list */
    size_t index;         /* in it; parent->count: not there */
    bool flow;            /* the parent stands between brackets, its own or others' */
    size_t used;          /* parts of the path up to and including parent's index */
};

/* ---- edit_find.c: bytes, lines and places ---- */

size_t edit_line_start(const struct editor *e, size_t at);
/* Of the line's end, CR and LF or the end of the text. */
size_t edit_line_end(const struct editor *e, size_t at);
size_t edit_next_line(const struct editor *e, size_t at);
/* Nothing but blanks before it on its line. */
bool edit_begins_line(const struct editor *e, size_t at);
/* The same place without the blanks before it. */
size_t edit_before_blanks(const struct editor *e, size_t at);
/* A piece that goes, and the text to fill with what comes there. */
struct str *edit_splice(struct editor *e, size_t from, size_t to);
/* -ENOTSUP with the sentence. */
int edit_refuse(struct editor *e, const char *path, const char *why);
bool edit_is_block(const struct place *place);
/* Behind the colon of a block map's key; 0 when it is not on the key's line ("? key"). */
size_t edit_after_colon(const struct editor *e, const struct place *key);
/* The dash of a block list's item: in the list's column, on the item's line or one before it. */
bool edit_find_dash(const struct editor *e, const struct place *list, size_t index, size_t *dash);
/* Blanks per level as the file has them: what the first nested map shows; 0: there is none. */
size_t edit_find_step(const struct place *place);
/* Follows the path as far as the text has it. 0 or -errno with a sentence. */
int edit_find(struct editor *e, const struct edit_path *path, struct place *root,
              struct spot *spot);

/* ---- edit_put.c: what is put in; 0 or -errno with a sentence ---- */

/* A key or item that is not there yet, behind the last one. */
int edit_append(struct editor *e, const struct spot *spot, struct edit_branch *branch);
/* The first of what is missing below a key that is there and holds nothing. */
int edit_fill(struct editor *e, const struct spot *spot, struct edit_branch *branch);
/* A value in place of another. */
int edit_replace(struct editor *e, const struct spot *spot, struct edit_value value,
                 const char *path);
/* Something in place of a value that takes whole lines, behind the key's colon or in its item. */
int edit_put_for_block(struct editor *e, const struct spot *spot, const char *text,
                       const char *path);

#endif
