// Guest processes: host processes that run user code of one address space on one CPU. Between the
// kernel side (user.c, tlb.c) and the host side (host/). Types here are plain, so both sides can
// include it.
#pragma once
#include <lib/types.h>

struct trapframe;
struct guest; // host side

// One host call that a guest process makes on itself, for the kernel: mmap or munmap.
struct guest_op {
    u64 nr, args[6];
};
enum { GUEST_OPS_MAX = 73 }; // a page of them

enum guest_stop {
    GUEST_CALL,   // a call instruction; rip is behind it, nr is set
    GUEST_FAULT,  // page fault at addr; had_mapping: the host had something there
    GUEST_TRAP,   // another exception: signal number in `number`
    GUEST_KICKED, // an interrupt for this CPU
    GUEST_GONE,   // the process died
};
struct guest_event {
    enum guest_stop stop;
    i32 number, code;
    u64 addr;
    bool had_mapping, error_known;
    bool any_call; // GUEST_CALL: by whatever instruction
    u32 error;     // the processor's page fault error code, if known
};

// How calls get from a guest process to the kernel. All functions: interrupts off, on the CPU that
// the guest belongs to.
struct hosted_transport {
    const char *name;
    // Whether a process stopped is only its own word: then mappings must be gone, by apply, before
    // their pages are used for anything else. Else before it runs again.
    bool eager;
    // A process with nothing mapped below USER_TOP. NULL: the host refused.
    struct guest *(*make)(void);
    // Makes it apply ops; 0 or the host's negative errno, with *done ops applied.
    i32 (*apply)(struct guest *g, const struct guest_op *ops, u32 count, u32 *done);
    // Runs user code with the registers of tf until something stops it.
    void (*run)(struct guest *g, struct trapframe *tf, struct guest_event *out);
    // Extended state; returns its length. len 0: the initial state.
    u32 (*fpu_get)(struct guest *g, void *area, u32 cap);
    void (*fpu_set)(struct guest *g, const void *area, u32 len);
    void (*end)(struct guest *g); // any CPU; it is not running
    // Only with `eager`. Any CPU, while the guest's own CPU does not run it: true if it surely
    // sleeps until it is run again. The caller keeps others from doing the same.
    bool (*park)(struct guest *g);
    // Only with events that say `any_call`, for the last of them: was it `syscall`? Costs a host
    // call.
    bool (*was_call)(struct guest *g);
};
extern const struct hosted_transport *hosted_transport; // constant after start
