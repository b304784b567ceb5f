// Waiting for children, and telling parents. Guarded by tree_lock.
//
// Children that may have something to tell stand in front of the others, so a wait does not look at
// all. They move there before the parent is told, and back when a look finds them running again.
#include "private.h"
#include <kerr.h>
#include <sync/log.h>

static u32 status_code(const struct exit_info *i)
{
    switch (i->kind) {
    case EXIT_NORMAL:
        return EVC_EXITED;
    case EXIT_BY_EVENT:
        return i->core ? EVC_DUMPED : EVC_KILLED;
    case EXIT_STOPPED:
        return EVC_STOPPED;
    default:
        return EVC_CONTINUED;
    }
}

void child_has_news(struct task *t)
{
    t->news = true;
    list_del(&t->sibling);
    list_add_head(&t->parent->children, &t->sibling);
}

void parent_notify(struct task *t, const struct exit_info *info, u32 kind)
{
    spin_lock(&tree_lock);
    struct task *parent = t->parent;
    if (parent) {
        if (!t->zombie) // one of those is there already, and may have been reaped since
            child_has_news(t);
        task_get(parent);
    }
    spin_unlock(&tree_lock);
    if (!parent)
        return;
    if (kind) {
        struct usage u;
        task_usage(t, &u);
        struct event e = {.kind = (enum event_kind)kind,
                          .code = (i32)status_code(info),
                          .sender_pid = t->pid,
                          .sender_uid = t->cred->uid,
                          .status = info->number,
                          .utime_ns = u.utime_ns,
                          .stime_ns = u.stime_ns};
        (void)event_post(parent, &e);
    }
    wake_all(&parent->wait_children, 0);
    task_put(parent);
}

void task_unlink(struct task *t)
{
    t->reaped = true;
    list_del(&t->sibling);
    group_leave(t);
    user_count_uncharge(t->user);
    atomic_store_explicit(&t->pid_ref->task, NULL, memory_order_release);
    pid_release(t->pid_ref);
}

void task_reaped(struct task *t)
{
    task_object_changed(t);
    task_put(t);
}

static bool matches(const struct task *c, const struct task *me, i64 which)
{
    if (which == -1)
        return true;
    return c->pgrp->id == (which == 0 ? me->pgrp->id : (u32)-which);
}

static void fill(struct wait_result *out, struct task *c, struct exit_info info)
{
    out->pid = c->pid;
    out->uid = c->cred->uid;
    out->info = info;
    task_usage(c, &out->usage);
    usage_add(&out->usage, &c->children_usage);
}

// One look at a child. True if it had something to tell, which is then in *out. *dead: a reaped
// zombie whose reference the caller drops.
static bool look_at(struct task *me, struct task *c, u32 options, struct wait_result *out,
                    struct task **dead)
{
    if (c->zombie) {
        if (!(options & WAIT_EXITED))
            return false;
        fill(out, c, c->exit);
        if (!(options & WAIT_NOWAIT)) {
            usage_add(&me->children_usage, &out->usage);
            task_unlink(c);
            *dead = c;
        }
        return true;
    }
    spin_lock(&c->lock);
    bool stopped = options & WAIT_STOPPED && c->stopped && c->was_stopped_unreported;
    bool continued = options & WAIT_CONTINUED && c->was_continued_unreported;
    i32 number = c->stop_number;
    if (!(options & WAIT_NOWAIT)) {
        if (stopped)
            c->was_stopped_unreported = false;
        else if (continued)
            c->was_continued_unreported = false;
    }
    bool more = c->stop_wanted || c->was_stopped_unreported || c->was_continued_unreported;
    spin_unlock(&c->lock);
    if (c->news && !more) {
        c->news = false;
        list_del(&c->sibling);
        list_add_tail(&me->children, &c->sibling);
    }
    if (stopped || continued)
        fill(out, c,
             (struct exit_info){.kind = stopped ? EXIT_STOPPED : EXIT_CONTINUED, .number = number});
    return stopped || continued;
}

static struct task *child_by_number(u32 nr)
{
    rcu_read_lock();
    struct pid *p = pid_lookup(nr);
    struct task *c = p ? atomic_load_explicit(&p->task, memory_order_acquire) : NULL;
    rcu_read_unlock();
    return c; // it stays while tree_lock is held
}

// One look at the children, or at `only`. pid found, 0 none ready, -E_CHILD none at all. *dead as
// for look_at.
static i64 look(struct task *me, struct task *only, i64 which, u32 options, struct wait_result *out,
                struct task **dead)
{
    struct task *c, *next;
    if (only || which > 0) {
        c = only ? only : which <= UINT32_MAX ? child_by_number((u32)which) : NULL;
        if (!c || c->parent != me || c->reaped)
            return -E_CHILD;
        return look_at(me, c, options, out, dead) ? out->pid : 0;
    }
    bool any = false;
    list_for_each_entry_safe (c, next, &me->children, sibling) {
        if (!c->news && (any || which == -1))
            return 0;
        if (!matches(c, me, which))
            continue;
        any = true;
        if (c->news && look_at(me, c, options, out, dead))
            return out->pid;
    }
    return any ? 0 : -E_CHILD;
}

static i64 wait_children(struct task *only, i64 which, u32 options, struct wait_result *out)
{
    struct task *me = current_task();
    i64 r = 0;
    for (;;) {
        struct task *dead = NULL;
        int err = 0;
        struct waiter w = {.thread = current()};
        list_init(&w.link);
        wait_add(&me->wait_children, &w);
        thread_set_state(THREAD_SLEEPING);
        spin_lock(&tree_lock);
        r = look(me, only, which, options, out, &dead);
        spin_unlock(&tree_lock);
        if (r == 0 && !(options & WAIT_NOHANG))
            err = wait_sleep(THREAD_SLEEPING, WAIT_FOREVER);
        thread_set_state(THREAD_RUNNABLE);
        wait_remove(&me->wait_children, &w);
        if (dead)
            task_reaped(dead);
        if (r || options & WAIT_NOHANG)
            return r;
        if (err == 0)
            continue;
        // Interrupted: a child that became ready meanwhile still counts.
        spin_lock(&tree_lock);
        r = look(me, only, which, options, out, &dead);
        spin_unlock(&tree_lock);
        if (dead)
            task_reaped(dead);
        return r ? r : err;
    }
}

i64 task_wait(i64 which, u32 options, struct wait_result *out)
{
    return wait_children(NULL, which, options, out);
}

i64 task_wait_for(struct task *child, u32 options, struct wait_result *out)
{
    return wait_children(child, 0, options, out);
}
