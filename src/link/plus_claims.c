#include "link/plus_claims.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct claim {
    char *event_id; /* NULL: free */
    char *image_id; /* or NULL */
    bool busy;
    uint64_t age; /* of what is remembered: smaller is older */
};

struct plus_claims {
    pthread_mutex_t lock;
    struct claim claims[PLUS_CLAIMS_MAX];
    uint64_t now;
};

struct plus_claims *plus_claims_create(void)
{
    struct plus_claims *claims = mem_alloc(sizeof *claims);
    pthread_mutex_init(&claims->lock, NULL);
    return claims;
}

static void clear(struct claim *claim)
{
    free(claim->event_id);
    free(claim->image_id);
    *claim = (struct claim){0};
}

void plus_claims_destroy(struct plus_claims *claims)
{
    if (claims == NULL) {
        return;
    }
    for (size_t i = 0; i < PLUS_CLAIMS_MAX; i++) {
        clear(&claims->claims[i]);
    }
    pthread_mutex_destroy(&claims->lock);
    free(claims);
}

static struct claim *find(struct plus_claims *claims, const char *event_id)
{
    for (size_t i = 0; i < PLUS_CLAIMS_MAX; i++) {
        struct claim *claim = &claims->claims[i];
        if (claim->event_id != NULL && strcmp(claim->event_id, event_id) == 0) {
            return claim;
        }
    }
    return NULL;
}

/* A free one, else the oldest that nobody works on; NULL when all are busy. */
static struct claim *make_room(struct plus_claims *claims)
{
    struct claim *best = NULL;
    for (size_t i = 0; i < PLUS_CLAIMS_MAX; i++) {
        struct claim *claim = &claims->claims[i];
        if (claim->event_id == NULL) {
            return claim;
        }
        if (!claim->busy && (best == NULL || claim->age < best->age)) {
            best = claim;
        }
    }
    if (best != NULL) {
        clear(best);
    }
    return best;
}

bool plus_claim(struct plus_claims *claims, const char *event_id, char **image_id)
{
    pthread_mutex_lock(&claims->lock);
    struct claim *claim = find(claims, event_id);
    bool mine = claim == NULL || !claim->busy;
    if (claim == NULL) {
        claim = make_room(claims);
        mine = claim != NULL;
        if (mine) {
            claim->event_id = mem_strdup(event_id);
        }
    }
    if (mine) {
        claim->busy = true;
        *image_id = claim->image_id;
        claim->image_id = NULL;
    }
    pthread_mutex_unlock(&claims->lock);
    return mine;
}

void plus_claim_end(struct plus_claims *claims, const char *event_id, const char *image_id)
{
    pthread_mutex_lock(&claims->lock);
    struct claim *claim = find(claims, event_id);
    if (image_id == NULL) {
        clear(claim);
    } else {
        claim->image_id = mem_strdup(image_id);
        claim->busy = false;
        claim->age = claims->now++;
    }
    pthread_mutex_unlock(&claims->lock);
}
