// Spinlocks with classes. Holding one disables preemption; the _irq forms also disable interrupts
// and are needed for every lock that an interrupt handler takes. Debug builds check that classes
// are taken in growing order (same class: only through spin_lock_nested), that no sleeping happens
// while one is held, and that the owner releases. Release builds: 4 bytes.
//
// A lock goes to whoever finds it free, not to whoever came first: harts may be threads of a
// machine with fewer cores, and in a queue everybody would wait for a hart that is not being run.
#pragma once
#include <arch/cpu.h>
#include <sync/lock_check.h>
#include <sync/preempt.h>

// Orders grow from outer to inner locks. One list for the whole kernel, so that the order can be
// read in one place: sync/lock_order.h.
struct lock_class {
    const char *name;
    u32 order; // unique, below LOCK_ORDER_MAX
};
enum { LOCK_ORDER_MAX = 256 };

struct spinlock {
    union {
        _Atomic u32 word;  // 0 free, 1 taken
        _Atomic u16 owner; // its lower half
    };
#if CONFIG_DEBUG
    const struct lock_class *cls;
    const void *_Atomic holder; // thread
#endif
};

#if CONFIG_DEBUG
#define SPINLOCK_INIT(c) {.word = 0, .cls = (c)}
#else
#define SPINLOCK_INIT(c) {.word = 0}
#endif

// Waits until `owner` reads `value`.
void spin_wait(struct spinlock *l, u16 value);
void spin_init(struct spinlock *l, const struct lock_class *cls);

// The bare lock, without preemption control and checks. For this room.
static inline void spin_acquire_(struct spinlock *l)
{
    while (UNLIKELY(atomic_exchange_explicit(&l->word, 1, memory_order_acquire)))
        spin_wait(l, 0);
}
static inline void spin_release_(struct spinlock *l)
{
    atomic_store_explicit(&l->word, 0, memory_order_release);
}
static inline void spin_take_(struct spinlock *l, u32 how)
{
    if (CONFIG_DEBUG)
        spin_check_before(l, how);
    spin_acquire_(l);
    if (CONFIG_DEBUG)
        spin_check_after(l);
}

// Takes the lock. Thread context, or interrupt context for a lock that is always taken with
// interrupts off.
static inline void spin_lock(struct spinlock *l)
{
    preempt_disable();
    spin_take_(l, LOCK_SPIN);
}
// Second lock of the same class; the caller states the order (by address).
static inline void spin_lock_nested(struct spinlock *l)
{
    preempt_disable();
    spin_take_(l, LOCK_SPIN | LOCK_NESTED);
}
static inline void spin_unlock(struct spinlock *l)
{
    if (CONFIG_DEBUG)
        spin_check_release(l);
    spin_release_(l);
    preempt_enable();
}
// Takes the lock if it is free at this moment. Any order of classes.
[[nodiscard]] bool spin_trylock(struct spinlock *l);
// The same with interrupts disabled on this CPU until the matching unlock. Returns what unlock must
// restore.
static inline irqflags_t spin_lock_irqsave(struct spinlock *l)
{
    irqflags_t f = arch_irq_save();
    spin_lock(l);
    return f;
}
static inline void spin_unlock_irqrestore(struct spinlock *l, irqflags_t f)
{
    if (CONFIG_DEBUG)
        spin_check_release(l);
    spin_release_(l);
    arch_irq_restore(f);
    preempt_enable();
}
// For assertions: held by anybody (release), by this thread (debug).
static inline bool spin_held(const struct spinlock *l)
{
    if (CONFIG_DEBUG)
        return spin_check_held(l);
    return atomic_load_explicit((_Atomic u32 *)&l->word, memory_order_relaxed);
}

// States that the caller may sleep (no spinlock held, preemption on, interrupts on). Debug builds
// complain; release builds do nothing.
static inline void might_sleep(void)
{
    if (CONFIG_DEBUG)
        might_sleep_check();
}
