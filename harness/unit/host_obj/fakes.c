// See fakes.h. Single-threaded.
#include "fakes.h"

#include <kerr.h>
#include <mem/slab.h>
#include <sched/lock.h>
#include <sched/rcu.h>
#include <sched/timer.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sync/log.h>

static struct thread me;
struct thread *fake_current = &me;
bool fake_irqs_off;
void (*fake_sleep)(void);
u32 fake_sleeps, fake_wakes;
u64 fake_now = 1000;
u64 fake_fault_after = UINT64_MAX;

static u32 countdown;
static bool failed;
static u64 blocks;

void panic(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    abort();
}
void klog(enum log_level level, const char *fmt, ...)
{
    (void)level, (void)fmt;
}
u64 arch_time_ns(void)
{
    return fake_now;
}

// --- memory ---
void fake_fail_nth(u32 n)
{
    countdown = n;
    failed = false;
}
bool fake_failed(void)
{
    return failed;
}
u64 fake_allocated(void)
{
    return blocks;
}
static void *allocate(usize n, u32 flags)
{
    if (countdown && --countdown == 0) {
        failed = true;
        return NULL;
    }
    blocks++;
    void *p = malloc(n);
    memset(p, flags & ALLOC_ZERO ? 0 : 0xcc, n);
    return p;
}
void *kmalloc(usize n, u32 flags)
{
    return allocate(n, flags);
}
void *kzalloc(usize n, u32 flags)
{
    return allocate(n, flags | ALLOC_ZERO);
}
void *kmalloc_array(usize n, usize size, u32 flags)
{
    return allocate(n * size, flags);
}
void kfree(void *p)
{
    blocks -= p != NULL;
    free(p);
}
void *slab_def_alloc(struct slab_def *d, u32 flags)
{
    return allocate(d->size, flags);
}
void slab_def_free(struct slab_def *d, void *obj)
{
    (void)d;
    kfree(obj);
}
void *page_alloc(u32 flags)
{
    return allocate(4096, flags);
}
void page_free(void *va)
{
    kfree(va);
}

// --- locks ---
#define X(class_name, ord) const struct lock_class lock_class_##class_name = {#class_name, ord};
LOCK_CLASSES(X)
#undef X
void spin_init(struct spinlock *l, const struct lock_class *cls)
{
    (void)cls;
    *l = (struct spinlock)SPINLOCK_INIT(cls);
}
void spin_wait(struct spinlock *l, u16 ticket)
{
    (void)l, (void)ticket;
    panic("spinlock taken twice");
}
// The order of classes is checked here too: the highest one held must be lower.
static const struct lock_class *held[16];
static u32 held_count;
void spin_check_before(struct spinlock *l, u32 how)
{
    if (held_count && !(how & LOCK_NESTED) && l->cls->order <= held[held_count - 1]->order)
        panic("lock order: %s taken while %s is held", l->cls->name, held[held_count - 1]->name);
    held[held_count++] = l->cls;
}
void spin_check_after(struct spinlock *l)
{
    (void)l;
}
void spin_check_release(struct spinlock *l)
{
    if (!held_count || held[--held_count] != l->cls)
        panic("lock %s released out of order", l->cls->name);
}
void preempt_schedule(void) {}
static void may_sleep(void)
{
    if (current_arch()->preempt_count || fake_irqs_off)
        panic("sleeping in atomic context");
}
void mutex_init(struct mutex *m, const struct lock_class *cls)
{
    *m = (struct mutex){.cls = cls};
}
void mutex_lock(struct mutex *m)
{
    may_sleep();
    if (m->owner)
        panic("mutex taken twice: %s", m->cls->name);
    m->owner = fake_current;
}
void mutex_lock_nested(struct mutex *m)
{
    mutex_lock(m);
}
bool mutex_trylock(struct mutex *m)
{
    if (m->owner)
        return false;
    m->owner = fake_current;
    return true;
}
int mutex_lock_interruptible(struct mutex *m)
{
    mutex_lock(m);
    return 0;
}
void mutex_unlock(struct mutex *m)
{
    if (!m->owner)
        panic("mutex_unlock of a free lock");
    m->owner = NULL;
}

// --- waiting ---
void waitqueue_init(struct waitqueue *q)
{
    spin_init(&q->lock, &lock_class_waitqueue);
    list_init(&q->waiters);
}
void wait_add(struct waitqueue *q, struct waiter *w)
{
    list_add_tail(&q->waiters, &w->link);
}
void wait_remove(struct waitqueue *q, struct waiter *w)
{
    (void)q;
    list_del(&w->link);
}
static void wake(struct waitqueue *q, u64 key, bool one)
{
    struct waiter *w, *next;
    list_for_each_entry_safe (w, next, &q->waiters, link) {
        bool woke = w->wake ? w->wake(w, key) : thread_wake(w->thread);
        if (one && woke && w->exclusive)
            return;
    }
}
void wake_all(struct waitqueue *q, u64 key)
{
    wake(q, key, false);
}
void wake_one(struct waitqueue *q, u64 key)
{
    wake(q, key, true);
}
bool thread_wake(struct thread *t)
{
    fake_wakes++;
    bool slept = t->state != THREAD_RUNNABLE;
    t->state = THREAD_RUNNABLE;
    return slept;
}
void thread_get(struct thread *t)
{
    (void)t;
}
void thread_put(struct thread *t)
{
    (void)t;
}
int wait_sleep(enum thread_state st, u64 deadline)
{
    (void)st;
    may_sleep();
    fake_sleeps++;
    if (me.state == THREAD_RUNNABLE)
        return 0;
    me.state = THREAD_RUNNABLE;
    if (deadline && !fake_sleep) {
        fake_now = deadline;
        return -E_TIMEDOUT;
    }
    if (!fake_sleep)
        return -E_RESTART;
    void (*fn)(void) = fake_sleep;
    fake_sleep = NULL;
    fn();
    return 0;
}

// --- later ---
static struct rcu_head *rcu_list;
void rcu_call(struct rcu_head *head, void (*fn)(struct rcu_head *))
{
    head->fn = fn;
    head->next = rcu_list;
    rcu_list = head;
}
void fake_rcu(void)
{
    for (struct rcu_head *h; (h = rcu_list);) {
        rcu_list = h->next;
        h->fn(h);
    }
}
u64 fake_rcu_pending(void)
{
    u64 n = 0;
    for (struct rcu_head *h = rcu_list; h; h = h->next)
        n++;
    return n;
}
static struct list works = LIST_INIT(works);
void work_init(struct work *w, void (*fn)(struct work *))
{
    list_init(&w->link);
    w->fn = fn;
    w->queued = false;
}
void work_queue(struct work *w)
{
    if (w->queued)
        return;
    w->queued = true;
    list_add_tail(&works, &w->link);
}
void fake_work(void)
{
    struct list *l;
    while ((l = list_pop(&works))) {
        struct work *w = list_entry(l, struct work, link);
        w->queued = false;
        w->fn(w);
    }
}

// --- buffers ---
void iobuf_kernel(struct iobuf *b, void *p, usize len)
{
    *b = (struct iobuf){.left = len, .kernel = true, .one = {(u64)(uintptr_t)p, len}};
    b->segs = &b->one;
    b->nsegs = 1;
}
static usize limit(usize n)
{
    n = MIN(n, fake_fault_after);
    if (fake_fault_after != UINT64_MAX)
        fake_fault_after -= n;
    return n;
}
static u8 *at(const struct iobuf *b)
{
    return (u8 *)(uintptr_t)b->one.base + b->seg_off;
}
static usize advance(struct iobuf *b, usize n)
{
    b->seg_off += n;
    b->left -= n;
    return n;
}
usize iobuf_put(struct iobuf *b, const void *src, usize n)
{
    n = limit(MIN(n, b->left));
    memcpy(at(b), src, n);
    return advance(b, n);
}
usize iobuf_take(struct iobuf *b, void *dst, usize n)
{
    n = limit(MIN(n, b->left));
    memcpy(dst, at(b), n);
    return advance(b, n);
}
