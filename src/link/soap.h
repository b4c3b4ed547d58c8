/* SOAP 1.2 calls as ONVIF devices want them: WS-Security UsernameToken with a digest, HTTP digest
 * when the device asks for that, faults as sentences. One thread at a time. */
#ifndef CORVETTE_LINK_SOAP_H
#define CORVETTE_LINK_SOAP_H

#include <stdint.h>

#include "base/clock.h"
#include "link/web.h"
#include "link/xml.h"

/* Who speaks to which device. Texts belong to the caller. */
struct soap {
    struct web *web;
    const char *user, *password; /* NULL: no login */
    int64_t clock_offset_us;     /* added to our clock in what the device gets to see */
    bool http_digest;            /* the device asked for it before; set by soap_call() */
    struct mono deadline;        /* no call lasts beyond it */
};

/* The first element inside the answer's body. Free `doc` with xml_free(). */
struct soap_answer {
    xmlDoc *doc;
    xmlNode *body;
};
void soap_answer_finish(struct soap_answer *answer);
#define AUTO_SOAP_ANSWER __attribute__((cleanup(soap_answer_finish)))

/* Base64(SHA-1(nonce + created + password)): WS-Security UsernameToken Profile 1.0, section 3.1. */
void soap_password_digest(const void *nonce, size_t nonce_length, const char *created,
                          const char *password, struct str *out);

/* The envelope around `content`; with a security header when there is a user and `login` is set. */
void soap_envelope(const struct soap *soap, bool login, const char *content, struct str *out);

/* Calls `action` (a URI) at `url`. 0 and the answer, which has a body; or -errno with a sentence:
 * -EACCES the device refuses the login, -EREMOTEIO it answers with a fault, others as
 * web_exchange(), -EBADMSG when the answer makes no sense. */
int soap_call(struct soap *soap, const char *url, const char *action, bool login,
              const char *content, struct soap_answer *answer, struct err *err);

#endif
