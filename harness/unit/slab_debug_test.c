// sources: harness/unit/host/mem.c harness/unit/host/host.c harness/unit/host/kpage.c
// Slabs, kmalloc and frames as the debug kernel has them: the common cases, and that every misuse
// is noticed.
#include "slab_cases.h"

enum : u64 { POISON = 0x6b6b'6b6b'6b6b'6b6b };

static u8 *object(usize size)
{
    start(8);
    u8 *p = kmalloc(size, 0);
    CHECK(p);
    return p;
}

static void overrun(void)
{
    u8 *p = object(32);
    p[32] = 0;
    kfree(p);
}

static void far_overrun(void)
{
    u8 *p = object(32);
    memset(p + 32, 0xbb, 16);
    kfree(p);
}

static void write_after_free(void)
{
    u8 *p = object(100);
    kfree(p);
    p[50] = 1;
    (void)!kmalloc(100, 0);
}

static void free_later_again(void)
{
    u8 *p = object(64);
    void *q = kmalloc(64, 0);
    kfree(p);
    kfree(q);
    kfree(p);
}

static void free_middle(void)
{
    u8 *p = object(64);
    kfree(p + 8);
}

static void free_elsewhere(void)
{
    start(8);
    struct slab_cache *a = slab_create("a", 32, 0, NULL), *b = slab_create("b", 32, 0, NULL);
    slab_free(b, slab_alloc(a, 0));
}

static void frame_write_after_free(void)
{
    start(8);
    u8 *p = page_alloc(0);
    page_free(p);
    p[4000] = 1;
    (void)!page_alloc(0);
}

static void page_not_zero(void)
{
    start(8);
    u8 *p = page_alloc(ALLOC_ZERO);
    p[4095] = 1;
    page_free_zeroed(p);
}

static void test_misuse(void **state)
{
    (void)state;
    assert_true(host_panics(overrun, "written past its end"));
    assert_true(host_panics(far_overrun, "written far past its end"));
    assert_true(host_panics(write_after_free, "written to after it was freed"));
    assert_true(host_panics(free_later_again, "freed twice"));
    assert_true(host_panics(free_middle, "middle"));
    assert_true(host_panics(free_elsewhere, "not from"));
    assert_true(host_panics(frame_write_after_free, "was written to"));
    assert_true(host_panics(page_not_zero, "is not zero"));
}

ISOLATED(poisoned)
{
    start(8);
    u64 *p = page_alloc(0);
    memset(p, 1, PAGE_SIZE);
    page_free(p);
    CHECK(p[10] == POISON);
    struct frame *f = frame_alloc(3, 0);
    u8 *block = frame_to_virt(f);
    memset(block, 2, 8 * PAGE_SIZE);
    frame_put(f);
    CHECK(block[5 * PAGE_SIZE + 100] == 0x6b);
    for (u32 i = 0; i < 1000; i++) // poison is checked and lifted on the way
        CHECK(page_alloc(i % 2 ? ALLOC_ZERO : 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {SLAB_CASES, cmocka_unit_test(test_misuse),
                                       cmocka_unit_test(test_poisoned)};
    return cmocka_run_group_tests_name("slab_debug", tests, NULL, NULL);
}
