// Private to the xv6 ABI: the machine that a view's programs believe in, and what is kept of each
// of its processes.
#pragma once
#include "probe.h"
#include <exec/exec.h>
#include <kerr.h>
#include <sched/lock.h>
#include <syscall/dispatch.h>
#include <task/abi.h>
#include <vfs/ops.h>

enum : u64 {
    XV6_PAGE = PAGE_SIZE,
    XV6_TOP = (1ul << 38) - 2 * PAGE_SIZE, // programs believe in two kernel pages below 2^38
    XV6_TICK_NS = 100 * NS_PER_MS,
};
enum { XV6_NAME = 14 };

// What the believed machine has; /etc/xv6 of its view can say otherwise (docs/xv6.md).
struct xv6_limits {
    u64 handles, processes, files, memory, file_size; // memory in pages, file_size in bytes
};

// The inode numbers that a machine has given out.
struct xv6_inums {
    struct spinlock lock; // class numbers
    // --- guarded by lock ---
    u32 low, top, hand; // all below low are taken, none from top on was ever; who loses his next
    u16 first[1024];    // chains
    struct xv6_inum_entry *pages[400];
};

// One for each root directory that xv6 programs run under; made with the first of them, gone with
// the last.
struct xv6_machine {
    struct list link; // machines_lock
    u32 refs;         // machines_lock
    // --- constant ---
    const void *ns, *mount, *root; // who it is: only compared
    struct xv6_limits limits;
    // --- atomic ---
    _Atomic i64 pages;       // charged by all processes
    _Atomic i64 processes;   // unreaped ones
    _Atomic u64 censuses;    // how often files was counted anew
    _Atomic i64 files;       // at least as many as are open; counted anew when that is at the limit
    _Atomic u32 listeners;   // readers that the terminal's list key is meant for
    _Atomic u64 listened_ns; // when one of them was done
    struct xv6_inums inums;  // has its own lock
};

// The environment that a process was entered with. xv6 has none; it is handed on to programs of
// other systems.
struct xv6_env {
    refcount_t refs;
    struct arg_block block;
};

struct xv6_task {
    // --- constant ---
    struct xv6_machine *machine;
    struct xv6_env *env;
    // --- guarded by task->lock ---
    u64 ignored; // these numbers (bit n-1) do nothing: inherited
    bool stop;   // to be stopped at the next delivery
    i32 stop_number;
    bool listening, list_wanted; // console.c
    bool counted;                // in machine->processes
    // --- own thread; others when it is a zombie ---
    u64 pages;    // charged to the machine
    i32 status;   // of exit, whole
    bool is_init; // inherits the orphans of its machine
    u64 stub;     // of the program's sbrk, when it was last looked at
    bool jumped_to;
    struct { // the rest of a directory record that was read in part
        const struct object *dir;
        u64 cookie; // where the directory stood
        u32 left;
        u8 bytes[16];
    } part;
};

static inline struct xv6_task *xv6_task(struct task *t)
{
    return t->abi_state;
}
static inline struct xv6_task *current_xv6(void)
{
    return current_task()->abi_state;
}
extern const struct abi_module xv6_abi;

// --- machine.c ---
// The machine of a view, counted; made if there is none. NULL: no memory.
[[nodiscard]] struct xv6_machine *xv6_machine_get(struct view *v);
void xv6_machine_ref(struct xv6_machine *m);
void xv6_machine_put(struct xv6_machine *m);
// Takes pages, a place for a process, or room for n open files if the limit allows. -E_NOMEM,
// -E_AGAIN, -E_NFILE.
[[nodiscard]] int xv6_charge_pages(struct xv6_machine *m, u64 pages);
[[nodiscard]] int xv6_charge_process(struct xv6_machine *m);
[[nodiscard]] int xv6_charge_files(struct xv6_machine *m, u32 n);
// A file that was charged for did not come into being.
void xv6_uncharge_files(struct xv6_machine *m, u32 n);
// Gives the place of a reaped process back, once. Takes t->lock.
void xv6_uncount(struct task *t);

// --- config.c ---
// Reads etc/xv6 below a view's root over the limits in *l; complains about mistakes in the log.
void xv6_configure(const struct path *root, struct xv6_limits *l);

// --- inum.c ---
void xv6_inum_init(struct xv6_inums *t);
// The 16-bit inode number of a file: the same pair gives the same number for as long as the machine
// and the file are there. Never 0; the first one given is 1.
u16 xv6_inum(struct xv6_machine *m, u64 dev, u64 ino);
// This file is gone.
void xv6_inum_forget(struct xv6_machine *m, u64 dev, u64 ino);
void xv6_inum_free(struct xv6_machine *m);

// --- module.c ---
[[nodiscard]] struct xv6_task *xv6_task_new(void);
void xv6_task_delete(struct xv6_task *x); // never installed, or taken out; gives everything back

// --- load.c ---
int xv6_load(struct exec_build *b);
void xv6_commit(struct exec_build *b);
void xv6_abandon(struct exec_build *b);

// --- MACHINE/start.c ---
// The registers of entry(argc, argv), and what it expects below argv, down to `low`. -E_2BIG: no
// room there; -E_NOMEM.
[[nodiscard]] int xv6_first_frame(struct exec_build *b, u64 argc, u64 argv, u64 low);

// --- event.c ---
int xv6_event(struct task *t, struct task_thread *tt, const struct event *e);
void xv6_inherit(struct task_thread *tt, const struct abi_signal_status *s);
void xv6_hand_over(struct task *t, struct task_thread *tt);
void xv6_signal_status(struct task *t, struct task_thread *tt, struct abi_signal_status *out);
void xv6_deliver(struct trapframe *tf);
void xv6_fault(struct trapframe *tf, const struct event *e);
i32 xv6_event_number(enum event_kind k);
// After a sleep was interrupted (-E_RESTART): stops if that was asked for. -E_INTR: the process is
// ending; 0: go on.
[[nodiscard]] int xv6_interrupted(void);

// --- names.c ---
// A path as xv6 reads it: names cut to 14, trailing slashes without meaning, "" the working
// directory.
struct xv6_path {
    struct pathname name;
    char *text; // to be freed
};
// -E_NOMEM, or what walking to a long name's directory gives. Then xv6_path_done.
[[nodiscard]] int xv6_path_get(struct xv6_path *p, const struct sys_name *given);
void xv6_path_done(struct xv6_path *p);

// --- file.c ---
// As href_get, but only the descriptors that xv6 has.
[[nodiscard]] int xv6_href(struct href *h, i32 fd, u32 rights);

// --- MACHINE/caller.c ---
// sbrk's second argument is 2, which asks for lazy growth: did the program set it? Programs of
// older revisions leave in that register whatever was there, say the mode of an open.
bool xv6_means_lazy(void);

// --- console.c ---
// Before and after a read that may wait: the terminal's list key. False: nothing was changed, and
// no xv6_unlisten is due.
struct xv6_listener {
    u8 quit;
    bool noflsh;
};
bool xv6_listen(struct object *tty, struct xv6_listener *l);
void xv6_unlisten(struct object *tty,
                  const struct xv6_listener *l); // prints the list if it was asked for
// xv6's init has opened it: if it leads a session (as the first program does) that has no terminal,
// it is that now, and no key ends anybody.
void xv6_take_console(struct object *tty);
// Is this event the list key's? Then it was dealt with. t->lock held.
bool xv6_key_pressed(struct task *t, const struct event *e);

// --- dir.c ---
struct href;
i64 xv6_read_dir(struct object *dir, uaddr_t buf, usize n);
// Size of a directory's records in bytes.
u64 xv6_dir_size(const struct path *p);
