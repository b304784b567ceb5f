// What tests say in instructions.
#include "xv6test.h"

void registers_survive(void)
{
    register long s1 __asm__("s1") = 0x1111, s2 __asm__("s2") = 0x2222;
    register long a7 __asm__("a7") = 11, a0 __asm__("a0") = 5, a1 __asm__("a1") = 0xa1,
                     a5 __asm__("a5") = 0xa5, t0 __asm__("t0") = 0x70, t6 __asm__("t6") = 0x76;
    __asm__ volatile("ecall"
                     : "+r"(a0), "+r"(a1), "+r"(a5), "+r"(t0), "+r"(t6), "+r"(a7), "+r"(s1),
                       "+r"(s2)::"memory");
    CHECK(a0 == getpid());
    CHECK(a1 == 0xa1 && a5 == 0xa5 && t0 == 0x70 && t6 == 0x76 && a7 == 11 && s1 == 0x1111 &&
          s2 == 0x2222);
}

long call_by_number(long number)
{
    register long a7 __asm__("a7") = number;
    register long a0 __asm__("a0") = 0;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a7) : "memory");
    return a0;
}

long gib_with_leftover(void)
{
    long r;
    __asm__ volatile("li a7, 12\n\t lui a0, 0x40000\n\t li a1, 2\n\t bgeu zero, a1, 1f\n\t"
                     "ecall\n1: mv %0, a0"
                     : "=r"(r)::"a0", "a1", "a7", "memory");
    return r;
}
