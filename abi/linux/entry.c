// The way of one call: number -> table -> handler -> result in Linux's convention.
#include "entry.h"
#include "linux.h"
#include "linux_errno.h"
#include "linux_trace.h"
#include "linux_dispatch.h"
#include "linux_handlers.h"
#include <kerr.h>

// in_call of the user frame: bit 0 while a call is served, bits 8.. its restart class once it was interrupted.
enum { RESTART_SHIFT = 8 };

u32 entry_take_restart(struct trapframe *tf)
{
    u32 kind = (u32)(tf->in_call >> RESTART_SHIFT);
    tf->in_call &= (1u << RESTART_SHIFT) - 1;
    return kind;
}

static i64 unknown_call(u64 nr)
{
    syscall_count_unknown(linux_abi.name, nr);
    return -E_NOSYS;
}

void linux_syscall(struct trapframe *tf)
{
    u64 nr = tf_syscall_nr(tf);
    const struct syscall_entry *e = nr <= LINUX_SYS_MAX ? &linux_syscalls[nr] : NULL;
    u64 saved[6];
    bool traced = UNLIKELY(syscall_traced());
    if (traced)
        __builtin_memcpy(saved, tf_args(tf), sizeof(saved));
    i64 r = LIKELY(e && e->fn) ? e->fn(tf_args(tf), tf) : unknown_call(nr);
    if (UNLIKELY(!tf->in_call)) // the frame was replaced (exec, signal return): its registers are the result
        return;
    if (UNLIKELY(r < 0)) {
        if (r == -E_RESTART) {
            tf->in_call |= (u64)linux_restart_model(nr, tf_args(tf)) << RESTART_SHIFT;
            thread_set_work(current(), WORK_EVENT); // delivery decides, even if the event went to another thread
        }
        r = -linux_errno[-r];
    }
    tf_set_result(tf, (u64)r);
    if (traced)
        syscall_trace(e, nr, saved, r, &linux_trace_errors);
}
