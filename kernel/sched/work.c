// Work queues: one list for the machine, served by kernel threads whose number follows need. A
// worker that takes a work and leaves no idle worker behind first makes one, so that works that
// sleep do not hold up others (except when memory or the limit is reached); idle workers beyond a
// few end.
#include "sched.h"
#include <kerr.h>
#include <sync/log.h>

enum { IDLE_KEEP = 2, WORKERS_MAX = 32 };

struct worker { // on the worker's stack, in the list of idle ones
    struct list link;
    struct thread *thread;
};

static struct spinlock lock = SPINLOCK_INIT(&lock_class_work); // interrupts off
// --- guarded by lock ---
static struct list queue = LIST_INIT(queue);
static struct list idle = LIST_INIT(idle);
static u32 idle_count, worker_count;

static void worker_main(void *arg);

// The caller has counted the worker.
static void add_worker(void)
{
    struct thread *t;
    if (thread_create(&t, "worker", NULL, worker_main, NULL)) {
        irqflags_t f = spin_lock_irqsave(&lock);
        worker_count--;
        spin_unlock_irqrestore(&lock, f);
        return;
    }
    thread_start(t);
    thread_put(t);
}

static void leave_idle(struct worker *w) // lock held
{
    if (!list_empty(&w->link)) {
        list_del(&w->link);
        idle_count--;
    }
}

static void worker_main(void *arg)
{
    (void)arg;
    struct worker self = {.thread = current()};
    list_init(&self.link);
    for (;;) {
        irqflags_t f = spin_lock_irqsave(&lock);
        leave_idle(&self);
        struct list *l = list_pop(&queue);
        if (!l && idle_count >= IDLE_KEEP) {
            worker_count--;
            spin_unlock_irqrestore(&lock, f);
            return;
        }
        if (!l) {
            list_add_head(&idle, &self.link);
            idle_count++;
            thread_set_state(THREAD_BLOCKED);
            spin_unlock_irqrestore(&lock, f);
            schedule();
            continue;
        }
        bool spare = idle_count == 0 && worker_count < WORKERS_MAX;
        worker_count += spare;
        spin_unlock_irqrestore(&lock, f);
        if (spare)
            add_worker();
        struct work *w = list_entry(l, struct work, link);
        void (*fn)(struct work *) = w->fn;
        atomic_store(&w->queued, false);
        fn(w); // w may be gone
        kdebug_assert(lock_check_held() == 0 && !in_atomic());
    }
}

void work_init(struct work *w, void (*fn)(struct work *))
{
    list_init(&w->link);
    w->fn = fn;
    atomic_init(&w->queued, false);
}

void work_queue(struct work *w)
{
    if (atomic_exchange(&w->queued, true))
        return;
    irqflags_t f = spin_lock_irqsave(&lock);
    list_add_tail(&queue, &w->link);
    struct list *l = list_first(&idle);
    if (l) {
        struct worker *k = list_entry(l, struct worker, link);
        leave_idle(k);
        thread_wake(k->thread); // cannot end before it gets our lock
    }
    spin_unlock_irqrestore(&lock, f);
}

void work_start(void)
{
    worker_count = 1;
    add_worker();
    if (worker_count == 0)
        panic("no memory for a worker thread");
}
