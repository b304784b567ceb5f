// A small program with every kind of segment, to be damaged: text, read-only data, data, bss.
#include "start.h"

static int data = 7;
static int bss[5000];

[[noreturn]] void start(const word *stack)
{
    bss[4999] = data;
    put("victim ran\n");
    call(SYS_exit_group, (word)(bss[4999] - 7) + (stack[0] ? 0 : 1), 0, 0, 0);
    __builtin_trap();
}
