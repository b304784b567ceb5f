// Owns: reading ELF (System V ABI, gABI chapters 4 and 5; GNU symbol versions and hash as in the
// LSB). Pure.
#include "elf.h"
#include "elf_private.h"
#include <stdlib.h>
#include <string.h>

static void problem(struct elf *e, const char *text)
{
    if (!e->problem)
        e->problem = text;
}

struct bytes elf_at_most(const struct elf *e, u64 addr, u64 n)
{
    for (usize i = 0; i < e->maps.n; i++) {
        const struct elf_map *m = &e->maps.p[i];
        if (addr < m->vaddr || addr - m->vaddr >= m->filesz)
            continue;
        u64 off = addr - m->vaddr;
        return slice(e->data, m->offset + off, MIN(n, m->filesz - off));
    }
    return (struct bytes){0};
}

struct bytes elf_at(const struct elf *e, u64 addr, u64 n)
{
    struct bytes b = elf_at_most(e, addr, n);
    return b.n == n ? b : (struct bytes){0};
}

bool elf_in(const struct elf_range *r, usize n, u64 addr)
{
    usize lo = 0, hi = n;
    while (lo < hi) {
        usize mid = (lo + hi) / 2;
        if (addr < r[mid].start)
            hi = mid;
        else if (addr >= r[mid].end)
            lo = mid + 1;
        else
            return true;
    }
    return false;
}

bool elf_is_code(const struct elf *e, u64 addr)
{
    return elf_in(e->code.p, e->code.n, addr);
}

// Program headers of any class and byte order.
static void read_segments(struct elf *e, u64 *dyn_addr, u64 *dyn_size)
{
    bool wide = e->class == ELF_CLASS64, ok = true;
    u64 phoff = wide ? get64(e->data, 32, e->big, &ok) : get32(e->data, 28, e->big, &ok);
    u16 size = get16(e->data, wide ? 54 : 42, e->big, &ok),
        count = get16(e->data, wide ? 56 : 44, e->big, &ok);
    if (!ok || !count)
        return;
    if (size < (wide ? 56 : 32))
        return problem(e, "program headers of unknown size");
    for (u32 i = 0; i < count; i++) {
        struct bytes h = slice(e->data, phoff + (u64)i * size, size);
        if (!h.n)
            return problem(e, "program headers outside the file");
        u32 type = get32(h, 0, e->big, &ok);
        struct elf_map m = {.flags = get32(h, wide ? 4 : 24, e->big, &ok)};
        m.offset = wide ? get64(h, 8, e->big, &ok) : get32(h, 4, e->big, &ok);
        m.vaddr = wide ? get64(h, 16, e->big, &ok) : get32(h, 8, e->big, &ok);
        m.filesz = wide ? get64(h, 32, e->big, &ok) : get32(h, 16, e->big, &ok);
        m.memsz = wide ? get64(h, 40, e->big, &ok) : get32(h, 20, e->big, &ok);
        u64 end;
        if (__builtin_add_overflow(m.vaddr, m.memsz, &end) || m.offset > e->data.n ||
            m.filesz > e->data.n - m.offset) {
            if (type == ELF_SEG_LOAD || type == ELF_SEG_DYNAMIC || type == ELF_SEG_INTERP)
                problem(e, "a segment lies outside the file");
            continue;
        }
        if (type == ELF_SEG_LOAD && m.filesz <= m.memsz)
            *VEC_ADD(&e->maps) = m;
        else if (type == ELF_SEG_DYNAMIC)
            *dyn_addr = m.vaddr, *dyn_size = m.filesz, e->dynamic = true;
        else if (type == ELF_SEG_INTERP && !e->interp && m.filesz <= 4096)
            e->interp = get_string(slice(e->data, m.offset, m.filesz), 0);
    }
}

static int by_start(const void *a, const void *b)
{
    const struct elf_range *x = a, *y = b;
    return x->start < y->start   ? -1
           : x->start > y->start ? 1
           : x->end < y->end     ? -1
                                 : x->end > y->end;
}

// Sorted, without overlaps.
static void tidy(struct elf_range *r, usize *n)
{
    if (*n == 0)
        return;
    sort(r, *n, sizeof(*r), by_start);
    usize out = 0;
    for (usize i = 0; i < *n; i++) {
        if (r[i].end <= r[i].start)
            continue;
        if (out && r[i].start < r[out - 1].end)
            r[i].start = r[out - 1].end;
        if (r[i].end > r[i].start)
            r[out++] = r[i];
    }
    *n = out;
}

struct sections {
    u64 symtab, symtab_n, strtab, strtab_n, frames, frames_n, frames_addr;
};

// Section headers are hints: a file runs without them, so nothing depends on them alone.
static void read_sections(struct elf *e, struct sections *s)
{
    bool ok = true;
    u64 shoff = get64(e->data, 40, false, &ok);
    u16 size = get16(e->data, 58, false, &ok), count = get16(e->data, 60, false, &ok),
        names = get16(e->data, 62, false, &ok);
    if (!ok || !shoff || size != 64)
        return;
    struct bytes name_header = slice(e->data, shoff + (u64)names * size, size);
    struct bytes name_table =
        slice(e->data, get64(name_header, 24, false, &ok), get64(name_header, 32, false, &ok));
    for (u32 i = 0; i < count; i++) {
        struct bytes h = slice(e->data, shoff + (u64)i * size, size);
        if (!h.n)
            return;
        ok = true;
        const char *name = get_string(name_table, get32(h, 0, false, &ok));
        u32 type = get32(h, 4, false, &ok), link = get32(h, 40, false, &ok);
        u64 flags = get64(h, 8, false, &ok), addr = get64(h, 16, false, &ok),
            off = get64(h, 24, false, &ok), n = get64(h, 32, false, &ok);
        if (!ok || !slice(e->data, off, n).n)
            continue;
        struct elf_range r = {addr, addr + n};
        if (type == 2) { // SHT_SYMTAB
            struct bytes l = slice(e->data, shoff + (u64)link * size, size);
            s->symtab = off, s->symtab_n = n, s->strtab = get64(l, 24, false, &ok),
            s->strtab_n = get64(l, 32, false, &ok);
        }
        if (!(flags & 2) || r.end < r.start ||
            elf_at(e, addr, n).p != e->data.p + off) // SHF_ALLOC, and where it says it is
            continue;
        if (flags & 4) // SHF_EXECINSTR
            *VEC_ADD(&e->code) = r;
        if (name && (strncmp(name, ".plt", 4) == 0 || strcmp(name, ".iplt") == 0))
            *VEC_ADD(&e->plt) = r;
        if (name && strncmp(name, ".got", 4) == 0)
            *VEC_ADD(&e->got) = r;
        if (name && strcmp(name, ".eh_frame") == 0)
            s->frames = off, s->frames_n = n, s->frames_addr = addr;
    }
}

static void whole_segments(struct elf *e)
{
    for (usize i = 0; i < e->maps.n; i++)
        if (e->maps.p[i].flags & ELF_FLAG_X && e->maps.p[i].filesz)
            *VEC_ADD(&e->code) =
                (struct elf_range){e->maps.p[i].vaddr, e->maps.p[i].vaddr + e->maps.p[i].filesz};
}

static void read_symtab(struct elf *e, const struct sections *s)
{
    struct bytes table = slice(e->data, s->symtab, s->symtab_n),
                 strings = slice(e->data, s->strtab, s->strtab_n);
    for (u64 at = 24; at + 24 <= table.n; at += 24) {
        bool ok = true;
        u8 info = table.p[at + 4];
        u8 type = info & 15;
        struct elf_symbol y = {get_string(strings, get32(table, at, false, &ok)),
                               NULL,
                               get64(table, at + 8, false, &ok),
                               get64(table, at + 16, false, &ok),
                               type,
                               info >> 4,
                               get16(table, at + 6, false, &ok) != 0,
                               false};
        if (y.name && *y.name && y.defined &&
            (type == SYM_FUNC || type == SYM_OBJECT || type == SYM_IFUNC))
            *VEC_ADD(&e->symbols) = y;
    }
}

void elf_read(struct bytes data, struct elf *e)
{
    *e = (struct elf){.data = data};
    bool ok = true;
    if (data.n < 20 || memcmp(data.p, "\177ELF", 4) != 0)
        return problem(e, "not an ELF file");
    e->class = data.p[ELF_CLASS];
    e->osabi = data.p[ELF_OSABI];
    e->big = data.p[ELF_DATA] == ELF_BIG;
    e->type = get16(data, 16, e->big, &ok);
    e->machine = get16(data, 18, e->big, &ok);
    if (e->class != ELF_CLASS32 && e->class != ELF_CLASS64)
        return problem(e, "unknown class");
    e->entry =
        e->class == ELF_CLASS64 ? get64(data, 24, e->big, &ok) : get32(data, 24, e->big, &ok);
    e->flags = get32(data, e->class == ELF_CLASS64 ? 48 : 36, e->big, &ok);
    if (!ok)
        return problem(e, "file ends inside the ELF header");
    u64 dyn = 0, dyn_n = 0;
    read_segments(e, &dyn, &dyn_n);
    if (e->class != ELF_CLASS64 || e->big || (e->type != ELF_TYPE_EXEC && e->type != ELF_TYPE_DYN))
        return;
    struct sections s = {0};
    read_sections(e, &s);
    if (e->code.n == 0)
        whole_segments(e);
    tidy(e->code.p, &e->code.n);
    tidy(e->plt.p, &e->plt.n);
    tidy(e->got.p, &e->got.n);
    if (e->entry)
        *VEC_ADD(&e->roots) = e->entry;
    if (e->dynamic)
        elf_read_dynamic(e, dyn, dyn_n);
    e->static_pie = e->dynamic && !e->interp && !e->needed.n && !e->soname;
    e->symtab_start = e->symbols.n;
    if (s.symtab_n)
        read_symtab(e, &s);
    if (s.frames_n)
        elf_read_frames(e, slice(e->data, s.frames, s.frames_n), s.frames_addr);
    tidy(e->frames.p, &e->frames.n);
}

void elf_free(struct elf *e)
{
    VEC_FREE(&e->maps);
    VEC_FREE(&e->needed);
    VEC_FREE(&e->symbols);
    VEC_FREE(&e->relocs);
    VEC_FREE(&e->needs);
    VEC_FREE(&e->defines);
    VEC_FREE(&e->roots);
    VEC_FREE(&e->pieces);
    VEC_FREE(&e->code);
    VEC_FREE(&e->plt);
    VEC_FREE(&e->got);
    VEC_FREE(&e->frames);
}
