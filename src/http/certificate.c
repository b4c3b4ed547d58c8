#include "http/certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#define FILE_MAX (1u << 20)
#define YEARS 10
#define SECONDS_OF_YEAR 31557600

/* Everything a certificate needs that is signed by itself. Returns a GnuTLS code. */
static int fill(gnutls_x509_crt_t certificate, gnutls_x509_privkey_t key)
{
    static const char name[] = "corvette";
    unsigned char serial[16];
    time_t now = time(NULL);
    int result = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof serial);
    serial[0] &= 0x7f; /* positive */
    const int steps[] = {
        gnutls_x509_crt_set_version(certificate, 3),
        gnutls_x509_crt_set_serial(certificate, serial, sizeof serial),
        gnutls_x509_crt_set_activation_time(certificate, now - 86400),
        gnutls_x509_crt_set_expiration_time(certificate, now + (time_t)YEARS * SECONDS_OF_YEAR),
        gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                      (unsigned)strlen(name)),
        gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_DNSNAME, name,
                                             (unsigned)strlen(name), GNUTLS_FSAN_SET),
        gnutls_x509_crt_set_basic_constraints(certificate, 0, -1),
        gnutls_x509_crt_set_key(certificate, key),
        gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA256, 0),
    };
    for (size_t i = 0; i < ARRAY_SIZE(steps) && result >= 0; i++) {
        result = steps[i];
    }
    return result;
}

static void add_datum(struct str *out, gnutls_datum_t *datum)
{
    str_add_bytes(out, datum->data, datum->size);
    gnutls_free(datum->data);
    datum->data = NULL;
}

static int make(struct certificate *made)
{
    gnutls_x509_privkey_t key = NULL;
    gnutls_x509_crt_t certificate = NULL;
    gnutls_datum_t text = {0};
    int result = gnutls_x509_privkey_init(&key);
    if (result >= 0) {
        result = gnutls_x509_crt_init(&certificate);
    }
    if (result >= 0) {
        result = gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                              GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
    }
    if (result >= 0) {
        result = fill(certificate, key);
    }
    if (result >= 0 &&
        (result = gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &text)) >= 0) {
        add_datum(&made->key, &text);
        result = gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &text);
    }
    if (result >= 0) {
        add_datum(&made->chain, &text);
    }
    gnutls_x509_crt_deinit(certificate);
    gnutls_x509_privkey_deinit(key);
    return result;
}

/* The key is for the owner only. */
static int keep(const char *path, const struct str *text, mode_t mode)
{
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0) {
        return -errno;
    }
    int result = file_write_all(fd, text->data, text->length);
    return result == 0 && fsync(fd) != 0 ? -errno : result;
}

static int make_and_keep(const char *chain, const char *key, struct certificate *certificate,
                         struct err *err)
{
    int result = make(certificate);
    if (result < 0) {
        return err_set(err, EIO, "no certificate can be made: %s", gnutls_strerror(result));
    }
    result = file_make_parent_dirs(key);
    if (result == 0) {
        result = keep(key, &certificate->key, 0600);
    }
    if (result == 0) {
        result = keep(chain, &certificate->chain, 0644);
    }
    if (result < 0) {
        return err_set(err, -result, "the certificate cannot be kept in %s: %s", chain,
                       err_name(result));
    }
    log_info("made a certificate signed by itself: %s", chain);
    return 0;
}

int certificate_load(const char *dir, struct certificate *certificate, struct err *err)
{
    AUTO_FREE char *chain = mem_printf("%s/fullchain.pem", dir);
    AUTO_FREE char *key = mem_printf("%s/privkey.pem", dir);
    int chain_result = str_read_file(&certificate->chain, chain, FILE_MAX);
    int key_result = str_read_file(&certificate->key, key, FILE_MAX);
    if (chain_result == -ENOENT && key_result == -ENOENT) {
        return make_and_keep(chain, key, certificate, err);
    }
    int result = chain_result < 0 ? chain_result : key_result;
    return result < 0 ? err_set(err, -result, "%s cannot be read: %s",
                                chain_result < 0 ? chain : key, err_name(result))
                      : 0;
}

void certificate_finish(struct certificate *certificate)
{
    if (certificate->key.data != NULL) {
        gnutls_memset(certificate->key.data, 0, certificate->key.length);
    }
    str_finish(&certificate->key);
    str_finish(&certificate->chain);
}
