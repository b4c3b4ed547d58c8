#include "http/password.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"

#define METHOD "pbkdf2_sha256$"
#define KEY_BYTES 32

static void must(int result, const char *what)
{
    if (result < 0) { /* no random source, or a library without SHA-256 */
        log_write(LOG_CRITICAL, "%s: %s", what, gnutls_strerror(result));
        abort();
    }
}

static void derive(const char *password, const char *salt, size_t salt_length, unsigned rounds,
                   unsigned char key[static KEY_BYTES])
{
    const gnutls_datum_t secret = {(unsigned char *)password, (unsigned)strlen(password)};
    const gnutls_datum_t with = {(unsigned char *)salt, (unsigned)salt_length};
    must(gnutls_pbkdf2(GNUTLS_MAC_SHA256, &secret, &with, rounds, key, KEY_BYTES), "PBKDF2");
}

void password_random(char text[static 33])
{
    unsigned char bytes[16];
    must(gnutls_rnd(GNUTLS_RND_KEY, bytes, sizeof bytes), "random numbers");
    for (size_t i = 0; i < sizeof bytes; i++) {
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    }
}

void password_hash(const char *password, unsigned rounds, struct str *out)
{
    char salt[33];
    unsigned char key[KEY_BYTES];
    password_random(salt);
    derive(password, salt, strlen(salt), rounds, key);
    str_addf(out, METHOD "%u$%s$", rounds, salt);
    str_add_base64(out, key, sizeof key);
}

bool password_fits(const char *password, const char *hash)
{
    if (!str_starts(hash, METHOD)) {
        return false;
    }
    char *end;
    unsigned long rounds = strtoul(hash + strlen(METHOD), &end, 10);
    const char *salt = end + 1, *dollar = *end == '$' ? strchr(salt, '$') : NULL;
    AUTO_STR struct str wanted = {0};
    if (dollar == NULL || rounds < 1 || rounds > PASSWORD_ROUNDS_MAX ||
        !str_add_from_base64(&wanted, dollar + 1) || wanted.length != KEY_BYTES) {
        return false;
    }
    unsigned char key[KEY_BYTES];
    derive(password, salt, (size_t)(dollar - salt), (unsigned)rounds, key);
    return gnutls_memcmp(key, wanted.data, KEY_BYTES) == 0;
}
