// Tests of slabs and kmalloc that hold in both variants: included by slab_test.c (release) and
// slab_debug_test.c.
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>

#include "host/host.h"

#include <kerr.h>
#include <lib/random.h>
#include <mem/slab.h>
#include <sync/preempt.h>

#define BASE 0x80000000ull
#define MIB (1ull << 20)
#define CHECK(x)                                                                                   \
    do {                                                                                           \
        if (!(x)) {                                                                                \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);                                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)
#define ISOLATED(name)                                                                             \
    static void name(void);                                                                        \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        assert_true(host_isolated(name));                                                          \
    }                                                                                              \
    static void name(void)

static void start(u64 mib)
{
    host_ram_init(BASE, mib * MIB);
    frame_add_ram(BASE, mib * MIB);
    frame_init();
}

// A cache of one size and alignment: objects are apart, aligned, and all come back.
static void exercise(usize size, usize align)
{
    enum { HELD = 600 };
    static u8 *held[HELD];
    u64 before = frame_free_count();
    struct slab_cache *c = slab_create("exercise", size, align, NULL);
    usize count = MIN((usize)HELD, (4 * MIB) / size);
    u64 seed = size * 31 + align;

    CHECK(c);
    for (int round = 0; round < 4000; round++) {
        usize i = xorshift64(&seed) % count;
        if (held[i]) {
            for (usize k = 0; k < size; k += MAX(1ul, size / 16))
                CHECK(held[i][k] == (u8)i);
            CHECK(held[i][size - 1] == (u8)i);
            slab_free(c, held[i]);
            held[i] = NULL;
        } else {
            bool zero = round % 3 == 0;
            held[i] = slab_alloc(c, zero ? ALLOC_ZERO : 0);
            CHECK(held[i] && (uintptr_t)held[i] % MAX(align, 8ul) == 0);
            for (usize k = 0; zero && k < size; k++)
                CHECK(held[i][k] == 0);
            memset(held[i], (u8)i, size);
        }
    }
    usize in_use = 0;
    for (usize i = 0; i < count; i++)
        in_use += held[i] != NULL;
    struct slab_info info = {0};
    usize at = 0;
    while (slab_info(at, &info) && strcmp(info.name, "exercise") != 0)
        at++;
    CHECK(info.in_use == in_use && info.size == size && info.objects >= in_use);
    for (usize i = 0; i < count; i++)
        if (held[i]) {
            slab_free(c, held[i]);
            held[i] = NULL;
        }
    CHECK(slab_info(at, &info) && info.in_use == 0);
    CHECK(info.slabs * info.pages_per_slab <= 64); // most went back by themselves
    slab_destroy(c);
    while (slab_info(0, &info))
        CHECK(strcmp(info.name, "exercise") != 0 && false);
    struct frame_stats s;
    frame_stats(&s);
    CHECK(before - frame_free_count() <= 1); // the page of records stays
    CHECK(s.slab == 1);
}

ISOLATED(sizes)
{
    start(32);
    for (usize size = 1; size <= 16384; size += size < 40 ? 1 : size / 3)
        exercise(size, 0);
    exercise(16384, 0);
    for (usize align = 8; align <= 4096; align *= 2) {
        exercise(24, align);
        exercise(align, align);
        exercise(5000, align);
    }
}

static u32 constructed;

static void ctor(void *p)
{
    constructed++;
    memset(p, 0x77, 40);
}

ISOLATED(constructor)
{
    static u8 *held[500];

    start(16);
    struct slab_cache *c = slab_create("ctor", 40, 8, ctor);
    for (int round = 0; round < 4; round++) {
        for (usize i = 0; i < 500; i++) {
            held[i] = slab_alloc(c, 0);
            for (usize k = 0; k < 40; k++)
                CHECK(held[i][k] == 0x77);
            held[i][5] = (u8)i;
        }
        for (usize i = 0; i < 500; i++) {
            CHECK(held[i][5] == (u8)i);
            held[i][5] = 0x77;
            slab_free(c, held[i]);
        }
    }
    CHECK(constructed >= 500);
    slab_destroy(c);
}

ISOLATED(kmalloc_sizes)
{
    start(64);
    for (usize size = 0; size <= 4 * MIB; size += size < 2200 ? 1 : size / 2) {
        u8 *p = kmalloc(size, 0), *q = kzalloc(size, 0);
        CHECK(p && q && p != q && (uintptr_t)p % 16 == 0 && (uintptr_t)q % 16 == 0);
        CHECK(kmalloc_usable(p) >= size);
        CHECK(size < 128 ||
              kmalloc_usable(p) <= (size <= 2048 ? size * 3 / 2 : MAX(size * 2, 4096ul)));
        for (usize k = 0; k < size; k += MAX(1ul, size / 1000))
            CHECK(q[k] == 0);
        memset(p, 1, size);
        memset(q, 2, size);
        CHECK(!size || (p[0] == 1 && p[size - 1] == 1));
        kfree(p);
        kfree(q);
    }
    CHECK(!kmalloc(4 * MIB + 1, 0));
    CHECK(!kmalloc(SIZE_MAX, 0));
    CHECK(!kmalloc_array(SIZE_MAX / 2, 3, 0));
    CHECK(!kmalloc_array(1ul << 32, 1ul << 32, 0));
    void *a = kmalloc_array(100, 24, 0);
    CHECK(a && kmalloc_usable(a) >= 2400);
    kfree(a);
    kfree(NULL);
}

ISOLATED(reallocation)
{
    u64 seed = 99;
    u8 *p = NULL;
    usize have = 0;

    start(64);
    for (int round = 0; round < 3000; round++) {
        usize want = 1 + xorshift64(&seed) % (round % 50 ? 3000 : 300000);
        u8 *q = krealloc(p, have, want, round % 2 ? ALLOC_ZERO : 0);
        CHECK(q);
        for (usize k = 0; k < MIN(have, want); k++)
            CHECK(q[k] == (u8)(k * 3));
        for (usize k = have; round % 2 && k < want; k++)
            CHECK(q[k] == 0);
        for (usize k = 0; k < want; k++)
            q[k] = (u8)(k * 3);
        p = q;
        have = want;
    }
    frame_fail_after(1);
    CHECK(!krealloc(p, have, 1 << 20, 0));
    CHECK(p[have - 1] == (u8)((have - 1) * 3));
    kfree(p);
}

struct thing {
    u64 a, b, c;
};
DEFINE_SLAB(thing_slab, struct thing);

// Fails each allocation that an operation makes, in turn, until it succeeds; nothing may leak on
// the way.
ISOLATED(each_allocation_failed)
{
    start(16);
    u64 before = frame_free_count();
    // In this order each step finds what the one before left: the record's page, the slab's frame
    // with the record made just before, the same with the record there, the object itself.
    static const u64 steps[] = {1, 3, 2, 1};
    for (u32 i = 0; i < ARRAY_LEN(steps); i++) {
        frame_fail_after(steps[i]);
        CHECK(!slab_def_alloc(&thing_slab, 0));
        frame_fail_after(1);
        CHECK(!page_alloc(0)); // it was the last allocation that failed, no more and no less
    }
    struct thing *t = slab_def_alloc(&thing_slab, 0);
    CHECK(t);
    CHECK(before - frame_free_count() <= 2);
    slab_def_free(&thing_slab, t);

    void *p = NULL;
    for (u64 n = 1; !p; n++) {
        frame_fail_after(n);
        p = kzalloc(100, 0);
        frame_fail_after(0);
    }
    kfree(p);
    p = NULL;
    for (u64 n = 1; !p; n++) {
        frame_fail_after(n);
        p = kmalloc(100000, 0);
        frame_fail_after(0);
    }
    kfree(p);
    struct slab_cache *c = NULL;
    for (u64 n = 1; !c; n++) {
        frame_fail_after(n);
        c = slab_create("x", 8, 0, NULL);
        frame_fail_after(0);
    }
    slab_destroy(c);
}

ISOLATED(out_of_memory_and_back)
{
    enum { MANY = 200000 };
    static void *all[MANY];
    u32 n = 0;

    start(8);
    u64 before = frame_free_count();
    while (n < MANY && (all[n] = kmalloc(64 + n % 3 * 500, n % 2 ? ALLOC_ATOMIC : 0)))
        n++;
    CHECK(n > 5000 && n < MANY);
    kfree(kmalloc(5000, ALLOC_ATOMIC)); // may or may not fit
    for (u32 i = 0; i < n; i++) {       // out of order
        kfree(all[(u64)i * 7919 % n]);
        all[(u64)i * 7919 % n] = NULL;
    }
    for (u32 i = 0; i < n; i++)
        kfree(all[i]);
    slab_shrink(UINT64_MAX);
    CHECK(before - frame_free_count() <= 1); // the page of records
}

// Objects freed on another CPU than the one that allocated them.
enum { BOX = 256 };
static void *_Atomic box[BOX];
static struct slab_cache *shared;

static void *worker(void *arg)
{
    u32 id = (u32)(uintptr_t)arg;
    u64 seed = id + 77;

    host_cpu_become(id);
    for (int round = 0; round < 40000; round++) {
        u64 r = xorshift64(&seed);
        u64 *fresh = r & 1 ? slab_alloc(shared, 0) : kmalloc(48, ALLOC_ZERO);
        CHECK(fresh);
        fresh[1] = (u64)(uintptr_t)fresh;
        fresh[2] = r & 1;
        u64 *old = atomic_exchange(&box[r >> 8 & (BOX - 1)], fresh);
        if (!old)
            continue;
        CHECK(old[1] == (u64)(uintptr_t)old);
        old[1] = 0;
        if (old[2])
            slab_free(shared, old);
        else
            kfree(old);
    }
    return NULL;
}

ISOLATED(many_cpus)
{
    pthread_t threads[4];

    start(16);
    shared = slab_create("shared", 72, 8, NULL);
    for (uintptr_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, worker, (void *)i);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    host_cpu_become(0);
    for (u32 i = 0; i < BOX; i++) {
        u64 *p = box[i];
        if (p && p[2])
            slab_free(shared, p);
        else
            kfree(p);
    }
    struct slab_info info;
    for (usize i = 0; slab_info(i, &info); i++)
        CHECK(info.in_use == 0);
    slab_destroy(shared);
}

static void *first_user(void *arg)
{
    host_cpu_become((u32)(uintptr_t)arg);
    return slab_def_alloc(&thing_slab, 0);
}

ISOLATED(lazy_cache_made_once)
{
    pthread_t threads[4];
    struct slab_info info;
    usize n = 0;

    start(16);
    for (uintptr_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, first_user, (void *)i);
    for (int i = 0; i < 4; i++) {
        void *p;
        pthread_join(threads[i], &p);
        CHECK(p);
    }
    while (slab_info(n, &info))
        n++;
    CHECK(n == 1);
}

static void destroy_in_use(void)
{
    start(8);
    struct slab_cache *c = slab_create("busy", 32, 0, NULL);
    void *p = slab_alloc(c, 0);
    (void)p;
    slab_destroy(c);
}

static void free_twice_in_a_row(void)
{
    start(8);
    void *p = kmalloc(32, 0);
    kfree(p);
    kfree(p);
}

static void kfree_of_middle(void)
{
    start(8);
    u8 *p = kmalloc(8192, 0);
    kfree(p + 32);
}

static void kfree_twice_large(void)
{
    start(8);
    u8 *p = kmalloc(8192, 0);
    kfree(p);
    kfree(p);
}

static void bad_size(void)
{
    start(8);
    struct slab_cache *c = slab_create("bad", 0, 0, NULL);
    (void)c;
}

static void test_panics(void **state)
{
    (void)state;
    assert_true(host_panics(destroy_in_use, "1 objects in use"));
    assert_true(host_panics(free_twice_in_a_row, "freed twice"));
    assert_true(host_panics(kfree_of_middle, "not from kmalloc"));
    assert_true(host_panics(kfree_twice_large, "no reference"));
    assert_true(host_panics(bad_size, "assertion failed"));
}

#define SLAB_CASES                                                                                 \
    cmocka_unit_test(test_sizes), cmocka_unit_test(test_constructor),                              \
        cmocka_unit_test(test_kmalloc_sizes), cmocka_unit_test(test_reallocation),                 \
        cmocka_unit_test(test_each_allocation_failed),                                             \
        cmocka_unit_test(test_out_of_memory_and_back), cmocka_unit_test(test_many_cpus),           \
        cmocka_unit_test(test_lazy_cache_made_once), cmocka_unit_test(test_panics)
