// Private to the native ABI: what it keeps for each task and thread, and what its files share.
#pragma once
#include "scarlet_consts.h"
#include "scarlet_types.h"
#include <native/frame.h>
#include <object/handle.h>
#include <syscall/dispatch.h>
#include <task/abi.h>
#include <vfs/ops.h>

enum { EVENT_BITS = 32, CUSTOM_FIRST_BIT = 16, EVENTS_KEPT_MAX = 256 };

// Events that wait to be delivered (event_box.c): one of a kind, bit n for kind n, bits 16.. for
// custom kinds, and those kept behind them.
struct waiting_event {
    struct scarlet_task_event event;
    u32 priority; // SCARLET_PRIORITY_*
};
struct event_box {
    u32 pending, kept_count;
    struct waiting_event first[EVENT_BITS];
    struct list kept; // most urgent first, then oldest
};
struct scarlet_task {
    // --- guarded by task->lock ---
    struct event_box box; // for any thread
    u32 handled;          // kinds with a handler
    u64 entry, stack_top;
    u64 ignored;            // without a handler these numbers (bit n-1) do nothing: inherited
    bool unkillable;        // pid 1: events without handler do nothing
    struct waitqueue taken; // threads in event_take sleep here
};
struct spawn_job;
struct scarlet_thread {
    // --- guarded by task->lock ---
    struct event_box box;    // for this thread only
    _Atomic u32 blocked;     // written by the own thread
    _Atomic u32 waiting;     // set while in event_take: these are wanted though blocked
    struct spawn_job *spawn; // first delivery executes this; own thread
};

// What fork-like calls tell the hooks.
struct scarlet_how {
    struct spawn_job *spawn;         // the new thread takes its own reference
    u64 entry, stack, argument, tls; // thread_create
};

static inline struct scarlet_task *scarlet_task(struct task *t)
{
    return t->abi_state;
}
static inline struct scarlet_thread *scarlet_thread(struct task_thread *tt)
{
    return tt->abi_state;
}
extern const struct abi_module scarlet_abi;

// --- module.c ---
struct scarlet_task *scarlet_task_new(void); // NULL: no memory
struct scarlet_thread *scarlet_thread_new(void);
void scarlet_task_delete(struct scarlet_task *st);
void scarlet_thread_delete(struct scarlet_thread *st);

// --- load.c ---
int scarlet_load(struct exec_build *b);
void scarlet_commit(struct exec_build *b);
void scarlet_abandon(struct exec_build *b);

// --- entry.c ---
bool scarlet_syscall(struct trapframe *tf);
u32 entry_take_restart(struct trapframe *tf); // SYS_RESTART_* of the interrupted call in this
                                              // frame, 0: none. Forgets it

// --- event.c ---
int scarlet_event(struct task *t, struct task_thread *tt, const struct event *e);
void scarlet_inherit(struct task_thread *tt, const struct abi_signal_status *s);
void scarlet_hand_over(struct task *t, struct task_thread *tt);
void scarlet_signal_status(struct task *t, struct task_thread *tt, struct abi_signal_status *out);
void scarlet_deliver(struct trapframe *tf);
void scarlet_fault(struct trapframe *tf, const struct event *e);
i32 scarlet_event_number(enum event_kind k);
// The native kind of a number in exit_info (these are the same for all ABIs: POSIX signal numbers).
u32 kind_of_number(i32 number);
u32 event_bit_of(enum event_kind k); // bit of the native kind in masks
// The kernel's kind for a native one; -E_INVAL.
[[nodiscard]] int kernel_kind(u32 kind, enum event_kind *out);

// --- event_box.c; task->lock held ---
void event_box_init(struct event_box *box);
// One more event. One of its kind waits already: it is kept behind it if reliable, else left out.
// -E_AGAIN: `limit` are kept. -E_NOMEM.
[[nodiscard]] int event_box_put(struct event_box *box, u32 bit, const struct waiting_event *e,
                                bool reliable, u64 limit);
// Of the wanted kinds the one whose event is the most urgent; EVENT_BITS: none waits.
u32 event_box_most_urgent(const struct event_box *box, u32 wanted);
struct scarlet_task_event event_box_take(struct event_box *box, u32 bit); // one must be there
void event_box_forget(struct event_box *box, u32 bits);

// --- zone.c ---
bool scarlet_zone_syscall(struct trapframe *tf);

// --- spawn.c ---
// Runs the job in the new task's own context; ends the task if it fails. Consumes the job.
void spawn_run(struct spawn_job *job, struct trapframe *tf);
struct spawn_job *spawn_job_get(struct spawn_job *job);
// The task ended before it ran the job: tells the parent. Consumes the reference.
void spawn_job_cancel(struct spawn_job *job);

// --- handle.c ---
static inline u32 handle_limit(void)
{
    return (u32)MIN(task_limit_soft(LIMIT_NOFILE), 1ul << 30);
}
static inline u32 anonymous_rights(u32 access)
{
    return access | RIGHT_MAP | RIGHT_CONTROL | RIGHT_METADATA | RIGHT_DUPLICATE | RIGHT_TRANSFER |
           RIGHT_WAIT | RIGHT_SIGNAL;
}
// Puts a fresh object at the lowest free slot; consumes the reference in any case. -E_MFILE,
// -E_NOMEM.
[[nodiscard]] i64 install(struct object *o, u32 rights, bool cloexec);
// href_get whose missing rights are always -E_RIGHTS.
[[nodiscard]] int get_handle(struct href *h, i32 slot, u32 rights);
// Deadline of a call: FOREVER, 0 (do not wait) or monotonic ns, as the kernel's waits take it.
static inline u64 deadline_of(u64 ns)
{
    return ns == SCARLET_FOREVER ? WAIT_FOREVER : ns == 0 ? 1 : MAX(ns, 2ul);
}

// --- name.c ---
static inline struct pathname pathname_of(const struct sys_name *n)
{
    return n ? (struct pathname){n->str, n->len} : (struct pathname){"", 0};
}
// Where names relative to a handle start, with the rights the handle must have. *lookup gets
// LOOKUP_BENEATH for handles that were narrowed: those confine. rights_had (may be NULL): what the
// handle has, RIGHTS_ALL without one.
[[nodiscard]] int base_of(i32 directory, const struct sys_name *name, u32 rights, struct path *out,
                          u32 *lookup, u32 *rights_had);

// The operations of the vfs take a base and a name; a base that confines is resolved to the parent
// directory first. parent_done follows when it answered 0.
struct parent_lookup;
[[nodiscard]] int parent_of(i32 directory, const struct sys_name *path, u32 rights,
                            struct path *base, struct pathname *name, struct parent_lookup *pl);
void parent_done(struct path *base, struct parent_lookup *pl);

// --- ipc.c ---
// Two fresh objects at two slots; consumes both in any case. -E_MFILE, -E_NOMEM.
[[nodiscard]] i64 install_pair(struct object *a, u32 rights_a, struct object *b, u32 rights_b,
                               bool cloexec, i32 *ends);

// --- file.c ---
void metadata_encode(const struct attr *a, struct scarlet_metadata *out);

// --- view.c ---
bool object_is_view(const struct object *o);
struct view *view_of_object(struct object *o);
// A handle to v (consumed in any case) that can be used and passed on, and has the rights in
// `more`.
[[nodiscard]] i64 install_view(struct view *v, u32 more);
// Gives the current task, which has one thread, another view; returns the old one.
struct view *exchange_view(struct view *v);

// --- environment.c ---
struct environment;
bool object_is_environment(const struct object *o);
struct environment *environment_of_object(struct object *o);
// Without the power to mount: set-id bits mean nothing to the current task from now on, as what its
// programs see was put together by somebody. -E_NOMEM.
[[nodiscard]] int forgo_privileges(void);
// Programs of every ABI that the current task starts from now on live in its present view, or in
// views composed of what that shows.
[[nodiscard]] int confine_to_view(void);

// --- task.c ---
void task_end_encode(u32 pid, const struct exit_info *i, const struct usage *u,
                     struct scarlet_task_end *out);
