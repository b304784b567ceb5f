// Wait queues and timed sleep. A queue's list is guarded by its lock (interrupts off), which is
// also held while its waiters are woken, so a waiter that has taken itself off is never touched
// again.
#include <arch/time.h>
#include <kerr.h>
#include <sched/timer.h>
#include <sched/wait.h>

void waitqueue_init(struct waitqueue *q)
{
    spin_init(&q->lock, &lock_class_waitqueue);
    list_init(&q->waiters);
}

void wait_add(struct waitqueue *q, struct waiter *w)
{
    irqflags_t f = spin_lock_irqsave(&q->lock);
    if (w->exclusive)
        list_add_tail(&q->waiters, &w->link);
    else // in front of the exclusive ones, which end a wake_one
        list_add_head(&q->waiters, &w->link);
    spin_unlock_irqrestore(&q->lock, f);
}

void wait_remove(struct waitqueue *q, struct waiter *w)
{
    irqflags_t f = spin_lock_irqsave(&q->lock);
    list_del(&w->link);
    spin_unlock_irqrestore(&q->lock, f);
}

static bool wake_waiter(struct waiter *w, u64 key)
{
    return w->wake ? w->wake(w, key) : thread_wake(w->thread);
}

void wake_all_locked(struct waitqueue *q, u64 key)
{
    struct waiter *w, *next;
    list_for_each_entry_safe (w, next, &q->waiters, link)
        (void)wake_waiter(w, key);
}

void wake_one_locked(struct waitqueue *q, u64 key)
{
    struct waiter *w, *next;
    list_for_each_entry_safe (w, next, &q->waiters, link) {
        bool exclusive = w->exclusive; // w may be gone when it has been woken its own way
        if (wake_waiter(w, key) && exclusive)
            return;
    }
}

void wake_all(struct waitqueue *q, u64 key)
{
    if (!waitqueue_active(q))
        return;
    irqflags_t f = spin_lock_irqsave(&q->lock);
    wake_all_locked(q, key);
    spin_unlock_irqrestore(&q->lock, f);
}

void wake_one(struct waitqueue *q, u64 key)
{
    if (!waitqueue_active(q))
        return;
    irqflags_t f = spin_lock_irqsave(&q->lock);
    wake_one_locked(q, key);
    spin_unlock_irqrestore(&q->lock, f);
}

struct sleep_timer {
    struct timer timer;
    struct thread *thread;
};

static void sleep_over(struct timer *t)
{
    thread_wake(container_of(t, struct sleep_timer, timer)->thread);
}

int wait_sleep(enum thread_state st, u64 deadline)
{
    struct thread *t = current();
    int err = 0;
    if (st == THREAD_SLEEPING && thread_has_event(t))
        err = -E_RESTART;
    else if (deadline != WAIT_FOREVER && arch_time_ns() >= deadline)
        err = -E_TIMEDOUT;
    if (err) {
        thread_set_state(THREAD_RUNNABLE);
        return err;
    }
    if (deadline == WAIT_FOREVER || deadline == UINT64_MAX) {
        schedule();
        return 0;
    }
    struct sleep_timer s = {.thread = t};
    timer_init(&s.timer, sleep_over);
    t->sleep_deadline = deadline;
    timer_arm(&s.timer, deadline);
    schedule();
    timer_cancel_sync(&s.timer);
    t->sleep_deadline = 0;
    return 0;
}

int thread_sleep_until(u64 deadline_ns)
{
    might_sleep();
    if (deadline_ns == WAIT_FOREVER) // a time long past, not "no limit"
        return 0;
    for (;;) {
        thread_set_state(THREAD_SLEEPING);
        int err = wait_sleep(THREAD_SLEEPING, deadline_ns);
        if (err)
            return err == -E_TIMEDOUT ? 0 : err;
    }
}
