// Creation and destruction of tasks and their threads; lookup by number.
//
// A struct task lives while referenced: by its number (until reaped), by each of its threads and by
// finders. What a running task owns (space, handles, view) goes at exit; the record stays as a
// zombie until it is waited for.
#include "private.h"
#include <kerr.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <sync/lock_order.h>
#include <sync/log.h>

struct spinlock tree_lock = SPINLOCK_INIT(&lock_class_task_tree);
struct task *init_task;
static _Atomic u32 live_tasks;
DEFINE_SLAB(task_slab, struct task);
DEFINE_SLAB(thread_slab, struct task_thread);

u32 task_count(void)
{
    return atomic_load_explicit(&live_tasks, memory_order_relaxed);
}

static const struct limit default_limits[LIMIT_COUNT] = {
    [LIMIT_CPU] = {UINT64_MAX, UINT64_MAX},
    [LIMIT_FSIZE] = {UINT64_MAX, UINT64_MAX},
    [LIMIT_DATA] = {UINT64_MAX, UINT64_MAX},
    [LIMIT_STACK] = {8ul << 20, UINT64_MAX},
    [LIMIT_CORE] = {0, UINT64_MAX},
    [LIMIT_RSS] = {UINT64_MAX, UINT64_MAX},
    [LIMIT_NPROC] = {UINT64_MAX, UINT64_MAX},
    [LIMIT_NOFILE] = {1024, 4096},
    [LIMIT_MEMLOCK] = {8ul << 20, 8ul << 20},
    [LIMIT_AS] = {UINT64_MAX, UINT64_MAX},
    [LIMIT_LOCKS] = {UINT64_MAX, UINT64_MAX},
    [LIMIT_SIGPENDING] = {4096, 4096},
    [LIMIT_MSGQUEUE] = {819200, 819200},
    [LIMIT_NICE] = {0, 0},
    [LIMIT_RTPRIO] = {0, 0},
    [LIMIT_RTTIME] = {UINT64_MAX, UINT64_MAX},
};

u64 task_limit_soft(enum task_limit l)
{
    struct task *t = current_task();
    return t ? t->limits[l].soft : UINT64_MAX;
}

static struct task *task_alloc(void)
{
    struct task *t = slab_def_alloc(&task_slab, ALLOC_ZERO);
    if (!t)
        return NULL;
    refcount_set(&t->refs, 1);
    spin_init(&t->lock, &lock_class_task);
    list_init(&t->threads);
    list_init(&t->children);
    list_init(&t->sibling);
    list_init(&t->pgrp_link);
    waitqueue_init(&t->wait_children);
    waitqueue_init(&t->vfork_done);
    t->start_ns = arch_time_ns();
    t->dumpable = true;
    atomic_fetch_add_explicit(&live_tasks, 1, memory_order_relaxed);
    return t;
}

static void free_rcu(struct rcu_head *h)
{
    slab_def_free(&task_slab, container_of(h, struct task, rcu));
}

static void task_free(struct task *t)
{
    if (t->abi && t->abi->free)
        t->abi->free(t);
    task_env_put(t->env);
    for (struct cred *c = t->retired_creds, *next; c; c = next) {
        next = c->retired;
        cred_put(c);
    }
    if (t->cred)
        cred_put(t->cred);
    if (t->user)
        user_count_put(t->user);
    atomic_fetch_sub_explicit(&live_tasks, 1, memory_order_relaxed);
    rcu_call(&t->rcu, free_rcu);
}

void task_env_put(struct task_env *e)
{
    if (e && refcount_dec_and_test(&e->refs))
        e->free(e);
}

void task_set_env(struct task_env *e)
{
    struct task *t = current_task();
    spin_lock(&t->lock);
    struct task_env *old = t->env;
    t->env = e;
    spin_unlock(&t->lock);
    task_env_put(old);
}

void task_get(struct task *t)
{
    refcount_inc(&t->refs);
}

void task_put(struct task *t)
{
    if (refcount_dec_and_test(&t->refs))
        task_free(t);
}

void task_thread_get(struct task_thread *tt)
{
    refcount_inc(&tt->refs);
}

static void free_thread_rcu(struct rcu_head *h)
{
    slab_def_free(&thread_slab, container_of(h, struct task_thread, rcu));
}

void task_thread_put(struct task_thread *tt)
{
    if (!refcount_dec_and_test(&tt->refs))
        return;
    thread_put(tt->thread);
    task_put(tt->task);
    rcu_call(&tt->rcu, free_thread_rcu);
}

static void enter_user(void *arg)
{
    (void)arg;
    arch_enter_user();
}

// A task_thread with its kernel thread for task t; holds references to both. The caller publishes
// it.
static int make_thread(struct task *t, const char *name, void (*fn)(void *), void *arg,
                       struct task_thread **out)
{
    struct task_thread *tt = slab_def_alloc(&thread_slab, ALLOC_ZERO);
    if (!tt)
        return -E_NOMEM;
    int err = thread_create(&tt->thread, name, t, fn, arg);
    if (err) {
        slab_def_free(&thread_slab, tt);
        return err;
    }
    refcount_set(&tt->refs, 1);
    list_init(&tt->link);
    tt->task = t;
    tt->start_ns = arch_time_ns();
    tt->thread->task_thread = tt;
    tt->thread->tick_events = t->limits[LIMIT_CPU].soft != UINT64_MAX;
    arch_thread_set_call(&tt->thread->arch, arch_thread_call(current_arch()));
    task_get(t);
    *out = tt;
    return 0;
}

// Of a thread that was neither published nor started.
static void discard_thread(struct task_thread *tt)
{
    thread_discard(tt->thread);
    task_thread_put(tt);
}

static void publish_thread(struct task *t, struct task_thread *tt, struct pid *pid)
{
    tt->tid = pid->nr;
    tt->pid_ref = pid;
    spin_lock(&t->lock);
    if (current_task() == t) // a zone may have been made since the thread was
        arch_thread_set_call(&tt->thread->arch, arch_thread_call(current_arch()));
    list_add_tail(&t->threads, &tt->link);
    t->thread_count++;
    spin_unlock(&t->lock);
    atomic_store_explicit(&pid->thread, tt, memory_order_release);
}

// Copies what a child inherits and needs no undoing but through task_free.
static void inherit(struct task *child, struct task *parent)
{
    spin_lock(&parent->lock);
    child->cred = parent->cred;
    cred_get(child->cred);
    memcpy(child->limits, parent->limits, sizeof(child->limits));
    memcpy(child->name, parent->name, sizeof(child->name));
    child->umask = parent->umask;
    child->oom_adj = parent->oom_adj;
    child->personality = parent->personality;
    child->dumpable = parent->dumpable;
    child->abi = NULL;
    child->env = parent->env;
    if (child->env)
        refcount_inc(&child->env->refs);
    spin_unlock(&parent->lock);
}

int task_fork(const struct task_clone *how, const struct trapframe *tf, struct task **out)
{
    struct task *me = current_task(), *t = task_alloc();
    if (!t)
        return -E_NOMEM;
    inherit(t, me);
    struct pid *pid = NULL;
    struct task_thread *tt = NULL;
    int err = -E_NOMEM;
    t->user = user_count_get(t->cred->uid);
    if (!t->user)
        goto fail;
    bool privileged = t->cred->uid == 0 || capable(CAP_SYS_RESOURCE) || capable(CAP_SYS_ADMIN);
    err = -E_AGAIN;
    if (!user_count_charge(t->user, t->limits[LIMIT_NPROC].soft, privileged)) {
        user_count_put(t->user);
        t->user = NULL;
        goto fail;
    }
    err = pid_alloc(how->wanted_tid, &pid);
    if (err)
        goto fail;
    t->pid = pid->nr;
    t->pid_ref = pid;
    err = make_thread(t, me->name, enter_user, NULL, &tt);
    if (err)
        goto fail;
    tt->tid = pid->nr;
    struct trapframe *child_tf = arch_user_frame(&tt->thread->arch);
    *child_tf = *tf;
    child_tf->in_call = 0; // all registers come from the frame
    arch_fpu_fork(&tt->thread->arch);
    tf_set_result(child_tf, 0);
    tt->thread->sched = current()->sched;
    tt->thread->affinity = current()->affinity;
    t->exit_event = how->exit_event;
    if (me->abi->fork)
        err = me->abi->fork(t, tt, child_tf, how->abi_how);
    if (err)
        goto fail;
    t->abi = me->abi;

    // Nothing fails from here on but a parent that is being ended.
    spin_lock(&tree_lock);
    if (me->exiting) {
        spin_unlock(&tree_lock);
        err = -E_RESTART;
        if (me->abi->thread_free)
            me->abi->thread_free(tt);
        goto fail;
    }
    t->aspace = how->aspace;
    t->handles = how->handles;
    t->view = how->view;
    tt->thread->mmu = &t->aspace->arch;
    tt->thread->handles = t->handles;
    t->vfork_pending = how->vfork;
    t->parent = how->parent_is_mine && me->parent ? me->parent : me;
    if (how->parent_is_mine) // the parent expects this of us
        t->exit_event = me->exit_event;
    list_add_tail(&t->parent->children, &t->sibling);
    pgrp_get(me->pgrp);
    group_join(t, me->pgrp);
    spin_unlock(&tree_lock);
    publish_thread(t, tt, pid);
    atomic_store_explicit(&pid->task, t, memory_order_release);
    *out = t;
    return 0;

fail:
    if (tt)
        discard_thread(tt);
    if (pid)
        pid_release(pid);
    if (t->user)
        user_count_uncharge(t->user);
    task_put(t);
    return err;
}

void task_start(struct task *t)
{
    struct task_thread *tt = list_entry(t->threads.next, struct task_thread, link);
    thread_start(tt->thread);
}

int task_thread_create(const struct trapframe *tf, const void *abi_how, struct task_thread **out)
{
    struct task *me = current_task();
    struct pid *pid;
    int err = pid_alloc(0, &pid);
    if (err)
        return err;
    struct task_thread *tt;
    err = make_thread(me, current()->name, enter_user, NULL, &tt);
    if (err) {
        pid_release(pid);
        return err;
    }
    tt->tid = pid->nr;
    struct trapframe *child_tf = arch_user_frame(&tt->thread->arch);
    *child_tf = *tf;
    child_tf->in_call = 0;
    arch_fpu_fork(&tt->thread->arch);
    tf_set_result(child_tf, 0);
    tt->thread->sched = current()->sched;
    tt->thread->affinity = current()->affinity;
    if (me->abi->thread_start)
        err = me->abi->thread_start(tt, child_tf, abi_how);
    if (!err) {
        spin_lock(&me->lock);
        if (me->exiting || me->exec_pending)
            err = -E_RESTART;
        spin_unlock(&me->lock);
        if (err && me->abi->thread_free)
            me->abi->thread_free(tt);
    }
    if (err) {
        discard_thread(tt);
        pid_release(pid);
        return err;
    }
    tt->thread->mmu = &me->aspace->arch;
    tt->thread->handles = me->handles;
    handle_table_get(me->handles);
    publish_thread(me, tt, pid);
    *out = tt;
    return 0;
}

void task_thread_start(struct task_thread *tt)
{
    spin_lock(&tt->task->lock);
    if (tt->task->exiting || tt->leaving || tt->task->stop_wanted)
        task_wake_thread(tt); // it looks before it reaches user mode
    spin_unlock(&tt->task->lock);
    thread_start(tt->thread);
}

int task_create_init(void (*fn)(void *), void *arg, struct task **out)
{
    struct task *t = task_alloc();
    if (!t)
        return -E_NOMEM;
    struct pid *pid;
    struct task_thread *tt = NULL;
    int err = pid_alloc(1, &pid);
    if (err)
        goto fail;
    t->pid = pid->nr;
    t->pid_ref = pid;
    cred_get(&root_cred);
    t->cred = &root_cred;
    t->umask = 022;
    memcpy(t->limits, default_limits, sizeof(t->limits));
    u64 threads = MAX(frame_free_count() / 8, 64ul);
    t->limits[LIMIT_NPROC] = (struct limit){threads, threads};
    t->limits[LIMIT_SIGPENDING] = (struct limit){threads, threads};
    strlcpy(t->name, "init", sizeof(t->name));
    t->user = user_count_get(0);
    t->handles = handle_table_create();
    if (!t->user || !t->handles) {
        err = -E_NOMEM;
        goto fail;
    }
    (void)user_count_charge(t->user, UINT64_MAX, true);
    err = group_create_first(t);
    if (err)
        goto fail;
    err = make_thread(t, "init", fn, arg, &tt);
    if (err)
        goto fail;
    tt->thread->handles = t->handles;
    publish_thread(t, tt, pid);
    atomic_store_explicit(&pid->task, t, memory_order_release);
    init_task = t;
    *out = t;
    return 0;
fail:
    return err; // the machine does not boot without its first task
}

struct handle_table *task_handles_get(struct task *t)
{
    spin_lock(&t->lock);
    struct handle_table *h = t->handles;
    if (h)
        handle_table_get(h);
    spin_unlock(&t->lock);
    return h;
}

struct task *task_find(u32 nr)
{
    struct task *t = NULL;
    rcu_read_lock();
    struct pid *p = pid_lookup(nr);
    if (p) {
        t = rcu_load(p->task);
        if (t && !refcount_inc_not_zero(&t->refs))
            t = NULL;
    }
    rcu_read_unlock();
    return t;
}

struct task_thread *task_find_thread(u32 nr)
{
    struct task_thread *tt = NULL;
    rcu_read_lock();
    struct pid *p = pid_lookup(nr);
    if (p) {
        tt = rcu_load(p->thread);
        if (tt && !refcount_inc_not_zero(&tt->refs))
            tt = NULL;
    }
    rcu_read_unlock();
    return tt;
}

int task_for_each(u32 from, int (*fn)(struct task *t, void *arg), void *arg)
{
    for (;;) {
        struct task *t = NULL;
        rcu_read_lock();
        for (struct pid *p; (p = pid_next(from)) != NULL; from = p->nr + 1) {
            t = rcu_load(p->task);
            if (t && refcount_inc_not_zero(&t->refs)) {
                from = p->nr + 1;
                break;
            }
            t = NULL;
        }
        rcu_read_unlock();
        if (!t)
            return 0;
        int r = fn(t, arg);
        task_put(t);
        if (r)
            return r;
    }
}

void task_wait_killable(struct waitqueue *q, bool (*done)(const void *arg), const void *arg)
{
    // Our own queue, too: that is where our end is announced.
    struct waiter w = {.thread = current()}, end = {.thread = current()};
    list_init(&w.link);
    list_init(&end.link);
    wait_add(q, &w);
    wait_add(&current_task()->vfork_done, &end);
    for (;;) {
        thread_set_state(THREAD_BLOCKED);
        if (done(arg) || task_should_die())
            break;
        (void)wait_sleep(THREAD_BLOCKED, WAIT_FOREVER);
    }
    thread_set_state(THREAD_RUNNABLE);
    wait_remove(&current_task()->vfork_done, &end);
    wait_remove(q, &w);
}

static bool vfork_over(const void *child)
{
    const struct task *t = child;
    return !atomic_load((const _Atomic bool *)&t->vfork_pending);
}

void task_vfork_wait(struct task *child)
{
    task_wait_killable(&child->vfork_done, vfork_over, child);
}

void task_vfork_release(struct task *t)
{
    if (!t->vfork_pending)
        return;
    atomic_store((_Atomic bool *)&t->vfork_pending, false);
    wake_all(&t->vfork_done, 0);
}
