// Signal calls.
#include "fd.h"
#include "linux.h"
#include "linux_consts.h"
#include "linux_handlers.h"
#include <kerr.h>
#include <lib/string.h>
#include <procfs/task.h>
#include <task/task_object.h>

i64 linux_rt_sigaction(i32 sig, const struct linux_sigaction *act, struct linux_sigaction *old,
                       u64 size)
{
    if (size != 8 || sig < 1 || sig > SIG_MAX || (act && SIG_UNBLOCKABLE & sig_bit(sig)))
        return -E_INVAL;
    struct task *t = current_task();
    struct linux_task *lt = linux_task(t);
    spin_lock(&t->lock);
    struct sig_action *a = &lt->actions[sig];
    if (old) {
        old->sa_handler = uaddr(a->handler);
        old->sa_flags = a->flags;
        old->sa_mask = a->mask;
        linux_action_get(a, old);
    }
    if (act) {
        *a = (struct sig_action){.handler = act->sa_handler.v,
                                 .flags = act->sa_flags &
                                          (ACTION_NOCLDSTOP | ACTION_NOCLDWAIT | ACTION_SIGINFO |
                                           ACTION_EXPOSE_TAGBITS | ACTION_ONSTACK | ACTION_RESTART |
                                           ACTION_NODEFER | ACTION_RESETHAND),
                                 .mask = act->sa_mask & ~SIG_UNBLOCKABLE};
        linux_action_set(a, act);
        if (sig == SIG_CHLD)
            t->autoreap = a->handler == HANDLER_IGNORE || a->flags & ACTION_NOCLDWAIT;
        if (sig_ignored(t, sig)) { // POSIX: pending ones are forgotten, blocked or not
            struct task_thread *tt;
            sig_pending_drop(t, &lt->shared, sig_bit(sig));
            list_for_each_entry (tt, &t->threads, link)
                if (linux_thread(tt))
                    sig_pending_drop(t, &linux_thread(tt)->pending, sig_bit(sig));
        }
    }
    spin_unlock(&t->lock);
    return 0;
}

enum { HOW_BLOCK, HOW_UNBLOCK, HOW_SETMASK };

i64 linux_rt_sigprocmask(i32 how, const u64 *set, u64 *old, u64 size)
{
    if (size != 8)
        return -E_INVAL;
    struct linux_thread *lt = current_linux();
    u64 now = atomic_load_explicit(&lt->blocked, memory_order_relaxed);
    if (old)
        *old = now;
    if (!set)
        return 0;
    switch (how) {
    case HOW_BLOCK:
        sig_set_blocked(now | *set);
        return 0;
    case HOW_UNBLOCK:
        sig_set_blocked(now & ~*set);
        return 0;
    case HOW_SETMASK:
        sig_set_blocked(*set);
        return 0;
    default:
        return -E_INVAL;
    }
}

i64 linux_rt_sigpending(u64 *set, u64 size)
{
    if (size > 8)
        return -E_INVAL;
    struct task_thread *tt = current_task_thread();
    spin_lock(&tt->task->lock);
    *set = sig_pending_set(tt->task, tt) & atomic_load(&linux_thread(tt)->blocked);
    spin_unlock(&tt->task->lock);
    return 0;
}

// For calls that sleep under another mask: the old one comes back after delivery (or at once by
// sig_end_temporary).
void sig_begin_temporary(u64 mask)
{
    struct linux_thread *lt = current_linux();
    lt->saved_blocked = atomic_load(&lt->blocked);
    lt->restore_blocked = true;
    sig_set_blocked(mask);
}

void sig_end_temporary(bool interrupted)
{
    struct linux_thread *lt = current_linux();
    if (!lt->restore_blocked || interrupted) // delivery restores it, behind the handler
        return;
    lt->restore_blocked = false;
    sig_set_blocked(lt->saved_blocked);
}

i64 linux_rt_sigsuspend(const u64 *mask, u64 size)
{
    if (size != 8)
        return -E_INVAL;
    sig_begin_temporary(*mask);
    while (!thread_has_event(current())) {
        thread_set_state(THREAD_SLEEPING);
        if (thread_has_event(current())) {
            thread_set_state(THREAD_RUNNABLE);
            break;
        }
        (void)!wait_sleep(THREAD_SLEEPING, WAIT_FOREVER);
        thread_set_state(THREAD_RUNNABLE);
    }
    return -E_RESTART; // the table says: restart only if no handler runs
}

i64 linux_rt_sigtimedwait(const u64 *set, struct linux_siginfo *info,
                          const struct linux_timespec *timeout, u64 size)
{
    if (size != 8)
        return -E_INVAL;
    u64 deadline = WAIT_FOREVER;
    if (timeout) {
        if (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= (i64)NS_PER_SEC)
            return -E_INVAL;
        deadline = deadline_after((u64)timeout->tv_sec, (u64)timeout->tv_nsec);
    }
    struct task_thread *tt = current_task_thread();
    struct linux_thread *lt = linux_thread(tt);
    u64 wanted = *set & ~SIG_UNBLOCKABLE;
    struct sig_info got;
    i32 sig;
    int err = 0;
    for (;;) {
        atomic_store(&lt->waiting, wanted);
        thread_set_state(THREAD_SLEEPING);
        spin_lock(&tt->task->lock);
        sig = sig_take(tt->task, tt, wanted, &got);
        bool other = !sig && (sig_pending_set(tt->task, tt) & ~atomic_load(&lt->blocked) & ~wanted);
        if (!sig && !other)
            atomic_fetch_and(&tt->thread->arch.work, ~(u32)WORK_EVENT);
        bool dying = tt->task->exiting || tt->leaving || tt->task->stop_wanted;
        spin_unlock(&tt->task->lock);
        if (sig || other || dying || err)
            break;
        err = wait_sleep(THREAD_SLEEPING, deadline);
        if (err == -E_RESTART)
            err = 0; // look what it was
    }
    thread_set_state(THREAD_RUNNABLE);
    atomic_store(&lt->waiting, 0);
    thread_set_work(current(), WORK_EVENT); // whatever came meanwhile
    if (sig) {
        if (info)
            siginfo_encode(&got, (u8 *)info);
        return sig;
    }
    return err == -E_TIMEDOUT ? -E_AGAIN : -E_INTR;
}

i64 linux_rt_sigreturn(struct trapframe *tf)
{
    u64 mask;
    if (sigframe_pop(tf, &mask)) {
        struct sig_info segv = {.signo = SIG_SEGV, .code = SI_KERNEL};
        sig_force(&segv);
        tf->in_call = 0;
        return 0;
    }
    sig_set_blocked(mask);
    return 0;
}

enum { SS_ONSTACK_ = 1, SS_DISABLE_ = 2 };
enum : u32 { SS_AUTODISARM_ = 1u << 31 };
enum { MIN_STACK = 1088 };

i64 linux_sigaltstack(const struct linux_stack *ss, struct linux_stack *old, struct trapframe *tf)
{
    struct linux_thread *lt = current_linux();
    u64 sp = tf_sp(tf);
    bool on = lt->altstack.size && !(lt->altstack.flags & SS_AUTODISARM_) && sp > lt->altstack.sp &&
              sp - lt->altstack.sp <= lt->altstack.size;
    if (old) {
        old->ss_sp = uaddr(lt->altstack.sp);
        old->ss_size = lt->altstack.size;
        old->ss_flags = (lt->altstack.size == 0 ? SS_DISABLE_
                         : on                   ? SS_ONSTACK_
                                                : 0) |
                        (lt->altstack.flags & SS_AUTODISARM_);
    }
    if (!ss)
        return 0;
    if (on)
        return -E_PERM;
    u32 mode = ss->ss_flags & ~SS_AUTODISARM_;
    if (mode != 0 && mode != SS_DISABLE_ && mode != SS_ONSTACK_)
        return -E_INVAL;
    if (mode == SS_DISABLE_) {
        lt->altstack.sp = lt->altstack.size = 0;
        lt->altstack.flags = 0;
        return 0;
    }
    if (ss->ss_size < MIN_STACK)
        return -E_NOMEM;
    lt->altstack.sp = ss->ss_sp.v;
    lt->altstack.size = ss->ss_size;
    lt->altstack.flags = ss->ss_flags & SS_AUTODISARM_;
    return 0;
}

// --- sending ---
static bool may_signal(struct task *t, i32 sig)
{
    bool ok = task_may_signal(t);
    if (!ok && sig == SIG_CONT) {
        spin_lock(&tree_lock);
        ok = t->pgrp && t->pgrp->session == current_task()->pgrp->session;
        spin_unlock(&tree_lock);
    }
    return ok;
}

static struct sig_info sender_info(i32 sig, i32 code)
{
    return (struct sig_info){
        .signo = sig, .code = code, .pid = current_task()->pid, .uid = current_cred()->uid};
}

// Any ABI's task can be told: its own module maps the event.
static int send(struct task *t, const struct sig_info *info)
{
    if (info->signo == 0)
        return 0;
    return sig_send_task(t, info);
}

struct many {
    const struct sig_info *info;
    u32 group; // 0: everybody but init and the caller
    u32 found, sent;
    int err;
};

static int send_one(struct task *t, void *arg)
{
    struct many *m = arg;
    if (m->group) {
        spin_lock(&tree_lock);
        bool in = t->pgrp && t->pgrp->id == m->group;
        spin_unlock(&tree_lock);
        if (!in)
            return 0;
    } else if (t == init_task || t == current_task()) {
        return 0;
    }
    m->found++;
    if (!may_signal(t, m->info->signo)) {
        m->err = -E_PERM;
        return 0;
    }
    int err = send(t, m->info);
    if (err)
        m->err = err;
    else
        m->sent++;
    return 0;
}

static i64 send_many(u32 group, const struct sig_info *info)
{
    struct many m = {.info = info, .group = group};
    task_for_each(1, send_one, &m);
    if (!m.found)
        return -E_SRCH;
    return m.sent ? 0 : m.err;
}

static i64 send_permitted(struct task *t, const struct sig_info *info)
{
    return may_signal(t, info->signo) ? send(t, info) : -E_PERM;
}

static i64 send_pid(i32 pid, const struct sig_info *info)
{
    struct task *t = task_find((u32)pid);
    if (!t)
        return -E_SRCH;
    i64 r = send_permitted(t, info);
    task_put(t);
    return r;
}

i64 linux_kill(i32 pid, i32 sig)
{
    if (sig < 0 || sig > SIG_MAX)
        return -E_INVAL;
    struct sig_info info = sender_info(sig, SI_USER);
    if (pid > 0)
        return send_pid(pid, &info);
    if (pid == -1)
        return send_many(0, &info);
    if (pid == INT32_MIN)
        return -E_SRCH;
    return send_many(pid == 0 ? current_task()->pgrp->id : (u32)-pid, &info);
}

static i64 send_tid(i32 tgid, i32 tid, const struct sig_info *info)
{
    struct task_thread *tt = task_find_thread((u32)tid);
    if (!tt)
        return -E_SRCH;
    i64 r = -E_SRCH;
    if (tgid <= 0 || tt->task->pid == (u32)tgid) {
        r = may_signal(tt->task, info->signo) ? 0 : -E_PERM;
        if (!r && info->signo)
            r = sig_send_thread(tt, info);
    }
    task_thread_put(tt);
    return r;
}

i64 linux_tkill(i32 tid, i32 sig)
{
    if (tid <= 0 || sig < 0 || sig > SIG_MAX)
        return -E_INVAL;
    struct sig_info info = sender_info(sig, SI_TKILL);
    return send_tid(0, tid, &info);
}

i64 linux_tgkill(i32 tgid, i32 tid, i32 sig)
{
    if (tid <= 0 || tgid <= 0 || sig < 0 || sig > SIG_MAX)
        return -E_INVAL;
    struct sig_info info = sender_info(sig, SI_TKILL);
    return send_tid(tgid, tid, &info);
}

// A sender may claim any code of its own kind (negative); only to itself also the kernel's.
static bool forged(const struct sig_info *i, bool to_self)
{
    return (i->code >= 0 || i->code == SI_TKILL) && !to_self;
}

i64 linux_rt_sigqueueinfo(i32 pid, i32 sig, const struct linux_siginfo *user)
{
    struct sig_info info;
    siginfo_decode((const u8 *)user, &info);
    info.signo = sig;
    if (sig < 0 || sig > SIG_MAX)
        return -E_INVAL;
    if (forged(&info, (u32)pid == current_task()->pid))
        return -E_PERM;
    return pid > 0 ? send_pid(pid, &info) : -E_SRCH;
}

i64 linux_rt_tgsigqueueinfo(i32 tgid, i32 tid, i32 sig, const struct linux_siginfo *user)
{
    struct sig_info info;
    siginfo_decode((const u8 *)user, &info);
    info.signo = sig;
    if (tid <= 0 || tgid <= 0 || sig < 0 || sig > SIG_MAX)
        return -E_INVAL;
    if (forged(&info, (u32)tid == current_task_thread()->tid))
        return -E_PERM;
    return send_tid(tgid, tid, &info);
}

static i64 send_behind(struct task *t, u32 flags, const struct sig_info *info)
{
    if (info->signo < 0 || info->signo > SIG_MAX)
        return -E_INVAL;
    if (flags & LINUX_PIDFD_SIGNAL_PROCESS_GROUP)
        return send_many(t->pid, info);
    if (t->reaped)
        return -E_SRCH;
    if (flags & LINUX_PIDFD_SIGNAL_THREAD)
        return send_tid((i32)t->pid, (i32)t->pid, info);
    return send_permitted(t, info);
}

// A handle to a process, or its directory in /proc: counted.
static int task_behind(const struct href *h, struct task **out)
{
    if (path_only(h))
        return -E_BADF;
    if (!object_is_task(h->object))
        return proc_task_of(h->object, out);
    *out = task_of_object(h->object);
    task_get(*out);
    return 0;
}

i64 linux_pidfd_send_signal(struct href *pidfd, i32 sig, const struct linux_siginfo *user,
                            u32 flags)
{
    struct sig_info info = sender_info(sig, SI_USER);
    struct task *t;
    i64 r = task_behind(pidfd, &t);
    if (r)
        return r;
    if (user) {
        siginfo_decode((const u8 *)user, &info);
        r = info.signo != sig ? -E_INVAL : forged(&info, t == current_task()) ? -E_PERM : 0;
    }
    if (!r)
        r = send_behind(t, flags, &info);
    task_put(t);
    return r;
}

i64 linux_restart_syscall(void)
{
    struct linux_thread *lt = current_linux();
    return lt->restart_fn ? lt->restart_fn(lt) : -E_INTR;
}
