// Where a native program starts: a0 = argc, a1 = argv. The program applies its own relocations before it touches any data.
    .text
    .globl _start
    .type _start, @function
_start:
    .option push
    .option norelax
    lla gp, __global_pointer$
    .option pop
    mv s0, a0
    mv s1, a1
    lla a0, __ehdr_start
    lla a1, _DYNAMIC
    call relocate_self
    mv a0, s0
    mv a1, s1
    li ra, 0
    li s0, 0
    j start_c
    .size _start, . - _start

// An event handler's way in: a0 = the event, which lies at the start of the frame, so sp is what event_return wants. 
    .globl event_entry
    .type event_entry, @function
event_entry:
    mv s1, sp
    call event_dispatch
    mv sp, s1
    li a7, 801
    ecall
    .size event_entry, . - event_entry

// A new thread: a0 = its struct thread_begin.
    .globl thread_entry
    .type thread_entry, @function
thread_entry:
    li ra, 0
    call thread_begin_c
    .size thread_entry, . - thread_entry

// A call by its number, and one argument after the other. Code that runs wherever it is copied to.
    .section .text.raw_call,"ax",@progbits
    .globl raw_call, raw_call_end
    .type raw_call, @function
raw_call:
    mv t0, a0
    mv a0, a1
    mv a1, a2
    mv a2, a3
    mv a3, a4
    mv a4, a5
    mv a5, a6
    mv a7, t0
    ecall
    ret
raw_call_end:
    .size raw_call, . - raw_call

    .section .text.code_written,"ax",@progbits
    .globl code_written
    .type code_written, @function
code_written:
    fence.i
    ret
    .size code_written, . - code_written

    .section .note.GNU-stack,"",@progbits
