// sources: harness/unit/host_vm/fakes.c kernel/vm/*.c kernel/lib/rbtree.c kernel/lib/radix.c
// include: harness/unit/host_vm
// Address spaces against a plain model: several spaces that fork from each other map, unmap,
// protect, move, write and read a window of pages at random, on a machine that forgets translations
// only when told to. Everything the model says must be what a user would see, and at the end every
// frame is back. The same with allocations that fail.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../kernel/vm/area.h"
#include "../../kernel/vm/pt.h"
#include "host_vm/fakes.h"
#include <kerr.h>
#include <vm/user.h>

enum { HOT = 480, HOT_LEN = 96 }; // pages that bursts touch: around a boundary of leaf tables
enum { PAGES = 1536, SPACES = 4, FILES = 3, OBJECTS = 600, OBJ_PAGES = 96 };
enum : u64 { BASE = (5ul << 30) - (2ul << 20) }; // crosses a boundary of the second-level tables

enum kind : u8 { NONE, ANON, PRIVATE, SHARED };
struct mpage {
    enum kind kind;
    u8 prot;
    bool own, dontfork, wipe; // own: a private copy exists
    u16 obj, idx;
    u64 val;
};
struct mspace {
    struct aspace *as;
    struct mpage page[PAGES];
};
struct mobj {
    struct memobj *o; // NULL for anonymous shared objects (their area owns them)
    u64 pages;        // size
    u64 val[OBJ_PAGES];
};
static struct mspace spaces[SPACES];
static struct mobj objects[OBJECTS];
static u64 disk[OBJ_PAGES]; // store behind file 1
static u64 next_val = 1;
static bool failing;

enum { TMPFS, DISK, IMAGE };

// A page that shows v carries it twice, so that foreign or half-made pages are noticed.
static void put(void *page, u64 v)
{
    ((u64 *)page)[1] = v;
    ((u64 *)page)[511] = v ? ~v : 0;
}
static u64 get(const void *page)
{
    u64 v = ((const u64 *)page)[1];
    assert_int_equal(((const u64 *)page)[511], v ? ~v : 0);
    assert_int_equal(((const u64 *)page)[2], 0);
    return v;
}

static int disk_read(struct memobj *o, u64 index, struct frame *f)
{
    (void)o;
    put(frame_to_virt(f), disk[index]);
    return 0;
}
static int disk_write(struct memobj *o, u64 index, struct frame *f)
{
    (void)o;
    disk[index] = get(frame_to_virt(f));
    return 0;
}
static paddr_t image_direct(struct memobj *o, u64 index)
{
    (void)o;
    return index < FAKE_IMAGE_PAGES ? fake_image_page((u32)index) : 0;
}
static const struct memobj_ops tmpfs_ops = {0};
static const struct memobj_ops disk_ops = {.read_in = disk_read, .write_back = disk_write};
static const struct memobj_ops image_ops = {.direct = image_direct};
static struct memobj files[FILES];

static u32 pick(u32 n)
{
    return fake_random() % n;
}
static u64 va(u32 page)
{
    return BASE + page * PAGE_SIZE;
}

// --- what a user does ---
static enum fault_result expected(const struct mspace *s, u32 page, u32 access)
{
    const struct mpage *p = &s->page[page];
    u8 need = access == ACCESS_WRITE  ? VMA_WRITE
              : access == ACCESS_EXEC ? VMA_EXEC
                                      : VMA_READ | VMA_WRITE;
    if (p->kind == NONE)
        return FAULT_NO_AREA;
    if (!(p->prot & need))
        return FAULT_DENIED;
    if (p->kind != ANON && !p->own && p->idx >= objects[p->obj].pages)
        return FAULT_BUS;
    return FAULT_OK;
}

static u64 *value_of(struct mspace *s, u32 page)
{
    struct mpage *p = &s->page[page];
    if (p->kind == ANON || p->own)
        return &p->val;
    return &objects[p->obj].val[p->idx];
}

static void access_page(struct mspace *s, u32 page, u32 access)
{
    enum fault_result want = expected(s, page, access), got = FAULT_OK;
    u8 *p = NULL;
    for (u32 tries = 0; tries < 4 && got == FAULT_OK && !p; tries++) {
        p = fake_access(s->as, va(page), access);
        if (!p)
            got = aspace_fault(s->as, va(page), access);
    }
    if (got == FAULT_OOM) {
        assert_true(failing);
        return;
    }
    assert_int_equal(got, want);
    if (got != FAULT_OK)
        return;
    assert_non_null(p);
    assert_int_equal(get(p), *value_of(s, page));
    if (access == ACCESS_WRITE) {
        struct mpage *m = &s->page[page];
        if (m->kind == PRIVATE)
            m->own = true;
        *value_of(s, page) = next_val;
        put(p, next_val++);
    }
}

// The same through the copy functions of the kernel.
static void copy_page_word(struct mspace *s, u32 page, bool write)
{
    enum fault_result want = expected(s, page, write ? ACCESS_WRITE : ACCESS_READ);
    fake_current->mmu = &s->as->arch;
    u64 buf[512];
    int err = 0;
    if (write) {
        u64 words[3] = {next_val, 0, ~next_val};
        usize done = 0;
        err = user_copy_out(uaddr(va(page) + 8), &words[0], 16);
        if (!err)
            done = user_copy_out_partial(uaddr(va(page) + 511 * 8), &words[2], 8);
        if (!err && done != 8)
            fail();
    } else {
        err = user_copy_in(buf, uaddr(va(page)), sizeof(buf));
    }
    fake_current->mmu = NULL;
    if (err && want == FAULT_OK) {
        assert_true(failing);
        return;
    }
    assert_int_equal(err, want == FAULT_OK ? 0 : -E_FAULT);
    if (err)
        return;
    if (!write) {
        assert_int_equal(get(buf), *value_of(s, page));
        return;
    }
    if (s->page[page].kind == PRIVATE)
        s->page[page].own = true;
    *value_of(s, page) = next_val++;
}

// Many accesses close together, mostly of one kind: read-only phases keep tables shared after a
// fork.
static void burst(struct mspace *s)
{
    u32 from = HOT + pick(3) * HOT_LEN / 3, mostly = 1u << pick(2);
    for (u32 i = 0; i < 48; i++)
        access_page(s, from + pick(HOT_LEN / 3), pick(40) ? mostly : ACCESS_WRITE);
}

// --- calls ---
static u32 range(u32 *len, u32 max)
{
    *len = 1 + pick(max);
    return pick(PAGES - *len);
}

static u16 fresh_object(void)
{
    for (u16 id = FILES; id < OBJECTS; id++) {
        bool used = false;
        for (u32 s = 0; s < SPACES && !used; s++)
            for (u32 p = 0; p < PAGES && !used && spaces[s].as; p++)
                used = spaces[s].page[p].kind >= PRIVATE && spaces[s].page[p].obj == id;
        if (!used)
            return id;
    }
    return 0;
}

static void op_map(struct mspace *s)
{
    u32 len, page = range(&len, pick(8) ? 60 : 700), what = pick(6);
    u8 prot = (u8)(pick(4) ? VMA_READ | VMA_WRITE : pick(8));
    struct map_request r = {
        .addr = va(page), .len = len * PAGE_SIZE, .how = MAP_REQ_FIXED, .flags = prot};
    struct mpage m = {.kind = ANON, .prot = prot};
    u16 obj = 0;
    u32 idx = 0;
    r.flags |= VMA_MAYREAD | VMA_MAYWRITE | VMA_MAYEXEC;
    if (what == 0) {
        obj = fresh_object();
        if (!obj || len > OBJ_PAGES)
            return;
        m.kind = SHARED;
        r.flags |= VMA_SHARED;
    } else if (what <= 2) {
        obj = (u16)pick(FILES);
        len = MIN(len, 40);
        idx = pick(OBJ_PAGES - len);
        r.len = len * PAGE_SIZE;
        r.object = &files[obj];
        r.offset = idx * PAGE_SIZE;
        m.kind = what == 1 && obj != IMAGE ? SHARED : PRIVATE;
        if (m.kind == SHARED)
            r.flags |= VMA_SHARED;
    }
    i64 at = aspace_map(s->as, &r);
    if (at == -E_NOMEM && failing)
        return;
    assert_int_equal(at, va(page));
    if (m.kind == SHARED && !r.object) {
        objects[obj] = (struct mobj){.pages = len};
    }
    for (u32 i = 0; i < len; i++) {
        s->page[page + i] = m;
        s->page[page + i].obj = obj;
        s->page[page + i].idx = (u16)(idx + i);
    }
}

static void op_unmap(struct mspace *s)
{
    u32 len, page = range(&len, pick(8) ? 100 : PAGES - 1);
    int err = aspace_unmap(s->as, va(page), len * PAGE_SIZE);
    if (err == -E_NOMEM && failing)
        return;
    assert_int_equal(err, 0);
    memset(&s->page[page], 0, len * sizeof(struct mpage));
}

// After a failure in the middle of something that works area by area: take over what the areas say.
static void resync(struct mspace *s)
{
    for (u32 p = 0; p < PAGES; p++) {
        struct vma *v = aspace_find(s->as, va(p));
        if (!v)
            s->page[p] = (struct mpage){0};
        else
            s->page[p].prot = v->flags & 7;
    }
}

static void op_protect(struct mspace *s)
{
    u32 len, page = range(&len, 80), done = 0;
    u8 prot = (u8)(pick(3) ? pick(8) : VMA_READ | VMA_WRITE);
    while (done < len && s->page[page + done].kind)
        done++;
    int err = aspace_protect(s->as, va(page), len * PAGE_SIZE, prot);
    if (failing && err == -E_NOMEM) {
        resync(s);
        return;
    }
    assert_int_equal(err, done == len ? 0 : -E_NOMEM);
    for (u32 i = 0; i < done; i++)
        s->page[page + i].prot = prot;
}

static void op_remap(struct mspace *s)
{
    u32 at = pick(PAGES), len;
    struct vma *v = aspace_find(s->as, va(at));
    if (!v || v->end > va(PAGES))
        return;
    len = 1 + pick((u32)((v->end - va(at)) >> PAGE_SHIFT));
    u32 new_len = pick(2) ? len : 1 + pick(100), to = 0, flags = pick(8) ? REMAP_MAYMOVE : 0;
    if (flags && pick(2) && new_len < PAGES) {
        flags |= REMAP_FIXED;
        to = pick(PAGES - new_len);
        if (to < at + len && at < to + new_len)
            return;
    }
    static struct mpage moved[PAGES];
    for (u32 i = 0; i < new_len; i++) {
        moved[i] = s->page[at + MIN(i, len - 1)];
        if (i >= len) {
            moved[i].idx = (u16)(moved[i].idx + (i - len + 1));
            moved[i].own = false;
            moved[i].val = 0;
        }
    }
    if (moved[0].kind >= PRIVATE && moved[new_len - 1].idx >= OBJ_PAGES)
        return;
    bool zap_target = flags & REMAP_FIXED;
    i64 r = aspace_remap(s->as, va(at), len * PAGE_SIZE, new_len * PAGE_SIZE, flags, va(to));
    if (r < 0) {
        assert_true(r == -E_NOMEM && (failing || !flags));
        if (failing)
            resync(s);
        (void)zap_target;
        return;
    }
    memset(&s->page[at], 0, MIN(len, PAGES - at) * sizeof(struct mpage));
    if ((u64)r < va(0) ||
        (u64)r + new_len * PAGE_SIZE > va(PAGES)) { // moved out of the window: forget it
        bool was = failing;
        fake_fail_one_in(0);
        assert_int_equal(aspace_unmap(s->as, (u64)r, new_len * PAGE_SIZE), 0);
        fake_fail_one_in(was ? 12 : 0);
        return;
    }
    to = (u32)(((u64)r - BASE) >> PAGE_SHIFT);
    memcpy(&s->page[to], moved, new_len * sizeof(struct mpage));
}

static void op_fork(struct mspace *s)
{
    for (u32 i = 0; i < SPACES; i++) {
        if (spaces[i].as)
            continue;
        int err = aspace_fork(s->as, &spaces[i].as);
        if (err) {
            assert_true(failing && err == -E_NOMEM);
            spaces[i].as = NULL;
            return;
        }
        memcpy(spaces[i].page, s->page, sizeof(s->page));
        for (u32 p = 0; p < PAGES; p++) {
            struct mpage *m = &spaces[i].page[p];
            if (m->dontfork)
                *m = (struct mpage){0};
            else if (m->wipe)
                m->val = 0;
        }
        return;
    }
}

static void op_exit(struct mspace *s)
{
    u32 alive = 0;
    for (u32 i = 0; i < SPACES; i++)
        alive += spaces[i].as != NULL;
    if (alive == 1)
        return;
    aspace_put_user(s->as);
    s->as = NULL;
}

static void op_advise(struct mspace *s)
{
    static const enum aspace_advice list[] = {ADVISE_DONTNEED,   ADVISE_DONTNEED,
                                              ADVISE_DONTFORK,   ADVISE_DOFORK,
                                              ADVISE_WIPEONFORK, ADVISE_KEEPONFORK};
    enum aspace_advice a = list[pick(ARRAY_LEN(list))];
    u32 len, page = range(&len, 40);
    for (u32 i = 0; i < len; i++)
        if (!s->page[page + i].kind || (a == ADVISE_WIPEONFORK && s->page[page + i].kind != ANON))
            return;
    fake_fail_one_in(0);
    assert_int_equal(aspace_advise(s->as, va(page), len * PAGE_SIZE, a), 0);
    fake_fail_one_in(failing ? 12 : 0);
    for (u32 i = 0; i < len; i++) {
        struct mpage *m = &s->page[page + i];
        if (a == ADVISE_DONTNEED)
            m->own = false, m->val = 0;
        else if (a == ADVISE_DONTFORK || a == ADVISE_DOFORK)
            m->dontfork = a == ADVISE_DONTFORK;
        else
            m->wipe = a == ADVISE_WIPEONFORK;
    }
}

static void forget_private(u32 obj, u32 from)
{
    for (u32 s = 0; s < SPACES; s++)
        for (u32 p = 0; p < PAGES && spaces[s].as; p++)
            if (spaces[s].page[p].kind == PRIVATE && spaces[s].page[p].obj == obj &&
                spaces[s].page[p].idx >= from)
                spaces[s].page[p].own = false;
}

static void op_file(void)
{
    u32 obj = pick(IMAGE);
    struct mobj *m = &objects[obj];
    u32 idx = pick(OBJ_PAGES);
    fake_fail_one_in(0);
    switch (pick(6)) {
    case 0: { // truncate
        u64 pages = pick(OBJ_PAGES);
        for (u64 i = pages; i < OBJ_PAGES; i++) {
            m->val[i] = 0;
            if (obj == DISK)
                disk[i] = 0;
        }
        if (pages < m->pages)
            forget_private(obj, (u32)pages);
        memobj_truncate(m->o, pages * PAGE_SIZE);
        m->pages = pages;
        break;
    }
    case 1: // punch
        if (obj == TMPFS) {
            u32 last = idx + pick(10);
            last = MIN(last, OBJ_PAGES - 1);
            memobj_drop(m->o, idx, last);
            for (u32 i = idx; i <= last; i++)
                m->val[i] = 0;
        }
        break;
    case 2: {
        u64 page[512] = {0};
        struct iobuf b;
        if (idx >= m->pages)
            break;
        put(page, next_val);
        iobuf_kernel(&b, page, sizeof(page));
        assert_int_equal(memobj_write(m->o, idx * PAGE_SIZE, &b), PAGE_SIZE);
        m->val[idx] = next_val++;
        break;
    }
    case 3: {
        u64 page[512];
        struct iobuf b;
        iobuf_kernel(&b, page, sizeof(page));
        i64 n = memobj_read(m->o, idx * PAGE_SIZE, &b);
        assert_int_equal(n, idx < m->pages ? PAGE_SIZE : 0);
        if (n)
            assert_int_equal(get(page), m->val[idx]);
        break;
    }
    case 4:
        assert_int_equal(memobj_sync(m->o), 0);
        break;
    default:
        fake_reclaim(pick(30));
        break;
    }
    fake_fail_one_in(failing ? 12 : 0);
}

// --- whole-state checks ---
static void check_space(struct mspace *s)
{
    u64 mapped = 0, resident = 0, listed = 0;
    for (u32 p = 0; p < PAGES; p++) {
        mapped += s->page[p].kind != NONE;
        struct vma *v = aspace_find(s->as, va(p));
        assert_int_equal(v != NULL, s->page[p].kind != NONE);
        if (v)
            assert_int_equal(v->flags & 7, s->page[p].prot);
    }
    u64 end = 0;
    for (struct vma *v = area_of(rb_first(&s->as->areas)); v; v = area_next(v)) {
        assert_true(v->start >= end && v->end > v->start);
        assert_int_equal(v->gap, v->start - end);
        end = v->end;
        listed++;
        resident += vma_resident(v);
    }
    assert_int_equal(listed, s->as->area_count);
    assert_int_equal(s->as->total_pages, mapped);
    assert_int_equal(resident, s->as->rss_anon + s->as->rss_file);
}

static u64 naive_gap(struct aspace *as, u64 len, u64 lo, u64 hi)
{
    u64 best = 0, from = lo;
    for (struct vma *v = area_of(rb_first(&as->areas));; v = area_next(v)) {
        u64 to = v ? MIN(v->start, hi) : hi;
        if (to >= from && to - from >= len)
            best = to - len;
        if (!v)
            return best;
        from = MAX(from, v->end);
    }
}

static void check_gaps(struct aspace *as)
{
    u64 len = (1 + pick(300)) * PAGE_SIZE, lo = va(pick(PAGES)), hi = lo + pick(PAGES) * PAGE_SIZE;
    assert_int_equal(area_gap_top(as, len, lo, hi), naive_gap(as, len, lo, hi));
    u64 low = area_gap_bottom(as, len, lo, hi);
    assert_int_equal(low != 0, naive_gap(as, len, lo, hi) != 0);
    if (low)
        assert_true(low >= lo && low + len <= hi && area_range_free(as, low, low + len));
}

static void run(u32 steps, bool with_failures)
{
    failing = false;
    fake_fail_one_in(0);
    u64 frames = fake_frames_used(), slabs = fake_slabs_used();
    static const struct memobj_ops *const ops[FILES] = {&tmpfs_ops, &disk_ops, &image_ops};
    for (u32 i = 0; i < FILES; i++) {
        memobj_init(&files[i], ops[i], FAKE_IMAGE_PAGES * PAGE_SIZE);
        objects[i] = (struct mobj){.o = &files[i], .pages = FAKE_IMAGE_PAGES};
        for (u32 p = 0; p < FAKE_IMAGE_PAGES; p++) {
            if (i == DISK)
                objects[i].val[p] = disk[p] = next_val++;
            if (i == IMAGE) {
                put(phys_to_virt(fake_image_page(p)), next_val);
                ((u64 *)phys_to_virt(fake_image_page(p)))[2] = 0;
                objects[i].val[p] = next_val++;
            }
        }
    }
    memset(spaces, 0, sizeof(spaces));
    assert_int_equal(aspace_create(&spaces[0].as), 0);
    spaces[0].as->mmap_base = va(PAGES);
    failing = with_failures;
    fake_fail_one_in(failing ? 12 : 0);
    for (u32 step = 0; step < steps; step++) {
        struct mspace *s = &spaces[pick(SPACES)];
        if (!s->as)
            continue;
        u32 what = pick(100);
        if (what < 14)
            op_map(s);
        else if (what < 18)
            op_unmap(s);
        else if (what < 24)
            op_protect(s);
        else if (what < 30)
            op_remap(s);
        else if (what < 36)
            op_fork(s);
        else if (what < 40)
            op_exit(s);
        else if (what < 44)
            op_advise(s);
        else if (what < 52)
            op_file();
        else if (what < 60)
            copy_page_word(s, pick(PAGES), pick(2));
        else if (what < 84)
            burst(s);
        else
            for (u32 i = 0; i < 12; i++)
                access_page(s, pick(PAGES), 1u << pick(3));
        fake_evict(s->as          ? s->as
                   : spaces[0].as ? spaces[0].as
                   : spaces[1].as ? spaces[1].as
                   : spaces[2].as ? spaces[2].as
                                  : spaces[3].as);
        fake_rcu();
        if (step % 16 == 0)
            for (u32 i = 0; i < SPACES; i++)
                if (spaces[i].as) {
                    check_space(&spaces[i]);
                    check_gaps(spaces[i].as);
                }
    }
    failing = false;
    fake_fail_one_in(0);
    for (u32 i = 0; i < SPACES; i++)
        for (u32 p = 0; p < PAGES && spaces[i].as; p++)
            access_page(&spaces[i], p, ACCESS_READ);
    for (u32 i = 0; i < SPACES; i++)
        if (spaces[i].as)
            aspace_put_user(spaces[i].as);
    for (u32 i = 0; i < FILES; i++) {
        assert_true(list_empty(&files[i].areas));
        memobj_put(&files[i]);
    }
    fake_rcu();
    assert_int_equal(fake_frames_used(), frames);
    assert_int_equal(fake_slabs_used(), slabs);
}

static void model(void **state)
{
    (void)state;
    for (u32 round = 0; round < 6; round++)
        run(4000, false);
}

static void model_with_failures(void **state)
{
    (void)state;
    for (u32 round = 0; round < 6; round++)
        run(4000, true);
}

static void model_four_levels(void **state)
{
    (void)state;
    arch_pt_levels_ = 4;
    arch_user_top_ = USER_TOP_SV48;
    run(4000, false);
    arch_pt_levels_ = 3;
    arch_user_top_ = USER_TOP_SV39;
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
        cmocka_unit_test(model),
        cmocka_unit_test(model_with_failures),
        cmocka_unit_test(model_four_levels),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
