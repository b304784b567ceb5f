// The way of one call: number -> table -> handler -> value or -1.
#include "entry.h"
#include "xv6.h"
#include "xv6_dispatch.h"
#include "xv6_errno.h"
#include "xv6_trace.h"

static i64 unknown_call(u64 nr)
{
    syscall_count_unknown(xv6_abi.name, nr);
    return -E_NOSYS;
}

static void finish(struct trapframe *tf, i64 r)
{
    if (tf->in_call) // else the frame was replaced by exec
        tf_set_result(tf, r < 0 ? (u64)(i64)-xv6_errno[-r] : (u64)r);
}

// Numbers that are not there, and traced tasks.
[[gnu::noinline]] static void serve_slowly(struct trapframe *tf, u64 nr)
{
    const struct syscall_entry *e = nr <= XV6_SYS_MAX ? &xv6_syscalls[nr] : NULL;
    struct trace_line *line = syscall_traced() ? syscall_trace_begin(e, tf_args(tf)) : NULL;
    finish(tf, e && e->fn ? e->fn(tf_args(tf), tf) : unknown_call(nr));
    syscall_trace_end(line, e, nr, tf->in_call ? tf_result(tf) : 0, &xv6_trace_errors);
}

bool xv6_syscall(struct trapframe *tf)
{
    u64 nr = tf_syscall_nr(tf);
    const struct syscall_entry *e = nr <= XV6_SYS_MAX ? &xv6_syscalls[nr] : NULL;
    if (UNLIKELY(!e || !e->fn)) {
        serve_slowly(tf, nr);
        return false;
    }
    if (UNLIKELY(e->flags & SYS_FRAME) && !tf_is_full(tf))
        return true;
    if (UNLIKELY(syscall_trace_any))
        serve_slowly(tf, nr);
    else
        finish(tf, e->fn(tf_args(tf), tf));
    return false;
}
