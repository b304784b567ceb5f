// Getting memory back when there is none, and failing on purpose.
//
// hooks: appended under hooks_lock, never removed, walked without it. reclaimers: which threads are
// inside the hooks, so that an allocation made by a hook does not start over.
#include "mem_internal.h"

#include <mem/slab.h>
#include <sync/lock_order.h>
#include <sync/preempt.h>

static struct spinlock hooks_lock = SPINLOCK_INIT(&lock_class_frame);
static struct reclaim_hook *hooks;
static const struct arch_thread *_Atomic reclaimers[16];

_Atomic u64 mem_fail_countdown;
static const struct arch_thread *_Atomic fail_whose; // NULL: anybody's

void frame_add_reclaim(struct reclaim_hook *hook)
{
    irqflags_t irq = spin_lock_irqsave(&hooks_lock);
    struct reclaim_hook **end = &hooks;

    while (*end)
        end = &(*end)->next;
    hook->next = NULL;
    __atomic_store_n(end, hook, __ATOMIC_RELEASE);
    spin_unlock_irqrestore(&hooks_lock, irq);
}

// A place in reclaimers, or NULL: this thread reclaims already, or very many others do.
static const struct arch_thread *_Atomic *enter(void)
{
    const struct arch_thread *self = current_arch();

    for (u32 i = 0; i < ARRAY_LEN(reclaimers); i++)
        if (atomic_load_explicit(&reclaimers[i], memory_order_relaxed) == self)
            return NULL;
    for (u32 i = 0; i < ARRAY_LEN(reclaimers); i++) {
        const struct arch_thread *none = NULL;
        if (atomic_compare_exchange_strong(&reclaimers[i], &none, self))
            return &reclaimers[i];
    }
    return NULL;
}

u64 mem_reclaim(u64 want)
{
    if (in_atomic())
        return 0;
    const struct arch_thread *_Atomic *place = enter();
    if (!place)
        return 0;
    u64 freed = slab_shrink(want);
    for (struct reclaim_hook *h = __atomic_load_n(&hooks, __ATOMIC_ACQUIRE); h && freed < want;
         h = __atomic_load_n(&h->next, __ATOMIC_ACQUIRE))
        freed += h->fn(want - freed);
    atomic_store_explicit(place, NULL, memory_order_release);
    return freed;
}

void frame_fail_after(u64 n)
{
    fail_whose = NULL;
    atomic_store_explicit(&mem_fail_countdown, n, memory_order_relaxed);
}

void frame_fail_own(u64 n)
{
    fail_whose = current_arch();
    atomic_store_explicit(&mem_fail_countdown, n, memory_order_relaxed);
}

void frame_fail_forget(const struct arch_thread *gone)
{
    static const char nobody; // what is left of the count stays to be read

    if (UNLIKELY(fail_whose == gone))
        fail_whose = (const struct arch_thread *)(const void *)&nobody;
}

u64 frame_fail_left(void)
{
    return atomic_load_explicit(&mem_fail_countdown, memory_order_relaxed);
}

bool mem_fail_now(void)
{
    const struct arch_thread *whose = fail_whose;
    u64 n = atomic_load_explicit(&mem_fail_countdown, memory_order_relaxed);

    if (whose && whose != current_arch())
        return false;
    while (n && !atomic_compare_exchange_weak_explicit(&mem_fail_countdown, &n, n - 1,
                                                       memory_order_relaxed, memory_order_relaxed))
        ;
    return n == 1;
}
