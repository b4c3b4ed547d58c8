#include "http/answers.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ring/board.h"
#include "store/store.h"

#define BUCKETS 512
/* One answer takes at most a quarter of the room. */
#define ONE_MAX (ANSWERS_BYTES_MAX / 4)
/* What an answer costs beside its body and key: response, headers. */
#define OVERHEAD 1024

struct answer {
    char *key;
    uint32_t hash;
    struct MHD_Response *response; /* NULL: it was right once and is being made anew */
    size_t bytes;
    uint32_t tables;
    uint64_t moment;
    int64_t until_us;
    bool making;
    struct answer *chain;         /* in the bucket */
    struct answer *newer, *older; /* by use */
};

struct answers {
    struct store *store;
    struct board_entry *entry;
    pthread_mutex_t lock; /* everything below */
    pthread_cond_t made;
    struct answer *buckets[BUCKETS];
    struct answer *newest, *oldest;
    size_t bytes;
    unsigned count;
};

struct answers *answers_create(struct store *store, struct board_entry *entry)
{
    struct answers *answers = mem_alloc(sizeof *answers);
    answers->store = store;
    answers->entry = entry;
    pthread_mutex_init(&answers->lock, NULL);
    pthread_cond_init(&answers->made, NULL);
    return answers;
}

/* ---- the table; lock held ---- */

static uint32_t hash_of(const char *text)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    }
    return hash;
}

static struct answer **place_of(struct answers *answers, const char *key, uint32_t hash)
{
    struct answer **at = &answers->buckets[hash % BUCKETS];
    while (*at != NULL && ((*at)->hash != hash || strcmp((*at)->key, key) != 0)) {
        at = &(*at)->chain;
    }
    return at;
}

static void leave_order(struct answers *answers, struct answer *answer)
{
    *(answer->newer != NULL ? &answer->newer->older : &answers->newest) = answer->older;
    *(answer->older != NULL ? &answer->older->newer : &answers->oldest) = answer->newer;
    answer->newer = answer->older = NULL;
}

static void become_newest(struct answers *answers, struct answer *answer)
{
    answer->older = answers->newest;
    *(answers->newest != NULL ? &answers->newest->newer : &answers->oldest) = answer;
    answers->newest = answer;
}

static void drop_response(struct answers *answers, struct answer *answer)
{
    if (answer->response != NULL) {
        MHD_destroy_response(answer->response);
        answer->response = NULL;
        answers->bytes -= answer->bytes;
    }
}

static void remove_answer(struct answers *answers, struct answer *answer)
{
    *place_of(answers, answer->key, answer->hash) = answer->chain;
    leave_order(answers, answer);
    drop_response(answers, answer);
    answers->count--;
    free(answer->key);
    free(answer);
}

/* Those being made are somebody's: they stay. */
static void make_room(struct answers *answers, size_t bytes)
{
    struct answer *answer = answers->oldest;
    while (answer != NULL &&
           (answers->bytes + bytes > ANSWERS_BYTES_MAX || answers->count >= ANSWERS_COUNT_MAX)) {
        struct answer *newer = answer->newer;
        if (!answer->making) {
            remove_answer(answers, answer);
        }
        answer = newer;
    }
}

static struct answer *add_answer(struct answers *answers, const char *key)
{
    uint32_t hash = hash_of(key);
    struct answer *answer = mem_alloc(sizeof *answer);
    answer->key = mem_strdup(key);
    answer->hash = hash;
    answer->chain = answers->buckets[hash % BUCKETS];
    answers->buckets[hash % BUCKETS] = answer;
    become_newest(answers, answer);
    answers->count++;
    return answer;
}

void answers_destroy(struct answers *answers)
{
    if (answers == NULL) {
        return;
    }
    while (answers->oldest != NULL) {
        remove_answer(answers, answers->oldest);
    }
    pthread_cond_destroy(&answers->made);
    pthread_mutex_destroy(&answers->lock);
    free(answers);
}

static void count(struct answers *answers)
{
    atomic_store(&answers->entry->server.answers_kept, answers->count);
    atomic_store(&answers->entry->server.answers_bytes, answers->bytes);
}

/* ---- using it ---- */

static bool still_right(const struct answers *answers, const struct answer *answer)
{
    return answer->response != NULL && mono_now().us < answer->until_us &&
           store_unchanged(answers->store, answer->tables, answer->moment);
}

/* Lock held. The answer to a key that nobody is making just now, NULL when there is none; `waited`
 * says that somebody was. */
static struct answer *settled(struct answers *answers, const char *key, bool *waited)
{
    uint32_t hash = hash_of(key);
    struct answer *answer;
    while ((answer = *place_of(answers, key, hash)) != NULL && answer->making) {
        if (*waited) {
            return NULL; /* rather two at once than one after the other */
        }
        while ((answer = *place_of(answers, key, hash)) != NULL && answer->making) {
            pthread_cond_wait(&answers->made, &answers->lock);
        }
        *waited = true;
    }
    return answer;
}

bool answers_reply(struct answers *answers, const char *key, struct MHD_Connection *connection,
                   struct answers_use *use, int *result)
{
    bool waited = false, found = false;
    *use = (struct answers_use){0};
    pthread_mutex_lock(&answers->lock);
    struct answer *answer = settled(answers, key, &waited);
    if (answer != NULL) {
        leave_order(answers, answer);
        become_newest(answers, answer);
        found = still_right(answers, answer);
    }
    if (found) {
        /* With the lock held: the connection's own reference is not there yet. */
        *result = (int)MHD_queue_response(connection, MHD_HTTP_OK, answer->response);
        atomic_fetch_add(&answers->entry->server.answers_again, 1);
    } else if (!waited) {
        if (answer == NULL) {
            make_room(answers, 0);
            answer = add_answer(answers, key);
        }
        drop_response(answers, answer);
        answer->making = true;
        use->making = answer;
    }
    pthread_mutex_unlock(&answers->lock);
    if (!found) {
        use->moment = store_moment(answers->store);
    }
    return found;
}

void answers_give_up(struct answers *answers, struct answers_use *use)
{
    if (use->making == NULL) {
        return;
    }
    pthread_mutex_lock(&answers->lock);
    remove_answer(answers, use->making);
    use->making = NULL;
    count(answers);
    pthread_cond_broadcast(&answers->made);
    pthread_mutex_unlock(&answers->lock);
}

void answers_keep(struct answers *answers, const char *key, struct answers_use *use,
                  struct MHD_Response *response, size_t bytes, uint32_t tables, int64_t keep_ms)
{
    bytes += OVERHEAD + strlen(key);
    if (use->moment == 0 || bytes > ONE_MAX) {
        answers_give_up(answers, use);
        MHD_destroy_response(response);
        return;
    }
    pthread_mutex_lock(&answers->lock);
    make_room(answers, bytes);
    struct answer *answer = use->making;
    if (answer == NULL) {
        answer = *place_of(answers, key, hash_of(key));
        answer = answer != NULL ? answer : add_answer(answers, key);
    }
    if (answer->making && answer != use->making) {
        MHD_destroy_response(response); /* somebody else has promised it */
    } else {
        drop_response(answers, answer);
        answer->response = response;
        answer->bytes = bytes;
        answer->tables = tables;
        answer->moment = use->moment;
        answer->until_us = mono_now().us + keep_ms * 1000;
        answer->making = false;
        answers->bytes += bytes;
    }
    use->making = NULL;
    count(answers);
    pthread_cond_broadcast(&answers->made);
    pthread_mutex_unlock(&answers->lock);
}
