/* What sessions are signed with, found where Frigate looks for it: the environment variable
 * FRIGATE_JWT_SECRET, a file of that name in /run/secrets, jwt_secret of a Home Assistant add-on's
 * options, .jwt_secret beside the configuration. The last is made when there is none; where the
 * configuration lies on a file system that cannot be written, in the data folder. */
#ifndef CORVETTE_HTTP_AUTH_SECRET_H
#define CORVETTE_HTTP_AUTH_SECRET_H

#include "base/err.h"

struct auth_places { /* where to look; for tests */
    const char *variable, *secrets_dir, *options_file;
};
extern const struct auth_places auth_places;

/* malloc'd; NULL with a sentence when there is none and none can be kept. */
char *auth_secret(const struct auth_places *places, const char *config_path, const char *data_dir,
                  struct err *err);

#endif
