// Spinlocks: the paths that are not worth inlining. Waiters read until the lock looks free and only
// then try again, so that they leave the holder's cache line alone.
#include <sync/lock_order.h>

#define X(name_, ord) const struct lock_class lock_class_##name_ = {#name_, ord};
LOCK_CLASSES(X)
#undef X

void spin_init(struct spinlock *l, const struct lock_class *cls)
{
    *l = (struct spinlock)SPINLOCK_INIT(cls);
    (void)cls;
}

void spin_wait(struct spinlock *l, u16 value)
{
    while (atomic_load_explicit(&l->owner, memory_order_relaxed) != value)
        arch_relax();
}

bool spin_trylock(struct spinlock *l)
{
    preempt_disable();
    if (atomic_load_explicit(&l->word, memory_order_relaxed) ||
        atomic_exchange_explicit(&l->word, 1, memory_order_acquire)) {
        preempt_enable();
        return false;
    }
    if (CONFIG_DEBUG) {
        spin_check_before(l, LOCK_SPIN | LOCK_TRY);
        spin_check_after(l);
    }
    return true;
}
