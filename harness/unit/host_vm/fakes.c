// See fakes.h. Single-threaded.
#include "fakes.h"

#include <kerr.h>
#include <mem/slab.h>
#include <sanitizer/asan_interface.h>
#include <sched/rcu.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sync/log.h>

enum { FRAMES = 16384, TLB_SIZE = 4096, PWC_SIZE = 64, SPACES = 8 };
enum : u64 { RAM_BASE = 0x8000'0000, SPAN = PAGE_SIZE << 9 };

uint64_t fake_direct_map;
u32 arch_pt_levels_ = 3;
u64 arch_user_top_ = USER_TOP_SV39;
static struct thread current_thread;
struct thread *fake_current = &current_thread;
bool fake_irqs_off;

static struct frame frames[FRAMES];
static u32 free_stack[FRAMES], free_count;
static u64 slabs_used;
static u32 fail_rate, fail_countdown;
static bool failed;
static u64 seed = 1;

u32 fake_random(void)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (u32)(seed >> 33);
}

void panic(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    abort();
}
void klog(enum log_level level, const char *fmt, ...)
{
    (void)level, (void)fmt;
}

static bool refuse(void)
{
    bool no = fail_rate && fake_random() % fail_rate == 0;
    if (fail_countdown && --fail_countdown == 0)
        no = true;
    failed |= no;
    return no;
}
void fake_fail_one_in(u32 n)
{
    fail_rate = n;
    failed = false;
}
void fake_fail_nth(u32 n)
{
    fail_countdown = n;
    failed = false;
}
bool fake_failed(void)
{
    return failed;
}

// --- frames ---
void fake_init(void)
{
    static u8 *ram; // kept: leak checks leave it alone
    ram = aligned_alloc(SPAN, FRAMES * PAGE_SIZE);
    if (!ram)
        abort();
    fake_direct_map = (u64)(uintptr_t)ram - RAM_BASE;
    for (u32 i = 0; i < FRAMES; i++) {
        if (i < FAKE_IMAGE_PAGES) {
            frames[i].flags = FRAME_RESERVED;
            continue;
        }
        free_stack[free_count++] = i;
    }
    ASAN_POISON_MEMORY_REGION(ram + FAKE_IMAGE_PAGES * PAGE_SIZE,
                              (FRAMES - FAKE_IMAGE_PAGES) * PAGE_SIZE);
}
paddr_t fake_image_page(u32 i)
{
    return RAM_BASE + i * PAGE_SIZE;
}
u64 fake_frames_used(void)
{
    return FRAMES - FAKE_IMAGE_PAGES - free_count;
}
struct frame_range frame_main = {.base = RAM_BASE, .pages = FRAMES, .frames = frames};
struct frame *frame_find(paddr_t pa)
{
    (void)pa;
    return NULL;
}
paddr_t frame_locate(const struct frame *f)
{
    panic("no such frame: %p", (const void *)f);
}
void frame_account(enum frame_use use, i64 pages)
{
    (void)use, (void)pages;
}
struct frame *frame_alloc(u32 order, u32 flags)
{
    if (order)
        abort();
    if (refuse())
        return NULL;
    if (!free_count)
        panic("the arena is too small");
    // Any free frame, so that reuse comes soon and surprises.
    u32 at = fake_random() % free_count, i = free_stack[at];
    free_stack[at] = free_stack[--free_count];
    struct frame *f = &frames[i];
    if (f->refs)
        panic("free frame with %u references", f->refs);
    f->refs = 1;
    f->flags = 0;
    f->private = 0;
    void *page = frame_to_virt(f);
    ASAN_UNPOISON_MEMORY_REGION(page, PAGE_SIZE);
    memset(page, flags & ALLOC_ZERO ? 0 : 0xcc, PAGE_SIZE);
    return f;
}
void frame_put(struct frame *f)
{
    if (!f->refs || f->flags & FRAME_RESERVED)
        panic("frame_put of a free or reserved frame");
    if (--f->refs)
        return;
    if (f->flags & FRAME_TABLE)
        panic("a page table was freed as a page");
    ASAN_POISON_MEMORY_REGION(frame_to_virt(f), PAGE_SIZE);
    free_stack[free_count++] = (u32)(f - frames);
}
void page_free_zeroed(void *va)
{
    for (u32 i = 0; i < PAGE_SIZE; i++)
        if (((u8 *)va)[i])
            panic("page is not zero");
    frame_put(virt_to_frame(va));
}
static struct reclaim_hook *hooks;
void frame_add_reclaim(struct reclaim_hook *hook)
{
    hook->next = hooks;
    hooks = hook;
}
u64 fake_reclaim(u64 want)
{
    u64 freed = 0;
    for (struct reclaim_hook *h = hooks; h; h = h->next)
        freed += h->fn(want);
    return freed;
}

// --- slabs ---
u64 fake_slabs_used(void)
{
    return slabs_used;
}
void *slab_def_alloc(struct slab_def *d, u32 flags)
{
    (void)flags;
    if (refuse())
        return NULL;
    slabs_used++;
    void *p = malloc(d->size);
    memset(p, 0xcc, d->size);
    return p;
}
void slab_def_free(struct slab_def *d, void *obj)
{
    (void)d;
    slabs_used--;
    free(obj);
}
void *kmalloc_array(usize n, usize size, u32 flags)
{
    (void)flags;
    if (refuse())
        return NULL;
    slabs_used++;
    return malloc(n * size);
}
void kfree(void *p)
{
    slabs_used -= p != NULL;
    free(p);
}

// --- locks: one thread, so taking what is held is a deadlock ---
#define X(class_name, ord) const struct lock_class lock_class_##class_name = {#class_name, ord};
LOCK_CLASSES(X)
#undef X
// The order of classes, as the checker of debug builds wants it. Sleeping locks take part.
static const struct lock_class *held[16];
static u32 held_count;
static void hold(const struct lock_class *cls, u32 how)
{
    for (u32 i = 0; i < held_count; i++)
        if (held[i]->order > cls->order || (held[i] == cls && !(how & LOCK_NESTED)))
            panic("%s taken while %s is held", cls->name, held[i]->name);
    held[held_count++] = cls;
}
static void unhold(const struct lock_class *cls)
{
    u32 i = held_count;
    while (i && held[i - 1] != cls)
        i--;
    if (!i)
        panic("%s is not held", cls->name);
    for (held_count--; i <= held_count; i++)
        held[i - 1] = held[i];
}
void spin_check_before(struct spinlock *l, u32 how)
{
    hold(l->cls, how);
}
void spin_check_after(struct spinlock *l)
{
    (void)l;
}
void spin_check_release(struct spinlock *l)
{
    unhold(l->cls);
}
bool spin_check_held(const struct spinlock *l)
{
    (void)l;
    return true;
}
void might_sleep_check(void) {}
void spin_init(struct spinlock *l, const struct lock_class *cls)
{
    *l = (struct spinlock)SPINLOCK_INIT(cls);
}
void spin_wait(struct spinlock *l, u16 ticket)
{
    (void)l, (void)ticket;
    panic("spinlock taken twice");
}
void preempt_schedule(void) {}
static void may_sleep(void)
{
    if (current_arch()->preempt_count || fake_irqs_off)
        panic("sleeping in atomic context");
}
void rwlock_init(struct rwlock *l, const struct lock_class *cls)
{
    *l = (struct rwlock){.cls = cls};
}
void read_lock(struct rwlock *l)
{
    may_sleep();
    if (l->state)
        panic("read_lock of a held lock");
    hold(l->cls, 0);
    l->state++;
}
void read_unlock(struct rwlock *l)
{
    if (l->state-- != 1)
        panic("read_unlock of a free lock");
    unhold(l->cls);
}
void write_lock(struct rwlock *l)
{
    may_sleep();
    if (l->state)
        panic("write_lock of a held lock");
    hold(l->cls, 0);
    l->state = -1;
}
void write_unlock(struct rwlock *l)
{
    if (l->state != -1)
        panic("write_unlock of a free lock");
    unhold(l->cls);
    l->state = 0;
}
void mutex_init(struct mutex *m, const struct lock_class *cls)
{
    *m = (struct mutex){.cls = cls};
}
void mutex_lock(struct mutex *m)
{
    may_sleep();
    if (m->owner)
        panic("mutex taken twice");
    hold(m->cls, 0);
    m->owner = fake_current;
}
void mutex_unlock(struct mutex *m)
{
    unhold(m->cls);
    m->owner = NULL;
}
void thread_yield(void)
{
    may_sleep();
}
static struct rcu_head *rcu_list;
void rcu_call(struct rcu_head *head, void (*fn)(struct rcu_head *))
{
    head->fn = fn;
    head->next = rcu_list;
    rcu_list = head;
}
void fake_rcu(void)
{
    for (struct rcu_head *h; (h = rcu_list) != NULL;) {
        rcu_list = h->next;
        h->fn(h);
    }
}
void page_zero(void *page)
{
    memset(page, 0, PAGE_SIZE);
}
void page_copy(void *restrict dst, const void *restrict src)
{
    memcpy(dst, src, PAGE_SIZE);
}
void mem_copy_words(void *restrict dst, const void *restrict src, usize n)
{
    memcpy(dst, src, n);
}

// --- translations ---
struct tlb {
    struct arch_aspace *as;
    struct {
        u64 va;
        pte_t e;
    } entry[TLB_SIZE];
    struct {
        u64 va;
        pte_t e;
    } table[PWC_SIZE]; // pointers to leaf tables
};
static struct tlb tlbs[SPACES];

static struct tlb *tlb_of(struct arch_aspace *as)
{
    for (u32 i = 0; i < SPACES; i++)
        if (tlbs[i].as == as)
            return &tlbs[i];
    return NULL;
}
void arch_aspace_init(struct arch_aspace *as, paddr_t root)
{
    *as = (struct arch_aspace){.root = root};
    for (u32 i = 0; i < SPACES; i++)
        if (!tlbs[i].as) {
            memset(&tlbs[i], 0, sizeof(tlbs[i]));
            tlbs[i].as = as;
            return;
        }
    panic("too many spaces");
}
void arch_aspace_retire(struct arch_aspace *as)
{
    struct tlb *t = tlb_of(as);
    if (t)
        t->as = NULL;
}
void arch_aspace_switch(struct arch_aspace *next)
{
    (void)next;
}
void arch_tlb_flush(struct arch_aspace *as, u64 start, u64 end)
{
    struct tlb *t = tlb_of(as);
    if (fake_irqs_off)
        panic("flush with interrupts off");
    if (!t)
        return;
    for (u32 i = 0; i < TLB_SIZE; i++)
        if (t->entry[i].va >= start && t->entry[i].va < end)
            t->entry[i].e = 0;
    if (end - start >
        16 * PAGE_SIZE) // as on the machine: long ranges forget everything, table pointers too
        memset(t->table, 0, sizeof(t->table));
}
void arch_tlb_flush_local(struct arch_aspace *as, u64 va)
{
    arch_tlb_flush(as, va, va + PAGE_SIZE);
}
void arch_sync_icache(struct arch_aspace *as)
{
    (void)as;
}
void arch_icache_settle(struct arch_aspace *as)
{
    (void)as;
}

static bool permits(pte_t e, u32 access)
{
    u32 p = pte_prot(e);
    return pte_present(e) && pte_user(e) &&
           p & (access & ACCESS_WRITE  ? PTE_PROT_WRITE
                : access & ACCESS_EXEC ? PTE_PROT_EXEC
                                       : PTE_PROT_READ);
}

void *fake_access(struct aspace *as, u64 va, u32 access)
{
    struct tlb *t = tlb_of(&as->arch);
    u64 page = va & ~PAGE_MASK, span = va & ~(SPAN - 1);
    u32 slot = (u32)(page >> PAGE_SHIFT) % TLB_SIZE, pslot = (u32)(span / SPAN) % PWC_SIZE;
    if (t->entry[slot].va == page && permits(t->entry[slot].e, access))
        return (u8 *)phys_to_virt(pte_addr(t->entry[slot].e)) + (va & PAGE_MASK);
    pte_t table = t->table[pslot].va == span ? t->table[pslot].e : 0;
    if (!pte_present(table)) {
        const pte_t *p = phys_to_virt(as->arch.root);
        for (u32 level = pt_levels() - 1; level > 0; level--) {
            table = p[pt_index(va, level)];
            if (!pte_present(table))
                return NULL;
            p = phys_to_virt(pte_addr(table));
        }
        t->table[pslot].va = span;
        t->table[pslot].e = table;
    }
    pte_t e = ((const pte_t *)phys_to_virt(pte_addr(table)))[pt_index(va, 0)];
    if (!permits(e, access))
        return NULL;
    t->entry[slot].va = page;
    t->entry[slot].e = e;
    return (u8 *)phys_to_virt(pte_addr(e)) + (va & PAGE_MASK);
}

void fake_evict(struct aspace *as)
{
    struct tlb *t = tlb_of(&as->arch);
    t->entry[fake_random() % TLB_SIZE].e = 0;
    if (fake_random() % 4 == 0)
        t->table[fake_random() % PWC_SIZE].e = 0;
}
