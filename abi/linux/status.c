// What /proc/pid/status says of signals, with task->lock held, which guards all that is read here;
// and what a program takes over from one of another ABI or from whoever started the machine.
#include "linux.h"

void linux_signal_status(struct task *t, struct task_thread *tt, struct abi_signal_status *out)
{
    const struct linux_task *lt = linux_task(t);
    struct linux_thread *th = tt ? linux_thread(tt) : NULL;
    if (!lt)
        return;
    out->shared_pending = atomic_load(&lt->shared.set);
    out->queued = lt->queued;
    for (i32 sig = 1; sig <= SIG_MAX; sig++) {
        u64 handler = lt->actions[sig].handler;
        if (handler == HANDLER_IGNORE)
            out->ignored |= sig_bit(sig);
        else if (handler != HANDLER_DEFAULT)
            out->caught |= sig_bit(sig);
    }
    if (th) {
        out->pending = atomic_load(&th->pending.set);
        out->blocked = atomic_load_explicit(&th->blocked, memory_order_relaxed);
    }
}

void linux_inherit(struct task_thread *tt, const struct abi_signal_status *s)
{
    struct task *t = tt->task;
    struct linux_task *lt = linux_task(t);
    u64 ignored = s->ignored & ~SIG_UNBLOCKABLE;
    spin_lock(&t->lock);
    for (i32 sig = 1; sig <= SIG_MAX; sig++)
        if (ignored & sig_bit(sig))
            lt->actions[sig].handler = HANDLER_IGNORE;
    t->autoreap = ignored & sig_bit(SIG_CHLD);
    spin_unlock(&t->lock);
    sig_set_blocked(s->blocked);
}
