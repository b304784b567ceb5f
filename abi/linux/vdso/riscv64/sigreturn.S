// Where signal handlers return to. Unwinders know the frame by its S-augmented CFI.
    .text
    .globl __vdso_rt_sigreturn
    .type __vdso_rt_sigreturn, @function
__vdso_rt_sigreturn:
    .cfi_startproc
    .cfi_signal_frame
    li      a7, 139
    ecall
    .cfi_endproc
    .size __vdso_rt_sigreturn, . - __vdso_rt_sigreturn

    .globl __vdso_getcpu
    .type __vdso_getcpu, @function
__vdso_getcpu:
    .cfi_startproc
    li      a7, 168
    ecall
    ret
    .cfi_endproc
    .size __vdso_getcpu, . - __vdso_getcpu

    .globl __vdso_flush_icache
    .type __vdso_flush_icache, @function
__vdso_flush_icache:
    .cfi_startproc
    li      a7, 259
    ecall
    ret
    .cfi_endproc
    .size __vdso_flush_icache, . - __vdso_flush_icache
