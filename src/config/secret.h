/* What must not be shown to everyone who may read the configuration. */
#ifndef CORVETTE_CONFIG_SECRET_H
#define CORVETTE_CONFIG_SECRET_H

#include <stdbool.h>

/* Whether a key or variable of this name holds a secret: password, token, api_key, ... */
bool cfg_looks_secret(const char *name);

#endif
