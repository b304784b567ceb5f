// Process groups and sessions. Guarded by tree_lock; the numbers are held through struct pid.
#include "private.h"
#include <kerr.h>
#include <mem/slab.h>

void session_get(struct session *s)
{
    refcount_inc(&s->refs);
}

void session_put(struct session *s)
{
    if (!refcount_dec_and_test(&s->refs))
        return;
    atomic_store_explicit(&s->pid_ref->session, NULL, memory_order_release);
    pid_release(s->pid_ref);
    kfree(s);
}

void pgrp_get(struct pgrp *pg)
{
    refcount_inc(&pg->refs);
}

static void free_pgrp(struct rcu_head *h)
{
    kfree(container_of(h, struct pgrp, rcu));
}

void pgrp_put(struct pgrp *pg)
{
    if (!refcount_dec_and_test(&pg->refs))
        return;
    atomic_store_explicit(&pg->pid_ref->pgrp, NULL, memory_order_release);
    pid_release(pg->pid_ref);
    session_put(pg->session);
    rcu_call(&pg->rcu, free_pgrp);
}

struct pgrp *pgrp_find(u32 id)
{
    struct pgrp *pg = NULL;
    rcu_read_lock();
    struct pid *p = pid_lookup(id);
    if (p) {
        pg = rcu_load(p->pgrp);
        if (pg && !refcount_inc_not_zero(&pg->refs))
            pg = NULL;
    }
    rcu_read_unlock();
    return pg;
}

void group_join(struct task *t, struct pgrp *pg)
{
    t->pgrp = pg;
    list_add_tail(&pg->members, &t->pgrp_link);
}

void group_leave(struct task *t)
{
    struct pgrp *pg = t->pgrp;
    list_del(&t->pgrp_link);
    t->pgrp = NULL;
    if (list_empty(&pg->members))
        list_del(&pg->link); // no longer of the session's groups, whoever still refers to it
    pgrp_put(pg);
}

static struct pgrp *make_group(struct session *s, struct pid *pid)
{
    struct pgrp *pg = kzalloc(sizeof(*pg), 0);
    if (!pg)
        return NULL;
    refcount_set(&pg->refs, 1);
    pg->id = pid->nr;
    pg->pid_ref = pid;
    pg->session = s;
    list_init(&pg->members);
    list_init(&pg->link);
    return pg;
}

static struct session *make_session(struct pid *pid, struct task *leader)
{
    struct session *s = kzalloc(sizeof(*s), 0);
    if (!s)
        return NULL;
    refcount_set(&s->refs, 1);
    s->id = pid->nr;
    s->pid_ref = pid;
    s->leader = leader;
    list_init(&s->groups);
    return s;
}

// Enters a ready-made session and group of t's own number. tree_lock held (or nobody else exists).
static void install(struct task *t, struct session *s, struct pgrp *pg)
{
    pid_hold(t->pid_ref);
    pid_hold(t->pid_ref);
    atomic_store_explicit(&t->pid_ref->session, s, memory_order_release);
    atomic_store_explicit(&t->pid_ref->pgrp, pg, memory_order_release);
    list_add_tail(&s->groups, &pg->link);
    if (t->pgrp)
        group_leave(t);
    group_join(t, pg);
}

int group_create_first(struct task *t)
{
    struct session *s = make_session(t->pid_ref, t);
    struct pgrp *pg = s ? make_group(s, t->pid_ref) : NULL;
    if (!pg)
        return -E_NOMEM;
    install(t, s, pg);
    return 0;
}

i64 task_setsid(void)
{
    struct task *t = current_task();
    struct session *s = make_session(t->pid_ref, t);
    struct pgrp *pg = s ? make_group(s, t->pid_ref) : NULL;
    if (!pg) {
        kfree(s);
        return -E_NOMEM;
    }
    spin_lock(&tree_lock);
    if (atomic_load(&t->pid_ref->pgrp) ||
        atomic_load(&t->pid_ref->session)) { // already leads a group
        spin_unlock(&tree_lock);
        kfree(pg);
        kfree(s);
        return -E_PERM;
    }
    install(t, s, pg);
    spin_unlock(&tree_lock);
    return t->pid;
}

int task_setpgid(u32 pid, u32 pgid)
{
    struct task *me = current_task();
    if ((i32)pgid < 0)
        return -E_INVAL;
    struct task *t = pid == 0 || pid == me->pid ? me : task_find(pid);
    if (!t)
        return -E_SRCH;
    if (pgid == 0)
        pgid = t->pid;
    struct pgrp *fresh = make_group(NULL, t->pid_ref);
    int err = fresh ? 0 : -E_NOMEM;
    spin_lock(&tree_lock);
    if (!err && (t->reaped || (t != me && t->parent != me)))
        err = -E_SRCH;
    if (!err && t != me && t->pgrp->session != me->pgrp->session)
        err = -E_PERM;
    if (!err && t != me && t->did_exec)
        err = -E_ACCES;
    if (!err && t->pgrp->session->leader == t)
        err = -E_PERM;
    struct pgrp *target = NULL;
    if (!err && pgid != t->pid) {
        rcu_read_lock();
        struct pid *p = pid_lookup(pgid);
        target = p ? rcu_load(p->pgrp) : NULL;
        if (!target || list_empty(&target->members) || target->session != me->pgrp->session ||
            !refcount_inc_not_zero(&target->refs)) {
            target = NULL;
            err = -E_PERM;
        }
        rcu_read_unlock();
    } else if (!err) {
        target = atomic_load(&t->pid_ref->pgrp);
        if (target) {
            pgrp_get(target);
        } else {
            target = fresh;
            fresh = NULL;
            target->session = t->pgrp->session;
            session_get(target->session);
            pid_hold(t->pid_ref);
            atomic_store_explicit(&t->pid_ref->pgrp, target, memory_order_release);
        }
    }
    if (!err && target != t->pgrp) {
        group_leave(t);
        if (list_empty(&target->link))
            list_add_tail(&target->session->groups, &target->link);
        group_join(t, target);
        target = NULL; // its reference went into the task
    }
    spin_unlock(&tree_lock);
    if (target)
        pgrp_put(target);
    kfree(fresh);
    if (t != me)
        task_put(t);
    return err;
}

bool pgrp_is_orphaned(struct pgrp *pg)
{
    struct task *t;
    list_for_each_entry (t, &pg->members, pgrp_link) {
        struct task *p = t->parent;
        if (t == init_task && !t->zombie && task_init_can_stop())
            return false;
        if (t->zombie || !p || (p == init_task && task_init_guarded()) || !p->pgrp)
            continue;
        if (p->pgrp != pg && p->pgrp->session == pg->session)
            return false;
    }
    return true;
}

void group_tie_gone(struct pgrp *pg, const struct pgrp *of_parent)
{
    if (!of_parent || of_parent == pg || of_parent->session != pg->session || !pgrp_is_orphaned(pg))
        return;
    bool stopped = false;
    struct task *t;
    list_for_each_entry (t, &pg->members, pgrp_link)
        stopped |= t->stopped;
    if (!stopped)
        return;
    struct event e = {.kind = EVENT_HANGUP, .code = EVC_KERNEL};
    event_post_pgrp_locked(pg, &e);
    e.kind = EVENT_CONTINUE;
    event_post_pgrp_locked(pg, &e);
}
