// What generated dispatch code stands on: argument fetching, buffers, handles, and the call entry
// record.
#pragma once
#include <arch/context.h>
#include <kerr.h>
#include <lib/string.h>
#include <object/handle.h>
#include <syscall/trace_desc.h>
#include <vm/user.h>

// How an interrupted call (-E_RESTART from a handler) continues after an event was delivered.
enum syscall_flags {
    SYS_RESTART_NEVER = 0,  // always EINTR
    SYS_RESTART_SA = 1,     // restart if the handler was installed so (Linux ERESTARTSYS)
    SYS_RESTART_ALWAYS = 2, // ERESTARTNOINTR
    SYS_RESTART_NOHAND = 3, // only if no handler ran
    SYS_RESTART_BLOCK =
        4, // ERESTART_RESTARTBLOCK: resumes through restart_syscall with remaining time
    SYS_RESTART_MASK = 7,
    SYS_FRAME = 8, // the handler needs all registers in the frame
};

struct syscall_entry {
    // a[0..5]: raw argument registers. Result: >= 0, or a negative kerr.
    i64 (*fn)(const u64 *a, struct trapframe *tf);
    const struct syscall_desc *desc;
    u32 flags;
};

// Copies between kernel objects and user memory: 0 or -E_FAULT.
[[nodiscard]] static inline int sys_fetch(void *dst, uaddr_t src, usize n)
{
    return user_copy_in(dst, src, n);
}
[[nodiscard]] static inline int sys_store(uaddr_t dst, const void *src, usize n)
{
    return user_copy_out(dst, src, n);
}

// A string argument: copied once, NUL-terminated. Short ones stay in the frame, longer ones are
// allocated.
enum { SYS_NAME_INLINE = 120 };
struct sys_name {
    const char *str;
    usize len;
    char *heap;
    char inline_buf[SYS_NAME_INLINE];
};
// max: size of the longest string including its NUL. -E_FAULT, -E_NAMETOOLONG, -E_NOMEM.
[[nodiscard]] int sys_name_get(struct sys_name *n, uaddr_t src, usize max);
void sys_name_free(struct sys_name *n);
static inline void sys_name_put(struct sys_name *n)
{
    if (UNLIKELY(n->heap))
        sys_name_free(n);
}

// An array argument copied in as a whole.
struct sys_seq {
    void *ptr;
    usize bytes;
    bool heap;
    alignas(16) u8 inline_buf[128];
};
// count elements of elem bytes, at most max elements (0: no limit but memory): -E_INVAL, -E_FAULT,
// -E_NOMEM. src may be 0 with count 0.
[[nodiscard]] int sys_seq_get(struct sys_seq *s, uaddr_t src, usize count, usize elem, usize max);
// Like sys_seq_get without copying in (zeroed): for arrays that are only written.
[[nodiscard]] int sys_seq_new(struct sys_seq *s, usize count, usize elem, usize max);
[[nodiscard]] int sys_seq_store(struct sys_seq *s, uaddr_t dst);
void sys_seq_put(struct sys_seq *s);

// Counts a call that has no entry (abi name and number) for the summary in the kernel log at
// power-off and in /proc/scarlet/unknown_calls.
void syscall_count_unknown(const char *abi, u64 number);
void syscall_log_unknown(void);
// Traces tasks of this name ("all": every task; "": none) to the kernel log. Boot only.
void syscall_trace_select(const char *name);
extern bool syscall_trace_any;
bool syscall_trace_wanted(void);
static inline bool syscall_traced(void) // the current task?
{
    return UNLIKELY(syscall_trace_any) && syscall_trace_wanted();
}
// One call of a traced task, as strace prints it: begun before the call (NULL: no memory, then no
// line), ended after it. e may be NULL (unknown number). abi_result: as the program sees it. end
// consumes the line.
struct trace_line;
struct trace_line *syscall_trace_begin(const struct syscall_entry *e, const u64 *args);
void syscall_trace_end(struct trace_line *t, const struct syscall_entry *e, u64 number,
                       i64 abi_result, const struct trace_errors *errors);
