// What the terminal layer asks of this ABI: would the current thread not notice this event?
#include "scarlet.h"
#include <tty/policy.h>

static bool ignores(enum event_kind kind)
{
    struct task_thread *tt = current_task_thread();
    u32 bit = event_bit_of(kind);
    return atomic_load(&scarlet_thread(tt)->blocked) >> bit & 1;
}

static const struct tty_policy scarlet_tty_policy = {&scarlet_abi, ignores};
TTY_POLICY(scarlet_tty_policy);
