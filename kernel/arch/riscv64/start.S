// Entry of the kernel on each hart: _start, with a0 = hart id, a1 = device tree (physical) where the hart is the first, MMU off,
// interrupts off. The image is at any 2 MiB aligned physical address; everything here is pc-relative until the jump.
//
// All harts enter here, and whoever comes first boots. Firmware may let a hart out before it has stored where hart_start wanted it:
// OpenSBI 1.1, which QEMU 7.2 brings, marks it as starting first. Such a hart comes to where the first one came, with any a1. Old
// firmware without HSM sends all of them here at once. So a later hart believes nothing but its number, and looks for its entry in
// hart_entries (harts.c).

#include <machine/asm.h>

// Bits of boot_claim.
#define CLAIMED 1
#define BSS_CLEAR 2

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
    lla     t0, boot_claim
    li      t1, CLAIMED
    amoor.w.aqrl t1, t1, (t0)
    bnez    t1, later_hart
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
    lla     t0, boot_claim
    li      t1, BSS_CLEAR
    amoor.w.rl zero, t1, (t0)
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

    // a0 = hart id. Waits until the hart's entry is complete: its thread is written last.
later_hart:
    lla     t0, boot_claim
1:  lw      t1, 0(t0)
    andi    t1, t1, BSS_CLEAR
    bnez    t1, 2f
    .word   0x0100000f          // pause
    j       1b
2:  fence   r, r
    lla     t0, hart_entries
    li      t1, HE_COUNT
3:  ld      s3, HE_THREAD(t0)
    beqz    s3, 4f
    fence   r, r
    ld      t2, HE_HWID(t0)
    beq     t2, a0, found
4:  addi    t0, t0, HE_SIZE
    addi    t1, t1, -1
    bnez    t1, 3b
    .word   0x0100000f          // pause
    j       2b
found:
    ld      s4, HE_CPU(t0)
    ld      a0, HE_SATP(t0)     // with identity mapping
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

    .section .data, "aw"        // what clearing bss leaves alone
    .balign 4
boot_claim:
    .word   0

    // The boot stack has the shape of every kernel stack: upper half of an aligned slot, so that the overflow check holds.
    .section .bss.pages, "aw", @nobits
    .balign 0x8000
    .skip   0x8000
boot_stack_top:
