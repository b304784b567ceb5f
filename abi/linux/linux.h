// Private to the Linux ABI: what it keeps for each task and thread.
#pragma once
#include "signal.h"
#include <sched/timer.h>
#include <task/abi.h>

struct linux_timer; // timer.c
enum { LINUX_TASK_ITIMERS = 3 };

struct linux_task {
    // --- guarded by task->lock ---
    struct sig_action actions[SIG_MAX + 1];
    struct sig_pending shared; // for any thread
    u32 queued;                // entries in all queues of the task, for RLIMIT_SIGPENDING
    bool unkillable;           // pid 1: signals without handler do nothing
    struct linux_timer
        *itimers[LINUX_TASK_ITIMERS]; // of setitimer, by ITIMER_*; NULL until first set
    struct list timers;               // of timer_create
    u32 timer_count, next_timer_id;
};

struct linux_thread {
    // --- written by the own thread, read by others under task->lock ---
    _Atomic u64 blocked;
    _Atomic u64 waiting; // set while in rt_sigtimedwait: these are wanted though blocked
    // --- guarded by task->lock ---
    struct sig_pending pending; // for this thread only
    // --- own thread ---
    u64 saved_blocked; // to restore after sigsuspend and the like
    bool restore_blocked;
    struct {
        u64 sp, size;
        u32 flags;
    } altstack;
    u64 clear_child_tid; // user address, 0 = none
    u64 robust_list;
    u64 rseq_area;
    u32 rseq_len, rseq_sig;
    u64 timer_slack;
    u32 io_priority; // task->lock
    bool thp_disabled;
    i64 (*restart_fn)(struct linux_thread *lt); // restart_syscall
    struct {
        u64 deadline, a, b;
        u32 clock, flags;
    } restart;
};

// How clone-like calls tell the fork and thread hooks what they want.
struct linux_clone_how {
    u64 flags;
    u64 stack; // 0: same
    u64 tls;
    uaddr_t child_tid, parent_tid;
};

static inline struct linux_task *linux_task(struct task *t)
{
    return t->abi_state;
}
static inline struct linux_thread *linux_thread(struct task_thread *tt)
{
    return tt->abi_state;
}
static inline struct linux_thread *current_linux(void)
{
    return current_task_thread()->abi_state;
}
extern const struct abi_module linux_abi;

// --- load.c ---
int linux_load(struct exec_build *b);
void linux_commit(struct exec_build *b);
void linux_abandon(struct exec_build *b);
int linux_probe(const struct exec_probe *p, char *why, usize cap);

// --- status.c ---
void linux_signal_status(struct task *t, struct task_thread *tt,
                         struct abi_signal_status *out); // t->lock held
void linux_inherit(struct task_thread *tt, const struct abi_signal_status *s);

// --- rw.c ---
i64 linux_broken_pipe(void); // sends SIGPIPE to the thread; -E_PIPE
i64 linux_write_object(struct object *o, struct iobuf *buf, u64 *pos); // write and pwrite

// --- open.c ---
// getdents64, or getdents: with what it knows of types behind the names.
i64 linux_read_entries(struct href *fd, struct iobuf *ents, u32 count, bool old);

// --- exit.c ---
void linux_thread_exit(struct task_thread *tt); // clear_child_tid, robust list
void linux_task_exec(struct task *t, const struct abi_module *next);

// --- timer.c ---
// Deletes the timers of timer_create and, unless told to keep them (exec), those of setitimer.
// Takes t->lock; t is current or has no threads left. Afterwards none of them sends anything;
// signals already pending stay.
void linux_timers_drop(struct task *t, bool keep_itimers);

// --- MACHINE/ ---
// AT_HWCAP: what user programs may use of the processor.
u64 linux_hwcap(void);
// Sets the two fields of struct stat whose widths differ between machines.
struct linux_stat;
void linux_stat_widths(struct linux_stat *st, u64 nlink, u64 blksize);
// Where a mapping without a fixed place may go, for flags of mmap that only some machines have.
struct map_request;
void linux_map_range(u32 flags, struct map_request *r);
// AT_MINSIGSTKSZ: bytes of stack that a signal frame takes.
u64 linux_min_signal_stack(void);
// --- MACHINE/vdso.c ---
[[nodiscard]] int linux_vdso_map(struct aspace *as, u64 *base); // *base 0: this machine has none
u64 linux_vdso_sigreturn(const struct aspace *as); // address of the return trampoline in that space

// --- module.c ---
struct linux_task *linux_task_new(void); // NULL: no memory
struct linux_thread *linux_thread_new(void);
void linux_task_delete(struct linux_task *lt); // never installed
void linux_thread_delete(struct linux_thread *lt);

// --- clock.c ---
struct linux_rusage;
void rusage_encode(const struct usage *u, struct linux_rusage *out);
// Absolute monotonic time sec.nsec from now, saturating; never 0 (which would mean "no limit").
u64 deadline_after(u64 sec, u64 nsec);
