// Delivery on the way to user mode: default actions, handlers, and what becomes of the interrupted
// call.
#include "entry.h"
#include "linux.h"
#include <kerr.h>

#define DEFAULT_CORE                                                                               \
    (sig_bit(SIG_QUIT) | sig_bit(SIG_ILL) | sig_bit(SIG_TRAP) | sig_bit(SIG_ABRT) |                \
     sig_bit(SIG_BUS) | sig_bit(SIG_FPE) | sig_bit(SIG_SEGV) | sig_bit(SIG_XCPU) |                 \
     sig_bit(SIG_XFSZ) | sig_bit(SIG_SYS))

// The interrupted call when a handler with these flags runs, or none (handler false).
static void resolve_restart(struct trapframe *tf, bool handler, u64 flags)
{
    u32 kind = linux_take_restart(tf);
    if (!kind)
        return;
    bool again;
    switch (kind) {
    case SYS_RESTART_SA:
        again = !handler || flags & ACTION_RESTART;
        break;
    case SYS_RESTART_ALWAYS:
        again = true;
        break;
    case SYS_RESTART_NOHAND:
    case SYS_RESTART_BLOCK:
        again = !handler;
        break;
    default:
        again = false;
    }
    if (!again)
        return; // the result says EINTR already
    if (kind == SYS_RESTART_BLOCK && current_linux()->restart_fn)
        tf_set_syscall_nr(tf, LINUX_SYS_restart_syscall);
    tf_restart_syscall(tf);
}

// Default action of sig. True if the task goes on.
static bool default_action(struct task *t, i32 sig)
{
    if (SIG_STOPS & sig_bit(sig)) {
        if (sig != SIG_STOP) {
            spin_lock(&tree_lock);
            bool orphaned = pgrp_is_orphaned(t->pgrp);
            spin_unlock(&tree_lock);
            if (orphaned)
                return true;
        }
        task_stop(sig);
        task_check_stop();
        return true;
    }
    // A core is not written, so it is not claimed in the status either.
    task_terminate(t, (struct exit_info){.kind = EXIT_BY_EVENT, .number = sig, .core = false});
    return false;
}

// Runs a handler for info. False: its frame could not be made and SIGSEGV was forced.
static void run_handler(struct trapframe *tf, struct linux_thread *lt, struct sig_action *act,
                        const struct sig_info *info)
{
    resolve_restart(tf, true, act->flags);
    u64 blocked = atomic_load(&lt->blocked), saved = blocked;
    if (lt->restore_blocked) {
        saved = lt->saved_blocked;
        lt->restore_blocked = false;
    }
    if (sigframe_push(tf, act, info, saved)) {
        struct sig_info segv = {.signo = SIG_SEGV, .code = SI_KERNEL};
        if (info->signo == SIG_SEGV) { // its own handler has no stack: end it
            spin_lock(&current_task()->lock);
            linux_task(current_task())->actions[SIG_SEGV].handler = HANDLER_DEFAULT;
            spin_unlock(&current_task()->lock);
        }
        sig_force(&segv);
        return;
    }
    blocked |= act->mask;
    if (!(act->flags & ACTION_NODEFER))
        blocked |= sig_bit(info->signo);
    sig_set_blocked(blocked);
}

void linux_deliver(struct trapframe *tf)
{
    struct task_thread *tt = current_task_thread();
    struct task *t = tt->task;
    struct linux_task *state = linux_task(t);
    struct linux_thread *lt = linux_thread(tt);
    for (;;) {
        struct sig_info info;
        struct sig_action act = {0};
        spin_lock(&t->lock);
        if (t->exiting || tt->leaving || t->stop_wanted) { // entered again by the caller's loop
            spin_unlock(&t->lock);
            return;
        }
        i32 sig = sig_take(t, tt, ~atomic_load(&lt->blocked), &info);
        if (!sig) {
            atomic_fetch_and(&tt->thread->arch.work, ~(u32)WORK_EVENT);
            spin_unlock(&t->lock);
            break;
        }
        if (SIG_STOPS & sig_bit(sig))
            t->stop_taken = true;
        act = state->actions[sig];
        if (act.handler > HANDLER_IGNORE && act.flags & ACTION_RESETHAND)
            state->actions[sig].handler = HANDLER_DEFAULT;
        bool ignored = sig_ignored(t, sig);
        spin_unlock(&t->lock);
        if (ignored)
            continue;
        if (act.handler == HANDLER_DEFAULT) {
            if (!default_action(t, sig))
                return;
            continue;
        }
        run_handler(tf, lt, &act, &info);
    }
    resolve_restart(tf, false, 0);
    if (lt->restore_blocked) {
        lt->restore_blocked = false;
        sig_set_blocked(lt->saved_blocked);
    }
}
