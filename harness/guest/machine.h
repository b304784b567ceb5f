// What the programs of this folder say in instructions, for each machine: a call, and where a
// program begins. ENTRY(name) is an entry point that calls name(stack) with the stack as the Linux
// ABI leaves it: the number of arguments, then the arguments.
#pragma once

typedef unsigned long word;

#ifdef __riscv
static inline long machine_call(long n, word a, word b, word c, word d, word e, word f)
{
    register word a0 __asm__("a0") = a;
    register word a1 __asm__("a1") = b;
    register word a2 __asm__("a2") = c;
    register word a3 __asm__("a3") = d;
    register word a4 __asm__("a4") = e;
    register word a5 __asm__("a5") = f;
    register long a7 __asm__("a7") = n;
    __asm__ volatile("ecall"
                     : "+r"(a0)
                     : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a7)
                     : "memory");
    return (long)a0;
}
// The number, a constant, right before the call: that is what tells a program of xv6 from others.
#define MACHINE_CALL(nr, a, b, c, d, e, f)                                                         \
    __extension__({                                                                                \
        register unsigned long a0_ __asm__("a0") = (a), a1_ __asm__("a1") = (b),                   \
                                   a2_ __asm__("a2") = (c), a3_ __asm__("a3") = (d),               \
                                   a4_ __asm__("a4") = (e), a5_ __asm__("a5") = (f);               \
        __asm__ volatile("li a7, %1\n\tecall"                                                      \
                         : "+r"(a0_)                                                               \
                         : "i"(nr), "r"(a1_), "r"(a2_), "r"(a3_), "r"(a4_), "r"(a5_)               \
                         : "a7", "memory");                                                        \
        (long)a0_;                                                                                 \
    })
#define ENTRY(name)                                                                                \
    __asm__(".globl _start\n_start: mv a0, sp\n andi sp, sp, -16\n call " #name "\n")
// The native ABI and xv6 give the arguments in registers: name(argc, argv).
#define ENTRY_REGISTERS(name) __asm__(".globl _start\n_start: andi sp, sp, -16\n call " #name "\n")
#else
static inline long machine_call(long n, word a, word b, word c, word d, word e, word f)
{
    register word r10 __asm__("r10") = d;
    register word r8 __asm__("r8") = e;
    register word r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "+a"(n)
                     : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return n;
}
#define MACHINE_CALL(nr, a, b, c, d, e, f)                                                         \
    __extension__({                                                                                \
        register unsigned long r10_ __asm__("r10") = (d), r8_ __asm__("r8") = (e),                 \
                                    r9_ __asm__("r9") = (f);                                       \
        long result_;                                                                              \
        __asm__ volatile("movl %1, %%eax\n\tsyscall"                                               \
                         : "=&a"(result_)                                                          \
                         : "i"(nr), "D"(a), "S"(b), "d"(c), "r"(r10_), "r"(r8_), "r"(r9_)          \
                         : "rcx", "r11", "memory");                                                \
        result_;                                                                                   \
    })
#define ENTRY(name)                                                                                \
    __asm__(".globl _start\n_start: movq %rsp, %rdi\n andq $-16, %rsp\n call " #name "\n")
#define ENTRY_REGISTERS(name) __asm__(".globl _start\n_start: andq $-16, %rsp\n call " #name "\n")
#endif
