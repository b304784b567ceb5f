// What the terminal layer asks of this ABI: would the current thread not notice this event?
#include "linux.h"
#include <tty/policy.h>

static bool ignores(enum event_kind kind)
{
    struct task_thread *tt = current_task_thread();
    i32 sig = sig_number_of_event(kind);
    if (sig < 1 || sig > SIG_MAX)
        return true;
    spin_lock(&tt->task->lock);
    bool deaf = linux_task(tt->task)->actions[sig].handler == HANDLER_IGNORE ||
                atomic_load(&linux_thread(tt)->blocked) & sig_bit(sig);
    spin_unlock(&tt->task->lock);
    return deaf;
}

static const struct tty_policy linux_tty_policy = {&linux_abi, ignores};
TTY_POLICY(linux_tty_policy);
