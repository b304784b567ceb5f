// sources: harness/unit/host/mem.c harness/unit/host/host.c harness/unit/host/kpage.c
// The frame allocator over an arena: boot ranges, a random workload against a map of who owns each
// page, reserve, reclaim, failing allocations, several CPUs. Each test runs in a process of its
// own, from untouched static data.
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

#include <lib/random.h>
#include <mem/frame.h>
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

// 64 MiB in three ranges with holes, a reserved image and a reserved boot archive.
static void start(void)
{
    host_ram_init(BASE, 64 * MIB);
    host_ram_forbid(BASE + 20 * MIB, 3 * MIB);
    host_ram_forbid(BASE + 48 * MIB + 8192, 5 * MIB - 8192);
    frame_add_ram(BASE + 53 * MIB, 11 * MIB - 100);
    frame_add_ram(BASE, 20 * MIB);
    frame_add_ram(BASE + 23 * MIB, 20 * MIB);
    frame_add_ram(BASE + 43 * MIB - 12345, 5 * MIB + 12345 + 8192 + 5); // overlaps and touches
    frame_reserve(BASE, 2 * MIB + 1);
    frame_reserve(BASE + 30 * MIB + 100, 4 * MIB);
    frame_reserve(BASE + 31 * MIB, 100);
    frame_reserve(0, 4096);                              // outside
    frame_reserve(BASE + 47 * MIB, 30 * MIB - 24 * MIB); // across a hole
    frame_init();
}

static u64 total_expected(void)
{
    return (20 * MIB + 25 * MIB + 8192 + 11 * MIB - 4096) / PAGE_SIZE;
}

ISOLATED(boot)
{
    start();
    struct frame_stats s;
    frame_stats(&s);
    CHECK(s.total == total_expected());
    u64 kept = (2 * MIB + 4096) + (4 * MIB + 4096) + (1 * MIB + 8192);
    u64 descriptors = ALIGN_UP(s.total * 16 + 3 * sizeof(struct frame_range), PAGE_SIZE);
    CHECK(s.reserved == (kept + descriptors) / PAGE_SIZE);
    CHECK(s.free == s.total - s.reserved);
    CHECK(phys_to_frame(BASE - 1) == NULL);
    CHECK(phys_to_frame(BASE + 21 * MIB) == NULL);
    CHECK(phys_to_frame(BASE + 64 * MIB - 1) == NULL);
    CHECK(phys_to_frame(UINT64_MAX) == NULL);
    CHECK(phys_to_frame(BASE + MIB)->flags == FRAME_RESERVED);
    u64 seen = 0;
    for (paddr_t pa = BASE; pa < BASE + 64 * MIB; pa += PAGE_SIZE) {
        struct frame *f = phys_to_frame(pa + 5);
        if (!f)
            continue;
        seen++;
        CHECK(frame_to_phys(f) == pa);
        CHECK(virt_to_frame(frame_to_virt(f)) == f);
    }
    CHECK(seen == s.total);
}

static u8 owner[64 * MIB / PAGE_SIZE];

static void own(struct frame *f, u32 order, u8 from, u8 to)
{
    paddr_t pa = frame_to_phys(f);

    CHECK(pa % (PAGE_SIZE << order) == 0);
    for (u64 i = 0; i < 1ull << order; i++) {
        CHECK(owner[(pa - BASE) / PAGE_SIZE + i] == from);
        owner[(pa - BASE) / PAGE_SIZE + i] = to;
        CHECK(phys_to_frame(pa + i * PAGE_SIZE) == f + i);
        CHECK(!(f[i].flags & FRAME_RESERVED));
    }
}

ISOLATED(everything_comes_back)
{
    start();
    u64 before = frame_free_count();
    for (int round = 0; round < 3; round++) {
        static struct frame *all[64 * MIB / PAGE_SIZE];
        static u32 orders[64 * MIB / PAGE_SIZE];
        u64 n = 0, pages = 0;
        for (u32 order = round == 0 ? 0 : FRAME_ORDER_MAX;;) { // largest first gets every page too
            struct frame *f = frame_alloc(order, ALLOC_ATOMIC);
            if (!f) {
                if (!order--)
                    break;
                continue;
            }
            own(f, order, 0, 1);
            CHECK(f->order == order && f->refs == 1 && f->flags == 0 && f->owner == NULL);
            memset(frame_to_virt(f), 0x33, PAGE_SIZE << order);
            orders[n] = order;
            all[n++] = f;
            pages += 1ull << order;
        }
        CHECK(pages == before);
        CHECK(frame_free_count() == 0);
        while (n) {
            u64 i = (u64)rand() % n;
            own(all[i], orders[i], 1, 0);
            frame_put(all[i]);
            all[i] = all[--n];
            orders[i] = orders[n];
        }
        CHECK(frame_free_count() == before);
    }
}

enum { LARGE = 10 }; // 4 MiB

static u32 count_largest(void)
{
    struct frame *all[16];
    u32 n = 0, count;

    while (n < 16 && (all[n] = frame_alloc(LARGE, ALLOC_ATOMIC)))
        n++;
    count = n;
    while (n)
        frame_put(all[--n]);
    return count;
}

ISOLATED(random_work)
{
    enum { HELD = 400 };
    static struct frame *held[HELD];
    static u32 orders[HELD];

    start();
    u64 before = frame_free_count();
    u32 largest = count_largest();
    CHECK(largest == 7 && frame_free_count() == before);
    srand(11);
    for (int round = 0; round < 200000; round++) {
        u32 i = (u32)rand() % HELD;
        if (!held[i]) {
            orders[i] = rand() % 4 ? 0 : (u32)rand() % (FRAME_ORDER_MAX + 1);
            u32 flags = rand() % 8 ? 0 : ALLOC_ZERO;
            held[i] = frame_alloc(orders[i], flags | (rand() % 4 ? ALLOC_USER : 0));
            if (held[i]) {
                own(held[i], orders[i], 0, 1);
                u8 *p = frame_to_virt(held[i]);
                if (flags & ALLOC_ZERO)
                    for (u64 k = 0; k < PAGE_SIZE << orders[i]; k += 509)
                        CHECK(p[k] == 0);
                memset(p, 0x44, orders[i] ? 64 : PAGE_SIZE);
            }
        } else if (rand() % 5 == 0) {
            frame_get(held[i]);
            CHECK(frame_get_not_zero(held[i]));
            frame_put(held[i]);
            frame_put(held[i]);
        } else {
            own(held[i], orders[i], 1, 0);
            if (!orders[i] && rand() % 4 == 0) {
                memset(frame_to_virt(held[i]), 0, PAGE_SIZE);
                page_free_zeroed(frame_to_virt(held[i]));
            } else {
                frame_put(held[i]);
            }
            held[i] = NULL;
        }
    }
    for (u32 i = 0; i < HELD; i++)
        if (held[i])
            frame_put(held[i]);
    CHECK(frame_free_count() == before);
    // Nothing stayed split: the largest blocks come out again.
    CHECK(count_largest() == largest);
}

ISOLATED(zero_pages)
{
    start();
    u64 *p = page_alloc(ALLOC_ZERO);
    CHECK(p && p[0] == 0 && p[511] == 0);
    page_free_zeroed(p);
    CHECK(page_alloc(ALLOC_ZERO) == p); // known to be zero: the same, unwritten
    for (u32 i = 0; i < 100; i++) {
        u64 *q = page_alloc(i % 2 ? ALLOC_ZERO : 0);
        CHECK(q);
        memset(q, 0, PAGE_SIZE);
        page_free_zeroed(q);
    }
    u64 before = frame_free_count();
    page_free(p);
    CHECK(frame_free_count() == before + 1);
}

ISOLATED(reserve_for_the_kernel)
{
    start();
    u64 users = 0, kernel = 0;
    while (page_alloc(ALLOC_USER | ALLOC_ATOMIC))
        users++;
    while (page_alloc(ALLOC_ATOMIC))
        kernel++;
    CHECK(kernel >= 32 && kernel <= 200);
    CHECK(frame_free_count() == 0);
    CHECK(users > 5000);
}

static void *stash[1000];
static u32 stashed, hook_calls, second_calls;

static u64 hook(u64 want)
{
    u64 freed = 0;

    hook_calls++;
    CHECK(want >= 1);
    void *p = page_alloc(0); // must not come back here
    CHECK(hook_calls < 100000);
    if (p)
        page_free(p);
    for (; stashed && freed < want; freed++)
        page_free(stash[--stashed]);
    return freed;
}

static u64 second_hook(u64 want)
{
    CHECK(want > 0);
    second_calls++;
    return 0;
}

ISOLATED(reclaim)
{
    static struct reclaim_hook one = {.fn = hook}, two = {.fn = second_hook};

    start();
    frame_add_reclaim(&one);
    frame_add_reclaim(&two);
    while (stashed < 1000)
        stash[stashed++] = page_alloc(0);
    CHECK(hook_calls == 0);
    while (page_alloc(ALLOC_ATOMIC))
        ;
    CHECK(hook_calls == 0);
    preempt_disable();
    CHECK(!page_alloc(0) && hook_calls == 0); // atomic context
    preempt_enable();
    arch_irq_disable();
    CHECK(!page_alloc(0) && hook_calls == 0);
    arch_irq_enable();
    u32 got = 0;
    while (page_alloc(0))
        got++;
    CHECK(got == 1000 && stashed == 0);
    CHECK(second_calls > 0 && second_calls < 10);
}

ISOLATED(failing_on_purpose)
{
    start();
    void *p;
    frame_fail_after(3);
    CHECK((p = page_alloc(0)));
    page_free(p);
    CHECK((p = page_alloc(0)));
    page_free(p);
    CHECK(!page_alloc(0));
    CHECK((p = page_alloc(0)));
    page_free(p);
    frame_fail_after(1);
    CHECK(!frame_alloc(3, 0));
    frame_fail_after(1);
    frame_fail_after(0);
    CHECK(frame_alloc(3, 0));
    CHECK(!frame_alloc(FRAME_ORDER_MAX + 1, 0));
}

ISOLATED(release_reserved)
{
    start();
    u64 before = frame_free_count();
    frame_release_range(BASE + 30 * MIB + 100, 4 * MIB); // whole frames only
    CHECK(frame_free_count() == before + 1023);
    struct frame_stats s;
    frame_stats(&s);
    CHECK(s.free + s.reserved == s.total);
}

static void release_twice(void)
{
    start();
    frame_release_range(BASE, MIB);
    frame_release_range(BASE, MIB);
}

static void free_twice(void)
{
    start();
    void *p = page_alloc(0);
    page_free(p);
    page_free(p);
}

static void free_inside(void)
{
    start();
    struct frame *f = frame_alloc(4, 0);
    frame_put(f + 1);
}

static void free_reserved(void)
{
    start();
    frame_put(phys_to_frame(BASE));
}

static void no_ram(void)
{
    frame_init();
}

static void no_room(void)
{
    host_ram_init(BASE, 4 * MIB);
    frame_add_ram(BASE, 4 * MIB);
    frame_reserve(BASE, 4 * MIB);
    frame_init();
}

static void many_ranges(void)
{
    for (u64 i = 0; i < 200; i++)
        frame_add_ram(BASE + i * 2 * PAGE_SIZE, PAGE_SIZE);
}

static void test_panics(void **state)
{
    (void)state;
    assert_true(host_panics(release_twice, "was not reserved"));
    assert_true(host_panics(free_twice, "no reference"));
    assert_true(host_panics(free_inside, "no reference"));
    assert_true(host_panics(free_reserved, "no reference"));
    assert_true(host_panics(no_ram, "not enough memory"));
    assert_true(host_panics(no_room, "not enough memory"));
    assert_true(host_panics(many_ranges, "more than"));
}

static void *worker(void *arg)
{
    enum { HELD = 100 };
    u32 id = (u32)(uintptr_t)arg;
    u64 seed = id + 1;
    struct frame *held[HELD] = {0};

    host_cpu_become(id);
    for (int round = 0; round < 60000; round++) {
        u32 i = (u32)xorshift64(&seed) % HELD;
        if (held[i]) {
            u64 *p = frame_to_virt(held[i]);
            CHECK(p[0] == (u64)(uintptr_t)p + id && p[511] == id);
            frame_put(held[i]);
            held[i] = NULL;
        } else if ((held[i] = frame_alloc(xorshift64(&seed) % 8 ? 0 : (u32)xorshift64(&seed) % 5,
                                          ALLOC_USER))) {
            u64 *p = frame_to_virt(held[i]);
            p[0] = (u64)(uintptr_t)p + id;
            p[511] = id;
        }
    }
    for (u32 i = 0; i < HELD; i++)
        if (held[i])
            frame_put(held[i]);
    return NULL;
}

ISOLATED(many_cpus)
{
    pthread_t threads[4];

    start();
    u64 before = frame_free_count();
    for (uintptr_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, worker, (void *)i);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    CHECK(frame_free_count() == before);
}

ISOLATED(accounts)
{
    struct frame_stats s;

    start();
    frame_account(FRAME_USE_TABLE, 5);
    frame_account(FRAME_USE_KSTACK, 4);
    frame_account(FRAME_USE_TABLE, -2);
    frame_account(FRAME_USE_KSTACK, -8);
    frame_stats(&s);
    CHECK(s.page_tables == 3 && s.kernel_stacks == 0 && s.slab == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_boot),
        cmocka_unit_test(test_everything_comes_back),
        cmocka_unit_test(test_random_work),
        cmocka_unit_test(test_zero_pages),
        cmocka_unit_test(test_reserve_for_the_kernel),
        cmocka_unit_test(test_reclaim),
        cmocka_unit_test(test_failing_on_purpose),
        cmocka_unit_test(test_release_reserved),
        cmocka_unit_test(test_panics),
        cmocka_unit_test(test_many_cpus),
        cmocka_unit_test(test_accounts),
    };
    return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
