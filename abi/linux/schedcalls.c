// Scheduling: policies, nice values, affinity. Rules: sched(7), Linux 6.12 kernel/sched/syscalls.c.
#include "linux.h"
#include "linux_consts.h"
#include "linux_handlers.h"
#include <kerr.h>
#include <lib/string.h>
#include <syscall/dispatch.h>

// The thread a pid argument names (0: the caller): counted. NULL: none.
static struct task_thread *thread_of(i32 pid)
{
    if (pid < 0)
        return NULL;
    if (pid == 0) {
        task_thread_get(current_task_thread());
        return current_task_thread();
    }
    return task_find_thread((u32)pid);
}

static i32 policy_of(const struct sched_params *p)
{
    switch (p->class) {
    case SCHED_FIFO:
        return LINUX_SCHED_FIFO;
    case SCHED_RR:
        return LINUX_SCHED_RR;
    case SCHED_BATCH:
        return LINUX_SCHED_BATCH;
    case SCHED_IDLE_CLASS:
        return LINUX_SCHED_IDLE;
    default:
        return LINUX_SCHED_OTHER;
    }
}

static int class_of(i32 policy, enum sched_class *out)
{
    switch (policy) {
    case LINUX_SCHED_OTHER:
        *out = SCHED_FAIR;
        return 0;
    case LINUX_SCHED_FIFO:
        *out = SCHED_FIFO;
        return 0;
    case LINUX_SCHED_RR:
        *out = SCHED_RR;
        return 0;
    case LINUX_SCHED_BATCH:
        *out = SCHED_BATCH;
        return 0;
    case LINUX_SCHED_IDLE:
        *out = SCHED_IDLE_CLASS;
        return 0;
    default:
        return -E_INVAL;
    }
}

static bool realtime(enum sched_class c)
{
    return c == SCHED_FIFO || c == SCHED_RR;
}

static bool owns(struct task *t)
{
    const struct cred *me = current_cred();
    struct cred *o = task_cred_get(t);
    bool ok = me->euid == o->euid || me->euid == o->uid || capable(CAP_SYS_NICE);
    cred_put(o);
    return ok;
}

static int apply(struct task_thread *tt, const struct sched_params *p)
{
    const struct sched_params *now = &tt->thread->sched;
    if (!owns(tt->task))
        return -E_PERM;
    if (!capable(CAP_SYS_NICE)) {
        u64 rt_limit = tt->task->limits[LIMIT_RTPRIO].soft,
            nice_limit = tt->task->limits[LIMIT_NICE].soft;
        if (realtime(p->class) &&
            (rt_limit == 0 || (p->rtprio > now->rtprio && p->rtprio > rt_limit)))
            return -E_PERM;
        if (!realtime(p->class) && p->nice < now->nice && (u64)(20 - p->nice) > nice_limit)
            return -E_PERM;
    }
    return thread_set_sched(tt->thread, p);
}

static i64 set(i32 pid, i32 policy, i32 priority, bool keep_policy)
{
    struct task_thread *tt = thread_of(pid);
    if (!tt)
        return pid < 0 ? -E_INVAL : -E_SRCH;
    struct sched_params p = tt->thread->sched;
    int err = keep_policy ? 0 : class_of(policy & ~LINUX_SCHED_RESET_ON_FORK, &p.class);
    if (!err && (realtime(p.class) ? priority < 1 || priority > 99 : priority != 0))
        err = -E_INVAL;
    p.rtprio = (u8)priority;
    if (!err)
        err = apply(tt, &p);
    task_thread_put(tt);
    return err;
}

i64 linux_sched_setscheduler(i32 pid, i32 policy, const struct linux_sched_param *param)
{
    return set(pid, policy, param->sched_priority, false);
}

i64 linux_sched_setparam(i32 pid, const struct linux_sched_param *param)
{
    return set(pid, 0, param->sched_priority, true);
}

i64 linux_sched_getscheduler(i32 pid)
{
    struct task_thread *tt = thread_of(pid);
    if (!tt)
        return pid < 0 ? -E_INVAL : -E_SRCH;
    i64 r = policy_of(&tt->thread->sched);
    task_thread_put(tt);
    return r;
}

i64 linux_sched_getparam(i32 pid, struct linux_sched_param *param)
{
    struct task_thread *tt = thread_of(pid);
    if (!tt)
        return pid < 0 ? -E_INVAL : -E_SRCH;
    param->sched_priority = realtime(tt->thread->sched.class) ? tt->thread->sched.rtprio : 0;
    task_thread_put(tt);
    return 0;
}

i64 linux_sched_setattr(i32 pid, const struct linux_sched_attr *attr, u32 flags)
{
    if (flags)
        return -E_INVAL;
    struct task_thread *tt = thread_of(pid);
    if (!tt)
        return pid < 0 ? -E_INVAL : -E_SRCH;
    struct sched_params p = tt->thread->sched;
    int err = attr->sched_flags & LINUX_SCHED_FLAG_KEEP_POLICY
                  ? 0
                  : class_of((i32)attr->sched_policy, &p.class);
    if (!err && !(attr->sched_flags & LINUX_SCHED_FLAG_KEEP_PARAMS)) {
        if (attr->sched_nice < -20 || attr->sched_nice > 19 || attr->sched_priority > 99 ||
            realtime(p.class) != (attr->sched_priority != 0))
            err = -E_INVAL;
        p.nice = (i8)attr->sched_nice;
        p.rtprio = (u8)attr->sched_priority;
    }
    if (!err)
        err = apply(tt, &p);
    task_thread_put(tt);
    return err;
}

i64 linux_sched_getattr(i32 pid, struct iobuf *out, u32 size, u32 flags)
{
    enum { FIRST_SIZE = 48 };
    if (flags || size < FIRST_SIZE || size > PAGE_SIZE)
        return -E_INVAL;
    struct task_thread *tt = thread_of(pid);
    if (!tt)
        return pid < 0 ? -E_INVAL : -E_SRCH;
    const struct sched_params *p = &tt->thread->sched;
    struct linux_sched_attr a = {.size = MIN(size, (u32)sizeof(a)),
                                 .sched_policy = (u32)policy_of(p)};
    if (realtime(p->class))
        a.sched_priority = p->rtprio;
    else
        a.sched_nice = p->nice;
    task_thread_put(tt);
    return iobuf_put(out, &a, a.size) == a.size ? 0 : -E_FAULT;
}

i64 linux_sched_get_priority_max(i32 policy)
{
    enum sched_class c;
    if (class_of(policy, &c))
        return policy == LINUX_SCHED_DEADLINE ? 0 : -E_INVAL;
    return realtime(c) ? 99 : 0;
}

i64 linux_sched_get_priority_min(i32 policy)
{
    enum sched_class c;
    if (class_of(policy, &c))
        return policy == LINUX_SCHED_DEADLINE ? 0 : -E_INVAL;
    return realtime(c) ? 1 : 0;
}

i64 linux_sched_rr_get_interval(i32 pid, struct linux_timespec *slice)
{
    struct task_thread *tt = thread_of(pid);
    if (!tt)
        return pid < 0 ? -E_INVAL : -E_SRCH;
    enum sched_class c = tt->thread->sched.class;
    slice->tv_nsec = c == SCHED_RR ? 100'000'000 : c == SCHED_FIFO ? 0 : 3'000'000;
    task_thread_put(tt);
    return 0;
}

i64 linux_sched_yield(void)
{
    thread_yield();
    return 0;
}

i64 linux_sched_setaffinity(i32 pid, usize len, struct iobuf *mask)
{
    u64 bits = 0;
    if (iobuf_take(mask, &bits, MIN(len, sizeof(bits))) != MIN(len, sizeof(bits)))
        return -E_FAULT;
    struct task_thread *tt = thread_of(pid);
    if (!tt)
        return -E_SRCH;
    int err = owns(tt->task) ? thread_set_affinity(tt->thread, bits) : -E_PERM;
    task_thread_put(tt);
    return err;
}

i64 linux_sched_getaffinity(i32 pid, usize len, struct iobuf *mask)
{
    if (len & 7 || len * 8 < cpu_count())
        return -E_INVAL;
    struct task_thread *tt = thread_of(pid);
    if (!tt)
        return -E_SRCH;
    u64 bits = tt->thread->affinity & cpu_online_mask();
    task_thread_put(tt);
    return iobuf_put(mask, &bits, sizeof(bits)) == sizeof(bits) ? (i64)sizeof(bits) : -E_FAULT;
}

i64 linux_getcpu(u32 *cpu, u32 *node, uaddr_t cache)
{
    (void)cache;
    preempt_disable();
    u32 now = this_cpu()->index;
    preempt_enable();
    if (cpu)
        *cpu = now;
    if (node)
        *node = 0;
    return 0;
}

// --- nice values: of a process, a group or a user ---
struct nice_walk {
    i32 which;
    u32 who;
    bool set;
    i32 nice;
    i32 best; // smallest nice value seen, 100: nobody
    int err;
};

static bool selected(struct task *t, const struct nice_walk *w)
{
    bool in = false;
    if (w->which == LINUX_PRIO_PROCESS)
        return t->pid == w->who;
    if (w->which == LINUX_PRIO_PGRP) {
        spin_lock(&tree_lock);
        in = t->pgrp && t->pgrp->id == w->who;
        spin_unlock(&tree_lock);
        return in;
    }
    struct cred *c = task_cred_get(t);
    in = c->uid == w->who;
    cred_put(c);
    return in;
}

static int change_nice(struct task *t, const struct nice_walk *w)
{
    if (!owns(t))
        return -E_PERM;
    int err = 0;
    // Threads one by one, referenced: setting a class may not happen under the task's lock.
    for (u32 skip = 0;; skip++) {
        struct task_thread *tt = NULL, *each;
        u32 i = 0;
        spin_lock(&t->lock);
        list_for_each_entry (each, &t->threads, link)
            if (i++ == skip) {
                tt = each;
                task_thread_get(tt);
                break;
            }
        spin_unlock(&t->lock);
        if (!tt)
            return err;
        struct sched_params p = tt->thread->sched;
        if (w->nice < p.nice && (u64)(20 - w->nice) > t->limits[LIMIT_NICE].soft &&
            !capable(CAP_SYS_NICE)) {
            err = -E_ACCES;
        } else {
            p.nice = (i8)w->nice;
            err = thread_set_sched(tt->thread, &p);
        }
        task_thread_put(tt);
    }
}

static int visit(struct task *t, void *arg)
{
    struct nice_walk *w = arg;
    if (!selected(t, w))
        return 0;
    if (w->set) {
        int err = change_nice(t, w);
        if (err)
            w->err = err;
        w->best = 0;
        return 0;
    }
    spin_lock(&t->lock);
    struct task_thread *tt;
    list_for_each_entry (tt, &t->threads, link)
        w->best = MIN(w->best, tt->thread->sched.nice);
    spin_unlock(&t->lock);
    return 0;
}

static i64 nice_walk(struct nice_walk *w)
{
    if (w->which < LINUX_PRIO_PROCESS || w->which > LINUX_PRIO_USER)
        return -E_INVAL;
    if (w->who == 0)
        w->who = w->which == LINUX_PRIO_PROCESS ? current_task()->pid
                 : w->which == LINUX_PRIO_PGRP  ? current_task()->pgrp->id
                                                : current_cred()->uid;
    w->best = 100;
    if (w->which == LINUX_PRIO_PROCESS) {
        struct task *t = task_find(w->who);
        if (t) {
            visit(t, w);
            task_put(t);
        }
    } else {
        task_for_each(1, visit, w);
    }
    return w->best == 100 ? -E_SRCH : w->err;
}

i64 linux_setpriority(i32 which, i32 who, i32 nice)
{
    struct nice_walk w = {.which = which,
                          .who = (u32)who,
                          .set = true,
                          .nice = nice < -20  ? -20
                                  : nice > 19 ? 19
                                              : nice};
    return nice_walk(&w);
}

// The call answers 20 - nice, so that errors and values do not meet.
i64 linux_getpriority(i32 which, i32 who)
{
    struct nice_walk w = {.which = which, .who = (u32)who};
    i64 r = nice_walk(&w);
    return r ? r : 20 - w.best;
}

// --- priority of input and output: remembered per thread; class in bits 13..15, level in 0..2 ---
enum { IOPRIO_CLASS_SHIFT = 13, IOPRIO_CLASS_RT = 1, IOPRIO_CLASS_IDLE = 3, IOPRIO_LEVELS = 8 };

i64 linux_ioprio_get(i32 which, i32 who)
{
    if (which != LINUX_IOPRIO_WHO_PROCESS) // of a group or user: the best of them, and nobody asks
                                           // for more than the default
        return 0;
    struct task_thread *tt = thread_of(who);
    if (!tt)
        return -E_SRCH;
    spin_lock(&tt->task->lock);
    i64 r = tt->task->abi == &linux_abi && linux_thread(tt) ? linux_thread(tt)->io_priority : 0;
    spin_unlock(&tt->task->lock);
    task_thread_put(tt);
    return r;
}

i64 linux_ioprio_set(i32 which, i32 who, u32 prio)
{
    u32 class = prio >> IOPRIO_CLASS_SHIFT, level = prio & ((1u << IOPRIO_CLASS_SHIFT) - 1);
    if (class > IOPRIO_CLASS_IDLE || level >= IOPRIO_LEVELS || (class == 0 && level) ||
        which != LINUX_IOPRIO_WHO_PROCESS)
        return -E_INVAL;
    if (class == IOPRIO_CLASS_RT && !capable(CAP_SYS_NICE) && !capable(CAP_SYS_ADMIN))
        return -E_PERM;
    struct task_thread *tt = thread_of(who);
    if (!tt)
        return -E_SRCH;
    int err = owns(tt->task) ? 0 : -E_PERM;
    spin_lock(&tt->task->lock);
    if (!err && tt->task->abi == &linux_abi && linux_thread(tt))
        linux_thread(tt)->io_priority = prio;
    spin_unlock(&tt->task->lock);
    task_thread_put(tt);
    return err;
}
