#include "link/xml.h"

#include <errno.h>
#include <libxml/parser.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"

static const char blanks[] = " \t\r\n";

/* Called at "<!DOCTYPE": SOAP forbids it, and entities are declared in it. */
static void on_doctype(void *context, const xmlChar *name, const xmlChar *external,
                       const xmlChar *system)
{
    xmlParserCtxt *parser = context;
    int *refused = parser->_private;
    *refused = 1;
    xmlStopParser(parser);
}

xmlDoc *xml_parse(const char *data, size_t length, struct err *err)
{
    xmlParserCtxt *parser = length <= INT_MAX ? xmlNewParserCtxt() : NULL;
    if (parser == NULL) {
        err_set(err, EFBIG, "the XML is too long");
        return NULL;
    }
    int refused = 0;
    parser->_private = &refused;
    parser->sax->internalSubset = on_doctype;
    parser->sax->externalSubset = NULL;
    xmlDoc *doc = xmlCtxtReadMemory(parser, data, (int)length, NULL, NULL,
                                    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                                        XML_PARSE_NOCDATA);
    if (refused || doc == NULL) {
        const xmlError *error = xmlCtxtGetLastError(parser);
        const char *why = error != NULL && error->message != NULL ? error->message : "no element";
        err_set(err, EBADMSG,
                refused ? "the XML has a document type declaration" : "the answer is not XML: %.*s",
                (int)strcspn(why, "\n"), why);
        xmlFreeDoc(doc);
        doc = NULL;
    }
    xmlFreeParserCtxt(parser);
    return doc;
}

void xml_free(xmlDoc **doc)
{
    xmlFreeDoc(*doc);
    *doc = NULL;
}

xmlNode *xml_root(xmlDoc *doc)
{
    return doc != NULL ? xmlDocGetRootElement(doc) : NULL;
}

static bool has_name(const xmlNode *node, const char *name, size_t length)
{
    return node->type == XML_ELEMENT_NODE && strlen((const char *)node->name) == length &&
           strncmp((const char *)node->name, name, length) == 0;
}

bool xml_is(const xmlNode *node, const char *name)
{
    return node != NULL && has_name(node, name, strlen(name));
}

static xmlNode *search(xmlNode *from, const char *name, size_t length)
{
    while (from != NULL && !has_name(from, name, length)) {
        from = from->next;
    }
    return from;
}

xmlNode *xml_first(xmlNode *parent)
{
    xmlNode *node = parent != NULL ? parent->children : NULL;
    while (node != NULL && node->type != XML_ELEMENT_NODE) {
        node = node->next;
    }
    return node;
}

xmlNode *xml_find(xmlNode *parent, const char *path)
{
    while (parent != NULL && *path != '\0') {
        size_t length = strcspn(path, "/");
        parent = search(parent->children, path, length);
        path += length + (path[length] == '/');
    }
    return parent;
}

xmlNode *xml_again(xmlNode *node)
{
    const char *name = node != NULL ? (const char *)node->name : NULL;
    return node != NULL ? search(node->next, name, strlen(name)) : NULL;
}

/* libxml2's text as ours, without the blanks around it. */
static char *take(xmlChar *text)
{
    if (text == NULL) {
        return NULL;
    }
    const char *from = (const char *)text;
    from += strspn(from, blanks);
    size_t length = strlen(from);
    while (length > 0 && strchr(blanks, from[length - 1]) != NULL) {
        length--;
    }
    char *copy = mem_strndup(from, length);
    xmlFree(text);
    return copy;
}

char *xml_text(xmlNode *parent, const char *path)
{
    xmlNode *node = xml_find(parent, path);
    return node != NULL ? take(xmlNodeGetContent(node)) : NULL;
}

char *xml_attribute(xmlNode *node, const char *name)
{
    for (xmlAttr *at = node != NULL ? node->properties : NULL; at != NULL; at = at->next) {
        if (strcmp((const char *)at->name, name) == 0) {
            return take(xmlNodeListGetString(node->doc, at->children, 1));
        }
    }
    return NULL;
}

bool xml_number(xmlNode *parent, const char *path, double *value)
{
    AUTO_FREE char *text = xml_text(parent, path);
    return text != NULL && str_to_double(text, value);
}

bool xml_integer(xmlNode *parent, const char *path, int *value)
{
    AUTO_FREE char *text = xml_text(parent, path);
    long long number;
    if (text == NULL || !str_to_int(text, &number) || number < INT_MIN || number > INT_MAX) {
        return false;
    }
    *value = (int)number;
    return true;
}

void xml_escape(struct str *out, const char *text)
{
    static const char *const escapes[256] = {
        ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&apos;"};
    for (; *text != '\0'; text++) {
        const char *escape = escapes[(unsigned char)*text];
        if (escape != NULL) {
            str_add(out, escape);
        } else if ((unsigned char)*text >= 0x20) { /* others have no place in XML 1.0 */
            str_add_char(out, *text);
        }
    }
}
