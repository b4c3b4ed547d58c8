/* The table of keys for people and for editors. Any thread. */
#ifndef CORVETTE_CONFIG_REFERENCE_H
#define CORVETTE_CONFIG_REFERENCE_H

#include "base/str.h"

/* docs/configuration.md, appended. */
void config_reference_markdown(struct str *out);
/* JSON Schema (draft 7), appended, with a newline at the end. */
void config_reference_schema(struct str *out);

#endif
