// Between the files about guest processes: the address space of one (space.c), the code in it
// (stub.c), and the two ways of running user code in it (ptrace.c, trap.c).
//
// At HOST_STUB, in every guest process, out of the reach of its page tables:
//   code     what a guest process does for us. Read and execute
//   consts   tables that the code and the host read: signal actions, filters. Read
//   ops      of this process: a list of host calls. Read
//   stage    of this process, trap transport only: the hand-over word, signal frames. Read and
//   write,
//            so nothing in it is to be trusted
#pragma once
#include "host.h"
#include <machine/layout.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/user.h>

enum : u64 {
    PAGE = 4096,
    STUB_CODE = HOST_STUB,
    STUB_CONSTS = HOST_STUB + PAGE,
    STUB_OPS = HOST_STUB + 2 * PAGE,
    STUB_STAGE = HOST_STUB + 3 * PAGE,
    STAGE_SIZE = 8 * PAGE, // a page for the hand-over, the rest for signal frames
    STUB_END = STUB_STAGE + STAGE_SIZE,
    HOST_TOP = 0x7fff'ffff'f000ul
};
enum { GUEST_MEMORY_FD = 3, GUEST_PARAMS_FD = 4 }; // descriptors of a process that holds a space

// The hand-over word: bit 1 says that user code may run, bit 0 that the other side sleeps.
enum : u32 { WORD_STOPPED, WORD_STOPPED_SLEEPING, WORD_RUN, WORD_RUN_WAITED };
struct stage {
    _Atomic u32 word;
    u32 pad;
    u64 context; // address of the signal frame's ucontext, told at each stop
    u64 fs_base, gs_base;
};
struct stub_consts {
    u64 spin;    // rounds that the stub looks at the word before it sleeps
    u64 context; // address of the ucontext that it returns through
};

struct guest {
    pid_t pid; // the process that holds the mappings, traced by its CPU's thread
    u32 slot;  // of the parameter file
    struct guest_op *ops;
    struct user_regs_struct base; // segment registers
    int processor;                // of the host, plus one, that it has to stay on; 0: any
    bool runs_long;               // ptrace transport: its last run took until an interrupt
    // --- trap transport ---
    pid_t runner; // shares the mappings and runs user code
    struct stage *stage;
    _Atomic u32 parked; // it sleeps on this word and not on the stage's
    u32 luck, waits;    // has looking at the word paid lately? Own CPU
};

extern struct stub_consts *stub_consts; // our view of that page

struct hosted_cpu *cpu(void);
// A process with nothing mapped below USER_TOP, stopped; with a stage or not. NULL: refused.
struct guest *space_make(bool stage);
void space_end(struct guest *g);
i32 space_apply_ops(struct guest *g, const struct guest_op *ops, u32 count, u32 *done);
// Around what this thread has g do while it waits: both on one of the host's processors, where that
// pays. short_work: it was a matter of microseconds, so its time tells whether that paid. for_long:
// what comes next may take time, so g may go anywhere.
void space_together(struct guest *g);
void space_apart(struct guest *g, bool short_work, bool for_long);
// Makes the process start another one that shares its mappings and carries out ops, then stops by
// itself. Its process id, negative: refused.
pid_t space_spawn_runner(struct guest *g, const struct guest_op *ops, u32 count);
// Waits until a traced process stops; the stop signal, or -1: it is gone.
int wait_stop(pid_t pid);

// stub.c
enum stub_entry { STUB_RUN_OPS, STUB_SPAWN, STUB_HANDLER };
u64 stub_at(enum stub_entry e);
void stub_write(u8 *code_page, u8 *consts_page);
// Calls that a new seed carries out on itself: signal handlers and the cage. Returns how many.
u32 stub_seed_ops(struct guest_op *ops);
// Those of a runner.
u32 stub_runner_ops(struct guest_op *ops);
