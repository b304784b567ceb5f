// Waiting for children, and telling parents. Guarded by tree_lock.
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

void parent_notify(struct task *t, const struct exit_info *info, u32 kind)
{
    spin_lock(&tree_lock);
    struct task *parent = t->parent;
    if (parent)
        task_get(parent);
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

static bool matches(const struct task *c, const struct task *me, i64 which)
{
    if (which == -1)
        return true;
    if (which > 0)
        return c->pid == which;
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

// One look at the children. pid found, 0 none ready, -E_CHILD none at all. *dead: a reaped zombie
// whose reference the caller drops.
static i64 look(struct task *me, i64 which, u32 options, struct wait_result *out,
                struct task **dead)
{
    bool any = false;
    struct task *c;
    list_for_each_entry (c, &me->children, sibling) {
        if (!matches(c, me, which))
            continue;
        any = true;
        if (c->zombie) {
            if (!(options & WAIT_EXITED))
                continue;
            fill(out, c, c->exit);
            if (!(options & WAIT_NOWAIT)) {
                usage_add(&me->children_usage, &out->usage);
                task_unlink(c);
                *dead = c;
            }
            return out->pid;
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
        spin_unlock(&c->lock);
        if (stopped || continued) {
            fill(out, c,
                 (struct exit_info){.kind = stopped ? EXIT_STOPPED : EXIT_CONTINUED,
                                    .number = number});
            return out->pid;
        }
        if (which > 0)
            break;
    }
    return any ? 0 : -E_CHILD;
}

i64 task_wait(i64 which, u32 options, struct wait_result *out)
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
        r = look(me, which, options, out, &dead);
        spin_unlock(&tree_lock);
        if (r == 0 && !(options & WAIT_NOHANG))
            err = wait_sleep(THREAD_SLEEPING, WAIT_FOREVER);
        thread_set_state(THREAD_RUNNABLE);
        wait_remove(&me->wait_children, &w);
        if (dead)
            task_put(dead);
        if (r || options & WAIT_NOHANG)
            return r;
        if (err == 0)
            continue;
        // Interrupted: a child that became ready meanwhile still counts.
        spin_lock(&tree_lock);
        r = look(me, which, options, out, &dead);
        spin_unlock(&tree_lock);
        if (dead)
            task_put(dead);
        return r ? r : err;
    }
}
