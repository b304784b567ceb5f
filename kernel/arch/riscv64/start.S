// Entry of the kernel on each hart.
//
// _start: first hart, from the firmware. a0 = hart id, a1 = device tree (physical), MMU off, interrupts off.
//         The image is at any 2 MiB aligned physical address; everything here is pc-relative until the jump.
// secondary_entry: other harts, from SBI hart_start. a0 = hart id, a1 = physical address of struct secondary_boot.

#include <machine/asm.h>

    .section .head.text, "ax"
    .globl _start
_start:
    // Boot image header, as U-Boot and Linux define it ("RISC-V boot image header").
    j       1f
    .balign 8
    .dword  0x200000            // text offset from the start of RAM
    .dword  _end - _start       // image size
    .dword  0                   // flags: little endian
    .word   2                   // header version 0.2
    .word   0
    .dword  0
    .ascii  "RISCV\0\0\0"
    .ascii  "RSC\x05"
    .word   0
1:
    csrw    sie, zero
    csrw    sip, zero
    li      t0, 0x6000          // FPU off
    csrc    sstatus, t0
    mv      s0, a0
    mv      s1, a1
    // Clear bss.
    lla     t0, _bss
    lla     t1, _ebss
2:  sd      zero, 0(t0)
    sd      zero, 8(t0)
    sd      zero, 16(t0)
    sd      zero, 24(t0)
    addi    t0, t0, 32
    bltu    t0, t1, 2b
    // A stack and a current thread, still at physical addresses.
    lla     sp, boot_stack_top
    lla     tp, boot_thread
    lla     a0, _start
    mv      a1, s1
    call    early_map           // a0 = satp to load
    call    enable_mmu
    // Now at virtual addresses: the same again.
    lla     sp, boot_stack_top
    lla     tp, boot_thread
    sd      sp, AT_KSTACK_TOP(tp)
    lla     t0, trap_entry
    csrw    stvec, t0
    csrw    sscratch, zero
    mv      a0, s0
    mv      a1, s1
    li      s0, 0
    li      ra, 0
    tail    arch_boot

// Loads satp = a0 through the identity mapping and continues at the caller's virtual address.
enable_mmu:
    lla     t0, _start
    li      t1, KERNEL_BASE_ASM
    sub     t1, t1, t0          // virtual - physical
    add     ra, ra, t1
    sfence.vma
    csrw    satp, a0
    sfence.vma
    ret

    .globl secondary_entry
secondary_entry:
    csrw    sie, zero
    csrw    sip, zero
    li      t0, 0x6000
    csrc    sstatus, t0
    ld      s2, 0(a1)           // secondary_boot.satp (with identity mapping)
    ld      s3, 8(a1)           // secondary_boot.thread
    ld      s4, 16(a1)          // secondary_boot.cpu
    mv      a0, s2
    call    enable_mmu
    mv      tp, s3
    ld      sp, AT_KSTACK_TOP(tp)
    lla     t0, trap_entry
    csrw    stvec, t0
    csrw    sscratch, zero
    mv      a0, s4
    li      s0, 0
    li      ra, 0
    tail    arch_secondary

    // The boot stack has the shape of every kernel stack: upper half of an aligned slot, so that the overflow check holds.
    .section .bss.pages, "aw", @nobits
    .balign 0x8000
    .skip   0x8000
boot_stack_top:
