// sources: kernel/lib/radix.c
// Radix trees against an array of pairs, with every node allocation failed in turn, and with
// readers that hold no lock.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>

#include <kerr.h>
#include <lib/radix.h>

static long nodes; // alive
static long fail_after = -1;
static struct radix_node *freed; // kept until nobody reads, as RCU would

static struct radix_node *node_alloc(void)
{
    if (fail_after == 0)
        return NULL;
    if (fail_after > 0)
        fail_after--;
    nodes++;
    struct radix_node *n = malloc(sizeof(*n));
    memset(n, 0x5a, sizeof(*n));
    return n;
}

static void node_free(struct radix_node *n)
{
    nodes--;
    n->free_link[0] = freed;
    freed = n;
}

static void node_reap(void)
{
    while (freed) {
        struct radix_node *n = freed;
        freed = n->free_link[0];
        free(n);
    }
}

static const struct radix_ops ops = {node_alloc, node_free};

enum { PAIRS = 400 };
static struct pair {
    uint64_t index;
    void *item;
} pairs[PAIRS];
static size_t count;

static size_t find(uint64_t index) // first pair at or after
{
    size_t i = 0;

    while (i < count && pairs[i].index < index)
        i++;
    return i;
}

static uint64_t random_index(void)
{
    uint64_t r = (uint64_t)rand() << 40 ^ (uint64_t)rand() << 20 ^ (uint64_t)rand();
    switch (rand() % 6) {
    case 0:
        return r % 70;
    case 1:
        return r % 5000;
    case 2:
        return (UINT64_C(1) << (r % 64)) - (r >> 32) % 2;
    case 3:
        return UINT64_MAX - r % 100;
    case 4:
        return (r % 3) << 36 | (r >> 8) % 130;
    default:
        return r % 10 << (r >> 16) % 60;
    }
}

static void *item(void)
{
    return (void *)(((uintptr_t)rand() + 1) * 4 | (uintptr_t)(rand() % 2)); // bit 0 is the user's
}

static void check_all(struct radix *r)
{
    uint64_t at = 0;
    size_t i = 0;

    for (void *p; (p = radix_next(r, &at)); i++) {
        assert_true(i < count);
        assert_int_equal(at, pairs[i].index);
        assert_ptr_equal(p, pairs[i].item);
        assert_ptr_equal(radix_lookup(r, at), p);
        if (at++ == UINT64_MAX) {
            i++;
            break;
        }
    }
    assert_int_equal(i, count);
    assert_int_equal(radix_empty(r), count == 0);
}

static void model_insert(uint64_t index, void *p)
{
    size_t at = find(index);

    memmove(pairs + at + 1, pairs + at, (count++ - at) * sizeof(pairs[0]));
    pairs[at] = (struct pair){index, p};
}

static void test_random(void **state)
{
    (void)state;
    struct radix r;

    radix_init(&r, &ops);
    srand(4);
    count = 0;
    for (int round = 0; round < 30000; round++) {
        bool grow = round / 3000 % 2 == 0;
        uint64_t index = count && rand() % 3 ? pairs[(size_t)rand() % count].index : random_index();
        size_t at = find(index);
        bool have = at < count && pairs[at].index == index;
        void *p = item();
        switch (rand() % (grow ? 4 : 6)) {
        case 0:
            if (count == PAIRS)
                break;
            [[fallthrough]];
        case 1:
            if (count == PAIRS)
                break;
            assert_int_equal(radix_insert(&r, index, p), have ? -E_EXIST : 0);
            if (!have)
                model_insert(index, p);
            break;
        case 2:
            assert_ptr_equal(radix_replace(&r, index, p), have ? pairs[at].item : NULL);
            if (have)
                pairs[at].item = p;
            break;
        case 3: {
            uint64_t next = index + (uint64_t)(rand() % 3) - 1;
            size_t want = find(next);
            uint64_t seen = next;
            assert_ptr_equal(radix_next(&r, &seen), want < count ? pairs[want].item : NULL);
            assert_int_equal(seen, want < count ? pairs[want].index : next);
            assert_ptr_equal(radix_lookup(&r, index), have ? pairs[at].item : NULL);
            void *run[9];
            uint32_t n = radix_lookup_run(&r, index, 9, run), in_node = 64 - index % 64;
            assert_int_equal(n > 0, have);
            for (uint32_t k = 0; k < n; k++)
                assert_ptr_equal(run[k], radix_lookup(&r, index + k));
            if (n && n < 9 && n < in_node)
                assert_null(radix_lookup(&r, index + n));
            break;
        }
        default:
            assert_ptr_equal(radix_erase(&r, index), have ? pairs[at].item : NULL);
            if (have)
                memmove(pairs + at, pairs + at + 1, (--count - at) * sizeof(pairs[0]));
        }
        if (round % 16 == 0)
            check_all(&r);
        if (round % 512 == 0)
            node_reap();
    }
    while (count) {
        size_t at = (size_t)rand() % count;
        assert_ptr_equal(radix_erase(&r, pairs[at].index), pairs[at].item);
        memmove(pairs + at, pairs + at + 1, (--count - at) * sizeof(pairs[0]));
    }
    check_all(&r);
    assert_int_equal(nodes, 0);
    node_reap();
}

static void test_one_item_needs_no_node(void **state)
{
    (void)state;
    struct radix r;
    int x = 0;

    radix_init(&r, &ops);
    fail_after = 0;
    assert_int_equal(radix_insert(&r, 0, &x), 0);
    assert_int_equal(radix_insert(&r, 0, &x), -E_EXIST);
    assert_int_equal(radix_insert(&r, 1, &x), -E_NOMEM);
    assert_ptr_equal(radix_lookup(&r, 0), &x);
    assert_null(radix_lookup(&r, 64));
    assert_ptr_equal(radix_erase(&r, 0), &x);
    assert_null(radix_erase(&r, 0));
    fail_after = -1;
    assert_int_equal(nodes, 0);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    struct radix r;

    radix_init(&r, &ops);
    srand(5);
    count = 0;
    for (int round = 0; round < 1500 && count < PAIRS; round++) {
        uint64_t index = random_index();
        size_t at = find(index);
        if (at < count && pairs[at].index == index)
            continue;
        void *p = item();
        long before = nodes, fails = 0;
        for (;; fails++) { // the first, the second, ... allocation fails, until all succeed
            fail_after = fails;
            int err = radix_insert(&r, index, p);
            bool used_all = fail_after == 0;
            fail_after = -1;
            if (!err) {
                assert_int_equal(nodes - before, fails); // exactly as many as were needed
                break;
            }
            assert_int_equal(err, -E_NOMEM);
            assert_true(used_all);
            assert_int_equal(nodes, before);
            assert_null(radix_lookup(&r, index));
        }
        model_insert(index, p);
        if (round % 8 == 0)
            check_all(&r);
        if (count > 60 && round % 64 == 0) {
            while (count > 5) {
                count--;
                radix_erase(&r, pairs[count].index);
            }
            node_reap();
        }
    }
    radix_clear(&r, NULL, NULL);
    assert_true(radix_empty(&r));
    assert_int_equal(nodes, 0);
    node_reap();
}

static size_t dropped;

static void drop(uint64_t index, void *p, void *arg)
{
    assert_ptr_equal(arg, &dropped);
    assert_int_equal(index, pairs[dropped].index);
    assert_ptr_equal(p, pairs[dropped].item);
    dropped++;
}

static void test_clear(void **state)
{
    (void)state;
    struct radix r;

    radix_init(&r, &ops);
    srand(6);
    for (int total = 0; total < 60; total++) {
        for (count = 0; count < (size_t)total;) {
            uint64_t index = total == 1 ? 0 : random_index();
            void *p = item();
            if (!radix_insert(&r, index, p))
                model_insert(index, p);
        }
        dropped = 0;
        radix_clear(&r, drop, &dropped);
        assert_int_equal(dropped, count);
        assert_int_equal(nodes, 0);
        node_reap();
    }
}

// One thread inserts and erases odd indexes; readers must always find all even ones.
static struct radix shared;
static _Atomic bool stop;
static char even_items[64][4] __attribute__((aligned(16)));

static uint64_t spread(unsigned i)
{
    return i < 32 ? i : (uint64_t)i << (i % 40);
}

static void *read_all(void *arg)
{
    (void)arg;
    while (!stop) {
        for (unsigned i = 0; i < 64; i += 2)
            assert_ptr_equal(radix_lookup(&shared, spread(i)), even_items[i]);
        uint64_t at = 0;
        unsigned seen = 0;
        for (void *p; (p = radix_next(&shared, &at)); at++)
            seen += ((char(*)[4])p - even_items) % 2 == 0;
        assert_int_equal(seen, 32);
    }
    return NULL;
}

static void test_readers_without_lock(void **state)
{
    (void)state;
    pthread_t threads[2];

    radix_init(&shared, &ops);
    for (unsigned i = 0; i < 64; i += 2)
        assert_int_equal(radix_insert(&shared, spread(i), even_items[i]), 0);
    for (int t = 0; t < 2; t++)
        pthread_create(&threads[t], NULL, read_all, NULL);
    for (int round = 0; round < 600; round++) {
        for (unsigned i = 1; i < 64; i += 2)
            assert_int_equal(radix_insert(&shared,
                                          spread(i) + UINT64_C(0x100'0000'0000'0000) * (i % 3 == 0),
                                          even_items[i]),
                             0);
        for (unsigned i = 1; i < 64; i += 2)
            assert_ptr_equal(
                radix_erase(&shared, spread(i) + UINT64_C(0x100'0000'0000'0000) * (i % 3 == 0)),
                even_items[i]);
    }
    stop = true;
    for (int t = 0; t < 2; t++)
        pthread_join(threads[t], NULL);
    radix_clear(&shared, NULL, NULL);
    assert_int_equal(nodes, 0);
    node_reap();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_one_item_needs_no_node),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_clear),
        cmocka_unit_test(test_readers_without_lock),
    };
    return cmocka_run_group_tests_name("radix", tests, NULL, NULL);
}
