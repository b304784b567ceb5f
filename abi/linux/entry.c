// The way of one call: number -> table -> handler -> result in Linux's convention.
#include "entry.h"
#include "linux.h"
#include "linux_dispatch.h"
#include "linux_errno.h"
#include "linux_handlers.h"
#include "linux_trace.h"
#include <kerr.h>

// in_call of the user frame: bit 0 while a call is served, bits 8.. its restart class once it was
// interrupted.
enum { RESTART_SHIFT = 8 };

u32 linux_take_restart(struct trapframe *tf)
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

// What is not a plain success: errors, interruption, replaced frames.
[[gnu::noinline]] static void finish(struct trapframe *tf, u64 nr, i64 r)
{
    if (!tf->in_call) // the frame was replaced (exec, signal return): its registers are the result
        return;
    if (r == -E_RESTART) {
        tf->in_call |= (u64)linux_restart_model(nr, tf_args(tf)) << RESTART_SHIFT;
        thread_set_work(current(),
                        WORK_EVENT); // delivery decides, even if the event went to another thread
    }
    tf_set_result(tf, r < 0 ? (u64)(i64)-linux_errno[-r] : (u64)r);
}

// Unknown numbers and traced tasks.
[[gnu::noinline]] static void serve_slowly(struct trapframe *tf, u64 nr)
{
    const struct syscall_entry *e = nr <= LINUX_SYS_MAX ? &linux_syscalls[nr] : NULL;
    struct trace_line *line = syscall_traced() ? syscall_trace_begin(e, tf_args(tf)) : NULL;
    i64 r = e && e->fn ? e->fn(tf_args(tf), tf) : unknown_call(nr);
    finish(tf, nr, r);
    syscall_trace_end(line, e, nr, tf->in_call ? tf_result(tf) : 0, &linux_trace_errors);
}

[[gnu::noinline]] static void serve_unknown(struct trapframe *tf, u64 nr)
{
    if (UNLIKELY(syscall_trace_any))
        return serve_slowly(tf, nr);
    tf_set_result(tf, (u64)(i64)-linux_errno[-unknown_call(nr)]);
}

bool linux_syscall(struct trapframe *tf)
{
    u64 nr = tf_syscall_nr(tf);
    if (UNLIKELY(nr > LINUX_SYS_MAX)) {
        serve_unknown(tf, nr);
        return false;
    }
    const struct syscall_entry *e = &linux_syscalls[nr];
    if (UNLIKELY(e->flags & SYS_FRAME) && !tf_is_full(tf))
        return true;
    if (UNLIKELY(!e->fn || syscall_trace_any)) {
        serve_slowly(tf, nr);
        return false;
    }
    i64 r = e->fn(tf_args(tf), tf);
    if (LIKELY(r >= 0 && tf->in_call))
        tf_set_result(tf, (u64)r);
    else
        finish(tf, nr, r);
    return false;
}
