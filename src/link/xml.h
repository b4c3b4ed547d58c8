/* XML of other machines, read warily: a document type declaration (and with it every entity) ends
 * the reading, nothing is fetched, depth and size are bounded. Elements are found by their local
 * name: cameras choose prefixes freely and get namespaces wrong. */
#ifndef CORVETTE_LINK_XML_H
#define CORVETTE_LINK_XML_H

#include <libxml/tree.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

/* NULL with a sentence. Free with xml_free(). */
xmlDoc *xml_parse(const char *data, size_t length, struct err *err);
void xml_free(xmlDoc **doc); /* NULL inside is fine */
#define AUTO_XML __attribute__((cleanup(xml_free)))

/* All of these take NULL for "not there" and hand it on. Paths are local names: "A/B/C". */
xmlNode *xml_root(xmlDoc *doc);
xmlNode *xml_first(xmlNode *parent);                  /* child element */
xmlNode *xml_find(xmlNode *parent, const char *path); /* the first */
xmlNode *xml_again(xmlNode *node);                    /* the next sibling of the same name */
bool xml_is(const xmlNode *node, const char *name);
/* Trimmed text of an element, or an attribute; owned by the caller; NULL when not there. */
char *xml_text(xmlNode *parent, const char *path);
char *xml_attribute(xmlNode *node, const char *name);
/* False when it is not there or not a number; then *value stays. */
bool xml_number(xmlNode *parent, const char *path, double *value);
bool xml_integer(xmlNode *parent, const char *path, int *value);

/* Appends the text so that it can stand in an element or attribute. */
void xml_escape(struct str *out, const char *text);

#endif
