#include <math.h>

#include "../cmocka_all.h"
#include "track/kalman.h"

/* The contract's filter for one coordinate as it is written there, per picture. */
struct per_picture {
    double pos, vel, p, c, v;
};

static void reference_update(struct per_picture *f, double measured)
{
    const double r = 3.4, q = 0.1;
    f->pos += f->vel;
    double s = f->p + 2 * f->c + f->v + q + r;
    double k = r / s, g = (f->c + f->v) / s, error = measured - f->pos;
    f->pos += (1 - k) * error;
    f->vel += g * error;
    f->p = (1 - k) * r;
    f->c = g * r;
    f->v += q - g * g * s;
}

static void test_is_the_contract_at_5_fps(void **state)
{
    struct per_picture reference = {.pos = 100, .p = 10, .v = 1};
    struct kalman kalman;
    kalman_init(&kalman, &(struct extent){100, 100, 200, 200});
    for (int i = 1; i < 60; i++) {
        float x = 100 + 7 * (float)i + (float)(i * 37 % 11) - 5;
        reference_update(&reference, (double)x);
        kalman_update(&kalman, &(struct extent){x, 100, x + 100, 200}, 0.2);
        assert_float_equal(kalman.axis[0].position, reference.pos, 0.02);
        assert_float_equal(kalman.axis[0].velocity / 5, reference.vel, 0.02);
        assert_float_equal(kalman.axis[0].var_position, reference.p, 0.02);
    }
}

/* 50 px/s seen at irregular times: the velocity must come out right, the prediction too. */
static void test_irregular_times(void **state)
{
    const double steps[] = {0.2, 0.1, 0.5, 0.2, 0.9, 0.05, 0.2, 0.3, 0.2, 1.0, 0.2, 0.2};
    struct kalman kalman;
    kalman_init(&kalman, &(struct extent){0, 0, 40, 80});
    double time = 0;
    for (unsigned i = 0; i < 36; i++) {
        time += steps[i % 12];
        float x = (float)(50 * time);
        kalman_update(&kalman, &(struct extent){x, 0, x + 40, 80}, steps[i % 12]);
    }
    float vx, vy;
    kalman_velocity(&kalman, &vx, &vy);
    assert_float_equal(vx, 50, 0.5);
    assert_float_equal(vy, 0, 0.1);
    struct extent later = kalman_predict(&kalman, 0.4);
    assert_float_equal(later.x1, 50 * (time + 0.4), 1);
}

static void test_stays_finite(void **state)
{
    struct kalman kalman;
    kalman_init(&kalman, &(struct extent){0, 0, 1, 1});
    const double steps[] = {0, -1, 1e-9, 0.2, 1e4, 0, 0.2};
    for (unsigned i = 0; i < 700; i++) {
        float x = i % 2 ? 4000 : 0;
        kalman_update(&kalman, &(struct extent){x, 0, x + 1, 1}, steps[i % 7]);
        for (unsigned j = 0; j < 4; j++) {
            assert_true(isfinite(kalman.axis[j].position));
            assert_true(isfinite(kalman.axis[j].velocity));
            assert_true(kalman.axis[j].var_position >= 0);
            assert_true(kalman.axis[j].var_velocity >= 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_the_contract_at_5_fps),
        cmocka_unit_test(test_irregular_times),
        cmocka_unit_test(test_stays_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
