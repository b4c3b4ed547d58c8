#include <math.h>
#include <stdlib.h>

#include "../cmocka_all.h"
#include "base/cleanup.h"
#include "base/mem.h"
#include "track/assign.h"

#define MAX 7

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static double value_of(const float *cost, size_t rows, size_t columns, float gate, const int *match)
{
    double sum = 0;
    for (size_t i = 0; i < rows; i++) {
        sum += match[i] >= 0 ? (double)cost[i * columns + (size_t)match[i]] - (double)gate : 0;
    }
    return sum;
}

/* Every way there is. */
static double best_of_all(const float *cost, size_t rows, size_t columns, float gate, size_t row,
                          unsigned used)
{
    if (row == rows) {
        return 0;
    }
    double best = best_of_all(cost, rows, columns, gate, row + 1, used);
    for (size_t j = 0; j < columns; j++) {
        float c = cost[row * columns + j];
        if ((used >> j & 1) == 0 && c < gate) {
            double with = (double)c - (double)gate +
                          best_of_all(cost, rows, columns, gate, row + 1, used | 1u << j);
            best = with < best ? with : best;
        }
    }
    return best;
}

static void check_valid(const float *cost, size_t rows, size_t columns, float gate,
                        const int *match)
{
    unsigned used = 0;
    for (size_t i = 0; i < rows; i++) {
        if (match[i] < 0) {
            continue;
        }
        assert_true((size_t)match[i] < columns);
        assert_true((used >> match[i] & 1) == 0);
        used |= 1u << match[i];
        assert_true(cost[i * columns + (size_t)match[i]] < gate);
    }
}

static void test_equals_brute_force(void **state)
{
    uint32_t random = 12345;
    for (unsigned round = 0; round < 3000; round++) {
        size_t rows = next_random(&random) % (MAX + 1), columns = next_random(&random) % (MAX + 1);
        float gate = (float)(next_random(&random) % 100) / 10;
        float cost[MAX * MAX];
        for (size_t i = 0; i < rows * columns; i++) {
            uint32_t kind = next_random(&random) % 10;
            float c = (float)(next_random(&random) % 1000) / 100;
            cost[i] = kind == 0 ? INFINITY : kind == 1 ? NAN : kind == 2 ? roundf(c) : c;
        }
        int match[MAX];
        AUTO_FREE void *work = mem_alloc(assign_work_bytes(MAX, MAX));
        assign_solve(cost, rows, columns, gate, match, work);
        check_valid(cost, rows, columns, gate, match);
        double ours = value_of(cost, rows, columns, gate, match);
        double best = best_of_all(cost, rows, columns, gate, 0, 0);
        assert_true(fabs(ours - best) < 1e-4);
    }
}

/* Greedy would take the 0.1 pair and leave the rest with 2.4. */
static void test_beats_greedy(void **state)
{
    const float cost[] = {0.1f, 0.2f, 0.2f, 2.4f};
    int match[2];
    AUTO_FREE void *work = mem_alloc(assign_work_bytes(2, 2));
    assign_solve(cost, 2, 2, 2.5f, match, work);
    assert_int_equal(match[0], 1);
    assert_int_equal(match[1], 0);
}

static void test_all_forbidden(void **state)
{
    const float cost[] = {3, INFINITY, NAN, 2.5f, 9, 9};
    int match[3];
    AUTO_FREE void *work = mem_alloc(assign_work_bytes(3, 2));
    assign_solve(cost, 3, 2, 2.5f, match, work);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(match[i], -1);
    }
}

static void test_large_diagonal(void **state)
{
    enum { SIDE = 120 };
    AUTO_FREE float *cost = mem_array(SIDE * SIDE, sizeof *cost);
    for (size_t i = 0; i < SIDE; i++) {
        for (size_t j = 0; j < SIDE; j++) {
            cost[i * SIDE + j] = fabsf((float)i - (float)(SIDE - 1 - j)) * 0.01f;
        }
    }
    int match[SIDE];
    AUTO_FREE void *work = mem_alloc(assign_work_bytes(SIDE, SIDE));
    assign_solve(cost, SIDE, SIDE, 2.5f, match, work);
    for (int i = 0; i < SIDE; i++) {
        assert_int_equal(match[i], SIDE - 1 - i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_brute_force),
        cmocka_unit_test(test_beats_greedy),
        cmocka_unit_test(test_all_forbidden),
        cmocka_unit_test(test_large_diagonal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
