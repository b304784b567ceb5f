// sources: harness/unit/host_vm/fakes.c kernel/vm/*.c kernel/lib/rbtree.c kernel/lib/radix.c
// include: harness/unit/host_vm
// What mmap and its relatives answer, as Linux 6.12 does; joining of areas as /proc/self/maps shows
// it; stacks, the break, limits.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../kernel/vm/area.h"
#include "host_vm/fakes.h"
#include <kerr.h>
#include <vm/user.h>

enum : u64 { A = 0x1000'0000, P = PAGE_SIZE };
enum { RW = VMA_READ | VMA_WRITE };
static struct aspace *as;
static u64 frames, slabs;

static int set_up_all(void **state)
{
    (void)state;
    fake_init();
    return vm_init();
}
static int set_up(void **state)
{
    (void)state;
    frames = fake_frames_used();
    slabs = fake_slabs_used();
    return aspace_create(&as);
}
static int tear_down(void **state)
{
    (void)state;
    aspace_put_user(as);
    fake_rcu();
    return fake_frames_used() != frames || fake_slabs_used() != slabs;
}

static i64 map(u64 addr, u64 len, u32 flags, u32 how)
{
    return aspace_map(as,
                      &(struct map_request){.addr = addr, .len = len, .flags = flags, .how = how});
}
static void touch(u64 addr)
{
    assert_int_equal(aspace_fault(as, addr, ACCESS_WRITE), FAULT_OK);
}

static void map_errors(void **state)
{
    (void)state;
    u64 top = arch_user_top();
    assert_int_equal(map(0, 0, RW, 0), -E_INVAL);
    assert_int_equal(map(0, ~0ul, RW, 0), -E_NOMEM);
    assert_int_equal(map(0, top + P, RW, 0), -E_NOMEM);
    assert_int_equal(map(A + 1, P, RW, MAP_REQ_FIXED), -E_INVAL);
    assert_int_equal(map(top - P, 2 * P, RW, MAP_REQ_FIXED), -E_NOMEM);
    assert_int_equal(map(0, P, RW, MAP_REQ_FIXED), -E_PERM);
    assert_int_equal(map(0, P, RW, MAP_REQ_FIXED | MAP_REQ_LOW), 0);
    assert_int_equal(map(A, 2 * P, RW, MAP_REQ_FIXED), A);
    assert_int_equal(map(A + P, P, RW, MAP_REQ_FIXED | MAP_REQ_NOREPLACE), -E_EXIST);
    assert_int_equal(map(A + 2 * P, P, RW, MAP_REQ_NOREPLACE), A + 2 * P);
    struct memobj *o = memobj_create_anon(P);
    struct map_request r = {.len = P, .flags = VMA_READ, .object = o, .offset = 5};
    assert_int_equal(aspace_map(as, &r), -E_INVAL);
    r.offset = ~0ul & ~(P - 1);
    r.len = 2 * P;
    assert_int_equal(aspace_map(as, &r), -E_OVERFLOW);
    memobj_put(o);
    assert_int_equal(aspace_unmap(as, A + 1, P), -E_INVAL);
    assert_int_equal(aspace_unmap(as, A, 0), -E_INVAL);
    assert_int_equal(aspace_unmap(as, top, P), -E_INVAL);
    assert_int_equal(aspace_unmap(as, A + 100 * P, P), 0);
    as->as_limit = as->total_pages * P + P;
    assert_int_equal(map(0, 2 * P, RW, 0), -E_NOMEM);
    assert_true(map(0, P, RW, 0) > 0);
    as->as_limit = ~0ul;
    as->data_limit = as->data_pages * P;
    assert_int_equal(map(0, P, RW, 0), -E_NOMEM);
    assert_true(map(0, P, VMA_READ, 0) > 0);
}

static void placement(void **state)
{
    (void)state;
    as->mmap_base = A + 64 * P;
    assert_int_equal(map(0, 4 * P, RW, 0), A + 60 * P); // from the top down
    assert_int_equal(map(0, 4 * P, VMA_READ, 0), A + 56 * P);
    assert_int_equal(map(A + 5, P, RW, 0), A + P);            // a hint is rounded up
    assert_int_equal(map(A + P, P, VMA_READ, 0), A + 55 * P); // a taken one ignored
    assert_int_equal(aspace_unmap(as, A + 57 * P, 2 * P), 0);
    assert_int_equal(map(0, 2 * P, RW, 0), A + 57 * P); // the highest gap that fits
    // Not into the guard gap of a stack.
    u64 stack = A + 1000 * P;
    assert_int_equal(map(stack, 4 * P, RW | VMA_STACK, MAP_REQ_FIXED), stack);
    as->mmap_base = stack + 4 * P;
    assert_int_equal(map(0, P, RW, 0), stack - 257 * P);
    assert_int_equal(map(stack - 10 * P, P, VMA_READ, 0), stack - 258 * P);
}

static void joining(void **state)
{
    (void)state;
    assert_int_equal(map(A, 2 * P, RW, MAP_REQ_FIXED), A);
    assert_int_equal(map(A + 4 * P, 2 * P, RW, MAP_REQ_FIXED), A + 4 * P);
    assert_int_equal(as->area_count, 2);
    assert_int_equal(map(A + 2 * P, 2 * P, RW, MAP_REQ_FIXED), A + 2 * P);
    assert_int_equal(as->area_count, 1);
    assert_int_equal(aspace_protect(as, A + P, P, VMA_READ), 0);
    assert_int_equal(as->area_count, 3);
    assert_int_equal(aspace_protect(as, A + P, P, RW), 0);
    assert_int_equal(as->area_count, 1);
    struct memobj *o = memobj_create_anon(8 * P);
    struct map_request r = {
        .addr = A + 6 * P, .len = P, .flags = RW | VMA_SHARED, .how = MAP_REQ_FIXED, .object = o};
    assert_int_equal(aspace_map(as, &r), A + 6 * P);
    r.addr += P, r.offset = P;
    assert_int_equal(aspace_map(as, &r), A + 7 * P); // goes on where the other ends
    assert_int_equal(as->area_count, 2);
    r.addr += P, r.offset = 3 * P;
    assert_int_equal(aspace_map(as, &r), A + 8 * P);
    assert_int_equal(as->area_count, 3);
    memobj_put(o);
    struct map_request s = {.addr = A + 20 * P,
                            .len = P,
                            .flags = VMA_READ | VMA_SPECIAL,
                            .how = MAP_REQ_FIXED,
                            .label = "[vdso]"};
    assert_true(aspace_map(as, &s) > 0);
    s.addr += P;
    assert_true(aspace_map(as, &s) > 0);
    assert_int_equal(as->area_count, 5);
}

static void protect_errors(void **state)
{
    (void)state;
    assert_int_equal(map(A, 3 * P, RW, MAP_REQ_FIXED), A);
    assert_int_equal(aspace_protect(as, A + 1, P, VMA_READ), -E_INVAL);
    assert_int_equal(aspace_protect(as, A, 0, VMA_READ), 0);
    assert_int_equal(aspace_protect(as, A, ~0ul, VMA_READ), -E_NOMEM);
    assert_int_equal(aspace_protect(as, A - P, 2 * P, VMA_READ), -E_NOMEM);
    assert_int_equal(aspace_find(as, A)->flags & RW, RW); // nothing before the hole
    assert_int_equal(aspace_protect(as, A + P, 5 * P, VMA_READ), -E_NOMEM);
    assert_int_equal(aspace_find(as, A + P)->flags & RW, VMA_READ); // what comes before it is done
    struct memobj *o = memobj_create_anon(P);
    struct map_request r = {.addr = A + 9 * P,
                            .len = P,
                            .flags = VMA_READ | VMA_MAYREAD | VMA_SHARED,
                            .how = MAP_REQ_FIXED,
                            .object = o};
    assert_int_equal(aspace_map(as, &r), A + 9 * P);
    assert_int_equal(aspace_protect(as, A + 9 * P, P, RW), -E_ACCES);
    memobj_put(o);
    // No access keeps the page; its bytes come back with the permission.
    fake_current->mmu = &as->arch;
    u64 v = 42;
    assert_int_equal(user_copy_out(uaddr(A), &v, 8), 0);
    assert_int_equal(aspace_protect(as, A, P, 0), 0);
    assert_int_equal(user_copy_in(&v, uaddr(A), 8), -E_FAULT);
    assert_int_equal(aspace_fault(as, A, ACCESS_READ), FAULT_DENIED);
    assert_int_equal(as->rss_anon, 1);
    v = 0;
    assert_int_equal(aspace_protect(as, A, P, VMA_READ), 0);
    assert_int_equal(user_copy_in(&v, uaddr(A), 8), 0);
    assert_int_equal(v, 42);
    fake_current->mmu = NULL;
}

static void remap_errors(void **state)
{
    (void)state;
    assert_int_equal(map(A, 4 * P, RW, MAP_REQ_FIXED), A);
    assert_int_equal(map(A + 8 * P, P, VMA_READ, MAP_REQ_FIXED), A + 8 * P);
    const struct {
        u64 old, old_len, new_len;
        u32 flags;
        u64 to;
        i64 want;
    } cases[] = {
        {A, P, P, 8, 0, -E_INVAL},
        {A, P, P, REMAP_FIXED, A + 100 * P, -E_INVAL},
        {A, P, 2 * P, REMAP_DONTUNMAP | REMAP_MAYMOVE, 0, -E_INVAL},
        {A + 1, P, P, 0, 0, -E_INVAL},
        {A, P, 0, 0, 0, -E_INVAL},
        {A + 5 * P, P, 2 * P, REMAP_MAYMOVE, 0, -E_FAULT},
        {A, 6 * P, 20 * P, REMAP_MAYMOVE, 0, -E_FAULT},
        {A, 0, 2 * P, REMAP_MAYMOVE, 0, -E_INVAL}, // length 0 is for shared memory
        {A, 4 * P, 9 * P, 0, 0, -E_NOMEM},         // no room, may not move
        {A, 4 * P, 2 * P, REMAP_MAYMOVE | REMAP_FIXED, A + P, -E_INVAL}, // overlap
        {A, 4 * P, 2 * P, REMAP_MAYMOVE | REMAP_FIXED, A + 100 * P + 1, -E_INVAL},
        {A, 4 * P, 4 * P, 0, 0, (i64)A},
        {A, 4 * P, 8 * P, 0, 0, (i64)A}, // grows into the gap
        {A, 8 * P, 3 * P, 0, 0, (i64)A}, // shrinks
        {A, P, P, REMAP_MAYMOVE | REMAP_FIXED, A + 100 * P, (i64)(A + 100 * P)},
    };
    for (u32 i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(aspace_remap(as, cases[i].old, cases[i].old_len, cases[i].new_len,
                                      cases[i].flags, cases[i].to),
                         cases[i].want);
    assert_null(aspace_find(as, A));
    assert_non_null(aspace_find(as, A + P));
    assert_null(aspace_find(as, A + 3 * P));
    // DONTUNMAP leaves an empty area behind.
    fake_current->mmu = &as->arch;
    u64 v = 7;
    assert_int_equal(user_copy_out(uaddr(A + P), &v, 8), 0);
    i64 at = aspace_remap(as, A + P, P, P, REMAP_MAYMOVE | REMAP_DONTUNMAP, 0);
    assert_true(at > 0 && (u64)at != A + P);
    v = 1;
    assert_int_equal(user_copy_in(&v, uaddr((u64)at), 8), 0);
    assert_int_equal(v, 7);
    assert_int_equal(user_copy_in(&v, uaddr(A + P), 8), 0);
    assert_int_equal(v, 0);
    // Length 0: a second view of shared memory.
    i64 one = aspace_map(as, &(struct map_request){.len = 2 * P, .flags = RW | VMA_SHARED});
    i64 two = aspace_remap(as, (u64)one, 0, 2 * P, REMAP_MAYMOVE, 0);
    assert_true(one > 0 && two > 0);
    v = 99;
    assert_int_equal(user_copy_out(uaddr((u64)one + P), &v, 8), 0);
    v = 0;
    assert_int_equal(user_copy_in(&v, uaddr((u64)two + P), 8), 0);
    assert_int_equal(v, 99);
    fake_current->mmu = NULL;
}

static void stacks(void **state)
{
    (void)state;
    u64 end = A + 1000 * P;
    as->stack_limit = 20 * P;
    assert_int_equal(map(end - 2 * P, 2 * P, RW | VMA_STACK, MAP_REQ_FIXED), end - 2 * P);
    touch(end - 5 * P + 8);
    assert_int_equal(aspace_find(as, end - 1)->start, end - 5 * P);
    assert_int_equal(as->stack_pages, 5);
    assert_int_equal(aspace_fault(as, end - 21 * P, ACCESS_WRITE), FAULT_NO_AREA); // over the limit
    touch(end - 20 * P);
    as->stack_limit = ~0ul;
    assert_int_equal(map(end - 300 * P, P, RW, MAP_REQ_FIXED), end - 300 * P);
    assert_int_equal(aspace_fault(as, end - 44 * P, ACCESS_WRITE),
                     FAULT_NO_AREA); // inside the guard gap
    touch(end - 43 * P);
}

static void breaks(void **state)
{
    (void)state;
    as->brk_start = as->brk = A;
    assert_int_equal(aspace_set_brk(as, 0), A);
    assert_int_equal(aspace_set_brk(as, A + 200), A + 200);
    assert_int_equal(as->area_count, 1);
    assert_int_equal(aspace_set_brk(as, A + 5 * P), A + 5 * P);
    assert_int_equal(as->area_count, 1);
    touch(A + 4 * P);
    assert_int_equal(aspace_set_brk(as, A + 2 * P + 1), A + 2 * P + 1);
    assert_int_equal(aspace_find(as, A)->end, A + 3 * P);
    assert_int_equal(as->rss_anon, 0);
    assert_int_equal(map(A + 8 * P, P, RW, MAP_REQ_FIXED), A + 8 * P);
    assert_int_equal(aspace_set_brk(as, A + 9 * P), A + 2 * P + 1); // something is there
    assert_int_equal(aspace_set_brk(as, A + 8 * P), A + 2 * P + 1); // and a page must stay between
    assert_int_equal(aspace_set_brk(as, A + 7 * P), A + 7 * P);
    as->data_limit = 8 * P;
    assert_int_equal(aspace_set_brk(as, A + 9 * P), A + 7 * P);
    fake_fail_nth(1);
    assert_int_equal(aspace_set_brk(as, A - 1), A + 7 * P); // below the start
    fake_fail_nth(0);
    assert_int_equal(aspace_set_brk(as, A), A);
    assert_int_equal(as->area_count, 1); // the other mapping
}

static void advice(void **state)
{
    (void)state;
    u8 vec[8];
    assert_int_equal(map(A, 4 * P, RW, MAP_REQ_FIXED), A);
    assert_int_equal(map(A + 6 * P, P, RW, MAP_REQ_FIXED), A + 6 * P);
    assert_int_equal(aspace_advise(as, A + 1, P, ADVISE_DONTNEED), -E_INVAL);
    assert_int_equal(aspace_advise(as, A, 0, ADVISE_DONTNEED), 0);
    assert_int_equal(aspace_advise(as, A, ~0ul - P, ADVISE_DONTNEED), -E_INVAL);
    touch(A + P);
    touch(A + 6 * P);
    assert_int_equal(aspace_mincore(as, A, 4 * P, vec), 0);
    assert_memory_equal(vec, "\0\1\0\0", 4);
    assert_int_equal(aspace_mincore(as, A, 5 * P, vec), -E_NOMEM);
    assert_int_equal(aspace_advise(as, A, 7 * P, ADVISE_DONTNEED),
                     -E_NOMEM); // a hole, but all is done
    assert_int_equal(as->rss_anon, 0);
    assert_int_equal(aspace_advise(as, A, 2 * P, ADVISE_POPULATE_WRITE), 0);
    assert_int_equal(as->rss_anon, 2);
    assert_int_equal(aspace_advise(as, A, 5 * P, ADVISE_POPULATE_READ), -E_NOMEM);
    assert_int_equal(aspace_protect(as, A, P, VMA_READ), 0);
    assert_int_equal(aspace_advise(as, A, P, ADVISE_POPULATE_WRITE), -E_INVAL);
    assert_int_equal(aspace_lock_range(as, A + P, 10, true), 0);
    assert_int_equal(as->locked_pages, 1);
    assert_int_equal(aspace_advise(as, A + P, P, ADVISE_DONTNEED), -E_INVAL);
    assert_int_equal(aspace_sync(as, A + P, P, ASPACE_SYNC_INVALIDATE), -E_BUSY);
    assert_int_equal(aspace_lock_range(as, A, 4 * P, false), 0);
    assert_int_equal(as->locked_pages, 0);
    assert_int_equal(aspace_lock_range(as, A, 5 * P, true), -E_NOMEM);
    assert_int_equal(aspace_sync(as, A, P, ASPACE_SYNC_ASYNC | ASPACE_SYNC_WAIT), -E_INVAL);
    assert_int_equal(aspace_sync(as, A, P, 8), -E_INVAL);
    assert_int_equal(aspace_sync(as, A, 4 * P, ASPACE_SYNC_WAIT), 0);
    assert_int_equal(aspace_sync(as, A, 5 * P, ASPACE_SYNC_WAIT), -E_NOMEM);
    assert_int_equal(aspace_advise(as, A, P, ADVISE_REMOVE), -E_INVAL);
    i64 s = aspace_map(as, &(struct map_request){.len = 2 * P, .flags = RW | VMA_SHARED});
    touch((u64)s);
    assert_int_equal(aspace_advise(as, (u64)s, P, ADVISE_FREE), -E_INVAL);
    assert_int_equal(aspace_advise(as, (u64)s, P, ADVISE_WIPEONFORK), -E_INVAL);
    assert_int_equal(aspace_advise(as, (u64)s, 2 * P, ADVISE_REMOVE), 0);
    assert_int_equal(as->rss_file, 0);
}

static void foreign(void **state)
{
    (void)state;
    char text[] = "across the page", back[sizeof(text)];
    assert_int_equal(map(A, 2 * P, RW, MAP_REQ_FIXED), A);
    assert_int_equal(aspace_write(as, A + P - 5, text, sizeof(text)), sizeof(text));
    assert_int_equal(aspace_read(as, A + P - 5, back, sizeof(back)), sizeof(back));
    assert_string_equal(text, back);
    struct aspace *child;
    assert_int_equal(aspace_fork(as, &child), 0);
    assert_int_equal(aspace_read(child, A + P - 5, back, sizeof(back)),
                     sizeof(back)); // through parked tables
    assert_string_equal(text, back);
    assert_int_equal(aspace_write(child, A + P - 5, "A", 1), 1);
    assert_int_equal(aspace_read(as, A + P - 5, back, sizeof(back)), sizeof(back));
    assert_string_equal(text, back);
    assert_int_equal(aspace_read(as, A + 2 * P - 4, back, 8), 4);
    assert_int_equal(aspace_read(as, A + 2 * P, back, 8), -E_FAULT);
    aspace_put_user(child);
}

// A scenario with its n-th allocation failing, for every n: an error or success, and nothing is
// lost either way.
static void each_allocation(void **state)
{
    (void)state;
    for (u32 n = 1;; n++) {
        struct aspace *one, *two = NULL;
        fake_fail_nth(n);
        if (!aspace_create(&one)) {
            struct map_request r = {.addr = A, .len = 600 * P, .flags = RW, .how = MAP_REQ_FIXED};
            struct map_request s = {
                .addr = A + 700 * P, .len = 4 * P, .flags = RW | VMA_SHARED, .how = MAP_REQ_FIXED};
            bool mapped = aspace_map(one, &r) > 0, shared = aspace_map(one, &s) > 0;
            if (mapped)
                for (u64 i = 0; i < 600; i += 50)
                    (void)!aspace_fault(one, A + i * P, ACCESS_WRITE);
            if (shared)
                (void)!aspace_fault(one, A + 701 * P, ACCESS_WRITE);
            if (aspace_fork(one, &two))
                two = NULL;
            (void)!aspace_protect(one, A + 10 * P, 100 * P, VMA_READ);
            (void)!aspace_fault(one, A + 550 * P, ACCESS_WRITE);
            (void)!aspace_fault(one, A + 701 * P, ACCESS_WRITE);
            (void)!aspace_remap(one, A + 300 * P, 100 * P, 200 * P, REMAP_MAYMOVE, 0);
            (void)!aspace_unmap(one, A + 40 * P, 20 * P);
            if (two) {
                (void)!aspace_unmap(two, A + 40 * P, 20 * P);
                (void)!aspace_fault(two, A + 100 * P, ACCESS_WRITE);
                aspace_put_user(two);
            }
            aspace_put_user(one);
        }
        fake_fail_nth(0);
        fake_rcu();
        assert_int_equal(fake_frames_used(), frames + 1); // set_up's space has its root
        if (!fake_failed())
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(map_errors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(placement, set_up, tear_down),
        cmocka_unit_test_setup_teardown(joining, set_up, tear_down),
        cmocka_unit_test_setup_teardown(protect_errors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(remap_errors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stacks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(breaks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(advice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(foreign, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_allocation, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, set_up_all, NULL);
}
