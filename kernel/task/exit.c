// The end of threads and tasks.
//
// Ending is cooperative: `exiting` (or a thread's `leaving`) is set under task.lock and every
// thread is woken; each leaves by itself on its way to user mode, so no thread ever dies inside the
// kernel with something held.
#include "private.h"
#include <kerr.h>
#include <mem/slab.h>
#include <sync/log.h>

static struct task_exit_hook *hooks;

void task_add_exit_hook(struct task_exit_hook *h)
{
    h->next = hooks;
    hooks = h;
}

bool task_should_die(void)
{
    struct task_thread *tt = current_task_thread();
    return atomic_load_explicit(&tt->task->exiting, memory_order_relaxed) || tt->leaving;
}

void task_terminate_locked(struct task *t, struct exit_info info)
{
    if (t->exiting)
        return;
    t->exiting = true;
    t->exit = info;
    struct task_thread *tt;
    list_for_each_entry (tt, &t->threads, link) {
        task_wake_thread(tt);
        thread_continue(tt->thread);
    }
    wake_all(&t->vfork_done, 0); // those of its threads that wait for a child (task_vfork_wait)
}

void task_terminate(struct task *t, struct exit_info info)
{
    spin_lock(&t->lock);
    task_terminate_locked(t, info);
    spin_unlock(&t->lock);
}

void task_exit(struct exit_info info)
{
    task_terminate(current_task(), info);
    task_exit_thread();
}

static void tell_abi(struct task *zombie, const struct task *parent)
{
    if (zombie->abi && zombie->abi->zombie)
        zombie->abi->zombie(zombie, parent);
}

// Those that nobody waits for any more. Their numbers are free.
u32 task_parent_pid(const struct task *t)
{
    rcu_read_lock();
    const struct task *p = atomic_load_explicit(&t->parent, memory_order_acquire);
    u32 pid = p ? p->pid : t != init_task;
    rcu_read_unlock();
    return pid;
}

static void put_all(struct list *dead)
{
    for (struct list *l; (l = list_pop(dead)) != NULL;)
        task_reaped(list_entry(l, struct task, sibling));
}

// Children go to the nearest living subreaper above, else to init, else to nobody: a first program
// that is an ordinary one gets no children that it did not make. Zombies among them are handed on
// with a word to their new parent.
static void reparent_children(struct task *t)
{
    struct list dead = LIST_INIT(dead);
    spin_lock(&tree_lock);
    struct task *heir = t->parent;
    while (heir && heir != init_task && (!heir->subreaper || heir->exiting))
        heir = heir->parent;
    if (!heir || heir == t)
        heir = init_task;
    if (heir == init_task && !heir->subreaper && !task_init_guarded())
        heir = NULL;
    bool told = false;
    struct task *c, *tmp;
    list_for_each_entry_safe (c, tmp, &t->children, sibling) {
        c->parent = heir;
        c->exit_event = EVENT_CHILD; // who made it chose its own signal, not the heir's
        group_tie_gone(c->pgrp, t->pgrp);
        list_del(&c->sibling);
        if (!heir) {
            if (c->zombie) {
                task_unlink(c);
                list_add_tail(&dead, &c->sibling);
                continue;
            }
        } else if (c->news) {
            list_add_head(&heir->children, &c->sibling);
        } else {
            list_add_tail(&heir->children, &c->sibling);
        }
        if (c->zombie) {
            told = true;
            tell_abi(c, heir);
        }
        if (c->death_event) {
            struct event e = {
                .kind = (enum event_kind)c->death_event, .code = EVC_USER, .sender_pid = t->pid};
            (void)event_post(c, &e);
        }
    }
    if (told)
        task_get(heir);
    spin_unlock(&tree_lock);
    put_all(&dead);
    if (told) {
        struct event e = {.kind = EVENT_CHILD, .code = EVC_EXITED};
        (void)event_post(heir, &e);
        wake_all(&heir->wait_children, 0);
        task_put(heir);
    }
}

// Gives back what only a running task needs. Current is its last thread.
static void release_resources(struct task *t)
{
    for (struct task_exit_hook *h = hooks; h; h = h->next)
        h->exit(t);
    struct handle_table *handles = t->handles;
    struct aspace *as = t->aspace;
    if (as)
        t->dead_usage.maxrss_pages = MAX(t->dead_usage.maxrss_pages,
                                         atomic_load_explicit(&as->peak_rss, memory_order_relaxed));
    spin_lock(&t->lock);
    t->handles = NULL;
    t->aspace = NULL;
    spin_unlock(&t->lock);
    if (handles)
        handle_table_put(handles);
    current()->handles = NULL;
    if (as) {
        irqflags_t f = arch_irq_save();
        current()->mmu = NULL;
        arch_irq_restore(f);
        aspace_put_user(as);
    }
}

static void become_zombie(struct task *t)
{
    task_vfork_release(t);
    reparent_children(t);
    spin_lock(&tree_lock);
    struct task *parent = t->parent;
    u32 exit_event = t->exit_event;
    t->zombie = true;
    group_tie_gone(t->pgrp, parent ? parent->pgrp : NULL);
    bool reap_now = parent && parent->autoreap;
    if (parent) {
        child_has_news(t);
        tell_abi(t, parent);
        task_get(parent);
    } else {
        task_unlink(t);
    }
    spin_unlock(&tree_lock);
    task_object_changed(t);
    if (!parent)
        task_put(t);
    if (parent) {
        parent_notify(t, &t->exit, exit_event);
        if (reap_now) {
            spin_lock(&tree_lock);
            bool mine = !t->reaped;
            if (mine)
                task_unlink(t);
            spin_unlock(&tree_lock);
            if (mine)
                task_reaped(t);
            wake_all(&parent->wait_children, 0);
        }
        task_put(parent);
    }
}

static void (*init_end)(const struct exit_info *how); // set before the first program runs

void task_set_init_end(void (*fn)(const struct exit_info *how))
{
    init_end = fn;
}

bool task_init_guarded(void)
{
    return !init_end;
}

void task_exit_thread(void)
{
    struct task_thread *tt = current_task_thread();
    struct task *t = tt->task;
    if (t->abi && t->abi->thread_exit && t->aspace)
        t->abi->thread_exit(tt);

    struct usage u;
    usage_of_thread(tt->thread, &u);
    spin_lock(&t->lock);
    usage_add(&t->dead_usage, &u);
    bool last = t->thread_count == 1;
    if (!last) {
        // From the unlocking on the last thread may free the space: we must not be switched to it.
        current()->mmu = NULL;
        list_del(&tt->link);
        t->thread_count--;
    } else if (!t->exiting) { // the last thread left by itself
        t->exiting = true;
        t->exit = (struct exit_info){.kind = EXIT_NORMAL};
    }
    spin_unlock(&t->lock);

    if (last) {
        if (t == init_task && init_end)
            init_end(&t->exit);
        if (t == init_task)
            machine_stop("init (pid 1) ended: %s %d",
                         t->exit.kind == EXIT_NORMAL ? "exit code" : "event", t->exit.number);
        if (t->abi && t->abi->task_exit)
            t->abi->task_exit(t);
        release_resources(t);
        spin_lock(&t->lock);
        list_del(&tt->link);
        t->thread_count = 0;
        spin_unlock(&t->lock);
    } else {
        if (current()->handles)
            handle_table_put(current()->handles);
        current()->handles = NULL;
        wake_all(&t->wait_children, 0); // exec waits for us there
    }
    if (t->abi && t->abi->thread_free)
        t->abi->thread_free(tt);
    if (tt->pid_ref) {
        atomic_store_explicit(&tt->pid_ref->thread, NULL, memory_order_release);
        if (tt->pid_ref != t->pid_ref)
            pid_release(tt->pid_ref);
    }
    if (last)
        become_zombie(t);
    task_thread_put(tt);
    thread_exit();
}

int task_single_out(void)
{
    struct task_thread *me = current_task_thread(), *tt;
    struct task *t = me->task;
    spin_lock(&t->lock);
    if (t->exiting || t->exec_pending) {
        spin_unlock(&t->lock);
        return -E_AGAIN;
    }
    if (t->thread_count == 1) {
        spin_unlock(&t->lock);
        return 0;
    }
    t->exec_pending = true;
    list_for_each_entry (tt, &t->threads, link)
        if (tt != me) {
            tt->leaving = true;
            task_wake_thread(tt);
            thread_continue(tt->thread);
        }
    wake_all(&t->vfork_done, 0);
    spin_unlock(&t->lock);
    wait_event(&t->wait_children, t->thread_count == 1 || t->exiting);
    spin_lock(&t->lock);
    t->exec_pending = false;
    bool dying = t->exiting;
    spin_unlock(&t->lock);
    if (dying)
        return -E_AGAIN;
    if (me->pid_ref != t->pid_ref) { // the leader is gone: its number becomes ours
        struct pid *old = me->pid_ref;
        atomic_store_explicit(&old->thread, NULL, memory_order_release);
        me->pid_ref = t->pid_ref;
        me->tid = t->pid;
        atomic_store_explicit(&t->pid_ref->thread, me, memory_order_release);
        pid_release(old);
    }
    return 0;
}
