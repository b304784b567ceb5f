// Read-copy-update: readers only disable preemption; memory is freed after every CPU has passed a
// quiescent state.
#pragma once
#include <sched/thread.h>
#include <sync/preempt.h>

struct rcu_head {
    struct rcu_head *next;
    void (*fn)(struct rcu_head *);
};
static inline void rcu_read_lock(void)
{
    preempt_disable();
}
static inline void rcu_read_unlock(void)
{
    preempt_enable();
}
#define rcu_load(p) atomic_load_explicit(&(p), memory_order_acquire)
#define rcu_store(p, v) atomic_store_explicit(&(p), (v), memory_order_release)
// fn(head) runs in thread context after all readers of now are done, within some 10 ms. Any
// context, any lock held. Callbacks run one after the other and should not sleep for long.
void rcu_call(struct rcu_head *head, void (*fn)(struct rcu_head *));
// Waits for a grace period. Thread context, may sleep; not from a callback.
void rcu_synchronize(void);
// Waits until every callback registered before has run. Thread context; not from a callback.
void rcu_barrier(void);
