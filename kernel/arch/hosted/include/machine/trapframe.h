// x86-64 user registers as the kernel keeps them: what a guest process gets when it runs on.
#pragma once
#include <lib/types.h>
#include <machine/thread.h>

struct trapframe {
    u64 args[6]; // rdi rsi rdx r10 r8 r9: the order of call arguments
    u64 rax, rbx, rcx, rbp, rsp;
    u64 r11, r12, r13, r14, r15;
    u64 rip, flags;
    u64 fs_base, gs_base;
    u64 nr;      // number of the call being served (rax is overwritten by the result)
    u64 in_call; // bit 0: a call is served; bit 1: the frame is full (always); higher bits are the
                 // ABI's; 0: the frame was replaced
    u64 trap_no, trap_error, trap_addr; // of the last exception, for signal frames
    u64 refilled; // page whose entry was copied again after a fault that the entry did not explain
};
static_assert(sizeof(struct trapframe) % 16 == 0);

enum { IN_CALL = 1, IN_CALL_FULL = 2 };

static inline bool tf_is_full(const struct trapframe *tf)
{
    (void)tf;
    return true;
}
static inline u64 *tf_args(struct trapframe *tf)
{
    return tf->args;
}
static inline u64 tf_syscall_nr(const struct trapframe *tf)
{
    return tf->nr;
}
static inline void tf_set_syscall_nr(struct trapframe *tf, u64 v)
{
    tf->nr = v;
    tf->rax = v;
}
static inline u64 tf_pc(const struct trapframe *tf)
{
    return tf->rip;
}
static inline void tf_set_pc(struct trapframe *tf, u64 v)
{
    tf->rip = v;
}
static inline u64 tf_sp(const struct trapframe *tf)
{
    return tf->rsp;
}
static inline void tf_set_sp(struct trapframe *tf, u64 v)
{
    tf->rsp = v;
}
static inline i64 tf_result(const struct trapframe *tf)
{
    return (i64)tf->rax;
}
static inline void tf_set_result(struct trapframe *tf, u64 v)
{
    tf->rax = v;
}
static inline void tf_set_tls(struct trapframe *tf, u64 v)
{
    tf->fs_base = v;
}
static inline void tf_init(struct trapframe *tf, u64 pc, u64 sp)
{
    *tf = (struct trapframe){.rip = pc, .rsp = sp, .flags = 0x202};
}
// The call instruction (2 bytes, `syscall`) runs again.
static inline void tf_restart_syscall(struct trapframe *tf)
{
    tf->rax = tf->nr;
    tf->rip -= 2;
}
static inline u32 arch_elf_machine(void)
{
    return 62;
}
#define ARCH_NAME "x86_64"
