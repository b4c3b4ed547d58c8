#include "../cmocka_all.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "link/soap.h"

/* The example of ONVIF's Application Programmer's Guide, section 6.1.1.3. */
static void test_password_digest(void **state)
{
    AUTO_STR struct str nonce = {0}, digest = {0};
    assert_true(str_add_from_base64(&nonce, "LKqI6G/AikKCQrN0zqZFlg=="));
    soap_password_digest(nonce.data, nonce.length, "2010-09-16T07:50:45Z", "userpassword", &digest);
    assert_string_equal(str_text(&digest), "tuOSpGlFlIXsozq4HFNeeGeFLEI=");
}

/* The envelope says what the digest is of, by the device's clock, and each time anew. */
static void test_envelope(void **state)
{
    struct soap soap = {
        .user = "a&b", .password = "secret<", .clock_offset_us = -(int64_t)3600 * 1000000};
    char *nonces[2];
    for (int i = 0; i < 2; i++) {
        AUTO_STR struct str text = {0}, nonce = {0}, digest = {0};
        soap_envelope(&soap, true, "<Do xmlns=\"urn:x\"/>", &text);
        struct err err = ERR_NONE;
        AUTO_XML xmlDoc *doc = xml_parse(str_text(&text), text.length, &err);
        assert_non_null(doc);
        xmlNode *token = xml_find(xml_root(doc), "Header/Security/UsernameToken");
        AUTO_FREE char *user = xml_text(token, "Username");
        AUTO_FREE char *created = xml_text(token, "Created");
        AUTO_FREE char *password = xml_text(token, "Password");
        nonces[i] = xml_text(token, "Nonce");
        assert_string_equal(user, "a&b");
        assert_true(str_add_from_base64(&nonce, nonces[i]));
        assert_int_equal(nonce.length, 16);
        soap_password_digest(nonce.data, nonce.length, created, "secret<", &digest);
        assert_string_equal(password, str_text(&digest));
        struct tm tm = {0};
        assert_non_null(strptime(created, "%Y-%m-%dT%H:%M:%SZ", &tm));
        long off = (long)timegm(&tm) - (long)(wall_now().us / 1000000) + 3600;
        assert_in_range(off + 5, 0, 10);
        assert_true(xml_is(xml_first(xml_find(xml_root(doc), "Body")), "Do"));
    }
    assert_string_not_equal(nonces[0], nonces[1]);
    free(nonces[0]);
    free(nonces[1]);
}

static void test_envelope_without_login(void **state)
{
    struct soap nobody = {.password = ""}, somebody = {.user = "a", .password = "b"};
    AUTO_STR struct str first = {0}, second = {0};
    soap_envelope(&nobody, true, "<Do/>", &first);
    soap_envelope(&somebody, false, "<Do/>", &second);
    assert_string_equal(str_text(&first), str_text(&second));
    assert_null(strstr(str_text(&first), "Header"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_password_digest),
        cmocka_unit_test(test_envelope),
        cmocka_unit_test(test_envelope_without_login),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
