// Maps the segments of an ELF file into an address space under construction. Every number in the
// file was checked by elf_summarise or is checked here; failures leave the space to be thrown away
// by the caller.
#include <exec/exec.h>
#include <kerr.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <object/object.h>

static int read_at(struct object *file, u64 pos, void *dst, usize n)
{
    struct iobuf buf;
    iobuf_kernel(&buf, dst, n);
    i64 got = file->type->read(file, &buf, &pos);
    if (got < 0)
        return (int)got;
    return (usize)got == n ? 0 : -E_NOEXEC;
}

static u32 vma_flags_of(u32 elf_flags)
{
    u32 f = VMA_MAYREAD | VMA_MAYWRITE | VMA_MAYEXEC;
    if (elf_flags & ELF_FLAG_R)
        f |= VMA_READ;
    if (elf_flags & ELF_FLAG_W)
        f |= VMA_WRITE;
    if (elf_flags & ELF_FLAG_X)
        f |= VMA_EXEC;
    return f;
}

// Zeroes [from, to) of mapped private memory through its own pages.
static int clear_range(struct aspace *as, u64 from, u64 to)
{
    static const u8 zeroes[256];
    while (from < to) {
        usize n = MIN(sizeof(zeroes), to - from);
        if (aspace_write(as, from, zeroes, n) != (i64)n)
            return -E_NOMEM;
        from += n;
    }
    return 0;
}

static int map_segment(struct exec_build *b, struct object *file, const struct elf64_segment *p,
                       u64 bias)
{
    u64 start = ALIGN_DOWN(p->vaddr + bias, PAGE_SIZE), file_end = p->vaddr + bias + p->filesz;
    u64 mem_end = ALIGN_UP(p->vaddr + bias + p->memsz, PAGE_SIZE),
        map_end = ALIGN_UP(file_end, PAGE_SIZE);
    u32 flags = vma_flags_of(p->flags);
    if (p->filesz) {
        struct map_request r = {.addr = start,
                                .len = map_end - start,
                                .flags = flags,
                                .how = MAP_REQ_FIXED | MAP_REQ_NOREPLACE | MAP_REQ_LOW,
                                .offset = ALIGN_DOWN(p->offset, PAGE_SIZE)};
        int err = file->type->map ? file->type->map(file, &r) : -E_NOEXEC;
        if (err)
            return err;
        i64 at = aspace_map(b->as, &r);
        if (at < 0)
            return (int)at;
        if (p->flags & ELF_FLAG_W && p->memsz > p->filesz) {
            // To the end of the page: interpreters allocate from there and count on zeroes.
            err = clear_range(b->as, file_end, map_end);
            if (err)
                return err;
        }
    } else {
        map_end = start;
    }
    if (mem_end > map_end) {
        struct map_request r = {.addr = map_end,
                                .len = mem_end - map_end,
                                .flags = flags,
                                .how = MAP_REQ_FIXED | MAP_REQ_NOREPLACE | MAP_REQ_LOW};
        i64 at = aspace_map(b->as, &r);
        if (at < 0)
            return (int)at;
    }
    return 0;
}

// Picks the bias of a position-independent file: the whole span must be free at `base`, or
// anywhere.
static int choose_bias(struct exec_build *b, u64 base, u64 low, u64 high, u64 align, u64 *bias)
{
    u64 span = ALIGN_UP(high, PAGE_SIZE) - ALIGN_DOWN(low, PAGE_SIZE);
    if (base) {
        *bias = ALIGN_UP(base, align) - ALIGN_DOWN(low, PAGE_SIZE);
        return 0;
    }
    struct map_request r = {.len = span + align, .flags = VMA_MAYREAD};
    i64 at = aspace_map(b->as, &r); // reserve, then give back: the segments take its place
    if (at < 0)
        return (int)at;
    int err = aspace_unmap(b->as, (u64)at, r.len);
    *bias = ALIGN_UP((u64)at, align) - ALIGN_DOWN(low, PAGE_SIZE);
    return err;
}

static int load_interp_name(struct object *file, const struct elf64_segment *p,
                            struct elf_image *out)
{
    out->interp = kmalloc(p->filesz, 0);
    if (!out->interp)
        return -E_NOMEM;
    int err = read_at(file, p->offset, out->interp, p->filesz);
    if (!err && out->interp[p->filesz - 1] != 0)
        err = -E_NOEXEC;
    return err;
}

// phoff: where the program headers lie in the file (in `head` they may have moved).
static int load_segments(struct exec_build *b, struct object *file, const struct elf_summary *s,
                         const u8 *head, u64 phoff, u64 base, struct elf_image *out)
{
    u64 low = UINT64_MAX, high = 0, align = PAGE_SIZE;
    int err;
    out->stack_exec = 0;
    for (u32 i = 0; i < s->header.phnum; i++) {
        struct elf64_segment p = elf_segment(head, s, i);
        if (p.type == ELF_SEG_LOAD && p.memsz) {
            low = MIN(low, p.vaddr);
            high = MAX(high, p.vaddr + p.memsz);
            if (p.align > align && (p.align & (p.align - 1)) == 0 && p.align <= 1ul << 30)
                align = p.align;
        } else if (p.type == ELF_SEG_GNU_STACK) {
            out->stack_exec = p.flags & ELF_FLAG_X;
        } else if (p.type == ELF_SEG_INTERP && !out->interp) {
            err = load_interp_name(file, &p, out);
            if (err)
                return err;
        }
    }
    if (low >= high || s->unpageable)
        return -E_NOEXEC;
    out->bias = 0;
    if (s->type == ELF_TYPE_DYN) {
        err = choose_bias(b, base, low, high, align, &out->bias);
        if (err)
            return err;
    }
    if (high + out->bias < high || high + out->bias > arch_user_top())
        return -E_NOEXEC;
    out->low = low + out->bias;
    out->high = high + out->bias;
    out->entry = s->header.entry + out->bias;
    out->phnum = s->header.phnum;
    out->phdr = 0;
    out->code_start = out->data_start = UINT64_MAX;
    out->code_end = out->data_end = out->brk = 0;
    for (u32 i = 0; i < s->header.phnum; i++) {
        struct elf64_segment p = elf_segment(head, s, i);
        if (p.type != ELF_SEG_LOAD || !p.memsz)
            continue;
        err = map_segment(b, file, &p, out->bias);
        if (err)
            return err;
        u64 at = p.vaddr + out->bias;
        if (phoff >= p.offset && phoff < p.offset + p.filesz)
            out->phdr = at + (phoff - p.offset);
        if (p.flags & ELF_FLAG_X) {
            out->code_start = MIN(out->code_start, at);
            out->code_end = MAX(out->code_end, at + p.filesz);
        } else {
            out->data_start = MIN(out->data_start, at);
            out->data_end = MAX(out->data_end, at + p.filesz);
        }
        out->brk = MAX(out->brk, at + p.memsz);
    }
    return 0;
}

int elf_load(struct exec_build *b, struct object *file, u64 base, struct elf_image *out)
{
    *out = (struct elf_image){0};
    struct attr attr;
    int err = file->type->getattr(file, &attr);
    if (err)
        return err;
    usize want = MIN(attr.size, PAGE_SIZE);
    u8 *head = page_alloc(0);
    if (!head)
        return -E_NOMEM;
    struct elf_summary s;
    err = read_at(file, 0, head, want);
    if (!err && (elf_summarise(head, want, attr.size, &s) != ELF_OK || s.class != ELF_CLASS64 ||
                 s.data != ELF_LITTLE || (s.type != ELF_TYPE_EXEC && s.type != ELF_TYPE_DYN)))
        err = -E_NOEXEC;
    u8 *table = NULL;
    const u8 *view = head;
    u64 phoff = s.header.phoff;
    if (!err && !s.head_has_segments) { // program headers further in: read them next to a copy of
                                        // the header
        usize bytes = s.header.phnum * sizeof(struct elf64_segment),
              total = sizeof(s.header) + bytes;
        table = kmalloc(total, 0);
        err = table ? read_at(file, s.header.phoff, table + sizeof(s.header), bytes) : -E_NOMEM;
        if (!err) {
            struct elf64_header h = s.header;
            h.phoff = sizeof(h);
            memcpy(table, &h, sizeof(h));
            if (elf_summarise(table, total, attr.size, &s) != ELF_OK || !s.head_has_segments)
                err = -E_NOEXEC;
            view = table;
        }
    }
    if (!err)
        err = load_segments(b, file, &s, view, phoff, base, out);
    kfree(table);
    page_free(head);
    if (err) {
        kfree(out->interp);
        out->interp = NULL;
    }
    return err;
}
