// Kernel stacks. Each occupies the upper half of a slot of its own region; the lower half is never
// mapped, so running over the end of a stack faults. Mapping is dear, so stacks of threads that
// ended are kept mapped: a few per CPU (preemption off), some more in a common pool; beyond that a
// worker unmaps them. Which slots are in use is a bitmap over the region.
//
// A kept stack holds its own record at its lowest address.
#include "sched.h"
#include <arch/mmu.h>
#include <kerr.h>
#include <lib/string.h>
#include <mem/frame.h>

enum {
    STACK_PAGES = KSTACK_SIZE / PAGE_SIZE,
    SLOTS = KSTACK_REGION_SIZE / KSTACK_SLOT,
    PER_CPU = 4,   // kept stacks of one CPU
    POOL_KEEP = 8, // in the common pool, before a worker unmaps the rest
};

struct kept_stack {
    struct kept_stack *next;
    struct frame *frames[STACK_PAGES];
};
struct stack_cache {
    struct kept_stack *first;
    _Atomic u32 count; // written by who may write `first`
};

static struct spinlock lock = SPINLOCK_INIT(&lock_class_kstack);
// --- guarded by lock ---
static u64 used[SLOTS / 64];
static u32 search_from; // no free slot below, in words
static struct stack_cache pool;
// --- own CPU, preemption off ---
static struct stack_cache cpu_cache[MAX_CPUS];

static void trim(struct work *w);
static struct work trim_work = {.link = LIST_INIT(trim_work.link), .fn = trim};

static u32 stacks_in(struct stack_cache *c)
{
    return atomic_load_explicit(&c->count, memory_order_relaxed);
}

static void stack_count(struct stack_cache *c, i32 n)
{
    atomic_store_explicit(&c->count, stacks_in(c) + (u32)n, memory_order_relaxed);
}

static void push(struct stack_cache *c, struct kept_stack *s)
{
    s->next = c->first;
    c->first = s;
    stack_count(c, 1);
}

static struct kept_stack *pop(struct stack_cache *c)
{
    struct kept_stack *s = c->first;
    if (s) {
        c->first = s->next;
        stack_count(c, -1);
    }
    return s;
}

static u64 slot_stack(u32 slot)
{
    return KSTACK_REGION_BASE + (slot + 1ul) * KSTACK_SLOT - KSTACK_SIZE;
}

static i64 slot_alloc(void)
{
    i64 slot = -E_NOMEM;
    spin_lock(&lock);
    for (u32 w = search_from; w < SLOTS / 64; w++) {
        if (used[w] == UINT64_MAX)
            continue;
        u32 bit = (u32)__builtin_ctzl(~used[w]);
        used[w] |= 1ul << bit;
        search_from = w;
        slot = (i64)w * 64 + bit;
        break;
    }
    spin_unlock(&lock);
    return slot;
}

static void slot_free(u64 stack)
{
    u32 slot = (u32)((stack - KSTACK_REGION_BASE) / KSTACK_SLOT);
    spin_lock(&lock);
    used[slot / 64] &= ~(1ul << slot % 64);
    search_from = MIN(search_from, slot / 64);
    spin_unlock(&lock);
}

// Takes `mapped` pages of a stack out of the map and gives frames and slot back. Thread context.
static void stack_destroy(u64 stack, struct frame *const *frames, u32 mapped)
{
    struct frame *copy[STACK_PAGES]; // the record may lie in the stack itself
    memcpy(copy, frames, mapped * sizeof(copy[0]));
    if (mapped)
        arch_kernel_unmap(stack, mapped);
    for (u32 i = 0; i < mapped; i++)
        frame_put(copy[i]);
    slot_free(stack);
}

static int stack_create(struct thread *t)
{
    i64 slot = slot_alloc();
    if (slot < 0)
        return (int)slot;
    u64 stack = slot_stack((u32)slot);
    for (u32 i = 0; i < STACK_PAGES; i++) {
        struct frame *f = frame_alloc(0, 0);
        if (f && arch_kernel_map(stack + i * PAGE_SIZE, frame_to_phys(f),
                                 PTE_PROT_READ | PTE_PROT_WRITE) == 0) {
            t->kstack_frames[i] = f;
            continue;
        }
        if (f)
            frame_put(f);
        stack_destroy(stack, t->kstack_frames, i);
        return -E_NOMEM;
    }
    t->kstack = (void *)stack;
    frame_account(FRAME_USE_KSTACK, STACK_PAGES);
    return 0;
}

int kstack_get(struct thread *t)
{
    preempt_disable();
    struct kept_stack *s = pop(&cpu_cache[this_cpu()->index]);
    preempt_enable();
    if (!s && stacks_in(&pool)) { // a stale look costs a new stack at worst
        spin_lock(&lock);
        s = pop(&pool);
        spin_unlock(&lock);
    }
    if (!s)
        return stack_create(t);
    memcpy(t->kstack_frames, s->frames, sizeof(s->frames));
    t->kstack = s;
    return 0;
}

void kstack_put(struct thread *t)
{
    struct kept_stack *s = t->kstack;
    memcpy(s->frames, t->kstack_frames, sizeof(s->frames));
    preempt_disable();
    struct stack_cache *c = &cpu_cache[this_cpu()->index];
    bool kept = stacks_in(c) < PER_CPU;
    if (kept)
        push(c, s);
    preempt_enable();
    if (kept)
        return;
    spin_lock(&lock);
    push(&pool, s);
    bool many = stacks_in(&pool) > POOL_KEEP;
    spin_unlock(&lock);
    if (many)
        work_queue(&trim_work);
}

static void trim(struct work *w)
{
    (void)w;
    for (;;) {
        struct kept_stack *s = NULL;
        spin_lock(&lock);
        if (stacks_in(&pool) > POOL_KEEP)
            s = pop(&pool);
        spin_unlock(&lock);
        if (!s)
            return;
        stack_destroy((u64)s, s->frames, STACK_PAGES);
        frame_account(FRAME_USE_KSTACK, -(i64)STACK_PAGES);
    }
}
