/* Answers that are kept to be given again. An answer made of rows stays right until one of the
 * tables it was made of changes (store/changes.h), and costs nothing but sending as long. What is
 * kept is the response as it goes onto the wire, compressed or not.
 *
 * Bounded: the answer unused for longest goes first. When one has to be made anew and several ask
 * for it, one of them makes it and the others wait. Any thread. */
#ifndef CORVETTE_HTTP_ANSWERS_H
#define CORVETTE_HTTP_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct MHD_Connection;
struct MHD_Response;
struct answer;
struct answers;
struct board_entry;
struct store;

#define ANSWERS_BYTES_MAX (32u << 20)
#define ANSWERS_COUNT_MAX 1024

/* Counts in the scoreboard entry. Both must outlive it. */
struct answers *answers_create(struct store *store, struct board_entry *entry);
void answers_destroy(struct answers *answers);

/* One request's use of them; begins zeroed. */
struct answers_use {
    uint64_t moment;       /* of the store, before the answer is made; 0 = do not keep */
    struct answer *making; /* others wait for it */
};

/* Answers with what was answered to `key`, if that still holds: true, and what libmicrohttpd said
 * to it. False: make it, and say so by answers_keep() or answers_give_up(). */
bool answers_reply(struct answers *answers, const char *key, struct MHD_Connection *connection,
                   struct answers_use *use, int *result);

/* Keeps what was made of these tables for at most `keep_ms`. Takes the caller's reference over. */
void answers_keep(struct answers *answers, const char *key, struct answers_use *use,
                  struct MHD_Response *response, size_t bytes, uint32_t tables, int64_t keep_ms);
/* It is not one to be kept, or there is none. */
void answers_give_up(struct answers *answers, struct answers_use *use);

#endif
