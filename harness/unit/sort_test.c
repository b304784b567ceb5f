// sources: kernel/lib/sort.c
// Heap sort against the host's qsort, for many sizes of element.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <lib/sort.h>

static int compare(const void *a, const void *b, void *arg)
{
    return memcmp(a, b, *(const size_t *)arg);
}

static size_t width;

static int host_compare(const void *a, const void *b)
{
    return memcmp(a, b, width);
}

static void test_sort(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 2, 4, 7, 8, 16, 24, 33};

    srand(10);
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
        for (size_t n = 0; n < 200; n += n < 20 ? 1 : 37)
            for (int kind = 0; kind < 4; kind++) {
                unsigned char *a = malloc(n * sizes[s] + 1), *b = malloc(n * sizes[s] + 1);
                for (size_t i = 0; i < n * sizes[s]; i++)
                    a[i] = (unsigned char)(kind == 0   ? rand()
                                           : kind == 1 ? rand() % 2
                                           : kind == 2 ? (int)i
                                                       : -(int)i);
                memcpy(b, a, n * sizes[s]);
                width = sizes[s];
                sort(a, n, width, compare, &width);
                qsort(b, n, width, host_compare);
                assert_memory_equal(a, b, n * width);
                free(a);
                free(b);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sort)};
    return cmocka_run_group_tests_name("sort", tests, NULL, NULL);
}
