// sources: kernel/lib/bitmap.c
// Bitmaps against arrays of bool.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <lib/bitmap.h>

enum { BITS = 300 };
static bool model[BITS];
static BITMAP_DECLARE(map, BITS);

static size_t model_find(size_t bits, size_t from, bool value)
{
    while (from < bits && model[from] != value)
        from++;
    return from < bits ? from : bits;
}

static size_t model_run(size_t bits, size_t from, size_t n)
{
    for (; from + n <= bits; from++) {
        size_t i = 0;
        while (i < n && !model[from + i])
            i++;
        if (i == n)
            return from;
    }
    return bits;
}

static void test_random(void **state)
{
    (void)state;
    srand(7);
    for (int round = 0; round < 40000; round++) {
        size_t a = (size_t)rand() % BITS, n = (size_t)rand() % (BITS - a + 1);
        if (rand() % 2)
            n = MIN(n, 3u);
        switch (rand() % 5) {
        case 0:
            bitmap_set_range(map, a, n);
            memset(model + a, true, n);
            break;
        case 1:
            bitmap_clear_range(map, a, n);
            memset(model + a, false, n);
            break;
        case 2:
            bitmap_set(map, a);
            model[a] = true;
            break;
        case 3:
            bitmap_clear(map, a);
            model[a] = false;
            break;
        default:
            bitmap_assign(map, a, n % 2);
            model[a] = n % 2;
        }
        size_t bits = (size_t)rand() % (BITS + 1), from = (size_t)rand() % (BITS + 10);
        assert_int_equal(bitmap_test(map, a), model[a]);
        assert_int_equal(bitmap_find_set(map, bits, from), model_find(bits, from, true));
        assert_int_equal(bitmap_find_zero(map, bits, from), model_find(bits, from, false));
        size_t run = 1 + (size_t)rand() % 90;
        assert_int_equal(bitmap_find_zero_run(map, bits, from, run), model_run(bits, from, run));
        size_t count = 0, walked = 0;
        for (size_t i = 0; i < bits; i++)
            count += model[i];
        assert_int_equal(bitmap_count(map, bits), count);
        bitmap_for_each_set(bit, map, bits) walked += model[bit] ? 1 : 1000;
        assert_int_equal(walked, count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random)};
    return cmocka_run_group_tests_name("bitmap", tests, NULL, NULL);
}
