// How well a file fits xv6. Pure: also compiled into the offline probe.
//
// Nothing in the file says "xv6". What tells: static, no notes, linked at address 0, and every call
// stub (`li a7, N; ecall`) has a number of 1 to 21. One foreign number, or any other load address,
// and it is not ours.
#include "probe.h"

enum : u32 {
    ECALL = 0x00000073,
    LI_A7 = 0x00000893,
    LI_A7_MASK = 0x000fffff,
    C_LI_A7 = 0x4881,
    C_LI_A7_MASK = 0xef83
};
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

struct scan {
    u32 ours, foreign;
};

static u32 half(const u8 *p)
{
    return (u32)p[0] | (u32)p[1] << 8;
}

// Looks at the instruction pair that ends with an ecall at p; at least 4 bytes lie in front of it.
static void look(struct scan *s, const u8 *p)
{
    u32 wide = half(p - 4) | half(p - 2) << 16, narrow = half(p - 2);
    i32 n;
    if ((wide & LI_A7_MASK) == LI_A7)
        n = (i32)wide >> 20;
    else if ((narrow & C_LI_A7_MASK) == C_LI_A7)
        n = (i32)(narrow >> 2 & 31) - (narrow & 1u << 12 ? 32 : 0);
    else
        return;
    if (n >= 1 && n <= LAST_CALL)
        s->ours++;
    else
        s->foreign++;
}

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
    u8 buf[KEEP + CHUNK];
    usize kept = 0; // bytes of the chunk before, at the buffer's start
    for (u64 done = 0; done < size && !s->foreign;) {
        usize want = size - done < CHUNK ? (usize)(size - done) : CHUNK;
        usize got = fetch(p, off + done, buf + kept, want), have = kept + got;
        for (usize i = 4; i + 4 <= have; i += 2)
            if (half(buf + i) == (ECALL & 0xffff) && half(buf + i + 2) == ECALL >> 16)
                look(s, buf + i);
        if (got < want)
            return;
        done += got;
        // The last pair may reach into the next chunk; what was looked at whole must not count
        // twice.
        kept = have < 6 ? have : 6;
        __builtin_memmove(buf, buf + have - kept, kept);
    }
}

int xv6_probe(const struct exec_probe *p, char *why, usize cap)
{
    struct elf_summary s;
    if (elf_summarise(p->head, p->head_len, p->size, &s) != ELF_OK)
        return verdict(0, why, cap, "not a sound ELF file");
    if (s.class != ELF_CLASS64 || s.data != ELF_LITTLE || s.machine != ELF_MACHINE_RISCV ||
        p->machine != ELF_MACHINE_RISCV)
        return verdict(0, why, cap, "for another machine");
    if (s.type != ELF_TYPE_EXEC || s.osabi != ELF_OSABI_NONE || !s.head_has_segments)
        return verdict(0, why, cap, "not a plain static executable");
    if (!s.has_load || s.lowest_load != 0)
        return verdict(0, why, cap, "not linked at address zero");
    if (s.has_interp)
        return verdict(0, why, cap, "has an interpreter");
    struct scan scan = {0};
    for (u32 i = 0; i < s.header.phnum; i++) {
        struct elf64_segment seg = elf_segment(p->head, &s, i);
        if (seg.type == ELF_SEG_NOTE || seg.type == ELF_SEG_DYNAMIC || seg.type == ELF_SEG_TLS)
            return verdict(0, why, cap, "has notes, dynamic linking or thread storage");
        if (seg.type == ELF_SEG_LOAD && seg.flags & ELF_FLAG_X)
            scan_segment(p, seg.offset, seg.filesz, &scan);
    }
    if (scan.foreign)
        return verdict(0, why, cap,
                       "linked at address zero, but makes calls that xv6 does not have");
    if (scan.ours)
        return verdict(90, why, cap, "linked at address zero, and all its calls are xv6's");
    return verdict(40, why, cap, "static, linked at address zero, no calls found");
}
