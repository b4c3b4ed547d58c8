#include "../cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#include "link/plus_claims.h"

static void test_one_at_a_time(void **state)
{
    struct plus_claims *claims = plus_claims_create();
    char *image = NULL, *other = NULL;
    assert_true(plus_claim(claims, "a", &image));
    assert_null(image);
    assert_false(plus_claim(claims, "a", &other));
    assert_true(plus_claim(claims, "b", &other));
    plus_claim_end(claims, "a", NULL);
    assert_true(plus_claim(claims, "a", &image));
    assert_null(image);
    plus_claim_end(claims, "a", NULL);
    plus_claim_end(claims, "b", NULL);
    plus_claims_destroy(claims);
}

static void test_remembered(void **state)
{
    struct plus_claims *claims = plus_claims_create();
    char *image = NULL;
    assert_true(plus_claim(claims, "a", &image));
    plus_claim_end(claims, "a", "image");
    assert_true(plus_claim(claims, "a", &image));
    assert_string_equal(image, "image");
    free(image);
    plus_claim_end(claims, "a", NULL);
    assert_true(plus_claim(claims, "a", &image));
    assert_null(image);
    plus_claims_destroy(claims);
}

/* What is remembered gives way, the oldest first; what is under way does not. */
static void test_full(void **state)
{
    struct plus_claims *claims = plus_claims_create();
    char name[16], *image = NULL;
    for (int i = 0; i < PLUS_CLAIMS_MAX; i++) {
        snprintf(name, sizeof name, "e%d", i);
        assert_true(plus_claim(claims, name, &image));
    }
    assert_false(plus_claim(claims, "more", &image));
    plus_claim_end(claims, "e7", "seven");
    plus_claim_end(claims, "e3", "three");
    assert_true(plus_claim(claims, "more", &image)); /* instead of e7 */
    assert_null(image);
    assert_true(plus_claim(claims, "e3", &image));
    assert_string_equal(image, "three");
    free(image);
    assert_false(plus_claim(claims, "e7", &image));
    plus_claims_destroy(claims);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_at_a_time),
        cmocka_unit_test(test_remembered),
        cmocka_unit_test(test_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
