/* Sessions: JSON web tokens signed with HMAC-SHA256, {"exp":...,"sub":...}. */
#ifndef CORVETTE_HTTP_TOKEN_H
#define CORVETTE_HTTP_TOKEN_H

#include <stdint.h>

#include "base/str.h"

#define TOKEN_MAX 4096 /* bytes; longer ones are none of ours */

struct token {
    char *user;  /* malloc'd */
    int64_t exp; /* seconds since the epoch */
};

/* Appended. */
void token_make(const char *secret, const char *user, int64_t exp, struct str *out);
/* 0 when it was signed with the secret and is still good at `now`; -EACCES otherwise. */
int token_read(const char *secret, const char *text, int64_t now, struct token *token);
void token_finish(struct token *token);
#define AUTO_TOKEN __attribute__((cleanup(token_finish)))

#endif
