// sources: harness/unit/host_vm/fakes.c kernel/vm/*.c kernel/lib/rbtree.c kernel/lib/radix.c
// include: harness/unit/host_vm
// Buffers, user copies, strings and futex words, over pages that are missing, read-only or end in
// the middle.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host_vm/fakes.h"
#include <kerr.h>
#include <vm/user.h>

enum : u64 {
    AREA = 0x100'0000,
    LEN = 4 * PAGE_SIZE
}; // two writable pages, one read-only, one absent
static struct aspace *as;

static int set_up_all(void **state)
{
    (void)state;
    fake_init();
    return vm_init();
}

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(aspace_create(&as), 0);
    struct map_request r = {
        .addr = AREA, .len = 3 * PAGE_SIZE, .flags = VMA_READ | VMA_WRITE, .how = MAP_REQ_FIXED};
    assert_int_equal(aspace_map(as, &r), AREA);
    assert_int_equal(aspace_protect(as, AREA + 2 * PAGE_SIZE, PAGE_SIZE, VMA_READ), 0);
    fake_current->mmu = &as->arch;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fake_current->mmu = NULL;
    aspace_put_user(as);
    return 0;
}

static void copies(void **state)
{
    (void)state;
    u8 out[3 * PAGE_SIZE], in[3 * PAGE_SIZE];
    for (u32 i = 0; i < sizeof(out); i++)
        out[i] = (u8)(i * 7 + i / 256);
    for (u32 i = 0; i < 400; i++) {
        usize n = fake_random() % 300, at = fake_random() % (2 * PAGE_SIZE - n),
              from = fake_random() % 64;
        assert_int_equal(user_copy_out(uaddr(AREA + at), out + from, n), 0);
        memset(in, 0xee, sizeof(in));
        assert_int_equal(user_copy_in(in + 8, uaddr(AREA + at), n), 0);
        assert_memory_equal(in + 8, out + from, n);
        assert_int_equal(in[7], 0xee);
        assert_int_equal(in[8 + n], 0xee);
    }
    for (usize n = 0; n <= 72; n += 8) { // the short path, up to the end of a page
        assert_int_equal(user_copy_out(uaddr(AREA + PAGE_SIZE - n), out, n), 0);
        assert_int_equal(user_copy_in(in, uaddr(AREA + PAGE_SIZE - n), n), 0);
        assert_memory_equal(in, out, n);
    }
    assert_int_equal(user_copy_out(uaddr(AREA + 2 * PAGE_SIZE), out, 8), -E_FAULT);
    assert_int_equal(user_copy_in(in, uaddr(AREA + 2 * PAGE_SIZE), 8), 0);
    assert_int_equal(user_copy_in(in, uaddr(AREA + 3 * PAGE_SIZE), 8), -E_FAULT);
    assert_int_equal(user_copy_in(in, uaddr(AREA + 3 * PAGE_SIZE - 4), 8), -E_FAULT);
    assert_int_equal(user_copy_out_partial(uaddr(AREA + 2 * PAGE_SIZE - 5), out, 10), 5);
    assert_int_equal(user_copy_in_partial(in, uaddr(AREA + 3 * PAGE_SIZE - 5), 10), 5);
    assert_int_equal(user_clear(uaddr(AREA + 100), PAGE_SIZE), 0);
    assert_int_equal(user_copy_in(in, uaddr(AREA + 100), PAGE_SIZE), 0);
    for (u32 i = 0; i < PAGE_SIZE; i++)
        assert_int_equal(in[i], 0);
}

static void bounds(void **state)
{
    (void)state;
    u64 v, top = arch_user_top();
    const u64 bad[] = {top, top - 4, ~0ul, ~0ul - 7, ~0ul << 38, 1ul << 63, DIRECT_MAP_BASE};
    for (u32 i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(user_copy_in(&v, uaddr(bad[i]), 8), -E_FAULT);
        assert_int_equal(user_copy_out(uaddr(bad[i]), &v, 8), -E_FAULT);
        assert_int_equal(user_clear(uaddr(bad[i]), 8), -E_FAULT);
        assert_int_equal(user_string((char *)&v, uaddr(bad[i]), 8), -E_FAULT);
    }
    assert_true(user_range_ok(uaddr(top), 0));
    assert_true(user_range_ok(uaddr(top - 8), 8));
    assert_false(user_range_ok(uaddr(top - 8), 9));
    assert_false(user_range_ok(uaddr(8), ~0ul));
    fake_current->mmu = NULL; // a kernel thread
    assert_int_equal(user_copy_in(&v, uaddr(AREA), 8), -E_FAULT);
    fake_current->mmu = &as->arch;
}

static void strings(void **state)
{
    (void)state;
    char text[400], buf[400];
    for (usize len = 0; len < 300; len++) {
        for (usize i = 0; i < len; i++)
            text[i] = (char)('a' + i % 26);
        text[len] = 0;
        u64 at = AREA + PAGE_SIZE - fake_random() % (len + 2);
        assert_int_equal(user_copy_out(uaddr(at), text, len + 1), 0);
        assert_int_equal(user_string(buf, uaddr(at), sizeof(buf)), len);
        assert_string_equal(buf, text);
        assert_int_equal(user_string(buf, uaddr(at), len + 1), len);
        if (len)
            assert_int_equal(user_string(buf, uaddr(at), len), -E_NAMETOOLONG);
    }
    // Ends with the last mapped byte; runs into the hole.
    memset(text, 'x', sizeof(text));
    assert_int_equal(aspace_protect(as, AREA + 2 * PAGE_SIZE, PAGE_SIZE, VMA_READ | VMA_WRITE), 0);
    assert_int_equal(user_copy_out(uaddr(AREA + 3 * PAGE_SIZE - 10), "123456789", 10), 0);
    assert_int_equal(user_string(buf, uaddr(AREA + 3 * PAGE_SIZE - 10), sizeof(buf)), 9);
    assert_int_equal(user_copy_out(uaddr(AREA + 3 * PAGE_SIZE - 10), text, 10), 0);
    assert_int_equal(user_string(buf, uaddr(AREA + 3 * PAGE_SIZE - 10), sizeof(buf)), -E_FAULT);
}

static void futex_words(void **state)
{
    (void)state;
    u32 v, seen;
    struct futex_key a, b;
    assert_int_equal(user_load32(uaddr(AREA + 2), &v, false), -E_INVAL);
    assert_int_equal(user_load32(uaddr(AREA), &v, true), -E_AGAIN);
    assert_int_equal(user_load32(uaddr(AREA), &v, false), 0);
    assert_int_equal(v, 0);
    assert_int_equal(user_load32(uaddr(AREA), &v, true), 0);
    assert_int_equal(user_cmpxchg32(uaddr(AREA), 0, 5, &seen), 0);
    assert_int_equal(user_cmpxchg32(uaddr(AREA), 0, 6, &seen), -E_AGAIN);
    assert_int_equal(seen, 5);
    assert_int_equal(user_cmpxchg32(uaddr(AREA + 2 * PAGE_SIZE), 0, 6, &seen), -E_FAULT);
    assert_int_equal(user_futex_key(uaddr(AREA + 2), true, &a), -E_INVAL);
    assert_int_equal(user_futex_key(uaddr(AREA + 3 * PAGE_SIZE), false, &a), -E_FAULT);
    assert_int_equal(user_futex_key(uaddr(AREA), true, &a), 0);
    assert_int_equal(user_futex_key(uaddr(AREA), false, &b), 0);
    assert_true(a.a == b.a && a.b == b.b);
    // The same word of a shared object at two addresses.
    struct memobj *o = memobj_create_anon(2 * PAGE_SIZE);
    struct map_request r = {
        .len = 2 * PAGE_SIZE, .flags = VMA_READ | VMA_WRITE | VMA_SHARED, .object = o};
    i64 one = aspace_map(as, &r), two = aspace_map(as, &r);
    assert_true(one > 0 && two > 0 && one != two);
    assert_int_equal(user_futex_key(uaddr((u64)one + 4100), false, &a), 0);
    assert_int_equal(user_futex_key(uaddr((u64)two + 4100), false, &b), 0);
    assert_true(a.a == b.a && a.b == b.b && a.b == 4100);
    memobj_put(o);
}

// All of a buffer's segments taken together, against plain memory.
static void buffers(void **state)
{
    (void)state;
    u8 image[2 * PAGE_SIZE], data[2 * PAGE_SIZE], back[2 * PAGE_SIZE];
    for (u32 round = 0; round < 300; round++) {
        struct iobuf_seg segs[8];
        usize n = 1 + fake_random() % 8, total = 0, at = 0;
        for (usize i = 0; i < n; i++) {
            segs[i].base = AREA + at;
            segs[i].len = fake_random() % 5 ? fake_random() % 700 : 0;
            at += segs[i].len + fake_random() % 50;
            total += segs[i].len;
        }
        memset(image, 0, sizeof(image));
        assert_int_equal(user_clear(uaddr(AREA), 2 * PAGE_SIZE), 0);
        for (usize i = 0; i < total; i++)
            data[i] = (u8)fake_random();
        for (usize i = 0, from = 0; i < n; from += segs[i++].len)
            memcpy(image + (segs[i].base - AREA), data + from, segs[i].len);
        u64 vec = AREA + 3 * PAGE_SIZE - sizeof(segs);
        assert_int_equal(aspace_protect(as, AREA + 2 * PAGE_SIZE, PAGE_SIZE, VMA_READ | VMA_WRITE),
                         0);
        assert_int_equal(user_copy_out(uaddr(vec), segs, n * sizeof(segs[0])), 0);

        struct iobuf b;
        assert_int_equal(iobuf_user_vec(&b, uaddr(vec), n, IOBUF_TO_USER), 0);
        assert_int_equal(iobuf_left(&b), total);
        struct iobuf saved = b;
        usize done = 0;
        while (done < total) {
            usize part = fake_random() % (total - done) + 1;
            assert_int_equal(iobuf_put(&b, data + done, part), part);
            done += part;
        }
        assert_int_equal(iobuf_put(&b, data, 10), 0);
        assert_int_equal(user_copy_in(back, uaddr(AREA), sizeof(back)), 0);
        assert_memory_equal(back, image, sizeof(back));
        b = saved;
        assert_int_equal(iobuf_take(&b, back, sizeof(back)), total);
        assert_memory_equal(back, data, total);
        b = saved;
        iobuf_truncate(&b, total / 2);
        assert_int_equal(iobuf_zero(&b, total), total / 2);
        iobuf_done(&b);
    }
    struct iobuf k;
    iobuf_kernel(&k, back, 100);
    assert_int_equal(iobuf_put(&k, data, 60), 60);
    assert_int_equal(iobuf_zero(&k, 60), 40);
    assert_memory_equal(back, data, 60);
    assert_int_equal(back[99], 0);
}

static void buffer_errors(void **state)
{
    (void)state;
    struct iobuf b;
    struct iobuf_seg segs[2] = {{AREA, 10}, {AREA, 1ul << 63}};
    u8 data[100] = {0};
    assert_int_equal(iobuf_user(&b, uaddr(arch_user_top() - 5), 6, IOBUF_TO_USER), -E_FAULT);
    assert_int_equal(iobuf_user_vec(&b, uaddr(AREA), 1025, IOBUF_TO_USER), -E_INVAL);
    assert_int_equal(iobuf_user_vec(&b, uaddr(AREA + 3 * PAGE_SIZE), 1, IOBUF_TO_USER), -E_FAULT);
    assert_int_equal(iobuf_user_vec(&b, uaddr(AREA + 3 * PAGE_SIZE), 0, IOBUF_TO_USER), 0);
    assert_int_equal(iobuf_put(&b, data, 10), 0);
    assert_int_equal(user_copy_out(uaddr(AREA), segs, sizeof(segs)), 0);
    assert_int_equal(iobuf_user_vec(&b, uaddr(AREA), 2, IOBUF_TO_USER), -E_INVAL);
    segs[1].len = arch_user_top();
    assert_int_equal(user_copy_out(uaddr(AREA), segs, sizeof(segs)), 0);
    assert_int_equal(iobuf_user_vec(&b, uaddr(AREA), 2, IOBUF_TO_USER), -E_FAULT);
    segs[1].len = 4;
    assert_int_equal(user_copy_out(uaddr(AREA), segs, sizeof(segs)), 0);
    fake_fail_nth(1);
    assert_int_equal(iobuf_user_vec(&b, uaddr(AREA), 2, IOBUF_TO_USER), -E_NOMEM);
    // A fault in the middle: what was moved counts, the rest stays.
    assert_int_equal(iobuf_user(&b, uaddr(AREA + 2 * PAGE_SIZE - 30), 100, IOBUF_TO_USER), 0);
    assert_int_equal(iobuf_put(&b, data, 100), 30);
    assert_int_equal(iobuf_left(&b), 70);
    // Very large requests are cut to what one call may move.
    assert_int_equal(iobuf_user(&b, uaddr(0), 1ul << 36, IOBUF_TO_USER), 0);
    assert_int_equal(iobuf_left(&b), 0x7ffff000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(copies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bounds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(strings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(futex_words, set_up, tear_down),
        cmocka_unit_test_setup_teardown(buffers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(buffer_errors, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, set_up_all, NULL);
}
