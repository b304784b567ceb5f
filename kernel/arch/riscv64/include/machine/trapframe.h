// riscv64: the registers of an interrupted context, as trap.S saves them.
#pragma once
#include <lib/types.h>
#include <machine/thread.h>

struct trapframe {
    u64 x[32];   // x[0] unused; x1..x31
    u64 pc;      // sepc
    u64 status;  // sstatus
    u64 orig_a0; // first argument of the call being served (a0 is overwritten by the result)
    u64 in_call; // bit 0: a call is served; bit 1: the frame is full; higher bits are the ABI's; 0:
                 // the frame was replaced
};

enum { TF_RA = 1, TF_SP = 2, TF_GP = 3, TF_TP = 4, TF_A0 = 10, TF_A7 = 17 };

// Does the frame hold all registers? During a call it begins without the callee-saved ones.
static inline bool tf_is_full(const struct trapframe *tf)
{
    return (tf->in_call & 3) != 1;
}

static inline u64 *tf_args(struct trapframe *tf)
{
    return &tf->x[TF_A0];
}
static inline u64 tf_syscall_nr(const struct trapframe *tf)
{
    return tf->x[TF_A7];
}
static inline void tf_set_syscall_nr(struct trapframe *tf, u64 v)
{
    tf->x[TF_A7] = v;
}
static inline u64 tf_pc(const struct trapframe *tf)
{
    return tf->pc;
}
static inline void tf_set_pc(struct trapframe *tf, u64 v)
{
    tf->pc = v;
}
static inline u64 tf_sp(const struct trapframe *tf)
{
    return tf->x[TF_SP];
}
static inline void tf_set_sp(struct trapframe *tf, u64 v)
{
    tf->x[TF_SP] = v;
}
static inline i64 tf_result(const struct trapframe *tf)
{
    return (i64)tf->x[TF_A0];
}
static inline void tf_set_result(struct trapframe *tf, u64 v)
{
    tf->x[TF_A0] = v;
}
static inline void tf_set_tls(struct trapframe *tf, u64 v)
{
    tf->x[TF_TP] = v;
}
static inline void tf_set_return_address(struct trapframe *tf, u64 v)
{
    tf->x[TF_RA] = v;
}
static inline void tf_init(struct trapframe *tf, u64 pc, u64 sp)
{
    *tf = (struct trapframe){.pc = pc, .status = 1ul << 5 /* SPIE */};
    tf->x[TF_SP] = sp;
}
// The call instruction (ecall, 4 bytes) runs again with its original first argument.
static inline void tf_restart_syscall(struct trapframe *tf)
{
    tf->x[TF_A0] = tf->orig_a0;
    tf->pc -= 4;
}
// The ELF machine number of programs this kernel executes, and the name uname(2) gives.
static inline u32 arch_elf_machine(void)
{
    return 243;
}
#define ARCH_NAME "riscv64"
