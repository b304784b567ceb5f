// Tasks (processes): life cycle, tree, groups, limits, waiting.
#pragma once
#include <object/handle.h>
#include <sched/thread.h>
#include <sched/timer.h>
#include <task/cred.h>
#include <task/event.h>
#include <vm/aspace.h>

struct abi_module; // task/abi.h
struct view;       // fs/vfs
struct pid;        // private to task
struct user_count;
struct tty; // kernel/tty

enum task_limit {
    LIMIT_CPU,
    LIMIT_FSIZE,
    LIMIT_DATA,
    LIMIT_STACK,
    LIMIT_CORE,
    LIMIT_RSS,
    LIMIT_NPROC,
    LIMIT_NOFILE,
    LIMIT_MEMLOCK,
    LIMIT_AS,
    LIMIT_LOCKS,
    LIMIT_SIGPENDING,
    LIMIT_MSGQUEUE,
    LIMIT_NICE,
    LIMIT_RTPRIO,
    LIMIT_RTTIME,
    LIMIT_COUNT
};
struct limit {
    u64 soft, hard; // UINT64_MAX: none
};

// How a task ended or changed, in neutral form. `number` for EXIT_BY_EVENT is the number in the
// task's own ABI (a Linux signal).
enum exit_kind : u8 { EXIT_NORMAL, EXIT_BY_EVENT, EXIT_STOPPED, EXIT_CONTINUED };
struct exit_info {
    enum exit_kind kind;
    bool core;
    i32 number; // exit code 0..255, or event number
};

// What a family of tasks shares beyond its objects (kernel/exec: views of the ABIs). The owner
// embeds it.
struct task_env {
    refcount_t refs;
    void (*free)(struct task_env *e); // the last reference is gone; may sleep
};
void task_env_put(struct task_env *e); // NULL allowed; may sleep
void task_set_env(struct task_env *e); // of the current task; consumes the reference, NULL allowed

struct session {
    refcount_t refs;
    u32 id;
    struct pid *pid_ref;
    // --- guarded by tree_lock ---
    struct list groups;
    struct tty *tty;     // controlling terminal (counted by the tty layer)
    struct task *leader; // NULL after it exits
};
struct pgrp {
    refcount_t refs;
    u32 id;
    struct pid *pid_ref;
    struct session *session;
    // --- guarded by tree_lock ---
    struct list members; // task.pgrp_link
    struct list link;    // session.groups
    struct rcu_head rcu;
};

struct usage { // resource usage
    u64 utime_ns, stime_ns, minflt, majflt, nvcsw, nivcsw, maxrss_pages, inblock, oublock;
};

struct task {
    refcount_t refs;
    u32 pid;
    // --- guarded by `lock` ---
    struct spinlock lock; // class task
    char name[16];
    struct list threads;      // task_thread.link
    _Atomic u32 thread_count; // changed with the lock held
    _Atomic bool exiting;     // exit_info is final; every thread leaves at its next kernel exit
    bool exec_pending;
    struct exit_info exit;
    bool stop_taken;          // an event that stops left its queue; task_stop is to come
    _Atomic bool stop_wanted; // threads are to stop
    u32 stopped_threads;
    struct held_events *held; // the ABI is being changed; NULL: it is not
    bool stopped, was_stopped_unreported, was_continued_unreported;
    i32 stop_number;
    struct limit limits[LIMIT_COUNT];
    struct cred *retired_creds;
    u64 cpu_told_s;          // seconds of processor time at which EVENT_CPU_LIMIT was last posted
    struct usage dead_usage; // of threads that ended
    // --- pointers; owner thread replaces them, others read under `lock` or RCU ---
    struct cred *_Atomic cred;
    struct aspace *aspace;
    struct handle_table *handles;
    struct view *view;
    const struct abi_module *abi;
    void *abi_state;
    struct task_env *env; // counted; NULL: the first environment. Guarded by lock
    // --- guarded by tree_lock (global) ---
    struct task *_Atomic parent;   // read under RCU too
    struct list children, sibling; // those with `news` stand in front
    bool news;                     // zombie, stopped, or continued and not yet waited for
    struct pgrp *pgrp;
    struct list pgrp_link;
    _Atomic bool zombie; // all threads gone, waiting to be reaped; for good. Read anywhere
    _Atomic bool reaped;
    bool autoreap; // children are not waited for (set by the ABI)
    bool vfork_pending;
    _Atomic u32 exit_event; // EVENT_CHILD or 0, or EVENT_ABI+n: told to the parent at exit;
                            // EVENT_CHILD after an exec and for a parent that is not its maker
    // --- own ---
    struct waitqueue wait_children; // parents sleep here
    struct waitqueue vfork_done;    // woken too when threads of this task must leave
    struct usage children_usage;    // of reaped children; tree_lock
    struct pid *pid_ref;
    struct user_count *user; // task count of the real user, for LIMIT_NPROC
    u64 start_ns;
    u32 umask; // own task, word
    i32 oom_adj;
    u32 personality;
    _Atomic bool dumpable, did_exec;
    bool subreaper;
    u32 death_event;
    struct rcu_head rcu;
};

struct task_thread {
    struct list link; // task.threads
    struct thread *thread;
    struct task *task; // counted
    u32 tid;
    struct pid *pid_ref;
    void *abi_state;   // ABI's per-thread record
    struct view *lens; // own: looks through this view instead of the task's, for one operation
    bool leaving;      // told to end by exec of another thread; task.lock
    bool stopped;      // task.lock
    u64 start_ns;
    refcount_t refs;
    struct rcu_head rcu;
};

static inline struct task *current_task(void)
{
    return current()->task;
}
static inline struct task_thread *current_task_thread(void)
{
    return current()->task_thread;
}
// The number of a task's parent. 0: the first one, which has none; 1: nobody's, as its heir would
// be init if the first program were one. Any context.
u32 task_parent_pid(const struct task *t);
static inline bool task_is_single(const struct task *t)
{
    return t->thread_count == 1;
}

extern struct spinlock tree_lock; // class task_tree
extern struct task *init_task;    // pid 1

// --- creation ---
struct task_clone {
    struct aspace *aspace;        // consumed on success: user reference
    struct handle_table *handles; // consumed on success
    struct view *view;            // consumed on success
    u32 exit_event;
    bool vfork;          // parent waits in task_vfork_wait
    const void *abi_how; // handed to the ABI's fork hook
    bool parent_is_mine; // CLONE_PARENT: sibling instead of child
    u32 wanted_tid;      // 0 = any
};
// A new task with one (not started) thread, a copy of current's credentials, limits, groups, ABI;
// abi->fork hook is called last. The thread will start in user mode with a copy of `tf` (fork hook
// adjusts it). -E_AGAIN (limit), -E_NOMEM.
[[nodiscard]] int task_fork(const struct task_clone *how, const struct trapframe *tf,
                            struct task **out);
void task_start(struct task *t); // makes it run
// A new thread in the current task, not started (task_thread_start). The ABI's thread_start hook is
// called last. -E_AGAIN, -E_NOMEM.
[[nodiscard]] int task_thread_create(const struct trapframe *tf, const void *abi_how,
                                     struct task_thread **out);
void task_thread_start(struct task_thread *tt);
// The first task (from kernel/init).
[[nodiscard]] int task_create_init(void (*fn)(void *), void *arg, struct task **out);
// Waits, not to be interrupted by events, until done(arg), which a wake-up of q announces, or this
// thread must leave (task_should_die). Thread context, no locks.
void task_wait_killable(struct waitqueue *q, bool (*done)(const void *arg), const void *arg);
void task_vfork_wait(struct task *child); // the same: until the child runs another program or ends
void task_vfork_release(struct task *t);  // at exec and exit

// --- lookup: counted reference or NULL ---
struct task *task_find(u32 pid);
struct task_thread *task_find_thread(u32 tid);
struct pgrp *pgrp_find(u32 id);
void task_get(struct task *t);
void task_put(struct task *t);
void task_thread_get(struct task_thread *tt);
void task_thread_put(struct task_thread *tt);
void pgrp_put(struct pgrp *pg);
// Calls fn for every task (not zombies' threads) in pid order; reference held during the call;
// non-zero stops.
int task_for_each(u32 from_pid, int (*fn)(struct task *t, void *arg), void *arg);

// What happens when the first task has ended, in its last thread; must not return. Without it the
// machine stops with a message. Boot.
void task_set_init_end(void (*fn)(const struct exit_info *how));
// What happens when the first task has stopped as a whole, in its last thread, before that sleeps:
// somebody outside can continue it, so its group is no orphaned one. Boot.
void task_set_init_stop(void (*fn)(void));
bool task_init_can_stop(void);
// Is the first task one that the machine cannot do without?
bool task_init_guarded(void);
// --- end ---
[[noreturn]] void task_exit_thread(void);           // current thread only
[[noreturn]] void task_exit(struct exit_info info); // whole task (current)
void task_terminate(
    struct task *t,
    struct exit_info info); // mark any task for exit; it leaves at its next kernel exit
void task_terminate_locked(struct task *t, struct exit_info info); // the same with t->lock held
bool task_should_die(void);                                        // current: exiting set
// exec: ends all other threads; current becomes the leader. -E_AGAIN if the task is exiting
// already.
[[nodiscard]] int task_single_out(void);

// --- stop and continue (job control) ---
// The current task: every thread stops on its way to user mode; the parent is told. Whoever takes
// the event out of its queue sets t->stop_taken under the same hold of t->lock: if the task is
// continued before this call, it does nothing.
void task_stop(i32 number);
void task_continue_locked(struct task *t); // t->lock held
// Makes a thread look at its events: WORK_EVENT, and out of an interruptible sleep. t->lock held.
void task_wake_thread(struct task_thread *tt);
// Processor-time limit: threads of a limited task look at it on ticks. task_apply_cpu_limit after a
// change, t->lock held.
void task_apply_cpu_limit(struct task *t);
void task_check_cpu_limit(void); // own task, no locks: EVENT_CPU_LIMIT each second past the soft
                                 // limit, the end at the hard one
void task_check_stop(void);      // called on the way to user mode: stops here if wanted

// --- wait ---
enum {
    WAIT_EXITED = 1,
    WAIT_STOPPED = 2,
    WAIT_CONTINUED = 4,
    WAIT_NOHANG = 8,
    WAIT_NOWAIT = 16 /* leave it waitable */
};
struct wait_result {
    u32 pid, uid;
    struct exit_info info;
    struct usage usage;
};
// Which children: pid > 0 that one; 0 own group; -1 any; < -1 group -pid. Returns pid, 0 (NOHANG),
// -E_CHILD, -E_RESTART.
[[nodiscard]] i64 task_wait(i64 which, u32 options, struct wait_result *out);
// The same for one child, whatever its number means by now.
[[nodiscard]] i64 task_wait_for(struct task *child, u32 options, struct wait_result *out);

// --- groups ---
[[nodiscard]] int task_setpgid(u32 pid, u32 pgid); // POSIX rules; -E_SRCH -E_PERM -E_INVAL -E_ACCES
[[nodiscard]] i64 task_setsid(void);               // new id or -E_PERM
bool pgrp_is_orphaned(struct pgrp *pg);            // tree_lock held

// The handle table of any task, for an observer: counted, NULL once it has ended. handle_table_put
// may sleep.
struct handle_table *task_handles_get(struct task *t);
void task_usage(struct task *t, struct usage *out); // live sum
void task_thread_usage(struct task_thread *tt, struct usage *out);
u64 task_limit_soft(enum task_limit l); // of current
// Called by the OOM path: kills the largest task, logs one line; true if a victim was (or is being)
// killed.
bool task_oom_kill(void);
// Rooms above that must know of a task's end (tty: controlling terminal; vfs: its view). Called in
// the exiting task's context, in reverse order of registration, after the ABI's task_exit and
// before handles and address space go. Registered at boot only.
struct task_exit_hook {
    struct task_exit_hook *next;
    void (*exit)(struct task *t);
};
void task_add_exit_hook(struct task_exit_hook *h);
// Sessions and groups for the tty layer; counted reference or NULL.
void session_get(struct session *s);
void session_put(struct session *s);
void pgrp_get(struct pgrp *pg);
u32 task_count(void); // live tasks, zombies included
u32 task_last_pid(void);
