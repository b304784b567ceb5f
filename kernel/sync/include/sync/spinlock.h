// Spinlocks with classes. Holding one disables preemption; the _irq forms also disable interrupts and are needed for every lock that an
// interrupt handler takes. Debug builds check that classes are taken in growing order (same class: only through spin_lock_nested),
// that no sleeping happens while one is held, and that the owner releases. Release builds: a ticket lock, 4 bytes.
#pragma once
#include <arch/cpu.h>
#include <sync/preempt.h>

// Orders grow from outer to inner locks. One list for the whole kernel, so that the order can be read in one place: sync/lock_order.h.
struct lock_class {
    const char *name;
    u32 order;
};

struct spinlock {
    _Atomic u16 next, owner;
#ifdef CONFIG_DEBUG
    const struct lock_class *cls;
    struct thread *holder;
#endif
};

#ifdef CONFIG_DEBUG
#define SPINLOCK_INIT(c) {.cls = (c)}
#else
#define SPINLOCK_INIT(c) {0}
#endif

void spin_init(struct spinlock *l, const struct lock_class *cls);
void spin_lock(struct spinlock *l);
void spin_unlock(struct spinlock *l);
void spin_lock_nested(struct spinlock *l); // second lock of the same class; the caller states the order (by address)
[[nodiscard]] bool spin_trylock(struct spinlock *l);
irqflags_t spin_lock_irqsave(struct spinlock *l);
void spin_unlock_irqrestore(struct spinlock *l, irqflags_t f);
bool spin_held(const struct spinlock *l); // by anybody (release) / by this thread (debug); for assertions

// Asserts that the caller may sleep (no spinlock held, preemption on, interrupts on). Debug builds only; else nothing.
void might_sleep(void);
