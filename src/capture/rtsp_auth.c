#include "capture/rtsp_auth.h"

#include <libavutil/md5.h>
#include <libavutil/mem.h>
#include <libavutil/sha.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "capture/rtsp_message.h"

#define HEX_BYTES 65

static bool read_digest(struct rtsp_auth *auth, const char *list)
{
    char qop[64] = "", stale[8] = "";
    *auth = (struct rtsp_auth){.kind = RTSP_AUTH_DIGEST};
    if (!rtsp_parameter(list, ',', "realm", auth->realm, sizeof auth->realm) ||
        !rtsp_parameter(list, ',', "nonce", auth->nonce, sizeof auth->nonce)) {
        return false;
    }
    rtsp_parameter(list, ',', "opaque", auth->opaque, sizeof auth->opaque);
    rtsp_parameter(list, ',', "algorithm", auth->algorithm, sizeof auth->algorithm);
    rtsp_parameter(list, ',', "stale", stale, sizeof stale);
    auth->stale = strcasecmp(stale, "true") == 0;
    if (rtsp_parameter(list, ',', "qop", qop, sizeof qop)) {
        auth->qop = strcasestr(qop, "auth") != NULL;
    }
    const char *algorithm = auth->algorithm;
    auth->sha256 = strncasecmp(algorithm, "SHA-256", 7) == 0;
    auth->session =
        strcasecmp(algorithm + (auth->sha256 ? 7 : 0), auth->sha256 ? "-sess" : "MD5-sess") == 0;
    return algorithm[0] == '\0' || auth->session || strcasecmp(algorithm, "MD5") == 0 ||
           strcasecmp(algorithm, "SHA-256") == 0;
}

bool rtsp_auth_challenge(struct rtsp_auth *auth, const char *value)
{
    struct rtsp_auth offered = {0};
    if (strncasecmp(value, "Digest ", 7) == 0) {
        if (!read_digest(&offered, value + 7)) {
            return false;
        }
    } else if (strncasecmp(value, "Basic", 5) == 0) {
        offered.kind = RTSP_AUTH_BASIC;
    } else {
        return false;
    }
    if (offered.kind > auth->kind ||
        (offered.kind == auth->kind && offered.sha256 && !auth->sha256)) {
        *auth = offered;
    }
    return true;
}

/* Hex of the hash of texts with colons between them. */
static void hash(bool sha256, const char *const *texts, size_t count, char hex[HEX_BYTES])
{
    struct str AUTO_STR joined = {0};
    uint8_t sum[32] = {0};
    size_t bytes = sha256 ? 32 : 16;
    for (size_t i = 0; i < count; i++) {
        str_addf(&joined, "%s%s", i > 0 ? ":" : "", texts[i]);
    }
    if (sha256) {
        struct AVSHA *state = av_sha_alloc();
        if (state == NULL || av_sha_init(state, 256) < 0) {
            abort();
        }
        av_sha_update(state, (const uint8_t *)joined.data, joined.length);
        av_sha_final(state, sum);
        av_free(state);
    } else {
        av_md5_sum(sum, (const uint8_t *)joined.data, joined.length);
    }
    for (size_t i = 0; i < bytes; i++) {
        snprintf(hex + 2 * i, 3, "%02x", sum[i]);
    }
}

#define HASH(auth_, hex_, ...)                                \
    hash((auth_)->sha256, (const char *const[]){__VA_ARGS__}, \
         sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *), hex_)

static void answer_digest(struct rtsp_auth *auth, const char *user, const char *password,
                          const char *method, const char *uri, struct str *out)
{
    char count[12], ours[13], first[HEX_BYTES], second[HEX_BYTES], response[HEX_BYTES];
    snprintf(count, sizeof count, "%08x", ++auth->count);
    str_random6(ours);
    str_random6(ours + 6);
    HASH(auth, first, user, auth->realm, password);
    if (auth->session) {
        char inner[HEX_BYTES];
        memcpy(inner, first, sizeof inner);
        HASH(auth, first, inner, auth->nonce, ours);
    }
    HASH(auth, second, method, uri);
    if (auth->qop) {
        HASH(auth, response, first, auth->nonce, count, ours, "auth", second);
    } else {
        HASH(auth, response, first, auth->nonce, second);
    }
    str_addf(out,
             "Authorization: Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", "
             "response=\"%s\"",
             user, auth->realm, auth->nonce, uri, response);
    if (auth->algorithm[0] != '\0') {
        str_addf(out, ", algorithm=%s", auth->algorithm);
    }
    if (auth->opaque[0] != '\0') {
        str_addf(out, ", opaque=\"%s\"", auth->opaque);
    }
    if (auth->qop) {
        str_addf(out, ", qop=auth, nc=%s", count);
    }
    if (auth->qop || auth->session) {
        str_addf(out, ", cnonce=\"%s\"", ours);
    }
    str_add(out, "\r\n");
}

void rtsp_auth_answer(struct rtsp_auth *auth, const char *user, const char *password,
                      const char *method, const char *uri, struct str *out)
{
    if (auth->kind == RTSP_AUTH_DIGEST) {
        answer_digest(auth, user, password, method, uri, out);
    } else if (auth->kind == RTSP_AUTH_BASIC) {
        char AUTO_FREE *both = mem_printf("%s:%s", user, password);
        str_add(out, "Authorization: Basic ");
        str_add_base64(out, both, strlen(both));
        str_add(out, "\r\n");
    }
}
