// Where a native program starts: rdi = argc, rsi = argv, which the stack pointer holds too. The program applies its own relocations before it touches any data.
    .text
    .globl _start
    .type _start, @function
_start:
    xorl %ebp, %ebp
    movq %rdi, %rbx
    movq %rsi, %r12
    leaq __ehdr_start(%rip), %rdi
    leaq _DYNAMIC(%rip), %rsi
    call relocate_self
    movq %rbx, %rdi
    movq %r12, %rsi
    call start_c
    ud2
    .size _start, . - _start

// An event handler's way in: rdi = the event, which lies at the start of the frame, so the stack pointer is what event_return wants.
    .globl event_entry
    .type event_entry, @function
event_entry:
    movq %rsp, %rbx
    call event_dispatch
    movq %rbx, %rsp
    movl $801, %eax
    syscall
    ud2
    .size event_entry, . - event_entry

// A new thread: rdi = its struct thread_begin.
    .globl thread_entry
    .type thread_entry, @function
thread_entry:
    call thread_begin_c
    ud2
    .size thread_entry, . - thread_entry

// A call by its number, and one argument after the other. Code that runs wherever it is copied to.
    .section .text.raw_call,"ax",@progbits
    .globl raw_call, raw_call_end
    .type raw_call, @function
raw_call:
    movq %rdi, %rax
    movq %rsi, %rdi
    movq %rdx, %rsi
    movq %rcx, %rdx
    movq %r8, %r10
    movq %r9, %r8
    movq 8(%rsp), %r9
    syscall
    ret
raw_call_end:
    .size raw_call, . - raw_call

    .section .text.code_written,"ax",@progbits
    .globl code_written
    .type code_written, @function
code_written:
    ret
    .size code_written, . - code_written

    .section .note.GNU-stack,"",@progbits
