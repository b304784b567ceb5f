// sources: kernel/lib/math.c
// Integer mathematics against 128-bit arithmetic of the host.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <lib/checked.h>
#include <lib/math.h>

static u64 random64(void)
{
    u64 v = (u64)rand() << 42 ^ (u64)rand() << 21 ^ (u64)rand();

    v >>= rand() % 64;
    return rand() % 8 ? v : ~v;
}

static void test_muldiv(void **state)
{
    (void)state;
    static const u64 edges[] = {
        0,         1, 2, 3, UINT32_MAX, 1ull << 32, (1ull << 32) + 1, 1ull << 63, UINT64_MAX - 1,
        UINT64_MAX};
    enum { EDGES = sizeof(edges) / sizeof(edges[0]) };

    srand(9);
    for (int round = 0; round < 300000; round++) {
        u64 a = round < 20000 ? edges[rand() % EDGES] : random64(),
            b = rand() % 9 ? random64() : edges[rand() % EDGES];
        u64 c = rand() % 9 ? random64() : edges[rand() % EDGES];
        if (!c)
            c = 1;
        unsigned __int128 want = (unsigned __int128)a * b / c;
        assert_int_equal(muldiv(a, b, c), want > UINT64_MAX ? UINT64_MAX : (u64)want);
        assert_int_equal(mul_high(a, b), (u64)((unsigned __int128)a * b >> 64));
    }
    assert_int_equal(mul_shift(UINT64_MAX, UINT64_MAX, 64), UINT64_MAX - 1);
}

static void test_isqrt(void **state)
{
    (void)state;
    for (u64 x = 0; x < 70000; x++) {
        u64 r = isqrt(x);
        assert_true(r * r <= x && (r + 1) * (r + 1) > x);
    }
    assert_int_equal(isqrt(UINT64_MAX), UINT32_MAX);
    for (int i = 0; i < 100000; i++) {
        u64 r = random64() >> 33;
        assert_int_equal(isqrt(r * r), r);
        if (r)
            assert_int_equal(isqrt(r * r - 1), r - 1);
    }
}

static void test_powers(void **state)
{
    (void)state;
    for (u32 i = 0; i < 64; i++) {
        u64 p = 1ull << i;
        assert_int_equal(ilog2(p), i);
        assert_int_equal(ilog2(p | (p - 1)), i);
        assert_true(is_power_of_2(p));
        assert_int_equal(is_power_of_2(p + 1), i == 0);
        assert_int_equal(roundup_power_of_2(p), p);
        assert_int_equal(order_of(p), i);
        if (i > 1) {
            assert_int_equal(roundup_power_of_2(p - 1), p);
            assert_int_equal(order_of(p - 1), i);
        }
        if (i && i < 63)
            assert_int_equal(order_of(p + 1), i + 1);
    }
    assert_false(is_power_of_2(0));
}

static void test_checked(void **state)
{
    (void)state;
    u64 out;
    u8 small;

    assert_true(checked_add(UINT64_MAX - 1, 1, &out) && out == UINT64_MAX);
    assert_false(checked_add(UINT64_MAX, 1, &out));
    assert_false(checked_sub(1, 2, &out));
    assert_false(checked_mul(1ull << 32, 1ull << 32, &out));
    assert_true(checked_mul(5, 51, &small));
    assert_false(checked_mul(5, 52, &small));
    assert_true(range_fits(10, 5, 15) && !range_fits(10, 6, 15) && !range_fits(16, 0, 15) &&
                range_fits(15, 0, 15));
    assert_false(range_fits(10, UINT64_MAX, UINT64_MAX));
    assert_true(checked_align_up(4097, 4096, &out) && out == 8192);
    assert_true(checked_align_up(0, 4096, &out) && out == 0);
    assert_false(checked_align_up(UINT64_MAX - 5, 4096, &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_muldiv),
        cmocka_unit_test(test_isqrt),
        cmocka_unit_test(test_powers),
        cmocka_unit_test(test_checked),
    };
    return cmocka_run_group_tests_name("math", tests, NULL, NULL);
}
