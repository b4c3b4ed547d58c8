/* The supervisor: creates what is shared, starts the workers, restarts what dies or hangs, stops
 * everything cleanly. It never decodes anything and never waits for a worker. */
#ifndef CORVETTE_SUPERVISOR_SUPERVISOR_H
#define CORVETTE_SUPERVISOR_SUPERVISOR_H

#include <stdbool.h>

struct supervisor_options {
    const char *config_path;
    const char *data_dir;
    const char *listen;      /* HOST:PORT */
    const char *listen_auth; /* the same, where a login is asked for; "" = nowhere */
};

enum { SUPERVISOR_RESTART = 100 };

/* Runs until told to stop: exit status, or SUPERVISOR_RESTART when the program shall be executed
 * again with the same arguments. */
int supervisor_run(const struct supervisor_options *options);

#endif
