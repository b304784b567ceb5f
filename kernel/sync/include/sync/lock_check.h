// The lock checker of debug builds: classes must be taken in growing order, a lock that an
// interrupt handler takes must never be held with interrupts on, nothing sleeps while a spinlock is
// held. Every kind of lock, spinning or sleeping, reports here. A broken promise is one log line
// that starts with "lock order:" or "BUG:", with a backtrace, and the machine goes on. In release
// builds nobody calls these (each call is behind `if (CONFIG_DEBUG)`).
#pragma once
#include <lib/types.h>

struct lock_class;
struct spinlock;

enum lock_how : u32 {
    LOCK_NESTED = 1, // a second lock of the class is meant; the caller states the order
    LOCK_TRY = 2,    // cannot wait, so cannot deadlock: only recorded
    LOCK_SPIN = 4,   // a spinning lock: its use in interrupts is checked
};

// Before a lock is waited for (or, LOCK_TRY, after it was got): checks and records it as held by
// the current thread. Any context. cls NULL (a lock that is still all zeroes): not checked.
void lock_check_acquire(const struct lock_class *cls, u32 how);
// Before it is released: forgets the innermost record of that class; complains if there is none.
void lock_check_release(const struct lock_class *cls);
// How many locks the current thread holds (for assertions and tests).
u32 lock_check_held(void);

// The debug bodies of spinlock operations. _before: class check; _after: notes the holder;
// _release: the owner must release.
void spin_check_before(struct spinlock *l, u32 how);
void spin_check_after(struct spinlock *l);
void spin_check_release(struct spinlock *l);
bool spin_check_held(const struct spinlock *l);
// Complains, with the caller's address, unless the caller may sleep.
void might_sleep_check(void);
// Complaints so far since boot.
u32 lock_check_reports(void);
