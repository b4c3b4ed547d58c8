/* Which pictures of a camera are worth a place in its preview. Pure. */
#ifndef CORVETTE_SERVER_PREVIEW_RULE_H
#define CORVETTE_SERVER_PREVIEW_RULE_H

#include <stdbool.h>

#include "ipc/messages.h"

struct preview_rule {
    bool begun;
    double last; /* time of the last one taken */
};

/* Contract, pipeline section 14: while something moves or an active object is there, one a second,
 * two with an active car; one in 30 seconds else; the first always. Remembers when it says yes. */
bool preview_rule_takes(struct preview_rule *rule, const struct msg_frame *frame);

#endif
