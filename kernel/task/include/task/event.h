// Events: the one way the kernel tells a task something. The task's ABI decides what it becomes.
#pragma once
#include <lib/list.h>
#include <lib/types.h>

struct task;
struct task_thread;
struct pgrp;

enum event_kind : u16 {
    EVENT_INTERRUPT = 1, // ^C
    EVENT_QUIT,          // ^backslash
    EVENT_HANGUP,        // terminal gone
    EVENT_TERMINATE,     // polite request
    EVENT_KILL,          // cannot be refused
    EVENT_STOP,          // cannot be refused
    EVENT_TTY_STOP,      // ^Z
    EVENT_TTY_INPUT,     // background read
    EVENT_TTY_OUTPUT,    // background write
    EVENT_CONTINUE,
    EVENT_CHILD, // a child changed state
    EVENT_PIPE,  // nobody reads
    EVENT_ALARM, // timer
    EVENT_VALARM,
    EVENT_PROF,
    EVENT_IO, // descriptor became ready
    EVENT_URGENT,
    EVENT_WINDOW,        // window size changed
    EVENT_FAULT_ADDRESS, // bad memory access
    EVENT_FAULT_BUS,
    EVENT_FAULT_ILLEGAL,
    EVENT_FAULT_ARITH,
    EVENT_TRAP, // breakpoint
    EVENT_ABORT,
    EVENT_BAD_CALL,
    EVENT_CPU_LIMIT,
    EVENT_FILE_LIMIT,
    EVENT_POWER,
    EVENT_ABI = 0x100, // 0x100 + n: number n of the sender's ABI (a Linux signal: kill, tgkill,
                       // sigqueue); others map by number table
};
struct event {
    enum event_kind kind;
    i32 code; // ABI-neutral reason, EVC_*
    u32 sender_pid, sender_uid;
    u64 value;  // payload (sigval, timer id in high part)
    u64 addr;   // faulting address
    i32 status; // child status
    u64 utime_ns, stime_ns;
    u32 timer_id, overrun;
    // The sender's wishes, for ABIs whose events know such: the more urgent is delivered first (0:
    // none given), and a reliable one is kept though one of its kind waits.
    u32 priority;
    bool reliable;
};
enum event_code {
    EVC_KERNEL = 0,
    EVC_USER,
    EVC_QUEUE,
    EVC_TIMER,
    EVC_TKILL,
    EVC_MAPERR,
    EVC_ACCERR,
    EVC_ADRALN,
    EVC_ADRERR,
    EVC_ILLOPC,
    EVC_ILLOPN,
    EVC_BRKPT,
    EVC_EXITED,
    EVC_KILLED,
    EVC_DUMPED,
    EVC_STOPPED,
    EVC_CONTINUED,
    EVC_MESGQ,
    EVC_ASYNCIO,
    EVC_POLL,
    EVC_INTDIV, // arithmetic: in POSIX's order from here
    EVC_INTOVF,
    EVC_FLTDIV,
    EVC_FLTOVF,
    EVC_FLTUND,
    EVC_FLTRES,
    EVC_FLTINV
};

// Post to a whole task (any thread may take it), to one thread, to every member of a process group.
// Any thread context, no spinlock of order >= signal held. 0, or -E_AGAIN when a queue limit is
// reached. Posting to a dead task succeeds silently.
[[nodiscard]] int event_post(struct task *t, const struct event *e);
[[nodiscard]] int event_post_thread(struct task_thread *tt, const struct event *e);
int event_post_pgrp(struct pgrp *pg, const struct event *e);        // number of tasks told
int event_post_pgrp_locked(struct pgrp *pg, const struct event *e); // tree_lock held

// While a task changes its ABI, events for it wait here: those that the old one had pending, and
// those that are posted meanwhile. Belongs to who changes it; guarded by task->lock.
struct held_events {
    struct list list;
    u64 bare[2]; // kinds, and numbers behind EVENT_ABI, whose event found no memory
};
// task->lock held. From here on, until event_release, nothing is posted to the task's ABI.
void event_hold_back(struct task *t, struct held_events *h);
// task->lock held, events held back: one more, behind the others.
void event_hold(struct task *t, const struct event *e);
// Gives them to the ABI that the task has now, in their order.
void event_release(struct task *t);
