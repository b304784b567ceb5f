// sources: kernel/lib/idmap.c kernel/lib/bitmap.c
// Small-integer maps against arrays of bool, with every allocation failed in turn.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <kerr.h>
#include <lib/idmap.h>

enum { IDS = 20000 };
static bool model[IDS];
static size_t alive; // bytes
static bool no_memory;

static void *get(size_t n)
{
    if (no_memory)
        return NULL;
    alive += n;
    void *p = malloc(n);
    memset(p, 0x5a, n);
    return p;
}

static void put(void *p, size_t n)
{
    alive -= n;
    free(p);
}

static const struct idmap_ops ops = {get, put};

static long model_alloc(long start, long end)
{
    for (; start < end; start++)
        if (!model[start])
            return start;
    return -E_NOSPC;
}

static void test_random(void **state)
{
    (void)state;
    struct idmap m;
    size_t count = 0;

    srand(8);
    idmap_init(&m, &ops);
    for (int round = 0; round < 60000; round++) {
        unsigned limit = round < 2000 ? 60 : round < 20000 ? 700 : IDS - 1;
        unsigned a = (unsigned)rand() % limit, b = (unsigned)rand() % (limit + 1);
        if (rand() % 2)
            a = 0;
        if (rand() % 2)
            b = limit;
        long want = model_alloc(a, b);
        switch (rand() % 6) {
        case 0:
        case 1:
        case 2: // a whole run, so that words fill up
            for (int n = round % 100 == 0 ? 300 : 1; n--;) {
                want = model_alloc(a, b);
                assert_int_equal(idmap_alloc(&m, a, b), want);
                if (want >= 0) {
                    model[want] = true;
                    count++;
                }
            }
            break;
        case 3:
            assert_int_equal(idmap_take(&m, a), model[a] ? -E_EXIST : 0);
            count += !model[a];
            model[a] = true;
            break;
        default: {
            for (int n = round % 500 == 0 ? 400 : 1; n--;) {
                a = (unsigned)rand() % limit;
                assert_int_equal(idmap_free(&m, a), model[a]);
                count -= model[a];
                model[a] = false;
            }
        }
        }
        assert_int_equal(m.count, count);
        unsigned from = (unsigned)rand() % limit, next = from;
        while (next < IDS && !model[next])
            next++;
        assert_int_equal(idmap_next(&m, from), next < IDS ? next : IDMAP_MAX);
        assert_int_equal(idmap_test(&m, from), model[from]);
    }
    struct idmap copy;
    idmap_init(&copy, &ops);
    no_memory = true;
    assert_int_equal(idmap_copy(&copy, &m), -E_NOMEM);
    assert_int_equal(copy.count, 0);
    no_memory = false;
    assert_int_equal(idmap_copy(&copy, &m), 0);
    assert_int_equal(copy.count, count);
    for (unsigned i = 0; i < IDS; i++)
        assert_int_equal(idmap_test(&copy, i), model[i]);
    for (int n = 0; n < 300; n++) {
        long want = model_alloc(0, IDS);
        assert_int_equal(idmap_alloc(&copy, 0, IDS), want);
        if (want >= 0)
            model[want] = true;
    }
    idmap_destroy(&copy);
    idmap_destroy(&m);
    assert_int_equal(m.count, 0);
    assert_int_equal(alive, 0);
}

static void test_small_needs_no_memory(void **state)
{
    (void)state;
    struct idmap m, copy;

    no_memory = true;
    idmap_init(&m, &ops);
    for (int i = 0; i < 64; i++)
        assert_int_equal(idmap_alloc(&m, 0, IDMAP_MAX), i);
    assert_int_equal(idmap_alloc(&m, 0, 64), -E_NOSPC);
    assert_int_equal(idmap_alloc(&m, 0, IDMAP_MAX), -E_NOMEM);
    assert_int_equal(idmap_take(&m, 1000), -E_NOMEM);
    assert_int_equal(m.count, 64);
    assert_true(idmap_free(&m, 40));
    assert_int_equal(idmap_alloc(&m, 3, IDMAP_MAX), 40);
    idmap_init(&copy, &ops);
    assert_int_equal(idmap_copy(&copy, &m), 0);
    assert_int_equal(copy.count, 64);
    idmap_destroy(&copy);
    idmap_destroy(&m);
    no_memory = false;
}

static void test_growth_failing(void **state)
{
    (void)state;
    struct idmap m;

    idmap_init(&m, &ops);
    for (int i = 0; i < 5000; i++) {
        no_memory = true; // each growth fails first
        long id = idmap_alloc(&m, 0, IDMAP_MAX);
        no_memory = false;
        if (id == -E_NOMEM)
            id = idmap_alloc(&m, 0, IDMAP_MAX);
        assert_int_equal(id, i);
    }
    idmap_destroy(&m);
    assert_int_equal(alive, 0);
}

static void test_limits(void **state)
{
    (void)state;
    struct idmap m;

    idmap_init(&m, &ops);
    assert_int_equal(idmap_alloc(&m, 5, 5), -E_NOSPC);
    assert_int_equal(idmap_alloc(&m, IDMAP_MAX, UINT32_MAX), -E_NOSPC);
    assert_int_equal(idmap_take(&m, IDMAP_MAX), -E_NOSPC);
    assert_int_equal(idmap_take(&m, 4'000'000), 0);
    assert_int_equal(idmap_next(&m, 0), 4'000'000);
    assert_int_equal(idmap_alloc(&m, 4'000'000, IDMAP_MAX), 4'000'001);
    idmap_for_each(id, &m) assert_true(id == 4'000'000 || id == 4'000'001);
    idmap_destroy(&m);
    assert_int_equal(alive, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_small_needs_no_memory),
        cmocka_unit_test(test_growth_failing),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests_name("idmap", tests, NULL, NULL);
}
