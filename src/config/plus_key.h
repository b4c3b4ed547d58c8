/* The key to Frigate+: from the environment, a file of the secrets folder, or the options of Home
 * Assistant's add-on, the first that has one. */
#ifndef CORVETTE_CONFIG_PLUS_KEY_H
#define CORVETTE_CONFIG_PLUS_KEY_H

#include "config/arena.h"
#include "config/config.h"

/* `secrets_folder`: may hold a file PLUS_API_KEY; `options_path`: JSON with plus_api_key. The key
 * in the arena's memory, or NULL; one that is not of the right form (an id, a colon and forty
 * letters or digits) counts as none, with a warning that does not show it. */
char *cfg_plus_key(struct cfg_arena *arena, struct cfg_issues *issues, const char *secrets_folder,
                   const char *options_path);

#endif
