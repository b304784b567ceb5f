// What an xv6 program on riscv64 means by registers that its revision may not have set.
#include "../xv6.h"
#include <lib/string.h>
#include <mem/slab.h>

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

// --- wrappers that jump to the stub instead of calling it: nothing tells which one was taken ---
enum : u32 { ECALL = 0x00000073, LI_A7_12 = 0x00c00893, C_LI_A7_12 = 0x48b1 };
enum { CODE_MAX = 1 << 20, BLOCK = 2048 }; // bytes that are looked at, at most; at a time

static u64 sign_extend(u32 value, u32 bits)
{
    return value - ((u64)(value >> (bits - 1)) << bits);
}

static u32 word(const u16 *code)
{
    return code[0] | (u32)code[1] << 16;
}

// Where the stub begins whose call this is; 0: it is no stub.
static u64 stub_start(u64 pc)
{
    u16 code[6]; // 8 bytes in front of pc, 4 from it on
    if (pc < 8 || user_copy_in(code, uaddr(pc - 8), sizeof(code)))
        return 0;
    u32 at = word(code + 4) == ECALL ? 4 : 2; // the frame shows the call, or what follows it
    u64 ecall = pc - 8 + at * 2ul;
    if (code[at - 1] == C_LI_A7_12)
        return ecall - 2;
    return word(code + at - 2) == LI_A7_12 ? ecall - 4 : 0;
}

// Where the jump at code (address `from`) goes if it keeps no way back; 0: it is none. *upper is
// the value of the last auipc.
static u64 jump_target(const u16 *code, u64 from, u64 upper)
{
    u32 w = code[0];
    if ((w & 0xe003) == 0xa001) { // c.j
        u32 off = (w >> 12 & 1) << 11 | (w >> 11 & 1) << 4 | (w >> 9 & 3) << 8 |
                  (w >> 8 & 1) << 10 | (w >> 7 & 1) << 6 | (w >> 6 & 1) << 7 | (w >> 3 & 7) << 1 |
                  (w >> 2 & 1) << 5;
        return from + sign_extend(off, 12);
    }
    if (!is_long(code[0]))
        return 0;
    w = word(code);
    if ((w & 0xfff) == 0x06f) { // jal x0
        u32 off =
            (w >> 31) << 20 | (w >> 12 & 0xff) << 12 | (w >> 20 & 1) << 11 | (w >> 21 & 0x3ff) << 1;
        return from + sign_extend(off, 21);
    }
    if ((w & 0x7fff) == 0x067 && upper) // jalr x0
        return upper + (u64)(i64)((i32)w >> 20);
    return 0;
}

// Does `li a1, 2` at code[i] (address `from`) lead straight to a jump to the stub?
static bool jumps_to(const u16 *code, u32 i, u64 from, u64 stub)
{
    u64 upper = 0;
    u32 end = i + HALVES;
    while (i < end) {
        if (leads_away(code[i]))
            return jump_target(code + i, from, upper) == stub;
        if ((code[i] & 0x7f) == 0x17) // auipc
            upper = from + (u64)(i64)(i32)(word(code + i) & 0xfffff000);
        u32 halves = is_long(code[i]) ? 2 : 1;
        i += halves;
        from += halves * 2ul;
    }
    return false;
}

// Has this program a wrapper of lazy growth that jumps to this stub?
static bool has_wrapper(u64 stub)
{
    enum { AHEAD = 2 * HALVES }; // looked at by a search that begins in the block
    u16 *code = kmalloc(sizeof(*code) * (BLOCK / 2 + AHEAD + 2), 0);
    bool found = false;
    for (u64 at = 0; code && !found && at < CODE_MAX; at += BLOCK) {
        memset(code, 0, sizeof(*code) * (BLOCK / 2 + AHEAD + 2));
        if (user_copy_in(code, uaddr(at), BLOCK))
            break;
        (void)!user_copy_in(code + BLOCK / 2, uaddr(at + BLOCK), AHEAD * 2ul);
        for (u32 i = 0; i < BLOCK / 2 && !found; i++)
            found = (code[i] == C_LI_A1_2 && jumps_to(code, i + 1, at + (i + 1) * 2ul, stub)) ||
                    (word(code + i) == LI_A1_2 && jumps_to(code, i + 2, at + (i + 2) * 2ul, stub));
    }
    kfree(code);
    return found;
}

// Right before the call, or before the stub was called, or in a wrapper that led there.
bool xv6_means_lazy(void)
{
    const struct trapframe *tf = arch_user_frame(current_arch());
    if (set_before(tf_pc(tf)) || set_before(tf->x[1]))
        return true;
    struct xv6_task *x = current_xv6();
    u64 stub = stub_start(tf_pc(tf));
    if (stub && x->stub != stub) {
        x->jumped_to = has_wrapper(stub);
        x->stub = stub;
    }
    return stub && x->jumped_to;
}
