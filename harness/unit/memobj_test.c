// sources: harness/unit/host_vm/fakes.c kernel/vm/*.c kernel/lib/rbtree.c kernel/lib/radix.c
// include: harness/unit/host_vm
// Memory objects against an array of bytes: copying in and out, holes, truncation, dropping,
// accounts, reclaim, write-back, and every allocation failed in turn.
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

enum { PAGES = 80, SIZE = PAGES * 4096 };
static u8 model[SIZE], store[SIZE];
static i64 accounted, limit;
static int io_error;

static int account(struct memobj *o, i64 pages)
{
    (void)o;
    if (pages > 0 && accounted + pages > limit)
        return -E_NOSPC;
    accounted += pages;
    return 0;
}
static int read_in(struct memobj *o, u64 index, struct frame *f)
{
    (void)o;
    memcpy(frame_to_virt(f), store + index * PAGE_SIZE, PAGE_SIZE);
    return io_error;
}
static int write_back(struct memobj *o, u64 index, struct frame *f)
{
    (void)o;
    if (!io_error)
        memcpy(store + index * PAGE_SIZE, frame_to_virt(f), PAGE_SIZE);
    return io_error;
}
static const struct memobj_ops memory_ops = {.account = account};
static const struct memobj_ops store_ops = {
    .read_in = read_in, .write_back = write_back, .account = account};

static i64 do_io(struct memobj *o, u64 pos, void *buf, usize n, bool write)
{
    struct iobuf b;
    iobuf_kernel(&b, buf, n);
    return write ? memobj_write(o, pos, &b) : memobj_read(o, pos, &b);
}

static void random_io(struct memobj *o, u32 steps)
{
    static u8 buf[SIZE];
    u64 size = atomic_load(&o->size);
    bool stored = o->ops->read_in;
    for (u32 i = 0; i < steps; i++) {
        u64 pos = fake_random() % SIZE;
        usize n = fake_random() % (fake_random() % 8 ? 300 : 20000);
        switch (fake_random() % 8) {
        case 0:
        case 1:
        case 2:
            n = MIN(n, SIZE - pos);
            for (usize k = 0; k < n; k++)
                buf[k] = (u8)fake_random();
            assert_int_equal(do_io(o, pos, buf, n, true), n);
            memcpy(model + pos, buf, n);
            if (n && pos + n > size) {
                size = pos + n;
                atomic_store(&o->size, size);
            }
            break;
        case 3:
        case 4:
        case 5: {
            usize want = pos >= size ? 0 : MIN(n, size - pos);
            assert_int_equal(do_io(o, pos, buf, n, false), want);
            assert_memory_equal(buf, model + pos, want);
            break;
        }
        case 6:
            if (fake_random() % 4)
                break;
            if (pos < size)
                memset(model + pos, 0, SIZE - pos);
            if (stored && pos < size)
                memset(store + pos, 0, SIZE - pos);
            size = pos;
            memobj_truncate(o, size);
            break;
        default:
            if (stored) {
                fake_reclaim(fake_random() % 20);
                if (fake_random() % 4 == 0)
                    assert_int_equal(memobj_sync(o), 0);
            } else {
                u64 first = pos >> PAGE_SHIFT, last = first + fake_random() % 5;
                last = MIN(last, PAGES - 1);
                memobj_drop(o, first, last);
                memset(model + first * PAGE_SIZE, 0, (last - first + 1) * PAGE_SIZE);
            }
        }
        assert_int_equal(atomic_load(&o->cached), accounted);
    }
}

static void io(const struct memobj_ops *ops)
{
    u64 frames = fake_frames_used(), slabs = fake_slabs_used();
    for (u32 round = 0; round < 10; round++) {
        struct memobj o;
        memset(model, 0, sizeof(model));
        memset(store, 0, sizeof(store));
        accounted = 0;
        limit = PAGES;
        memobj_init(&o, ops, 0);
        random_io(&o, 800);
        if (ops->write_back) {
            assert_int_equal(memobj_sync(&o), 0);
            assert_memory_equal(store, model, atomic_load(&o.size));
        }
        memobj_put(&o);
        fake_rcu();
        assert_int_equal(accounted, 0);
        assert_int_equal(memobj_cached_total(), 0);
    }
    assert_int_equal(fake_frames_used(), frames);
    assert_int_equal(fake_slabs_used(), slabs);
}
static void in_memory(void **state)
{
    (void)state;
    io(&memory_ops);
}
static void with_store(void **state)
{
    (void)state;
    io(&store_ops);
}

static void limits(void **state)
{
    (void)state;
    struct memobj o;
    static u8 buf[10 * 4096];
    accounted = 0;
    limit = 3;
    memobj_init(&o, &memory_ops, sizeof(buf));
    assert_int_equal(do_io(&o, 100, buf, sizeof(buf) - 100, true),
                     3 * PAGE_SIZE - 100); // as far as it goes
    assert_int_equal(do_io(&o, 5 * PAGE_SIZE, buf, 10, true), -E_NOSPC);
    struct frame *f;
    paddr_t pa;
    assert_int_equal(memobj_page(&o, 7, MEMOBJ_WRITE, &f, &pa), -E_NOSPC);
    assert_int_equal(memobj_page(&o, 7, 0, &f, &pa), 0); // a hole
    assert_true(!f && !pa);
    assert_int_equal(memobj_page(&o, 7, MEMOBJ_CREATE | MEMOBJ_NOWAIT, &f, &pa), -E_AGAIN);
    memobj_drop(&o, 0, 0);
    assert_int_equal(memobj_page(&o, 7, MEMOBJ_WRITE, &f, &pa), 0);
    frame_put(f);
    memobj_put(&o);
    assert_int_equal(accounted, 0);
    fake_rcu();
}

static void store_errors(void **state)
{
    (void)state;
    struct memobj o;
    u8 buf[100] = {1};
    accounted = 0;
    limit = PAGES;
    memobj_init(&o, &store_ops, SIZE);
    io_error = -E_IO;
    assert_int_equal(do_io(&o, 0, buf, sizeof(buf), false), -E_IO);
    assert_int_equal(do_io(&o, 0, buf, sizeof(buf), true), -E_IO);
    assert_int_equal(accounted, 0);
    io_error = 0;
    assert_int_equal(do_io(&o, 0, buf, sizeof(buf), true), sizeof(buf));
    io_error = -E_IO;
    assert_int_equal(memobj_sync(&o), -E_IO); // stays dirty
    assert_int_equal(fake_reclaim(100), 0);
    io_error = 0;
    store[0] = 0;
    assert_int_equal(memobj_sync(&o), 0);
    assert_int_equal(store[0], 1);
    assert_int_equal(fake_reclaim(100), 1);
    memobj_put(&o);
    fake_rcu();
}

// What can be read in but not written back lives in the cache once it is written: reclaim leaves it
// alone.
static void store_without_way_back(void **state)
{
    (void)state;
    static const struct memobj_ops ops = {.read_in = read_in};
    struct memobj o;
    u8 buf[4] = {9, 9, 9, 9}, back[4];
    memset(store, 1, sizeof(store));
    memobj_init(&o, &ops, SIZE);
    assert_int_equal(do_io(&o, 0, buf, sizeof(buf), true), sizeof(buf));
    assert_int_equal(fake_reclaim(100), 0);
    assert_int_equal(do_io(&o, 2, back, sizeof(back), false), sizeof(back));
    assert_memory_equal(back, ((u8[]){9, 9, 1, 1}), 4);
    memobj_put(&o);
    fake_rcu();
}

// One scenario, with its n-th allocation failing, for every n: errors are clean, a second try
// works.
static void each_allocation(void **state)
{
    (void)state;
    for (u32 kind = 0; kind < 2; kind++) {
        for (u32 n = 1;; n++) {
            u64 frames = fake_frames_used(), slabs = fake_slabs_used();
            static u8 data[6 * 4096], back[6 * 4096];
            const u64 at[] = {0, 70 * PAGE_SIZE + 5, 5000ul * PAGE_SIZE}; // ever taller trees
            struct memobj o;
            memset(store, 0, sizeof(store));
            accounted = 0;
            limit = 100;
            memobj_init(&o, kind ? &store_ops : &memory_ops, ~0ul >> 1);
            memset(data, 0x5a, sizeof(data));
            fake_fail_nth(n);
            for (u32 i = 0; i < (kind ? 1u : 3u); i++) {
                i64 done = do_io(&o, at[i], data, sizeof(data), true);
                if (done != (i64)sizeof(data)) {
                    assert_true(fake_failed() &&
                                (done == -E_NOMEM || (done > 0 && done < (i64)sizeof(data))));
                    done = MAX(done, 0);
                    assert_int_equal(
                        do_io(&o, at[i] + (u64)done, data, sizeof(data) - (u64)done, true),
                        sizeof(data) - (u64)done);
                }
            }
            fake_fail_nth(0);
            for (u32 i = 0; i < (kind ? 1u : 3u); i++) {
                assert_int_equal(do_io(&o, at[i], back, sizeof(back), false), sizeof(back));
                assert_memory_equal(back, data, sizeof(data));
            }
            memobj_put(&o);
            fake_rcu();
            assert_int_equal(accounted, 0);
            assert_int_equal(fake_frames_used(), frames);
            assert_int_equal(fake_slabs_used(), slabs);
            if (!fake_failed())
                break;
        }
    }
}

static int set_up(void **state)
{
    (void)state;
    fake_init();
    return vm_init();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_memory),
        cmocka_unit_test(with_store),
        cmocka_unit_test(limits),
        cmocka_unit_test(store_errors),
        cmocka_unit_test(store_without_way_back),
        cmocka_unit_test(each_allocation),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
