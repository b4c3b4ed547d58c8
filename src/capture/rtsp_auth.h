/* Basic and Digest authentication (RFC 7617, 7616; MD5, SHA-256 and their -sess forms). Pure, but
 * for the client's nonce. */
#ifndef CORVETTE_CAPTURE_RTSP_AUTH_H
#define CORVETTE_CAPTURE_RTSP_AUTH_H

#include <stdbool.h>

#include "base/str.h"

enum rtsp_auth_kind { RTSP_AUTH_NONE, RTSP_AUTH_BASIC, RTSP_AUTH_DIGEST };

struct rtsp_auth {
    enum rtsp_auth_kind kind;
    char realm[256], nonce[512], opaque[256];
    char algorithm[24]; /* as the server wrote it, "" = not said */
    bool sha256, session, qop, stale;
    unsigned count; /* requests with this nonce */
};

/* A WWW-Authenticate value; kept when it is better than what is there (Digest over Basic, SHA-256
 * over MD5). False when it is of a kind we do not know. */
bool rtsp_auth_challenge(struct rtsp_auth *auth, const char *value);
/* Appends an Authorization header line; nothing without a challenge. */
void rtsp_auth_answer(struct rtsp_auth *auth, const char *user, const char *password,
                      const char *method, const char *uri, struct str *out);

#endif
