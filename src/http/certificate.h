/* The certificate of the encrypted port. */
#ifndef CORVETTE_HTTP_CERTIFICATE_H
#define CORVETTE_HTTP_CERTIFICATE_H

#include "base/err.h"
#include "base/str.h"

struct certificate {
    struct str chain, key; /* PEM */
};

/* Reads DIR/fullchain.pem and DIR/privkey.pem; where neither is there, makes a key and a
 * certificate signed by itself and keeps them there. 0, or -errno with a sentence. */
int certificate_load(const char *dir, struct certificate *certificate, struct err *err);
void certificate_finish(struct certificate *certificate);

#endif
