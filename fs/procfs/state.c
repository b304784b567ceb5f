// One look at a task for the texts that say much about it. Takes tree_lock, then task->lock, one
// after the other: numbers of different groups may be a moment apart.
#include "procfs.h"

static char letter_of(const struct thread *th)
{
    switch (atomic_load_explicit(&((struct thread *)(uintptr_t)th)->state, memory_order_relaxed)) {
    case THREAD_RUNNABLE:
        return 'R';
    case THREAD_SLEEPING:
        return 'S';
    case THREAD_BLOCKED:
        return 'D';
    case THREAD_STOPPED:
        return 'T';
    case THREAD_DEAD:
        break;
    }
    return 'X';
}

// Threads, with the first one even if it has ended: it is listed as long as its task. t->lock held.
u32 proc_thread_count(const struct task *t)
{
    struct task_thread *tt;
    list_for_each_entry (tt, &t->threads, link)
        if (tt->tid == t->pid)
            return t->thread_count;
    return t->thread_count + 1;
}

static void from_tree(struct task *t, struct task_state *s)
{
    spin_lock(&tree_lock);
    if (!t->reaped) {
        s->ppid = task_parent_pid(t);
        s->pgrp = t->pgrp ? t->pgrp->id : 0;
        s->session = t->pgrp ? t->pgrp->session->id : 0;
    }
    s->children = t->children_usage;
    s->exit_event = t->exit_event;
    spin_unlock(&tree_lock);
}

static void from_task(struct task *t, struct task_state *s)
{
    spin_lock(&t->lock);
    memcpy(s->name, t->name, sizeof(s->name));
    s->threads = proc_thread_count(t);
    s->cred = t->cred;
    cred_get(s->cred);
    s->as = t->aspace;
    if (s->as)
        aspace_get(s->as);
    s->umask = t->umask;
    s->has_umask = t->view;
    s->abi = t->abi;
    s->exiting = t->exiting;
    s->exit = t->exit;
    s->did_exec = t->did_exec;
    s->sigpending_limit = t->limits[LIMIT_SIGPENDING].soft;
    s->signals = (struct abi_signal_status){.queue_limit = s->sigpending_limit};
    if (t->abi && t->abi->status)
        t->abi->status(t, s->thread, &s->signals);
    spin_unlock(&t->lock);
}

void task_state_get(const struct proc_who *w, struct task_state *s)
{
    struct task *t = w->task;
    *s = (struct task_state){.pid = t->pid, .id = w->thread ? w->thread->tid : t->pid};
    s->thread = who_thread(w);
    from_tree(t, s);
    from_task(t, s);
    s->start_ns = w->thread ? w->thread->start_ns : t->start_ns;
    s->state = 'Z';
    s->affinity = cpu_online_mask();
    if (s->thread) {
        struct thread *th = s->thread->thread;
        s->state = letter_of(th);
        s->sched = thread_get_sched(th);
        s->affinity = thread_get_affinity(th);
        s->cpu = atomic_load_explicit(&th->last_cpu, memory_order_relaxed);
        if (w->thread && w->thread->tid != t->pid)
            memcpy(s->name, th->name, sizeof(s->name));
    }
    s->name[sizeof(s->name) - 1] = '\0';
    if (w->thread)
        task_thread_usage(w->thread, &s->usage);
    else
        task_usage(t, &s->usage);
}

void task_state_put(struct task_state *s)
{
    if (s->thread)
        task_thread_put(s->thread);
    if (s->as)
        aspace_put(s->as);
    cred_put(s->cred);
}
