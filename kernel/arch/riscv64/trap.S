// Trap entry and exit. sscratch is 0 in the kernel and holds the current thread while user code runs (tp is the user's then).
//
// Kernel stacks lie in the upper half of slots aligned to twice their size, so bit 14 of a good stack pointer
// (one byte below the top or lower) is set; a trap that finds it clear ran over the stack.

#include <machine/asm.h>

#define SCAUSE_ECALL 8

.macro SAVE_CALLER
    sd      ra, TF_X(1)(sp)
    sd      gp, TF_X(3)(sp)
    sd      t0, TF_X(5)(sp)
    sd      t1, TF_X(6)(sp)
    sd      t2, TF_X(7)(sp)
    sd      a0, TF_X(10)(sp)
    sd      a1, TF_X(11)(sp)
    sd      a2, TF_X(12)(sp)
    sd      a3, TF_X(13)(sp)
    sd      a4, TF_X(14)(sp)
    sd      a5, TF_X(15)(sp)
    sd      a6, TF_X(16)(sp)
    sd      a7, TF_X(17)(sp)
    sd      t3, TF_X(28)(sp)
    sd      t4, TF_X(29)(sp)
    sd      t5, TF_X(30)(sp)
    sd      t6, TF_X(31)(sp)
.endm

.macro LOAD_CALLER
    ld      ra, TF_X(1)(sp)
    ld      gp, TF_X(3)(sp)
    ld      t0, TF_X(5)(sp)
    ld      t1, TF_X(6)(sp)
    ld      t2, TF_X(7)(sp)
    ld      a0, TF_X(10)(sp)
    ld      a1, TF_X(11)(sp)
    ld      a2, TF_X(12)(sp)
    ld      a3, TF_X(13)(sp)
    ld      a4, TF_X(14)(sp)
    ld      a5, TF_X(15)(sp)
    ld      a6, TF_X(16)(sp)
    ld      a7, TF_X(17)(sp)
    ld      t3, TF_X(28)(sp)
    ld      t4, TF_X(29)(sp)
    ld      t5, TF_X(30)(sp)
    ld      t6, TF_X(31)(sp)
.endm

.macro SAVE_CALLEE_REST
    sd      s1, TF_X(9)(sp)
    sd      s2, TF_X(18)(sp)
    sd      s3, TF_X(19)(sp)
    sd      s4, TF_X(20)(sp)
    sd      s5, TF_X(21)(sp)
    sd      s6, TF_X(22)(sp)
    sd      s7, TF_X(23)(sp)
    sd      s8, TF_X(24)(sp)
    sd      s9, TF_X(25)(sp)
    sd      s10, TF_X(26)(sp)
    sd      s11, TF_X(27)(sp)
.endm

.macro SAVE_CALLEE
    sd      s0, TF_X(8)(sp)
    SAVE_CALLEE_REST
.endm

.macro LOAD_CALLEE
    ld      s0, TF_X(8)(sp)
    ld      s1, TF_X(9)(sp)
    ld      s2, TF_X(18)(sp)
    ld      s3, TF_X(19)(sp)
    ld      s4, TF_X(20)(sp)
    ld      s5, TF_X(21)(sp)
    ld      s6, TF_X(22)(sp)
    ld      s7, TF_X(23)(sp)
    ld      s8, TF_X(24)(sp)
    ld      s9, TF_X(25)(sp)
    ld      s10, TF_X(26)(sp)
    ld      s11, TF_X(27)(sp)
.endm

    .section .text.entry, "ax"
    .balign 64
    .globl trap_entry
trap_entry:
    csrrw   tp, sscratch, tp
    beqz    tp, from_kernel

    // --- from user mode: tp = thread, sscratch = user tp, interrupts off ---
    sd      sp, AT_SCRATCH(tp)
    ld      sp, AT_KSTACK_TOP(tp)
    addi    sp, sp, -TF_SIZE
    SAVE_CALLER
    ld      t0, AT_SCRATCH(tp)
    csrrw   t1, sscratch, zero
    csrr    t2, sepc
    csrr    t3, sstatus
    csrr    t4, scause
    sd      t0, TF_X(2)(sp)
    sd      t1, TF_X(4)(sp)
    sd      t3, TF_STATUS(sp)
    sd      s0, TF_X(8)(sp)
    li      t5, SCAUSE_ECALL
    li      s0, 0               // ends backtraces
    bne     t4, t5, user_trap

    // A call: the return address is behind the ecall; the first argument is kept for a restart. The other callee-saved registers stay
    // where they are: C keeps them, and the few calls that need them in the frame ask to be called again.
    addi    t2, t2, 4
    sd      t2, TF_PC(sp)
    sd      a0, TF_ORIG_A0(sp)
    li      t6, IN_CALL
    sd      t6, TF_IN_CALL(sp)
    ld      t5, AT_SERVE_CALL(tp)
    csrsi   sstatus, 2          // interrupts on
    mv      a0, sp
    jalr    t5
    bnez    a0, call_again
call_done:
    csrci   sstatus, 2
    lw      t0, AT_WORK(tp)
    ld      t1, TF_IN_CALL(sp)
    bnez    t0, call_work
    beqz    t1, restore_all     // the frame was replaced (exec, signal return)
    // Plain return: the C code kept the callee-saved registers.
    ld      s0, TF_X(8)(sp)
    ld      t0, TF_PC(sp)
    ld      t1, TF_STATUS(sp)
    csrw    sepc, t0
    csrw    sstatus, t1
    csrw    sscratch, tp
    LOAD_CALLER
    ld      tp, TF_X(4)(sp)
    ld      sp, TF_X(2)(sp)
    sret

call_again:
    SAVE_CALLEE_REST
    li      t6, IN_CALL | IN_CALL_FULL
    sd      t6, TF_IN_CALL(sp)
    ld      t5, AT_SERVE_CALL(tp)
    mv      a0, sp
    jalr    t5
    j       call_done

call_work:
    andi    t2, t1, IN_CALL | IN_CALL_FULL
    li      t3, IN_CALL
    bne     t2, t3, user_work   // replaced or full: the frame is complete
    SAVE_CALLEE_REST
    j       user_work

user_trap:
    SAVE_CALLEE_REST
    sd      t2, TF_PC(sp)
    sd      zero, TF_IN_CALL(sp)
    mv      a0, sp
    mv      a1, t4
    call    arch_user_trap      // returns with interrupts off

    // --- way back to user mode, interrupts off, sp = the user frame ---
    .globl return_to_user
return_to_user:
    lw      t0, AT_WORK(tp)
    bnez    t0, user_work
restore_all:
    ld      t0, TF_PC(sp)
    ld      t1, TF_STATUS(sp)
    csrw    sepc, t0
    csrw    sstatus, t1
    csrw    sscratch, tp
    LOAD_CALLER
    LOAD_CALLEE
    ld      tp, TF_X(4)(sp)
    ld      sp, TF_X(2)(sp)
    sret

user_work:
    csrsi   sstatus, 2
    mv      a0, sp
    call    upcall_user_work
    csrci   sstatus, 2
    j       return_to_user

    // --- from the kernel: tp = 0, sscratch = thread ---
from_kernel:
    csrrw   tp, sscratch, zero
    sd      sp, AT_SCRATCH(tp)
    sd      t0, AT_SCRATCH2(tp)
    addi    sp, sp, -TF_SIZE
    srli    t0, sp, 14
    andi    t0, t0, 1
    beqz    t0, stack_overflow
    ld      t0, AT_SCRATCH2(tp)
    SAVE_CALLER
    SAVE_CALLEE
    ld      t0, AT_SCRATCH(tp)
    csrr    t2, sepc
    csrr    t3, sstatus
    csrr    a1, scause
    sd      t0, TF_X(2)(sp)
    sd      tp, TF_X(4)(sp)
    sd      t2, TF_PC(sp)
    sd      t3, TF_STATUS(sp)
    mv      a0, sp
    call    arch_kernel_trap
    ld      t0, TF_PC(sp)
    ld      t1, TF_STATUS(sp)
    csrw    sepc, t0
    csrw    sstatus, t1
    LOAD_CALLER
    ld      s0, TF_X(8)(sp)     // the rest was kept by the C code
    ld      sp, TF_X(2)(sp)
    sret

stack_overflow:
    lla     sp, overflow_stack_top
    addi    sp, sp, -TF_SIZE
    ld      t0, AT_SCRATCH2(tp)
    SAVE_CALLER
    SAVE_CALLEE
    ld      t0, AT_SCRATCH(tp)
    csrr    t2, sepc
    csrr    t3, sstatus
    sd      t0, TF_X(2)(sp)
    sd      tp, TF_X(4)(sp)
    sd      t2, TF_PC(sp)
    sd      t3, TF_STATUS(sp)
    mv      a0, sp
    lla     a1, overflow_text
    csrr    a2, stval
    tail    upcall_kernel_fault

    .section .rodata
overflow_text:
    .asciz  "kernel stack overflow"

    .section .bss.pages, "aw", @nobits
    .balign 0x8000
    .skip   0x8000
overflow_stack_top:

    .section .text.entry, "ax"
    // void arch_context_switch(struct arch_thread *prev, struct arch_thread *next)
    .globl arch_context_switch
arch_context_switch:
    addi    sp, sp, -16
    sd      ra, 8(sp)
    sd      a1, 0(sp)
    // With the FPU on, prev's registers go to its record (if dirty) before it leaves.
    csrr    t0, sstatus
    slli    t0, t0, 49
    srli    t0, t0, 62          // FS field
    beqz    t0, 1f
    addi    sp, sp, -16
    sd      a0, 0(sp)
    call    arch_fpu_switch_out
    ld      a0, 0(sp)
    addi    sp, sp, 16
1:  ld      a1, 0(sp)
    ld      ra, 8(sp)
    addi    sp, sp, 16
    sd      ra, AT_RA(a0)
    sd      sp, AT_SP(a0)
    sd      s0, AT_S0+0(a0)
    sd      s1, AT_S0+8(a0)
    sd      s2, AT_S0+16(a0)
    sd      s3, AT_S0+24(a0)
    sd      s4, AT_S0+32(a0)
    sd      s5, AT_S0+40(a0)
    sd      s6, AT_S0+48(a0)
    sd      s7, AT_S0+56(a0)
    sd      s8, AT_S0+64(a0)
    sd      s9, AT_S0+72(a0)
    sd      s10, AT_S0+80(a0)
    sd      s11, AT_S0+88(a0)
    mv      tp, a1
    ld      ra, AT_RA(a1)
    ld      sp, AT_SP(a1)
    ld      s0, AT_S0+0(a1)
    ld      s1, AT_S0+8(a1)
    ld      s2, AT_S0+16(a1)
    ld      s3, AT_S0+24(a1)
    ld      s4, AT_S0+32(a1)
    ld      s5, AT_S0+40(a1)
    ld      s6, AT_S0+48(a1)
    ld      s7, AT_S0+56(a1)
    ld      s8, AT_S0+64(a1)
    ld      s9, AT_S0+72(a1)
    ld      s10, AT_S0+80(a1)
    ld      s11, AT_S0+88(a1)
    ret

    // First code of a new thread: s0 = 0, interrupts off. arch_thread_init set ra here.
    .globl thread_trampoline
thread_trampoline:
    call    upcall_thread_start
    call    arch_thread_main
    ebreak

    // [[noreturn]] void arch_enter_user(void)
    .globl arch_enter_user
arch_enter_user:
    csrci   sstatus, 2
    ld      sp, AT_KSTACK_TOP(tp)
    addi    sp, sp, -TF_SIZE
    li      s0, 0
    j       return_to_user

    .section .text
    // FPU state <-> memory; a0 = struct arch_fpu_state. The FPU must be on.
    .option push
    .option arch, +d
    .globl fpu_store
fpu_store:
    .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fsd     f\n, 8*\n(a0)
    .endr
    frcsr   t0
    sd      t0, 256(a0)
    ret
    .globl fpu_fetch
fpu_fetch:
    .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fld     f\n, 8*\n(a0)
    .endr
    ld      t0, 256(a0)
    fscsr   t0
    ret
    .option pop
