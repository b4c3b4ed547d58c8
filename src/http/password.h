/* Passwords as Frigate keeps them: "pbkdf2_sha256$<rounds>$<salt, 32 hex digits>$<base64 of 32
 * bytes>"; the salt counts as its text. Both calls take as long as the rounds say (600000: some
 * tenths of a second). */
#ifndef CORVETTE_HTTP_PASSWORD_H
#define CORVETTE_HTTP_PASSWORD_H

#include <stdbool.h>

#include "base/str.h"

#define PASSWORD_MAX 1024            /* bytes; nobody types more */
#define PASSWORD_ROUNDS_MAX 10000000 /* a hash of a database that asks for more is not checked */

/* The hash with a new salt, appended. */
void password_hash(const char *password, unsigned rounds, struct str *out);
/* Whether a password is the hash's; in the same time whether or not it is. False for a hash that
 * is none. */
bool password_fits(const char *password, const char *hash);
/* 32 hex digits of the kernel's random source. */
void password_random(char text[static 33]);

#endif
