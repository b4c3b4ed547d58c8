#include "link/soap.h"

#include <errno.h>
#include <libavutil/mem.h>
#include <libavutil/sha.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/mem.h"

#define CONNECT_MS 3000
#define CALL_MS 6000
/* The longest known answer, the profiles of a camera with many of them, has some 100 KB. */
#define ANSWER_MAX ((size_t)1 << 20)

#define SECURITY "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"

void soap_answer_finish(struct soap_answer *answer)
{
    xml_free(&answer->doc);
    answer->body = NULL;
}

void soap_password_digest(const void *nonce, size_t nonce_length, const char *created,
                          const char *password, struct str *out)
{
    uint8_t digest[20];
    struct AVSHA *sha = av_sha_alloc();
    if (sha == NULL) {
        abort(); /* out of memory */
    }
    av_sha_init(sha, 160);
    av_sha_update(sha, nonce, nonce_length);
    av_sha_update(sha, (const uint8_t *)created, strlen(created));
    av_sha_update(sha, (const uint8_t *)password, strlen(password));
    av_sha_final(sha, digest);
    av_free(sha);
    str_add_base64(out, digest, sizeof digest);
}

static void add_security(const struct soap *soap, struct str *out)
{
    uint8_t nonce[16];
    if (getrandom(nonce, sizeof nonce, 0) != sizeof nonce) {
        abort(); /* cannot happen for so few bytes */
    }
    time_t now = (time_t)((wall_now().us + soap->clock_offset_us) / 1000000);
    struct tm tm;
    char created[32];
    strftime(created, sizeof created, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
    str_add(out, "<s:Header><wsse:Security s:mustUnderstand=\"1\" xmlns:wsse=\"" SECURITY
                 "wssecurity-secext-1.0.xsd\" xmlns:wsu=\"" SECURITY
                 "wssecurity-utility-1.0.xsd\"><wsse:UsernameToken><wsse:Username>");
    xml_escape(out, soap->user);
    str_add(out, "</wsse:Username><wsse:Password Type=\"" SECURITY
                 "username-token-profile-1.0#PasswordDigest\">");
    soap_password_digest(nonce, sizeof nonce, created, soap->password, out);
    str_add(out, "</wsse:Password><wsse:Nonce EncodingType=\"" SECURITY
                 "soap-message-security-1.0#Base64Binary\">");
    str_add_base64(out, nonce, sizeof nonce);
    str_addf(out,
             "</wsse:Nonce><wsu:Created>%s</wsu:Created></wsse:UsernameToken></wsse:Security>"
             "</s:Header>",
             created);
}

void soap_envelope(const struct soap *soap, bool login, const char *content, struct str *out)
{
    str_add(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>"
                 "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\">");
    if (login && soap->user != NULL) {
        add_security(soap, out);
    }
    str_addf(out, "<s:Body>%s</s:Body></s:Envelope>", content);
}

/* Each time with a nonce of its own: a device may remember those it has seen. */
static int post(struct soap *soap, const char *url, const char *action, bool login, bool digest,
                const char *content, struct web_answer *answer, struct err *err)
{
    AUTO_STR struct str envelope = {0};
    soap_envelope(soap, login, content, &envelope);
    AUTO_FREE char *type =
        mem_printf("Content-Type: application/soap+xml; charset=utf-8; action=\"%s\"", action);
    const char *headers[] = {type, NULL};
    int64_t left_ms = (soap->deadline.us - mono_now().us) / 1000;
    struct web_request request = {
        .method = "POST",
        .url = url,
        .headers = headers,
        .body = str_text(&envelope),
        .body_length = envelope.length,
        .login = digest ? WEB_LOGIN_DIGEST : WEB_LOGIN_NONE,
        .user = soap->user,
        .password = soap->password,
        .connect_ms = CONNECT_MS,
        .total_ms = (int)(left_ms < CALL_MS ? left_ms : CALL_MS),
        .answer_max = ANSWER_MAX,
    };
    return web_exchange(soap->web, &request, answer, err);
}

/* ---- faults ---- */

/* The innermost subcode, without its prefix: NotAuthorized, InvalidArgVal. SOAP 1.1: faultcode. */
static char *fault_code(xmlNode *fault)
{
    char *code = NULL;
    for (xmlNode *at = xml_find(fault, "Code"); at != NULL; at = xml_find(at, "Subcode")) {
        char *deeper = xml_text(at, "Value");
        if (deeper != NULL) {
            free(code);
            code = deeper;
        }
    }
    if (code == NULL) {
        code = xml_text(fault, "faultcode");
    }
    const char *colon = code != NULL ? strrchr(code, ':') : NULL;
    if (colon != NULL) {
        memmove(code, colon + 1, strlen(colon + 1) + 1);
    }
    return code;
}

static bool is_login_fault(const char *code)
{
    static const char *const codes[] = {"NotAuthorized", "FailedAuthentication", "InvalidSecurity",
                                        "InvalidSecurityToken", "SecurityTokenUnavailable"};
    for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
        if (code != NULL && strcasecmp(code, codes[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int explain_fault(xmlNode *fault, struct err *err)
{
    AUTO_FREE char *code = fault_code(fault);
    AUTO_FREE char *reason = xml_text(fault, "Reason/Text");
    if (reason == NULL) {
        reason = xml_text(fault, "faultstring");
    }
    bool login = is_login_fault(code);
    return err_set(err, login ? EACCES : EREMOTEIO, "%s (%s%s%.200s)",
                   login ? "the login is refused" : "the request is refused",
                   code != NULL ? code : "no code", reason != NULL ? ": " : "",
                   reason != NULL ? reason : "");
}

/* The statuses of HTTP that need no reading of the body. */
static int explain_status(int status, struct err *err)
{
    if (status == 401 || status == 403) {
        return err_set(err, EACCES, "the login is refused (HTTP status %d)", status);
    }
    if (status >= 300 && status < 400) {
        return err_set(err, EREMOTEIO,
                       "it sends us elsewhere (HTTP status %d), which is not followed", status);
    }
    return err_set(err, EREMOTEIO, "HTTP status %d", status);
}

static int read_answer(const struct web_answer *web, struct soap_answer *answer, struct err *err)
{
    if (web->status >= 300 && web->status < 400) {
        return explain_status(web->status, err);
    }
    struct err broken = ERR_NONE;
    answer->doc = xml_parse(str_text(&web->body), web->body.length, &broken);
    xmlNode *root = xml_root(answer->doc);
    xmlNode *body = xml_is(root, "Envelope") ? xml_find(root, "Body") : NULL;
    answer->body = xml_first(body);
    if (xml_is(answer->body, "Fault")) {
        return explain_fault(answer->body, err);
    }
    if (web->status != 200) {
        return explain_status(web->status, err);
    }
    if (answer->doc == NULL) {
        return err_set(err, EBADMSG, "%s", broken.text);
    }
    return answer->body != NULL ? 0 : err_set(err, EBADMSG, "the answer is not SOAP");
}

int soap_call(struct soap *soap, const char *url, const char *action, bool login,
              const char *content, struct soap_answer *answer, struct err *err)
{
    AUTO_WEB_ANSWER struct web_answer web = {0};
    soap_answer_finish(answer);
    login = login && soap->user != NULL;
    bool digest = login && soap->http_digest;
    int result = post(soap, url, action, login, digest, content, &web, err);
    if (result == 0 && login && web.wants_digest && !digest) {
        soap->http_digest = true;
        result = post(soap, url, action, login, true, content, &web, err);
    }
    if (result == 0) {
        result = read_answer(&web, answer, err);
    }
    if (result < 0) {
        soap_answer_finish(answer);
    }
    return result;
}
