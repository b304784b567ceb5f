// How well a file fits xv6. Pure: also compiled into the offline probe.
//
// Nothing in the file says "xv6". What tells: static, no notes, linked at the address where this
// machine's xv6 programs begin, and every call stub (number into its register, call) has a number
// of 1 to 21. One foreign number, or any other load address, and it is not ours.
#include "probe.h"

enum { LAST_CALL = 21, CHUNK = 256, KEEP = 8 };

static int verdict(int score, char *why, usize cap, const char *text)
{
    usize i = 0;
    if (why && cap) {
        for (; text[i] && i + 1 < cap; i++)
            why[i] = text[i];
        why[i] = 0;
    }
    return score;
}

static u32 half(const u8 *p)
{
    return (u32)p[0] | (u32)p[1] << 8;
}

// --- one function and one row a machine ------------------------------------------------------
// Is there a call at p, with its number right before it? The longest such pair fits into KEEP bytes
// and one.

static bool riscv_stub(const u8 *p, i32 *nr)
{
    enum : u32 {
        ECALL = 0x00000073,
        LI_A7 = 0x00000893,
        LI_A7_MASK = 0x000fffff,
        C_LI_A7 = 0x4881,
        C_LI_A7_MASK = 0xef83
    };
    if (half(p) != (ECALL & 0xffff) || half(p + 2) != ECALL >> 16)
        return false;
    u32 wide = half(p - 4) | half(p - 2) << 16, narrow = half(p - 2);
    if ((wide & LI_A7_MASK) == LI_A7)
        *nr = (i32)wide >> 20;
    else if ((narrow & C_LI_A7_MASK) == C_LI_A7)
        *nr = (i32)(narrow >> 2 & 31) - (narrow & 1u << 12 ? 32 : 0);
    else
        return false;
    return true;
}

// mov $N, %eax or mov $N, %rax, then syscall.
static bool x86_64_stub(const u8 *p, i32 *nr)
{
    if (p[0] != 0x0f || p[1] != 0x05)
        return false;
    *nr = (i32)(half(p - 4) | half(p - 2) << 16);
    return p[-5] == 0xb8 || (p[-7] == 0x48 && p[-6] == 0xc7 && p[-5] == 0xc0);
}

static const struct build {
    u32 machine;
    u64 base;         // where programs are linked
    u32 step, length; // of instructions: what their addresses are multiples of; bytes of a call
    bool (*stub)(const u8 *p, i32 *nr);
} builds[] = {{ELF_MACHINE_RISCV, 0, 2, 4, riscv_stub},
              {ELF_MACHINE_X86_64, 0x10000, 1, 2, x86_64_stub}};

static const struct build *build_for(u32 machine)
{
    for (usize i = 0; i < sizeof(builds) / sizeof(builds[0]); i++)
        if (builds[i].machine == machine)
            return &builds[i];
    return 0;
}

u64 xv6_base(u32 machine)
{
    const struct build *b = build_for(machine);
    return b ? b->base : 0;
}

// ---------------------------------------------------------------------------------------------
struct scan {
    const struct build *build;
    u32 ours, foreign;
};

static usize fetch(const struct exec_probe *p, u64 off, u8 *dst, usize n)
{
    if (p->read)
        return p->read(p->ctx, off, dst, n);
    usize got = off < p->head_len ? p->head_len - (usize)off : 0;
    got = got < n ? got : n;
    __builtin_memcpy(dst, p->head + (got ? off : 0), got);
    return got;
}

static void scan_segment(const struct exec_probe *p, u64 off, u64 size, struct scan *s)
{
    const struct build *b = s->build;
    u8 buf[KEEP + CHUNK] = {0}; // the end of the chunk before lies at its start
    for (u64 done = 0; done < size && !s->foreign;) {
        usize want = size - done < CHUNK ? (usize)(size - done) : CHUNK;
        usize got = fetch(p, off + done, buf + KEEP, want);
        i32 nr;
        // From the first call that does not end in the chunk before.
        for (usize i = KEEP - b->length + b->step; i + b->length <= KEEP + got; i += b->step)
            if (b->stub(buf + i, &nr)) {
                bool ours = nr >= 1 && nr <= LAST_CALL;
                s->ours += ours;
                s->foreign += !ours;
            }
        if (got < want)
            return;
        done += got;
        __builtin_memmove(buf, buf + got, KEEP);
    }
}

int xv6_probe(const struct exec_probe *p, char *why, usize cap)
{
    const struct build *build = build_for(p->machine);
    struct elf_summary s;
    if (elf_summarise(p->head, p->head_len, p->size, &s) != ELF_OK)
        return verdict(0, why, cap, "not a sound ELF file");
    if (s.class != ELF_CLASS64 || s.data != ELF_LITTLE || s.machine != p->machine || !build)
        return verdict(0, why, cap, "for another machine");
    if (s.type != ELF_TYPE_EXEC || s.osabi != ELF_OSABI_NONE || !s.head_has_segments)
        return verdict(0, why, cap, "not a plain static executable");
    if (!s.has_load || s.lowest_load != build->base)
        return verdict(0, why, cap, "not linked where xv6 programs begin");
    if (s.has_interp)
        return verdict(0, why, cap, "has an interpreter");
    struct scan scan = {.build = build};
    for (u32 i = 0; i < s.header.phnum; i++) {
        struct elf64_segment seg = elf_segment(p->head, &s, i);
        if (seg.type == ELF_SEG_NOTE || seg.type == ELF_SEG_DYNAMIC || seg.type == ELF_SEG_TLS)
            return verdict(0, why, cap, "has notes, dynamic linking or thread storage");
        if (seg.type == ELF_SEG_LOAD && seg.flags & ELF_FLAG_X)
            scan_segment(p, seg.offset, seg.filesz, &scan);
    }
    if (scan.foreign)
        return verdict(0, why, cap,
                       "linked where xv6 programs begin, but makes calls that xv6 does not have");
    if (scan.ours)
        return verdict(90, why, cap,
                       "linked where xv6 programs begin, and all its calls are xv6's");
    return verdict(40, why, cap, "static, linked where xv6 programs begin, no calls found");
}
