// Sleeping locks: mutex and reader-writer lock. Thread context only. Debug builds check class order
// with the spinlocks.
#pragma once
#include <sched/wait.h>
#include <sync/lock_order.h>

struct mutex {
    _Atomic(struct thread *) owner;
    struct waitqueue waiters;
    const struct lock_class *cls;
};
#define MUTEX_INIT(name, c) {.waiters = WAITQUEUE_INIT((name).waiters), .cls = (c)}
void mutex_init(struct mutex *m, const struct lock_class *cls);
void mutex_lock(struct mutex *m);
void mutex_lock_nested(struct mutex *m); // second of the same class, caller states the order
[[nodiscard]] int mutex_lock_interruptible(struct mutex *m); // -E_RESTART
[[nodiscard]] bool mutex_trylock(struct mutex *m);
void mutex_unlock(struct mutex *m);
bool mutex_held(const struct mutex *m); // by current

struct rwlock {        // writer-preferring
    _Atomic i64 state; // readers, or -1 for a writer
    _Atomic u32 writers_waiting;
    struct waitqueue waiters;
    const struct lock_class *cls;
};
#define RWLOCK_INIT(name, c) {.waiters = WAITQUEUE_INIT((name).waiters), .cls = (c)}
void rwlock_init(struct rwlock *l, const struct lock_class *cls);
// Not recursive: a second read_lock waits for a writer that waits for the first.
void read_lock(struct rwlock *l);
[[nodiscard]] bool read_trylock(struct rwlock *l);
void read_unlock(struct rwlock *l);
void write_lock(struct rwlock *l);
void write_lock_nested(struct rwlock *l);
void write_unlock(struct rwlock *l);
[[nodiscard]] bool write_trylock(struct rwlock *l);
