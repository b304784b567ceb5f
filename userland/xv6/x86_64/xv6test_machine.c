// What tests say in instructions.
#include "xv6test.h"

// All but rcx and r11, which the instruction itself takes.
void registers_survive(void)
{
    register long r8 __asm__("r8") = 0x88, r9 __asm__("r9") = 0x99, r10 __asm__("r10") = 0x1010,
                     r12 __asm__("r12") = 0x1212, r15 __asm__("r15") = 0x1515;
    long rax = 11, rdi = 5, rsi = 0xa1, rdx = 0xa2, rbx = 0x1111;
    __asm__ volatile("syscall"
                     : "+a"(rax), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+b"(rbx), "+r"(r8), "+r"(r9),
                       "+r"(r10), "+r"(r12), "+r"(r15)::"rcx", "r11", "memory");
    CHECK(rax == getpid());
    CHECK(rdi == 5 && rsi == 0xa1 && rdx == 0xa2 && rbx == 0x1111 && r8 == 0x88 && r9 == 0x99 &&
          r10 == 0x1010 && r12 == 0x1212 && r15 == 0x1515);
}

long call_by_number(long number)
{
    __asm__ volatile("syscall" : "+a"(number) : "D"(0l) : "rcx", "r11", "memory");
    return number;
}

long gib_with_leftover(void) // all programs pass it
{
    return (long)sbrk(1 << 30);
}
