// Making and ending threads. A thread lives as long as somebody holds a reference; being alive is
// one, which the scheduler drops after the last switch away from it (switch.c).
#include "sched.h"
#include <kerr.h>
#include <lib/string.h>
#include <mem/frame.h>
#include <mem/slab.h>
#include <sync/log.h>

DEFINE_SLAB(thread_slab, struct thread);

_Atomic u32 thread_total = 1; // the boot thread
_Atomic u64 thread_forks;

static void thread_main(void *arg)
{
    struct thread *t = arg;
    t->fn(t->fn_arg);
    thread_exit();
}

void thread_setup(struct thread *t, const char *name, struct task *task)
{
    memset(t, 0, sizeof(*t));
    spin_init(&t->lock, &lock_class_thread);
    strlcpy(t->name, name, sizeof(t->name));
    t->task = task;
    t->arch.cpu = this_cpu();
    t->arch.preempt_count = 1; // until upcall_thread_start
    atomic_store_explicit(&t->state, THREAD_BLOCKED, memory_order_relaxed);
    atomic_store_explicit(&t->last_cpu, this_cpu()->index, memory_order_relaxed);
    t->affinity = UINT64_MAX;
    if (task && current()->task) {
        t->sched = current()->sched;
        t->affinity = current()->affinity;
    }
    sched_set_weight(t);
    rb_clear_node(&t->fair_node);
    list_init(&t->rt_node);
    refcount_set(&t->refs, 2);
}

static int make(struct thread **out, const char *name, struct task *task, void (*fn)(void *),
                void *arg)
{
    struct thread *t = slab_def_alloc(&thread_slab, 0);
    if (!t)
        return -E_NOMEM;
    preempt_disable();
    thread_setup(t, name, task);
    preempt_enable();
    int err = kstack_get(t);
    if (err) {
        slab_def_free(&thread_slab, t);
        return err;
    }
    t->fn = fn;
    t->fn_arg = arg;
    arch_thread_init(&t->arch, (char *)t->kstack + KSTACK_SIZE, thread_main, t);
    *out = t;
    return 0;
}

int thread_create(struct thread **out, const char *name, struct task *task, void (*fn)(void *),
                  void *arg)
{
    int err = make(out, name, task, fn, arg);
    if (!err) {
        atomic_fetch_add_explicit(&thread_total, 1, memory_order_relaxed);
        if (task)
            atomic_fetch_add_explicit(&thread_forks, 1, memory_order_relaxed);
    }
    return err;
}

int thread_create_idle(struct thread **out, struct sched_cpu *c, void (*fn)(void *))
{
    char name[16] = "idle/";
    u32 i = c->cpu.index;
    name[5] = (char)(i >= 10 ? '0' + i / 10 : '0' + i);
    name[6] = (char)(i >= 10 ? '0' + i % 10 : 0);
    int err = make(out, name, NULL, fn, c);
    if (err)
        return err;
    struct thread *t = *out;
    t->arch.cpu = &c->cpu;
    t->on_rq = true;
    atomic_store_explicit(&t->last_cpu, i, memory_order_relaxed);
    atomic_store_explicit(&t->state, THREAD_RUNNABLE, memory_order_relaxed);
    t->affinity = 1ul << i;
    return 0;
}

void thread_start(struct thread *t)
{
    kdebug_assert(atomic_load(&t->state) == THREAD_BLOCKED && !t->on_rq);
    atomic_store(&t->state, THREAD_RUNNABLE);
    preempt_disable();
    irqflags_t f = arch_irq_save();
    sched_place(t, true);
    arch_irq_restore(f);
    preempt_enable();
}

void thread_discard(struct thread *t)
{
    kdebug_assert(atomic_load(&t->state) == THREAD_BLOCKED && !t->on_rq);
    atomic_store(&t->state, THREAD_DEAD);
    thread_put(t);
}

void thread_get(struct thread *t)
{
    refcount_inc(&t->refs);
}

void thread_put(struct thread *t)
{
    if (!refcount_dec_and_test(&t->refs))
        return;
    kdebug_assert(!in_irq());
    if (atomic_load_explicit(&t->state, memory_order_relaxed) != THREAD_DEAD)
        panic("BUG: thread \"%s\" freed while alive", t->name);
    atomic_fetch_sub_explicit(&thread_total, 1, memory_order_relaxed);
    kstack_put(t);
    frame_fail_forget(&t->arch);
    slab_def_free(&thread_slab, t);
}

void thread_exit(void)
{
    might_sleep();
    if (CONFIG_DEBUG && lock_check_held())
        klog(LOG_ERR, "lock order: thread \"%s\" ends with %u locks held", current()->name,
             lock_check_held());
    preempt_disable();
    atomic_store(&current()->state, THREAD_DEAD);
    sched_run(false);
    panic("BUG: a dead thread runs");
}

void thread_set_name(struct thread *t, const char *name)
{
    spin_lock(&t->lock);
    strlcpy(t->name, name, sizeof(t->name));
    spin_unlock(&t->lock);
}
