/* Which events are being sent to Frigate+ right now, so that nobody sends one twice, and which
 * pictures were sent whose event does not say so yet because a later step failed: trying again goes
 * on from there. Any thread. */
#ifndef CORVETTE_LINK_PLUS_CLAIMS_H
#define CORVETTE_LINK_PLUS_CLAIMS_H

#include <stdbool.h>

struct plus_claims;

#define PLUS_CLAIMS_MAX 64 /* the oldest remembered picture goes first */

struct plus_claims *plus_claims_create(void);
void plus_claims_destroy(struct plus_claims *claims); /* NULL is fine */

/* False: somebody else has it, or too many are under way. Otherwise it is the caller's until
 * plus_claim_end(), and *image_id is what was sent before (malloc'd) or NULL. */
bool plus_claim(struct plus_claims *claims, const char *event_id, char **image_id);
/* `image_id`: sent, but not recorded with the event; NULL: nothing to remember. */
void plus_claim_end(struct plus_claims *claims, const char *event_id, const char *image_id);

#endif
