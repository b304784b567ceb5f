// Looks at the start of an ELF file and trusts nothing in it. Freestanding: also compiled into the
// offline probe.
#include <exec/probe.h>

static void copy(void *dst, const void *src, usize n)
{
    __builtin_memcpy(dst, src, n);
}

static enum elf_verdict damaged(struct elf_summary *s, const char *why, u64 offset)
{
    s->problem = why;
    s->problem_offset = offset;
    return ELF_DAMAGED;
}

struct elf64_segment elf_segment(const u8 *head, const struct elf_summary *s, u32 i)
{
    struct elf64_segment seg;
    copy(&seg, head + s->header.phoff + (u64)i * sizeof(seg), sizeof(seg));
    return seg;
}

static enum elf_verdict check_segments(const u8 *head, u64 size, struct elf_summary *s)
{
    s->lowest_load = UINT64_MAX;
    u64 last_end = 0;
    for (u32 i = 0; i < s->header.phnum; i++) {
        u64 at = s->header.phoff + i * sizeof(struct elf64_segment);
        struct elf64_segment p = elf_segment(head, s, i);
        if (p.type == ELF_SEG_INTERP) {
            if (s->has_interp)
                return damaged(s, "more than one interpreter", at);
            if (p.filesz < 2 || p.filesz > 4096 || p.offset > size || p.filesz > size - p.offset)
                return damaged(s, "interpreter name outside the file or of absurd length", at);
            s->has_interp = true;
        }
        if (p.type != ELF_SEG_LOAD)
            continue;
        if (p.filesz > p.memsz)
            return damaged(s, "segment larger in the file than in memory", at);
        if (p.offset > size || p.filesz > size - p.offset)
            return damaged(s, "segment reaches past the end of the file", at);
        u64 end;
        if (__builtin_add_overflow(p.vaddr, p.memsz, &end) || end >> 47)
            return damaged(s, "segment outside user addresses", at);
        if ((p.vaddr ^ p.offset) & 4095 && p.filesz)
            s->unpageable = true;
        if (s->has_load && p.vaddr < last_end)
            return damaged(s, "segments overlap or are not in order", at);
        last_end = end;
        s->has_load = true;
        if (p.vaddr < s->lowest_load)
            s->lowest_load = p.vaddr;
    }
    return ELF_OK;
}

enum elf_verdict elf_summarise(const u8 *head, usize len, u64 size, struct elf_summary *s)
{
    *s = (struct elf_summary){0};
    if (len < 4 || head[0] != 0x7f || head[1] != 'E' || head[2] != 'L' || head[3] != 'F')
        return ELF_NOT_ELF;
    if (len < 20)
        return damaged(s, "file ends inside the ELF header", len);
    s->class = head[ELF_CLASS];
    s->data = head[ELF_DATA];
    s->osabi = head[ELF_OSABI];
    if (s->class != ELF_CLASS32 && s->class != ELF_CLASS64)
        return damaged(s, "unknown ELF class", ELF_CLASS);
    if (s->data != ELF_LITTLE && s->data != ELF_BIG)
        return damaged(s, "unknown byte order", ELF_DATA);
    if (head[ELF_VERSION] != 1)
        return damaged(s, "unknown ELF version", ELF_VERSION);
    bool little = s->data == ELF_LITTLE;
    s->type = little ? (u16)(head[16] | head[17] << 8) : (u16)(head[17] | head[16] << 8);
    s->machine = little ? (u16)(head[18] | head[19] << 8) : (u16)(head[19] | head[18] << 8);
    if (s->class != ELF_CLASS64 || !little)
        return ELF_OK; // some other machine's: recognised, no more
    if (len < sizeof(s->header))
        return damaged(s, "file ends inside the ELF header", len);
    copy(&s->header, head, sizeof(s->header));
    if (s->type != ELF_TYPE_EXEC && s->type != ELF_TYPE_DYN)
        return ELF_OK; // objects and cores have no segments to check
    if (s->header.phentsize != sizeof(struct elf64_segment) || s->header.phnum == 0)
        return damaged(s, "no program headers, or of unknown size", 54);
    u64 table = (u64)s->header.phnum * sizeof(struct elf64_segment);
    if (s->header.phoff > size || table > size - s->header.phoff)
        return damaged(s, "program headers outside the file", 32);
    if (table > 4096 * 16)
        return damaged(s, "more program headers than any program has", 56);
    if (s->header.phoff > len || table > len - s->header.phoff)
        return ELF_OK; // the caller reads further
    s->head_has_segments = true;
    return check_segments(head, size, s);
}
