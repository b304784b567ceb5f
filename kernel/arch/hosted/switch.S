// Switching kernel stacks. The rest of a thread's state is on its stack.

    .text
    // void hosted_switch(struct arch_thread *prev, struct arch_thread *next): offsets of thread.h
    .globl hosted_switch
    .type hosted_switch, @function
hosted_switch:
    pushq   %rbp
    pushq   %rbx
    pushq   %r12
    pushq   %r13
    pushq   %r14
    pushq   %r15
    movq    %rsp, 24(%rdi)
    movq    %rsi, %gs:0
    movq    24(%rsi), %rsp
    popq    %r15
    popq    %r14
    popq    %r13
    popq    %r12
    popq    %rbx
    popq    %rbp
    ret
    .size hosted_switch, . - hosted_switch

    // First code of a new thread: the frame that arch_thread_init laid out ends here.
    .globl hosted_thread_entry
    .type hosted_thread_entry, @function
hosted_thread_entry:
    xorl    %ebp, %ebp
    call    hosted_thread_main
    ud2
    .size hosted_thread_entry, . - hosted_thread_entry

    // [[noreturn]] void hosted_run_on(u64 stack, void (*fn)(void *), void *arg)
    .globl hosted_run_on
    .type hosted_run_on, @function
hosted_run_on:
    movq    %rdi, %rsp
    xorl    %ebp, %ebp
    movq    %rdx, %rdi
    call    *%rsi
    ud2
    .size hosted_run_on, . - hosted_run_on

    .section .note.GNU-stack, "", @progbits
