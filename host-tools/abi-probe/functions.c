// Owns: where functions begin and end, whether they come back, and the pointers in data (slots).
//
// Functions begin at frames of .eh_frame, symbols, call targets and, outside frames, wherever an
// address is taken and where code falls apart. What has no known beginning belongs to the function
// before it. That makes functions too large rather than too small.
#include "sweep.h"
#include <stdlib.h>
#include <string.h>

int compare_addresses(const void *a, const void *b)
{
    const u64 *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

usize unique_addresses(u64 *p, usize n)
{
    if (!n)
        return 0;
    sort(p, n, sizeof(*p), compare_addresses);
    usize out = 1;
    for (usize i = 1; i < n; i++)
        if (p[i] != p[out - 1])
            p[out++] = p[i];
    return out;
}

static bool may_start(const struct work *w, u64 addr)
{
    return elf_is_code(w->e, addr) && !elf_in(w->e->plt.p, w->e->plt.n, addr);
}

// The slots first (they name functions), then the functions.
static void add_slot(struct work *w, u64 at, u64 target, i32 import)
{
    *VEC_ADD(&w->out->slots) = (struct mod_slot){.at = at, .target = target, .import = import};
}

static bool in_maps(const struct elf *e, u64 addr)
{
    for (usize i = 0; i < e->maps.n; i++)
        if (addr >= e->maps.p[i].vaddr && addr - e->maps.p[i].vaddr < e->maps.p[i].memsz)
            return true;
    return false;
}

static int by_slot(const void *a, const void *b)
{
    const struct mod_slot *x = a, *y = b;
    return (x->at > y->at) - (x->at < y->at);
}

// Small numbers are common in data. In a program linked at address zero one is the address of code
// only if something may begin there: behind a return or jump.
static bool plausible(const struct work *w, u64 v)
{
    if (v >= 4096 || !elf_is_code(w->e, v))
        return true;
    for (usize i = 0; i < w->refs.n && w->refs.p[i].site < v; i++)
        if (w->refs.p[i].kind == REF_END && w->refs.p[i].target == v)
            return true;
    return false;
}

void find_slots(struct work *w)
{
    const struct elf *e = w->e;
    for (usize i = 0; i < w->reloc_n; i++) {
        const struct elf_reloc *r = &w->relocs[i];
        i32 import = reloc_import(w, r);
        if (import >= 0)
            add_slot(w, r->at, 0, import);
        else if (r->symbol && r->symbol < e->symtab_start)
            add_slot(w, r->at, e->symbols.p[r->symbol].value + r->addend, -1);
        else if (r->symbol == 0)
            add_slot(w, r->at, r->addend, -1);
    }
    if (e->type == ELF_TYPE_EXEC) // no relocations: every word that could be an address
        for (usize i = 0; i < e->maps.n; i++) {
            const struct elf_map *m = &e->maps.p[i];
            for (u64 at = (m->vaddr + 7) & ~7ull; at - m->vaddr + 8 <= m->filesz; at += 8) {
                bool ok = true;
                u64 v = get64(slice(e->data, m->offset + (at - m->vaddr), 8), 0, false, &ok);
                if (ok && in_maps(e, v) && !elf_is_code(e, at) && !reloc_at(w, at) &&
                    plausible(w, v))
                    add_slot(w, at, v, -1);
            }
        }
    sort(w->out->slots.p, w->out->slots.n, sizeof(*w->out->slots.p), by_slot);
}

// Slots that belong together: close to each other, and nothing refers to an address between them.
void group_slots(struct work *w)
{
    struct module *m = w->out;
    u32 group = 0;
    usize start = 0;
    for (usize i = 0; i < m->slots.n; i++) {
        struct mod_slot *s = &m->slots.p[i];
        usize before = start;
        while (start < m->starts.n && m->starts.p[start] <= s->at)
            start++;
        bool got = elf_in(w->e->got.p, w->e->got.n, s->at);
        if (i && (got || s->at - s[-1].at > 32 || (start != before)))
            group++;
        s->group = group;
    }
}

struct starts {
    u64 *p;
    usize n, cap;
};
struct span {
    u64 at;
    i32 depth; // +1: a jump's range begins behind at, -1: it ends
};

static int by_place(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return x->depth - y->depth;
}

// Where code without frames and names falls apart: behind a return or jump, where no jump leads
// across, in a stretch [from, to) between known starts. ref: the first reference in it; the first
// one behind it is returned.
static usize split(struct work *w, u64 from, u64 to, usize ref, struct starts *out)
{
    VEC(struct span) v = {0};
    bool whole = true;
    usize first = ref;
    for (; ref < w->refs.n && w->refs.p[ref].site < to; ref++) {
        const struct ref *r = &w->refs.p[ref];
        whole &= r->kind != REF_INDIRECT;
        if (r->kind == REF_BRANCH && r->target >= from && r->target < to) {
            *VEC_ADD(&v) = (struct span){MIN(r->site, r->target), 1};
            *VEC_ADD(&v) = (struct span){MAX(r->site, r->target), -1};
        }
    }
    sort(v.p, v.n, sizeof(*v.p), by_place);
    i32 depth = 0;
    usize at = 0;
    for (usize i = first; i < ref && whole; i++) {
        const struct ref *r = &w->refs.p[i];
        if (r->kind != REF_END || r->target >= to)
            continue;
        for (; at < v.n && v.p[at].at < r->target; at++)
            depth += v.p[at].depth;
        if (depth == 0)
            *VEC_ADD(out) = r->target;
    }
    VEC_FREE(&v);
    return ref;
}

// Adds the pieces of code outside of frames to the sorted starts.
static void split_nameless(struct work *w, struct starts *v)
{
    usize known = v->n, ref = 0;
    for (usize i = 0; i < known; i++) {
        u64 from = v->p[i], to = i + 1 < known ? v->p[i + 1] : UINT64_MAX;
        if (elf_in(w->e->frames.p, w->e->frames.n, from))
            continue;
        for (usize c = 0; c < w->e->code.n; c++)
            if (from >= w->e->code.p[c].start && from < w->e->code.p[c].end)
                to = MIN(to, w->e->code.p[c].end);
        while (ref < w->refs.n && w->refs.p[ref].site < from)
            ref++;
        usize before = v->n;
        ref = split(w, from, to, ref, v);
        usize out = before;
        for (usize k = before; k < v->n; k++)
            if (may_start(w, v->p[k]) && !elf_in(w->e->frames.p, w->e->frames.n, v->p[k]))
                v->p[out++] = v->p[k];
        v->n = out;
    }
    v->n = unique_addresses(v->p, v->n);
}

static void find_starts(struct work *w, u64 **starts, usize *n)
{
    const struct elf *e = w->e;
    struct starts v = {0};
    for (usize i = 0; i < e->frames.n; i++)
        if (may_start(w, e->frames.p[i].start))
            *VEC_ADD(&v) = e->frames.p[i].start;
    usize frames = v.n;
    for (usize i = 0; i < e->symbols.n; i++)
        if (e->symbols.p[i].defined &&
            (e->symbols.p[i].type == SYM_FUNC || e->symbols.p[i].type == SYM_IFUNC))
            *VEC_ADD(&v) = e->symbols.p[i].value;
    for (usize i = 0; i < e->roots.n; i++)
        *VEC_ADD(&v) = e->roots.p[i];
    for (usize i = 0; i < w->out->slots.n; i++)
        if (w->out->slots.p[i].import < 0)
            *VEC_ADD(&v) = w->out->slots.p[i].target;
    for (usize i = 0; i < w->refs.n; i++) {
        const struct ref *r = &w->refs.p[i];
        bool jump = r->kind == REF_BRANCH && elf_in(e->frames.p, e->frames.n, r->site);
        if ((r->kind == REF_CALL || r->kind == REF_ADDR || jump) && stub_known(w, r->target) < 0)
            *VEC_ADD(&v) = r->target;
    }
    usize out = frames;
    for (usize i = frames; i < v.n; i++)
        if (may_start(w, v.p[i]) && !elf_in(e->frames.p, e->frames.n, v.p[i]))
            v.p[out++] = v.p[i];
    v.n = unique_addresses(v.p, out);
    split_nameless(w, &v);
    *n = v.n;
    *starts = v.p;
}

// Ends at the frame's end, at the next start, or where the code ends.
static u64 end_of(const struct elf *e, u64 start, u64 next)
{
    for (usize lo = 0, hi = e->frames.n; lo < hi;) {
        usize mid = (lo + hi) / 2;
        if (e->frames.p[mid].start == start)
            return MIN(e->frames.p[mid].end, next);
        if (e->frames.p[mid].start < start)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (usize i = 0; i < e->code.n; i++)
        if (start >= e->code.p[i].start && start < e->code.p[i].end)
            return MIN(next, e->code.p[i].end);
    return start;
}

void find_functions(struct work *w)
{
    u64 *starts;
    usize n;
    find_starts(w, &starts, &n);
    usize ref = 0;
    u64 covered = 0;
    for (usize i = 0; i <= n; i++) {
        u64 next = i < n ? starts[i] : UINT64_MAX;
        // code between functions that does something: nobody says where it begins
        while (ref < w->refs.n && w->refs.p[ref].site < next) {
            const struct ref *r = &w->refs.p[ref++];
            if (r->site < covered || !may_start(w, r->site) ||
                (r->kind != REF_SYSCALL && r->kind != REF_CALL))
                continue;
            u64 start = MAX(covered, r->site & ~1023ull), end = end_of(w->e, r->site, next);
            while (start < r->site && !may_start(w, start))
                start += 4;
            *VEC_ADD(&w->out->funcs) =
                (struct mod_func){.start = start, .end = end, .flags = FUNC_ORPHAN};
            covered = end;
        }
        if (i == n)
            break;
        u64 end = end_of(w->e, next, i + 1 < n ? starts[i + 1] : UINT64_MAX);
        if (next >= covered && end > next) {
            *VEC_ADD(&w->out->funcs) = (struct mod_func){.start = next, .end = end};
            covered = end;
        }
    }
    free(starts);
}

// A function without a return, a jump through a register or a jump elsewhere never comes back.
static bool look_for_return(struct work *w, const struct mod_func *f)
{
    struct bytes code = elf_at_most(w->e, f->start, f->end - f->start);
    struct insn i = {.op = OP_RET};
    for (u64 at = 0; at < code.n; at += i.len) {
        decode(w->d, code, at, f->start + at, &i);
        bool leaves =
            (i.op == OP_JUMP || i.op == OP_BRANCH) && (i.target < f->start || i.target >= f->end);
        if (i.op == OP_RET || i.op == OP_JUMP_REG || i.op == OP_JUMP_MEM || leaves)
            return true;
    }
    return i.op != OP_JUMP && i.op != OP_STOP && i.op != OP_CALL;
}

bool comes_back(struct work *w, u64 target)
{
    static const char *const names[] = {
        "abort",         "exit",    "_exit",      "__stack_chk_fail",
        "__assert_fail", "longjmp", "siglongjmp", "__cxa_throw"};
    i32 import = stub_known(w, target);
    for (usize i = 0; import >= 0 && i < ARRAY_LEN(names); i++)
        if (strcmp(module_name(w->out, w->out->imports.p[import].name), names[i]) == 0)
            return false;
    u32 f = import >= 0 ? UINT32_MAX : module_func_at(w->out, target);
    if (f == UINT32_MAX || w->out->funcs.p[f].start != target)
        return true;
    if (!w->comes_back[f])
        w->comes_back[f] = look_for_return(w, &w->out->funcs.p[f]) ? 1 : 2;
    return w->comes_back[f] == 1;
}
