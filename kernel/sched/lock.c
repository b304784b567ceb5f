// Sleeping locks. Both are one atomic word for the uncontended case and a wait queue for the rest.
// Releasing wakes a waiter but does not hand the lock over: whoever comes first takes it, which
// keeps a busy lock busy. A waiter stays in its place in the queue until it has the lock, so the
// one that waits longest is always the one woken.
//
// A waiter queues itself, sets its state (a full barrier), then tries; a releaser releases, passes
// a full barrier, then looks at the queue.
#include "sched.h"
#include <kerr.h>
#include <sched/lock.h>
#include <sync/log.h>

enum { OWNER_SPINS = 400 };

void mutex_init(struct mutex *m, const struct lock_class *cls)
{
    atomic_init(&m->owner, NULL);
    waitqueue_init(&m->waiters);
    m->cls = cls;
}

static bool mutex_take(struct mutex *m)
{
    struct thread *none = NULL;
    return atomic_compare_exchange_strong_explicit(&m->owner, &none, current(),
                                                   memory_order_acquire, memory_order_relaxed);
}

// The thread may have ended: only its address is looked at.
static bool runs_somewhere(const struct thread *t)
{
    for (u64 m = online_mask(); m; m &= m - 1)
        if (atomic_load_explicit(&sched_cpus[__builtin_ctzl(m)]->cpu.running,
                                 memory_order_relaxed) == t)
            return true;
    return false;
}

// While the owner runs on another CPU it will soon be done: cheaper to wait than to sleep.
static bool mutex_spin(struct mutex *m)
{
    if (single_cpu())
        return false;
    for (u32 i = 0; i < OWNER_SPINS; i++) {
        struct thread *o = atomic_load_explicit(&m->owner, memory_order_relaxed);
        if (!o) {
            if (mutex_take(m))
                return true;
        } else if (!runs_somewhere(o)) {
            return false;
        }
        if (atomic_load_explicit(&current_arch()->work, memory_order_relaxed) & WORK_RESCHED)
            return false;
        arch_relax();
    }
    return false;
}

static int mutex_wait(struct mutex *m, enum thread_state st)
{
    if (mutex_spin(m))
        return 0;
    struct waiter w = {.thread = current(), .exclusive = true};
    list_init(&w.link);
    wait_add(&m->waiters, &w);
    int err = 0;
    for (;;) {
        thread_set_state(st);
        if (mutex_take(m))
            break;
        if (st == THREAD_SLEEPING && thread_has_event(current())) {
            err = -E_RESTART;
            break;
        }
        schedule();
    }
    thread_set_state(THREAD_RUNNABLE);
    wait_remove(&m->waiters, &w);
    // A wake-up meant for us must not be lost on others.
    if (err && !atomic_load(&m->owner))
        wake_one(&m->waiters, 0);
    return err;
}

static int mutex_get(struct mutex *m, enum thread_state st, u32 how)
{
    might_sleep();
    if (CONFIG_DEBUG) {
        if (mutex_held(m))
            panic("BUG: mutex \"%s\" taken twice by one thread", m->cls ? m->cls->name : "?");
        lock_check_acquire(m->cls, how);
    }
    if (LIKELY(mutex_take(m)))
        return 0;
    int err = mutex_wait(m, st);
    if (CONFIG_DEBUG && err)
        lock_check_release(m->cls);
    return err;
}

void mutex_lock(struct mutex *m)
{
    (void)mutex_get(m, THREAD_BLOCKED, 0);
}

void mutex_lock_nested(struct mutex *m)
{
    (void)mutex_get(m, THREAD_BLOCKED, LOCK_NESTED);
}

int mutex_lock_interruptible(struct mutex *m)
{
    return mutex_get(m, THREAD_SLEEPING, 0);
}

bool mutex_trylock(struct mutex *m)
{
    if (!mutex_take(m))
        return false;
    if (CONFIG_DEBUG)
        lock_check_acquire(m->cls, LOCK_TRY);
    return true;
}

void mutex_unlock(struct mutex *m)
{
    if (CONFIG_DEBUG) {
        if (!mutex_held(m))
            panic("BUG: mutex \"%s\" released by a thread that does not hold it",
                  m->cls ? m->cls->name : "?");
        lock_check_release(m->cls);
    }
    atomic_store_explicit(&m->owner, NULL, memory_order_release);
    wake_one(&m->waiters, 0); // begins with the barrier and the look
}

bool mutex_held(const struct mutex *m)
{
    return atomic_load_explicit(&m->owner, memory_order_relaxed) == current();
}

// --- reader-writer lock ---

enum : u64 { FOR_READERS = 1, FOR_WRITERS = 2 };

struct rw_waiter {
    struct waiter w;
    u64 kind;
};

static bool rw_wake(struct waiter *w, u64 key)
{
    return (key & container_of(w, struct rw_waiter, w)->kind) && thread_wake(w->thread);
}

void rwlock_init(struct rwlock *l, const struct lock_class *cls)
{
    atomic_init(&l->state, 0);
    atomic_init(&l->writers_waiting, 0);
    waitqueue_init(&l->waiters);
    l->cls = cls;
}

static bool read_take(struct rwlock *l)
{
    i64 s = atomic_load_explicit(&l->state, memory_order_relaxed);
    while (s >= 0 && !atomic_load_explicit(&l->writers_waiting, memory_order_relaxed))
        if (atomic_compare_exchange_weak_explicit(&l->state, &s, s + 1, memory_order_acquire,
                                                  memory_order_relaxed))
            return true;
    return false;
}

static bool write_take(struct rwlock *l)
{
    i64 none = 0;
    return atomic_compare_exchange_strong_explicit(&l->state, &none, -1, memory_order_acquire,
                                                   memory_order_relaxed);
}

static void rw_wait(struct rwlock *l, u64 kind, bool (*take)(struct rwlock *))
{
    struct rw_waiter w = {
        .w = {.thread = current(), .wake = rw_wake, .exclusive = kind == FOR_WRITERS},
        .kind = kind};
    list_init(&w.w.link);
    wait_add(&l->waiters, &w.w);
    for (;;) {
        thread_set_state(THREAD_BLOCKED);
        if (take(l))
            break;
        schedule();
    }
    thread_set_state(THREAD_RUNNABLE);
    wait_remove(&l->waiters, &w.w);
}

void read_lock(struct rwlock *l)
{
    might_sleep();
    if (CONFIG_DEBUG)
        lock_check_acquire(l->cls, 0);
    if (UNLIKELY(!read_take(l)))
        rw_wait(l, FOR_READERS, read_take);
}

bool read_trylock(struct rwlock *l)
{
    if (!read_take(l))
        return false;
    if (CONFIG_DEBUG)
        lock_check_acquire(l->cls, LOCK_TRY);
    return true;
}

// The lock was released: a waiting writer first, else all readers.
static void rw_wake_next(struct rwlock *l)
{
    if (!waitqueue_active(&l->waiters))
        return;
    if (atomic_load(&l->writers_waiting))
        wake_one(&l->waiters, FOR_WRITERS);
    else
        wake_all(&l->waiters, FOR_READERS);
}

void read_unlock(struct rwlock *l)
{
    if (CONFIG_DEBUG)
        lock_check_release(l->cls);
    if (atomic_fetch_sub_explicit(&l->state, 1, memory_order_release) == 1)
        rw_wake_next(l);
}

static void write_get(struct rwlock *l, u32 how)
{
    might_sleep();
    if (CONFIG_DEBUG)
        lock_check_acquire(l->cls, how);
    if (LIKELY(write_take(l)))
        return;
    atomic_fetch_add(&l->writers_waiting, 1);
    rw_wait(l, FOR_WRITERS, write_take);
    atomic_fetch_sub(&l->writers_waiting, 1);
}

void write_lock(struct rwlock *l)
{
    write_get(l, 0);
}

void write_lock_nested(struct rwlock *l)
{
    write_get(l, LOCK_NESTED);
}

bool write_trylock(struct rwlock *l)
{
    if (!write_take(l))
        return false;
    if (CONFIG_DEBUG)
        lock_check_acquire(l->cls, LOCK_TRY);
    return true;
}

void write_unlock(struct rwlock *l)
{
    if (CONFIG_DEBUG)
        lock_check_release(l->cls);
    atomic_store_explicit(&l->state, 0, memory_order_release);
    rw_wake_next(l);
}
