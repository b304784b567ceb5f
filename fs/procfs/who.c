// From what a node remembers to the living: tasks, threads, and what belongs to them. What a task
// owns is reached only under task->lock, and leaves it counted.
#include "procfs.h"

static bool find_thread(const struct proc_node *n, struct proc_who *w)
{
    struct task_thread *tt = task_find_thread(n->tid);
    if (tt && (tt->task != w->task || tt->start_ns != n->thread_start)) {
        task_thread_put(tt);
        tt = NULL;
    }
    w->thread = tt;
    return tt || n->tid == n->pid; // a first thread may be gone while its task is there
}

int who_get(const struct proc_node *n, struct proc_who *w)
{
    *w = (struct proc_who){.fd = n->fd};
    if (!n->pid)
        return 0;
    w->task = task_find(n->pid);
    if (w->task && w->task->start_ns == n->task_start && (!n->tid || find_thread(n, w)))
        return 0;
    who_put(w);
    return -E_SRCH;
}

void who_put(struct proc_who *w)
{
    if (w->thread)
        task_thread_put(w->thread);
    if (w->task)
        task_put(w->task);
    w->thread = NULL;
    w->task = NULL;
}

int who_may_look(const struct proc_who *w)
{
    return !w->task || task_may_inspect(w->task, true) ? 0 : -E_ACCES;
}

struct aspace *who_space(const struct proc_who *w)
{
    spin_lock(&w->task->lock);
    struct aspace *as = w->task->aspace;
    if (as)
        aspace_get(as);
    spin_unlock(&w->task->lock);
    return as;
}

struct task_thread *who_thread(const struct proc_who *w)
{
    if (w->thread) {
        task_thread_get(w->thread);
        return w->thread;
    }
    struct task_thread *tt, *found = NULL;
    spin_lock(&w->task->lock);
    list_for_each_entry (tt, &w->task->threads, link) {
        if (tt->tid != w->task->pid)
            continue;
        found = tt;
        task_thread_get(found);
        break;
    }
    spin_unlock(&w->task->lock);
    return found;
}
