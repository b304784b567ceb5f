// The first program of a measuring boot: says at which tick of the machine's clock it started, how
// many ticks 10000 null calls took, and powers off. Under -icount shift=0 a tick is 100 instructions.
#include "start.h"

static word now(void)
{
    word t;
    __asm__ volatile("rdtime %0" : "=r"(t)::"memory");
    return t;
}

[[noreturn]] void start(const word *stack)
{
    word first = now(), before, loop, calls;
    (void)stack;
    before = now();
    for (int i = 0; i < 10000; i++)
        __asm__ volatile("" ::: "memory");
    loop = now() - before;
    before = now();
    for (int i = 0; i < 10000; i++)
        call(SYS_GETPPID, 0, 0, 0, 0);
    calls = now() - before;
    put("start ");
    put_number((long)first);
    put("\ncalls ");
    put_number((long)(calls - loop));
    put("\n");
    call(SYS_REBOOT, 0xfee1dead, 672274793, 0x4321fedc, 0);
    call(SYS_EXIT_GROUP, 1, 0, 0, 0);
    __builtin_trap();
}
