// Ticket spinlocks: the paths that are not worth inlining. FIFO, so no CPU starves. The word's low
// half is the ticket being served, the high half the next to give out; only the holder writes the
// low half, so a half-word store releases.
#include <sync/lock_order.h>

#define X(name_, ord) const struct lock_class lock_class_##name_ = {#name_, ord};
LOCK_CLASSES(X)
#undef X

void spin_init(struct spinlock *l, const struct lock_class *cls)
{
    *l = (struct spinlock)SPINLOCK_INIT(cls);
    (void)cls;
}

void spin_wait(struct spinlock *l, u16 ticket)
{
    while (atomic_load_explicit(&l->owner, memory_order_acquire) != ticket)
        arch_relax();
}

bool spin_trylock(struct spinlock *l)
{
    preempt_disable();
    u32 word = atomic_load_explicit(&l->word, memory_order_relaxed);
    if ((u16)word != word >> 16 ||
        !atomic_compare_exchange_strong_explicit(&l->word, &word, word + 0x10000,
                                                 memory_order_acquire, memory_order_relaxed)) {
        preempt_enable();
        return false;
    }
    if (CONFIG_DEBUG) {
        spin_check_before(l, LOCK_SPIN | LOCK_TRY);
        spin_check_after(l);
    }
    return true;
}
