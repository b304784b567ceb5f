// An ABI as the kernel knows it: one record, found through the linker set "abi".
#pragma once
#include <arch/upcall.h>
#include <task/task.h>

struct exec_probe;   // exec/probe.h: bytes, size, path, caller
struct exec_build;   // exec/exec.h: what is being built aside
struct exec_runtime; // exec/exec.h: who runs a file instead
struct arg_block;    // exec/exec.h: strings
struct view;         // vfs/view.h
struct trapframe;

// What /proc says of a task's signals; sets have bit n-1 for number n of the ABI.
struct abi_signal_status {
    u64 pending, shared_pending, blocked, ignored, caught;
    u64 queued, queue_limit;
};

struct abi_module {
    const char *name; // "linux-MACHINE": also names its directories
    u32 order;        // ties in probing go to the smaller
    // --- exec (kernel/exec calls these) ---
    // How well does this file fit: 0 not mine .. 100. Pure function of the input. why: a sentence,
    // may be NULL.
    int (*probe)(const struct exec_probe *p, char *why, usize cap);
    // Builds address space, stack and first frame aside; nothing of the caller changes. 0 or an
    // error.
    int (*load)(struct exec_build *b);
    // The point of no return was passed: set task->abi and abi_state (under task->lock; frees the
    // old ABI's state through its `free` and `thread_free` if that was another). Cannot fail (load
    // allocated what it needs).
    void (*commit)(struct exec_build *b);
    void (*abandon)(struct exec_build
                        *b); // load succeeded, exec failed later: free private things. May be NULL
    // Current leaves this ABI's old program for a new one of ABI `next`, just before the commit:
    // clear tid, robust list, timers. May be NULL.
    void (*task_exec)(struct task *t, const struct abi_module *next);
    // Current becomes a program of another ABI: what is pending for it goes to event_hold. t->lock
    // held. NULL: nothing ever is.
    void (*hand_over)(struct task *t, struct task_thread *tt);
    // --- its world (docs/views.md); each may be NULL ---
    // Where its programs lie in its view, separated by ':'; NULL: "/bin:/usr/bin:/sbin:/usr/sbin".
    const char *bin_path;
    bool names_in_root;      // the root of its view shows the generated names of all programs (for
                             // systems without a PATH)
    const char *default_cwd; // where a program starts that comes from a place this ABI does not
                             // see; NULL: "/"
    // "Mine, but not by me": 1 and *out filled (its strings live as long as the module), 0: no.
    // Asked of the module with the highest score. Pure function of the input.
    int (*runtime_config)(const struct exec_probe *p, struct exec_runtime *out);
    // Rewrites an environment on its way to another ABI: paths of this ABI's view become paths of
    // the base tree. Pushes what is kept to *out, an empty block. NULL: the rules of docs/views.md.
    // -E_NOMEM, -E_2BIG.
    int (*env_to_canonical)(const struct arg_block *in, struct arg_block *out);
    // The reverse, with defaults filled in.
    int (*env_from_canonical)(const struct arg_block *in, struct arg_block *out);
    // A view of this ABI was composed and nobody has it yet: further binds (view_bind), base being
    // the base tree's view. An error fails the exec that needed the view.
    int (*setup_view)(struct view *v, struct view *base);
    // Current has just become a program of this ABI after one of another; close-on-exec handles are
    // gone. Cannot fail.
    void (*from_handles)(struct task *t);
    // Serves a call made in a zone of a task whose own ABI is another (task/zone.h): the task's and
    // threads' abi_state are not this ABI's and must not be looked at. NULL: no zones of this ABI.
    bool (*zone_syscall)(struct trapframe *tf);
    // --- running ---
    // A call of the current thread. True: needs all registers in the frame, call again (tf_is_full
    // tells).
    bool (*syscall)(struct trapframe *tf);
    // Something happened to t (tt: to this thread only, else NULL). Called with t->lock held.
    // Queues it and wakes whom it concerns (task_wake_thread, task_terminate_locked,
    // task_continue_locked). Takes only locks of class signal and inner.
    int (*event)(struct task *t, struct task_thread *tt, const struct event *e);
    // Current has WORK_EVENT: deliver what is pending (set up handlers, end or stop the task),
    // handle call restart. Clears the bit when nothing is left.
    void (*deliver)(struct trapframe *tf);
    // A fault of the current thread that the kernel could not serve, already described as an event;
    // must not return to the same state (post to itself).
    void (*fault)(struct trapframe *tf, const struct event *e);
    // --- life cycle; each may be NULL ---
    int (*fork)(struct task *child, struct task_thread *child_thread, struct trapframe *child_tf,
                const void *how); // copy private state; how: ABI's clone arguments
    int (*thread_start)(struct task_thread *tt, struct trapframe *tf, const void *how);
    void (*thread_exit)(
        struct task_thread *tt); // current is ending: clear tid, robust list; may touch user memory
    void (*task_exit)(struct task *t); // last thread is going, before the address space is dropped
    // t has ended and waits to be reaped by parent; again whenever another inherits it. The tree's
    // lock is held.
    void (*zombie)(struct task *t, const struct task *parent);
    void (*free)(struct task *t); // private state of a dead task
    void (*thread_free)(struct task_thread *tt);
    // Number of an event in this ABI (for exit_info of a kill by the kernel): e.g. SIGKILL for
    // EVENT_KILL.
    i32 (*event_number)(enum event_kind k);
    // Current's program, just installed, starts with what its maker left it, of which it takes what
    // it has such a thing for: `ignored` and `blocked` of s, by numbers as in exit_info. After
    // commit. NULL: nothing.
    void (*inherit)(struct task_thread *tt, const struct abi_signal_status *s);
    // Fills out what this ABI knows of pending and blocked events (out->queue_limit is set); tt:
    // whose own ones, may be NULL. t->lock held.
    void (*status)(struct task *t, struct task_thread *tt, struct abi_signal_status *out);
};
SET_DECLARE(abi, const struct abi_module);
#define ABI_MODULE(record) SET_ENTRY(abi, record)
