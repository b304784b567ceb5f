// What an xv6 program on riscv64 means by registers that its revision may not have set.
#include "../xv6.h"
#include <lib/string.h>

enum { HALVES = 16 }; // of instructions, that are looked at
enum : u32 { LI_A1_2 = 0x00200593, C_LI_A1_2 = 0x4589 };

static bool is_long(u16 first)
{
    return (first & 3) == 3;
}

// Branches and jumps, also compressed ones.
static bool leads_away(u16 first)
{
    u32 kind = first >> 13;
    switch (first & 3) {
    case 3:
        return (first & 0x7f) == 0x63 || (first & 0x7f) == 0x67 || (first & 0x7f) == 0x6f;
    case 2:
        return kind == 4 && (first & 0x7c) == 0;
    case 1:
        return kind >= 5;
    default:
        return false;
    }
}

// Goes code[at] straight on to the end? The last instruction may be a jump: the call.
static bool straight(const u16 *code, u32 at)
{
    while (at < HALVES) {
        u32 next = at + (is_long(code[at]) ? 2 : 1);
        if (leads_away(code[at]) && next != HALVES)
            return false;
        at = next;
    }
    return at == HALVES;
}

// Does `li a1, 2` lead straight to this place?
static bool set_before(u64 pc)
{
    u16 code[HALVES];
    if (pc < sizeof(code) || user_copy_in(code, uaddr(pc - sizeof(code)), sizeof(code)))
        return false;
    for (u32 i = 0; i < HALVES; i++) {
        if (code[i] == C_LI_A1_2 && straight(code, i + 1))
            return true;
        if (i + 1 < HALVES && code[i] == (LI_A1_2 & 0xffff) && code[i + 1] == LI_A1_2 >> 16 &&
            straight(code, i + 2))
            return true;
    }
    return false;
}

// Right before the call, or before the stub was called.
bool xv6_means_lazy(void)
{
    const struct trapframe *tf = arch_user_frame(current_arch());
    return set_before(tf_pc(tf)) || set_before(tf->x[1]);
}
