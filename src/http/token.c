#include "http/token.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jout.h"
#include "base/log.h"
#include "base/mem.h"

#define SIGNATURE_BYTES 32

/* Base64 with '-' and '_' and without padding (RFC 4648, section 5). */
static void add_base64url(struct str *out, const void *data, size_t length)
{
    AUTO_STR struct str plain = {0};
    str_add_base64(&plain, data, length);
    for (const char *p = str_text(&plain); *p != '\0' && *p != '='; p++) {
        str_add_char(out, *p == '+' ? '-' : *p == '/' ? '_' : *p);
    }
}

static bool add_from_base64url(struct str *out, const char *text, size_t length)
{
    AUTO_STR struct str plain = {0};
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '+' || text[i] == '/' || text[i] == '=') {
            return false;
        }
        str_add_char(&plain, text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i]);
    }
    while (plain.length % 4 != 0) {
        str_add_char(&plain, '=');
    }
    return str_add_from_base64(out, str_text(&plain));
}

static void sign(const char *secret, const char *text, size_t length,
                 unsigned char signature[static SIGNATURE_BYTES])
{
    int result =
        gnutls_hmac_fast(GNUTLS_MAC_SHA256, secret, strlen(secret), text, length, signature);
    if (result < 0) {
        log_write(LOG_CRITICAL, "HMAC: %s", gnutls_strerror(result));
        abort();
    }
}

void token_make(const char *secret, const char *user, int64_t exp, struct str *out)
{
    static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    AUTO_STR struct str claims = {0}, text = {0};
    struct jout json = {.out = &claims};
    jout_begin_object(&json);
    jout_put_int(&json, "exp", exp);
    jout_put_string(&json, "sub", user);
    jout_end_object(&json);
    add_base64url(&text, header, strlen(header));
    str_add_char(&text, '.');
    add_base64url(&text, claims.data, claims.length);
    unsigned char signature[SIGNATURE_BYTES];
    sign(secret, text.data, text.length, signature);
    str_add_char(&text, '.');
    add_base64url(&text, signature, sizeof signature);
    str_add(out, str_text(&text));
}

static json_t *read_json(const char *text, size_t length)
{
    AUTO_STR struct str plain = {0};
    return add_from_base64url(&plain, text, length)
               ? json_loadb(str_text(&plain), plain.length, 0, NULL)
               : NULL;
}

static bool is_signed(const char *secret, const char *text, const char *header_end,
                      const char *claims_end)
{
    AUTO_STR struct str given = {0};
    unsigned char signature[SIGNATURE_BYTES];
    json_t *header = read_json(text, (size_t)(header_end - text));
    const char *method = json_string_value(json_object_get(header, "alg"));
    bool ours = method != NULL && strcmp(method, "HS256") == 0;
    json_decref(header);
    if (!ours || !add_from_base64url(&given, claims_end + 1, strlen(claims_end + 1)) ||
        given.length != SIGNATURE_BYTES) {
        return false;
    }
    sign(secret, text, (size_t)(claims_end - text), signature);
    return gnutls_memcmp(signature, given.data, SIGNATURE_BYTES) == 0;
}

int token_read(const char *secret, const char *text, int64_t now, struct token *token)
{
    const char *header_end = strnlen(text, TOKEN_MAX) < TOKEN_MAX ? strchr(text, '.') : NULL;
    const char *claims_end = header_end != NULL ? strchr(header_end + 1, '.') : NULL;
    if (claims_end == NULL || !is_signed(secret, text, header_end, claims_end)) {
        return -EACCES;
    }
    json_t *claims = read_json(header_end + 1, (size_t)(claims_end - header_end - 1));
    const char *user = json_string_value(json_object_get(claims, "sub"));
    const json_t *exp = json_object_get(claims, "exp");
    bool good = user != NULL && json_is_integer(exp) && json_integer_value(exp) > now;
    if (good) {
        *token = (struct token){.user = mem_strdup(user), .exp = json_integer_value(exp)};
    }
    json_decref(claims);
    return good ? 0 : -EACCES;
}

void token_finish(struct token *token)
{
    free(token->user);
    token->user = NULL;
}
