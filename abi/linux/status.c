// What /proc/pid/status says of signals. Called with task->lock held, which guards all that is read
// here.
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
