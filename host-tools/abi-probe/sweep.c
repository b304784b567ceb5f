// Owns: the linear pass over all code of a module: who calls, jumps to and names what.
//
// Addresses that are put together from two instructions (auipc and addi, adrp and ldr) are followed
// register by register in the order of the code; a stale register can only name too much.
#include "sweep.h"
#include <stdlib.h>
#include <string.h>

const struct elf_reloc *reloc_at(const struct work *w, u64 addr)
{
    usize lo = 0, hi = w->reloc_n;
    while (lo < hi) {
        usize mid = (lo + hi) / 2;
        if (w->relocs[mid].at < addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < w->reloc_n && w->relocs[lo].at == addr ? &w->relocs[lo] : NULL;
}

i32 reloc_import(const struct work *w, const struct elf_reloc *r)
{
    if (!r || r->symbol == 0 || r->symbol >= w->e->symtab_start)
        return -1;
    return w->import_of[r->symbol];
}

struct known {
    u64 value[REG_COUNT];
    u64 mask;     // bit per register: value is known
    u64 constant; // bit per register: from a constant, not relative to the code
};

static bool knows(const struct known *k, i8 r)
{
    return r >= 0 && r < REG_COUNT && k->mask >> r & 1;
}

static void learn(struct known *k, i8 r, u64 value)
{
    if (r >= 0 && r < REG_COUNT) {
        k->value[r] = value;
        k->mask |= 1ull << r;
        k->constant &= ~(1ull << r);
    }
}

static void learn_constant(struct known *k, i8 r, u64 value)
{
    learn(k, r, value);
    if (r >= 0 && r < REG_COUNT)
        k->constant |= 1ull << r;
}

static bool is_constant(const struct known *k, i8 r)
{
    return r >= 0 && r < REG_COUNT && k->constant >> r & 1;
}

static void forget(struct known *k, i8 r)
{
    if (r >= 0 && r < REG_COUNT)
        k->mask &= ~(1ull << r);
}

static void add(struct work *w, u64 site, u32 kind, u64 target)
{
    *VEC_ADD(&w->refs) = (struct ref){site, target, kind};
}

// Only addresses inside the file's image matter.
static bool inside(const struct work *w, u64 addr)
{
    for (usize i = 0; i < w->e->maps.n; i++)
        if (addr >= w->e->maps.p[i].vaddr && addr - w->e->maps.p[i].vaddr < w->e->maps.p[i].memsz)
            return true;
    return false;
}

static void take_constant(struct work *w, u64 site, u64 value)
{
    if (w->e->type == ELF_TYPE_EXEC && inside(w, value))
        add(w, site, value < 4096 ? REF_CONST : REF_ADDR, value);
}

static void step(struct work *w, const struct insn *i, struct known *k)
{
    switch (i->op) {
    case OP_SYSCALL:
        add(w, i->addr, REF_SYSCALL, 0);
        break;
    case OP_CALL:
        add(w, i->addr, REF_CALL, i->target);
        break;
    case OP_JUMP:
    case OP_BRANCH:
        add(w, i->addr, REF_BRANCH, i->target);
        if (i->op == OP_JUMP)
            add(w, i->addr, REF_END, i->addr + i->len);
        break;
    case OP_RET:
        add(w, i->addr, REF_END, i->addr + i->len);
        break;
    case OP_CALL_REG:
    case OP_JUMP_REG:
        if (knows(k, i->rs) && inside(w, k->value[i->rs] + (u64)i->imm))
            add(w, i->addr, i->op == OP_CALL_REG ? REF_CALL : REF_BRANCH,
                k->value[i->rs] + (u64)i->imm);
        else if (i->op == OP_JUMP_REG)
            add(w, i->addr, REF_INDIRECT, 0);
        break;
    case OP_CALL_MEM:
    case OP_JUMP_MEM:
        if (i->absolute && inside(w, i->target))
            add(w, i->addr, REF_LOAD, i->target);
        else if (i->op == OP_JUMP_MEM)
            add(w, i->addr, REF_INDIRECT, 0);
        break;
    case OP_LI:
        if (w->e->type != ELF_TYPE_EXEC) { // no constant is an address where the address is not
                                           // known before loading
            forget(k, i->rd);
            return;
        }
        learn_constant(k, i->rd, (u64)i->imm);
        if (w->m->elf != ELF_MACHINE_RISCV || i->imm & 4095) // not lui alone
            take_constant(w, i->addr, (u64)i->imm);
        return;
    case OP_ADDR:
        learn(k, i->rd, i->target);
        if (w->m->elf == ELF_MACHINE_X86_64 || i->len < 4 ||
            (w->m->elf == ELF_MACHINE_AARCH64 && i->target & 4095))
            add(w, i->addr, REF_ADDR, i->target);
        return;
    case OP_ADDI: {
        if (!knows(k, i->rs))
            break;
        u64 v = k->value[i->rs] + (u64)i->imm;
        bool constant = is_constant(k, i->rs);
        if (constant)
            take_constant(w, i->addr, v);
        else if (inside(w, v))
            add(w, i->addr, REF_ADDR, v);
        learn(k, i->rd, v);
        if (constant)
            learn_constant(k, i->rd, v);
        if (i->rd == w->m->gp && !w->gp)
            w->gp = v;
        return;
    }
    case OP_MOVE:
        if (knows(k, i->rs)) {
            u64 v = k->value[i->rs];
            if (is_constant(k, i->rs))
                learn_constant(k, i->rd, v);
            else
                learn(k, i->rd, v);
            return;
        }
        break;
    case OP_LOAD:
    case OP_STORE: {
        u64 at = i->absolute ? i->target : knows(k, i->rs) ? k->value[i->rs] + (u64)i->imm : 0;
        if (at && inside(w, at))
            add(w, i->addr, REF_LOAD, at);
        if (i->op == OP_STORE)
            return;
        break;
    }
    case OP_PUSH:
        if (i->rs < 0 && i->rd2 < 0)
            take_constant(w, i->addr, (u64)i->value);
        return;
    default:
        break;
    }
    if (i->op == OP_STORE && i->rs2 < 0)
        take_constant(w, i->addr, (u64)i->value);
    if (i->op == OP_CALL || i->op == OP_CALL_REG || i->op == OP_CALL_MEM || i->op == OP_SYSCALL)
        k->mask &= w->m->kept;
    forget(k, i->rd);
    forget(k, i->rd2);
    if (w->m->gp >= 0 && w->gp)
        learn(k, w->m->gp, w->gp);
}

// Known function starts in a range, so that decoding a variable-length machine falls into step
// again.
static u64 next_frame(const struct work *w, usize *at, u64 addr)
{
    while (*at < w->e->frames.n && w->e->frames.p[*at].start <= addr)
        ++*at;
    return *at < w->e->frames.n ? w->e->frames.p[*at].start : UINT64_MAX;
}

static void sweep_range(struct work *w, struct elf_range r)
{
    struct bytes code = elf_at_most(w->e, r.start, r.end - r.start);
    struct known k = {0};
    usize frame = 0;
    u64 sync = next_frame(w, &frame, r.start);
    if (w->m->gp >= 0 && w->gp)
        learn(&k, w->m->gp, w->gp);
    for (u64 at = 0; at < code.n;) {
        struct insn i;
        u64 addr = r.start + at;
        if (addr >= sync)
            sync = next_frame(w, &frame, addr);
        decode(w->d, code, at, addr, &i);
        w->out->instructions++;
        if (i.len > sync - addr) { // it would run over a function's start
            at += sync - addr;
            continue;
        }
        step(w, &i, &k);
        at += i.len;
    }
}

// riscv: the global pointer is set once, near the entry: auipc gp; addi gp, gp.
static void find_gp(struct work *w)
{
    if (w->m->gp < 0)
        return;
    struct bytes code = elf_at_most(w->e, w->e->entry, 256);
    u64 high = 0;
    for (u64 at = 0; at < code.n;) {
        struct insn i;
        decode(w->d, code, at, w->e->entry + at, &i);
        if (i.rd == w->m->gp && i.op == OP_ADDR)
            high = i.target;
        else if (i.rd == w->m->gp && i.op == OP_ADDI && i.rs == i.rd && high)
            w->gp = high + (u64)i.imm;
        at += i.len;
    }
    // otherwise a function of its own sets it (position-independent start code), found by the sweep
}

void sweep(struct work *w)
{
    find_gp(w);
    for (usize i = 0; i < w->e->code.n; i++)
        sweep_range(w, w->e->code.p[i]);
}

i32 stub_import(struct work *w, u64 addr)
{
    struct bytes code = elf_at_most(w->e, addr, 24);
    u64 high[REG_COUNT] = {0};
    i8 loaded = REG_NONE;
    u64 slot = 0;
    for (u64 at = 0, n = 0; at < code.n && n < 5; n++) {
        struct insn i;
        decode(w->d, code, at, addr + at, &i);
        switch (i.op) {
        case OP_ADDR:
            high[i.rd] = i.target;
            break;
        case OP_ADDI:
            if (i.rs < 0 || !high[i.rs])
                return -1;
            high[i.rd] = high[i.rs] + (u64)i.imm;
            break;
        case OP_LOAD:
            if (i.rd < 0 || (!i.absolute && (i.rs < 0 || !high[i.rs])))
                return -1;
            slot = i.absolute ? i.target : high[i.rs] + (u64)i.imm;
            loaded = i.rd;
            break;
        case OP_JUMP_REG:
        case OP_CALL_REG: // riscv: jalr t1, t3
            return loaded >= 0 && i.rs == loaded && i.imm == 0 ? reloc_import(w, reloc_at(w, slot))
                                                               : -1;
        case OP_JUMP_MEM:
            return i.absolute ? reloc_import(w, reloc_at(w, i.target)) : -1;
        case OP_OTHER:
            if (i.rd >= 0)
                return -1;
            break; // endbr64, bti, nop
        default:
            return -1;
        }
        at += i.len;
    }
    return -1;
}
