// Private to the Linux ABI: POSIX signals. State is guarded by task->lock; a thread's own mask is
// also written without it.
#pragma once
#include <lib/list.h>
#include <task/task.h>

enum {
    SIG_HUP = 1,
    SIG_INT,
    SIG_QUIT,
    SIG_ILL,
    SIG_TRAP,
    SIG_ABRT,
    SIG_BUS,
    SIG_FPE,
    SIG_KILL,
    SIG_USR1,
    SIG_SEGV,
    SIG_USR2,
    SIG_PIPE,
    SIG_ALRM,
    SIG_TERM,
    SIG_STKFLT,
    SIG_CHLD,
    SIG_CONT,
    SIG_STOP,
    SIG_TSTP,
    SIG_TTIN,
    SIG_TTOU,
    SIG_URG,
    SIG_XCPU,
    SIG_XFSZ,
    SIG_VTALRM,
    SIG_PROF,
    SIG_WINCH,
    SIG_IO,
    SIG_PWR,
    SIG_SYS,
    SIG_RTMIN = 32,
    SIG_MAX = 64,
};
static inline u64 sig_bit(i32 sig)
{
    return 1ul << (sig - 1);
}
#define SIG_UNBLOCKABLE (sig_bit(SIG_KILL) | sig_bit(SIG_STOP))
#define SIG_STOPS (sig_bit(SIG_STOP) | sig_bit(SIG_TSTP) | sig_bit(SIG_TTIN) | sig_bit(SIG_TTOU))
#define SIG_SYNCHRONOUS                                                                            \
    (sig_bit(SIG_SEGV) | sig_bit(SIG_BUS) | sig_bit(SIG_ILL) | sig_bit(SIG_FPE) |                  \
     sig_bit(SIG_TRAP) | sig_bit(SIG_SYS))

enum : u64 { HANDLER_DEFAULT = 0, HANDLER_IGNORE = 1 };
enum : u64 {
    ACTION_NOCLDSTOP = 1,
    ACTION_NOCLDWAIT = 2,
    ACTION_SIGINFO = 4,
    ACTION_EXPOSE_TAGBITS = 0x800,
    ACTION_ONSTACK = 0x08000000,
    ACTION_RESTART = 0x10000000,
    ACTION_NODEFER = 0x40000000,
    ACTION_RESETHAND = 0x80000000,
};
struct sig_action {
    u64 handler, flags, mask, restorer;
};

// What is known of one signal occurrence; becomes siginfo.
struct sig_info {
    i32 signo, errnum, code;
    u32 pid, uid;
    u64 value; // sigval
    u64 addr;
    i32 status;
    u64 utime, stime; // clock ticks
    u32 timer_id, overrun;
    i64 band;
    i32 fd;
};
struct sig_queued {
    struct list link;
    struct sig_info info;
};
struct sig_pending {
    _Atomic u64 set; // changed with task->lock held
    struct list queue;
};

// Numbers of siginfo codes.
enum {
    SI_USER = 0,
    SI_KERNEL = 0x80,
    SI_QUEUE = -1,
    SI_TIMER = -2,
    SI_MESGQ = -3,
    SI_ASYNCIO = -4,
    SI_SIGIO = -5,
    SI_TKILL = -6
};

void sig_pending_init(struct sig_pending *p);
static inline bool sig_is_pending(const struct sig_pending *p, i32 sig)
{
    return atomic_load_explicit(&p->set, memory_order_relaxed) & sig_bit(sig);
}
void sig_pending_drop(struct task *t, struct sig_pending *p,
                      u64 set); // forgets these signals; task->lock held
// Takes the next signal of `wanted` out of a thread's or the shared queue. 0: none. task->lock
// held.
i32 sig_take(struct task *t, struct task_thread *tt, u64 wanted, struct sig_info *out);
// Signals pending for a thread, its own and shared. task->lock held or own thread (then a moment
// old).
u64 sig_pending_set(struct task *t, struct task_thread *tt);
// Own thread: changes its mask and looks again at what is pending.
void sig_set_blocked(u64 mask);
i32 sig_number_of_event(enum event_kind k);
// Queues for the task (tt NULL) or thread; task->lock held. 0, or -E_AGAIN (queue limit, only for
// queued values).
int sig_queue(struct task *t, struct task_thread *tt, const struct sig_info *info);
// Does a signal do nothing for the task as things stand? task->lock held.
bool sig_ignored(struct task *t, i32 sig);
// Posts to current thread a signal that cannot be ignored or blocked: blocked or ignored ones get
// their default action (faults).
void sig_force(const struct sig_info *info);
// Sends, to a task of any ABI: permission is the caller's matter.
int sig_send_task(struct task *t, const struct sig_info *info);
int sig_send_thread(struct task_thread *tt, const struct sig_info *info);

// For calls that sleep under another mask: the old one comes back behind delivery when the call was
// interrupted, else at once.
void sig_begin_temporary(u64 mask);
void sig_end_temporary(bool interrupted);

// ABI record entries.
int linux_event(struct task *t, struct task_thread *tt, const struct event *e);
void linux_hand_over(struct task *t, struct task_thread *tt);
void linux_deliver(struct trapframe *tf);
void linux_fault(struct trapframe *tf, const struct event *e);

// siginfo_t as the user sees it.
enum { SIGINFO_SIZE = 128 };
void siginfo_encode(const struct sig_info *in, u8 out[SIGINFO_SIZE]);
// From rt_sigqueueinfo: what the sender gave.
void siginfo_decode(const u8 in[SIGINFO_SIZE], struct sig_info *out);

// --- riscv64/sigframe.c ---
// Makes the user frame run the handler. -E_FAULT: the stack cannot take it.
[[nodiscard]] int sigframe_push(struct trapframe *tf, const struct sig_action *act,
                                const struct sig_info *info, u64 saved_mask);
// The part of an action that only some machines have: where its handler returns to.
struct linux_sigaction;
void linux_action_set(struct sig_action *a, const struct linux_sigaction *act);
void linux_action_get(const struct sig_action *a, struct linux_sigaction *old);
// rt_sigreturn: restores the frame; 0 or -E_FAULT (the caller then forces SIGSEGV).
[[nodiscard]] int sigframe_pop(struct trapframe *tf, u64 *mask);
