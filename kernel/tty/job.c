// Job control: sessions, foreground groups, hangups.
//
// Guarded by tree_lock: which session has which terminal, and the foreground group. Events are
// posted without it, on counted references. Facts: POSIX XBD 11.1, Linux's tty_jobctrl behaviour.
#include "tty_private.h"
#include <tty/policy.h>

// The set may not be empty for the linker; this record names no ABI.
static const struct tty_policy no_policy = {NULL, NULL};
TTY_POLICY(no_policy);

static struct session *my_session(void) // tree_lock held
{
    struct task *t = current_task();
    return t && t->pgrp ? t->pgrp->session : NULL;
}

// --- may this group use the terminal? ---

static bool ignores(enum event_kind kind, bool *known)
{
    const struct abi_module *abi = current_task()->abi;
    *known = true;
    SET_FOREACH(p, tty_policy, const struct tty_policy)
    if (abi && (*p)->abi == abi)
        return (*p)->ignores(kind);
    *known = false;
    return false;
}

int tty_job_check(struct tty *t, enum event_kind kind)
{
    struct task *me = current_task();
    // A group that is in the foreground is so by being this very pointer; everything else is looked
    // at properly.
    if (LIKELY(!me || atomic_load_explicit(&t->foreground, memory_order_relaxed) == me->pgrp))
        return 0;
    spin_lock(&tree_lock);
    struct pgrp *mine = me->pgrp;
    bool background =
        t->session && t->session == mine->session && t->foreground && t->foreground != mine;
    bool orphaned = background && pgrp_is_orphaned(mine);
    if (background)
        pgrp_get(mine);
    spin_unlock(&tree_lock);
    if (!background)
        return 0;
    int result = -E_RESTART, refused = kind == EVENT_TTY_INPUT ? -E_IO : 0;
    bool known, ignored = ignores(kind, &known);
    struct event e = {.kind = kind, .code = EVC_KERNEL};
    if (ignored)
        result = refused;
    else if (known && orphaned)
        result = -E_IO;
    else if (known)
        (void)event_post_pgrp(mine, &e);
    else {
        // No answer from the ABI: an event that does nothing to this thread does not become
        // pending.
        int err = event_post_thread(current_task_thread(), &e);
        if (err || !thread_has_event(current()))
            result = refused;
        else if (orphaned)
            result = -E_IO;
        else
            (void)event_post_pgrp(mine, &e);
    }
    pgrp_put(mine);
    return result;
}

void tty_signal_foreground(struct tty *t, enum event_kind kind)
{
    spin_lock(&tree_lock);
    struct pgrp *pg = t->foreground;
    if (pg)
        pgrp_get(pg);
    spin_unlock(&tree_lock);
    if (!pg)
        return;
    struct event e = {.kind = kind, .code = EVC_KERNEL};
    (void)event_post_pgrp(pg, &e);
    pgrp_put(pg);
}

// --- who has it ---

// Gives t to session s with group pg in the foreground. tree_lock held; t has no session.
static void attach(struct tty *t, struct session *s, struct pgrp *pg)
{
    session_get(s);
    pgrp_get(pg);
    tty_get(t);
    t->session = s;
    t->foreground = pg;
    s->tty = t;
}

// What detach took out, to be put once tree_lock is released.
struct detached {
    struct tty *tty;
    struct session *session;
    struct pgrp *foreground;
    struct task *leader; // counted, or NULL
};

// tree_lock held.
static struct detached detach(struct tty *t)
{
    struct detached d = {t, t->session, t->foreground, NULL};
    if (d.session) {
        d.leader = d.session->leader;
        if (d.leader)
            task_get(d.leader);
        d.session->tty = NULL;
    }
    t->session = NULL;
    t->foreground = NULL;
    return d;
}

// Posts what a hangup means for those who had the terminal, and lets go.
static void finish_detach(struct detached *d, bool tell_leader, bool tell_group)
{
    struct event hup = {.kind = EVENT_HANGUP, .code = EVC_KERNEL},
                 cont = {.kind = EVENT_CONTINUE, .code = EVC_KERNEL};
    if (d->leader && tell_leader) {
        (void)event_post(d->leader, &hup);
        (void)event_post(d->leader, &cont);
    }
    if (d->foreground && tell_group) {
        (void)event_post_pgrp(d->foreground, &hup);
        (void)event_post_pgrp(d->foreground, &cont);
    }
    if (d->leader)
        task_put(d->leader);
    if (d->foreground)
        pgrp_put(d->foreground);
    if (d->session) {
        session_put(d->session);
        tty_put(d->tty);
    }
}

void tty_adopt(struct tty *t)
{
    struct task *me = current_task();
    spin_lock(&tree_lock);
    struct session *s = my_session();
    if (s && s->leader == me && !s->tty && !t->session)
        attach(t, s, me->pgrp);
    spin_unlock(&tree_lock);
}

bool tty_is_controlling(struct tty *t)
{
    spin_lock(&tree_lock);
    bool yes = t->session && t->session == my_session();
    spin_unlock(&tree_lock);
    return yes;
}

struct tty *tty_current(void)
{
    spin_lock(&tree_lock);
    struct session *s = my_session();
    struct tty *t = s ? s->tty : NULL;
    if (t)
        tty_get(t);
    spin_unlock(&tree_lock);
    return t;
}

int tty_set_controlling(struct object *o, bool steal)
{
    struct tty *t;
    int err = tty_live(o, false, &t);
    if (err)
        return err;
    struct task *me = current_task();
    bool may_steal = steal && capable(CAP_SYS_ADMIN);
    struct detached old = {0};
    spin_lock(&tree_lock);
    struct session *s = my_session();
    if (s->leader == me && s->tty == t) {
        spin_unlock(&tree_lock);
        return 0;
    }
    if (s->leader != me || s->tty || (t->session && !may_steal)) {
        err = -E_PERM;
    } else {
        if (t->session)
            old = detach(t);
        attach(t, s, me->pgrp);
    }
    spin_unlock(&tree_lock);
    finish_detach(&old, false, false);
    return err;
}

int tty_give_up_controlling(struct object *o)
{
    struct tty *t;
    int err = tty_live(o, false, &t);
    if (err)
        return err;
    struct detached old = {0};
    spin_lock(&tree_lock);
    struct session *s = my_session();
    if (!s || s->tty != t)
        err = -E_NOTTY;
    else if (s->leader == current_task())
        old = detach(t);
    spin_unlock(&tree_lock);
    finish_detach(&old, false, true);
    return err;
}

// --- hanging up ---

static void kill_objects(struct tty *t)
{
    irqflags_t f = spin_lock_irqsave(&t->lock);
    atomic_fetch_add_explicit(&t->hangups, 1, memory_order_acq_rel);
    ldisc_flush_input(&t->ld);
    t->ops->discard(t);
    t->flow_stopped = t->ld.output_stopped = false;
    spin_unlock_irqrestore(&t->lock, f);
    wake_all(&t->read_wait, 0);
    wake_all(&t->write_wait, 0);
}

void tty_hangup(struct tty *t)
{
    kill_objects(t);
    spin_lock(&tree_lock);
    struct detached old = detach(t);
    spin_unlock(&tree_lock);
    finish_detach(&old, true, true);
}

int tty_vhangup(void)
{
    if (!capable(CAP_SYS_TTY_CONFIG))
        return -E_PERM;
    struct tty *t = tty_current();
    if (t) {
        tty_hangup(t);
        tty_put(t);
    }
    return 0;
}

// A session leader ends: its terminal is taken from everybody.
static void leader_exits(struct task *me)
{
    struct detached old = {0};
    spin_lock(&tree_lock);
    struct session *s = me->pgrp ? me->pgrp->session : NULL;
    struct tty *t = s && s->leader == me ? s->tty : NULL;
    if (t) {
        tty_get(t);
        old = detach(t);
    }
    spin_unlock(&tree_lock);
    if (!t)
        return;
    finish_detach(&old, false, true);
    kill_objects(t);
    tty_put(t);
}

static struct task_exit_hook exit_hook = {.exit = leader_exits};

void job_init(void)
{
    task_add_exit_hook(&exit_hook);
}

// --- groups ---

// The terminal whose session is asked about: for a master, its slave, which need not be the
// caller's.
static int group_tty(struct object *o, struct tty **out, bool *master)
{
    int err = tty_live(o, true, out);
    if (!err)
        (void)tty_of(o, master);
    return err;
}

int tty_get_pgrp(struct object *o, u32 *pgid)
{
    struct tty *t;
    bool master;
    int err = group_tty(o, &t, &master);
    if (err)
        return err == -E_IO ? -E_NOTTY : err;
    spin_lock(&tree_lock);
    if (!master && (!t->session || t->session != my_session()))
        err = -E_NOTTY;
    else
        *pgid = t->foreground ? t->foreground->id : 0;
    spin_unlock(&tree_lock);
    return err;
}

int tty_set_pgrp(struct object *o, u32 pgid)
{
    struct tty *t;
    bool master;
    int err = group_tty(o, &t, &master);
    if (!err)
        err = tty_job_check(t, EVENT_TTY_OUTPUT);
    if (err)
        return err;
    if ((i32)pgid < 0)
        return -E_INVAL;
    if (!tty_is_controlling(t))
        return -E_NOTTY;
    struct pgrp *pg = pgrp_find(pgid), *old = NULL;
    if (!pg)
        return -E_SRCH;
    spin_lock(&tree_lock);
    struct session *s = my_session();
    if (t->session != s) {
        err = -E_NOTTY;
    } else if (pg->session != s) {
        err = -E_PERM;
    } else {
        old = t->foreground;
        t->foreground = pg;
        pg = NULL;
    }
    spin_unlock(&tree_lock);
    if (pg)
        pgrp_put(pg);
    if (old)
        pgrp_put(old);
    return err;
}

int tty_get_session(struct object *o, u32 *sid)
{
    struct tty *t;
    bool master;
    int err = group_tty(o, &t, &master);
    if (err)
        return err == -E_IO ? -E_NOTTY : err;
    spin_lock(&tree_lock);
    if (!t->session || (!master && t->session != my_session()))
        err = -E_NOTTY;
    else
        *sid = t->session->id;
    spin_unlock(&tree_lock);
    return err;
}

void tty_of_task(struct task *task, u32 *major, u32 *minor, i32 *foreground)
{
    *major = *minor = 0;
    *foreground = -1;
    spin_lock(&tree_lock);
    struct session *s = task->pgrp ? task->pgrp->session : NULL;
    struct tty *t = s ? s->tty : NULL;
    if (t) {
        *major = t->major;
        *minor = t->minor;
        *foreground = t->foreground ? (i32)t->foreground->id : -1;
    }
    spin_unlock(&tree_lock);
}
