// Owns: interpretation of one function with sets of possible values: constants, what the caller had
// in a register or on the stack, or an import's address. Values flow forward along the jumps until
// nothing changes; at most four values are kept apart.
#include "sweep.h"
#include <stdlib.h>
#include <string.h>

enum { ELEMENTS = 4, TOP = 255, STACK_SLOTS = 24, MAX_BLOCKS = 3000, MAX_INSNS = 400000 };
enum { IS_CONST, IS_ENTRY, IS_IMPORT };

struct element {
    u8 kind, place;
    i64 v; // constant, addend or import
};
struct value {
    u8 n; // TOP: anything
    struct element e[ELEMENTS];
};
struct state {
    bool reached;
    u8 slots;
    i64 offset[STACK_SLOTS]; // from the stack pointer on entry
    struct value stack[STACK_SLOTS];
    struct value reg[REG_COUNT];
};
struct block {
    u32 first, n; // instructions
    bool has_source, dirty;
    struct state in;
};
struct run {
    struct work *w;
    u32 f;
    const struct flow_client *client;
    VEC(struct insn) code;
    VEC(struct block) blocks;
    u32 *block_of; // per instruction: block that begins there, or UINT32_MAX
    bool report;
};

static const struct value top = {.n = TOP};

static struct value one(u8 kind, u8 place, i64 v)
{
    return (struct value){.n = 1, .e = {{kind, place, v}}};
}

static bool join(struct value *a, const struct value *b)
{
    if (a->n == TOP)
        return false;
    if (b->n == TOP) {
        *a = top;
        return true;
    }
    bool changed = false;
    for (u8 i = 0; i < b->n; i++) {
        bool have = false;
        for (u8 k = 0; k < a->n; k++)
            have |= a->e[k].kind == b->e[i].kind && a->e[k].place == b->e[i].place &&
                    a->e[k].v == b->e[i].v;
        if (have)
            continue;
        changed = true;
        if (a->n == ELEMENTS) {
            *a = top;
            return true;
        }
        a->e[a->n++] = b->e[i];
    }
    return changed;
}

static bool join_state(struct state *a, const struct state *b)
{
    if (!a->reached) {
        *a = *b;
        return true;
    }
    bool changed = false;
    for (int r = 0; r < REG_COUNT; r++)
        changed |= join(&a->reg[r], &b->reg[r]);
    for (u8 i = 0; i < a->slots;) {
        u8 k = 0;
        while (k < b->slots && b->offset[k] != a->offset[i])
            k++;
        if (k < b->slots) {
            changed |= join(&a->stack[i], &b->stack[k]);
            i++;
        } else { // not known on one way in
            a->slots--;
            a->offset[i] = a->offset[a->slots];
            a->stack[i] = a->stack[a->slots];
            changed = true;
        }
    }
    return changed;
}

static struct value reg(const struct state *s, i8 r)
{
    return r >= 0 && r < REG_COUNT ? s->reg[r] : top;
}

static void set(struct state *s, i8 r, struct value v)
{
    if (r >= 0 && r < REG_COUNT)
        s->reg[r] = v;
}

static struct value plus(struct value v, i64 n)
{
    for (u8 i = 0; v.n != TOP && i < v.n; i++) {
        if (v.e[i].kind == IS_IMPORT && n)
            return top;
        v.e[i].v = (i64)((u64)v.e[i].v + (u64)n);
    }
    return v;
}

// The offset from the entry's stack pointer that an address has, if it has one.
static bool on_stack(const struct run *x, struct value base, i64 imm, i64 *offset)
{
    if (base.n != 1 || base.e[0].kind != IS_ENTRY || base.e[0].place != x->w->m->sp)
        return false;
    *offset = (i64)((u64)base.e[0].v + (u64)imm);
    return true;
}

static struct value stack_read(const struct state *s, i64 offset)
{
    for (u8 i = 0; i < s->slots; i++)
        if (s->offset[i] == offset)
            return s->stack[i];
    if (offset >= 0 && offset < (PLACES - PLACE_STACK) * 8 && offset % 8 == 0)
        return one(IS_ENTRY, (u8)(PLACE_STACK + offset / 8), 0);
    return top;
}

static void stack_write(struct state *s, i64 offset, struct value v)
{
    u8 i = 0;
    while (i < s->slots && s->offset[i] != offset)
        i++;
    if (i == STACK_SLOTS) { // forget the first: it becomes unknown, not what it was on entry
        if (v.n == TOP && offset < 0)
            return;
        i = 0;
    }
    if (i == s->slots)
        s->slots++;
    s->offset[i] = offset;
    s->stack[i] = v;
}

static struct value memory_read(const struct run *x, const struct state *s, const struct insn *i)
{
    u64 at = i->target;
    struct value base = i->absolute ? one(IS_CONST, 0, 0) : reg(s, i->rs);
    i64 offset;
    if (!i->absolute && on_stack(x, base, i->imm, &offset))
        return stack_read(s, offset);
    if (!i->absolute) {
        if (base.n != 1 || base.e[0].kind != IS_CONST)
            return top;
        at = (u64)base.e[0].v + (u64)i->imm;
    }
    i32 import = reloc_import(x->w, reloc_at(x->w, at));
    return import >= 0 ? one(IS_IMPORT, 0, import) : top;
}

// A value that will be a call number.
static void number(struct run *x, u64 site, struct value v)
{
    if (!x->report)
        return;
    if (v.n == TOP)
        x->client->found(x->client->of, site, '?', 0);
    for (u8 k = 0; v.n != TOP && k < v.n; k++) {
        const struct element *e = &v.e[k];
        if (e->kind == IS_CONST)
            x->client->found(x->client->of, site, 'c', (i64)(u32)e->v);
        else if (e->kind == IS_ENTRY && e->v == 0 && e->place != x->w->m->sp && e->place < PLACES)
            x->client->found(x->client->of, site, 'p', e->place);
        else
            x->client->found(x->client->of, site, '?', 0);
    }
}

static struct value at_place(const struct run *x, const struct state *s, u32 place, bool call)
{
    if (place < PLACE_STACK)
        return reg(s, (i8)place);
    i64 offset, above = (i64)(place - PLACE_STACK) * 8;
    if (x->w->m->elf == ELF_MACHINE_X86_64 && call) // the call pushes the return address
        above -= 8;
    return above >= 0 && on_stack(x, reg(s, x->w->m->sp), above, &offset) ? stack_read(s, offset)
                                                                          : top;
}

static void transfer_import(struct run *x, const struct state *s, u64 site, i32 import, bool call)
{
    int place = import >= 0 ? watched_place(x->w, (u32)import) : -1;
    if (place >= 0)
        number(x, site, at_place(x, s, (u32)place, call));
}

// Control goes to target with these registers.
static void transfer(struct run *x, const struct state *s, u64 site, u64 target, bool call)
{
    if (!x->report)
        return;
    transfer_import(x, s, site, stub_known(x->w, target), call);
    u32 to = module_func_at(x->w->out, target);
    if (to == UINT32_MAX)
        return;
    for (u32 place = 0; place < PLACES; place++)
        if (x->client->wrapper(x->client->of, to, place))
            number(x, site, at_place(x, s, place, call));
}

static void indirect(struct run *x, const struct state *s, const struct insn *i, bool call)
{
    if (!x->report)
        return;
    if (i->op == OP_CALL_MEM || i->op == OP_JUMP_MEM) {
        if (i->absolute)
            transfer_import(x, s, i->addr, reloc_import(x->w, reloc_at(x->w, i->target)), call);
        return;
    }
    struct value v = reg(s, i->rs);
    for (u8 k = 0; v.n != TOP && k < v.n; k++) {
        if (v.e[k].kind == IS_IMPORT && i->imm == 0)
            transfer_import(x, s, i->addr, (i32)v.e[k].v, call);
        else if (v.e[k].kind == IS_CONST)
            transfer(x, s, i->addr, (u64)v.e[k].v + (u64)i->imm, call);
    }
}

static void step(struct run *x, struct state *s, const struct insn *i)
{
    const struct machine *m = x->w->m;
    i64 offset;
    switch (i->op) {
    case OP_SYSCALL:
        number(x, i->addr, reg(s, m->number));
        set(s, m->result, top);
        if (m->elf == ELF_MACHINE_X86_64)
            set(s, 1, top);
        return;
    case OP_CALL:
    case OP_CALL_END:
        transfer(x, s, i->addr, i->target, true);
        break;
    case OP_CALL_REG:
    case OP_CALL_MEM:
        indirect(x, s, i, true);
        break;
    case OP_LI:
        set(s, i->rd, one(IS_CONST, 0, i->imm));
        return;
    case OP_ADDR:
        set(s, i->rd, one(IS_CONST, 0, (i64)i->target));
        return;
    case OP_MOVE:
        set(s, i->rd, reg(s, i->rs));
        return;
    case OP_ADDI:
        set(s, i->rd, plus(reg(s, i->rs), i->imm));
        return;
    case OP_SELECT: {
        struct value v = reg(s, i->rs), other = plus(reg(s, i->rs2), i->imm);
        join(&v, &other);
        set(s, i->rd, v);
        return;
    }
    case OP_LOAD:
        set(s, i->rd, i->value ? top : memory_read(x, s, i));
        if (i->rd2 >= 0)
            set(s, i->rd2, top);
        if (i->writes_back)
            set(s, i->rs, top);
        return;
    case OP_STORE:
        if (!i->absolute && on_stack(x, reg(s, i->rs), i->imm, &offset))
            stack_write(s, offset, i->rs2 < 0 ? one(IS_CONST, 0, i->value) : reg(s, i->rs2));
        return;
    case OP_PUSH: {
        struct value v = i->rd2 >= 0 ? top : i->rs < 0 ? one(IS_CONST, 0, i->value) : reg(s, i->rs);
        set(s, m->sp, plus(reg(s, m->sp), -8));
        if (on_stack(x, reg(s, m->sp), 0, &offset))
            stack_write(s, offset, v);
        return;
    }
    case OP_POP:
        set(s, i->rd, on_stack(x, reg(s, m->sp), 0, &offset) ? stack_read(s, offset) : top);
        set(s, m->sp, plus(reg(s, m->sp), 8));
        return;
    default:
        set(s, i->rd, top);
        set(s, i->rd2, top);
        if (i->writes_back) {
            // the stack pointer moves by a known amount where it matters: stp/ldp with write-back
            set(s, i->rs, i->rs == m->sp ? plus(reg(s, m->sp), i->imm) : top);
        }
        return;
    }
    for (i8 r = 0; r < REG_COUNT; r++) // after a call
        if (r >= 32 || !(m->kept >> r & 1))
            set(s, r, top);
    if (m->elf == ELF_MACHINE_X86_64 || m->elf == ELF_MACHINE_AARCH64)
        return;
    set(s, 0, one(IS_CONST, 0, 0));
}

static bool decode_all(struct run *x)
{
    const struct mod_func *f = &x->w->out->funcs.p[x->f];
    struct bytes code = elf_at_most(x->w->e, f->start, f->end - f->start);
    for (u64 at = 0; at < code.n && x->code.n < MAX_INSNS;) {
        struct insn *i = VEC_ADD(&x->code);
        decode(x->w->d, code, at, f->start + at, i);
        at += i->len;
    }
    return x->code.n > 0;
}

static u32 index_of(const struct run *x, u64 addr)
{
    usize lo = 0, hi = x->code.n;
    while (lo < hi) {
        usize mid = (lo + hi) / 2;
        if (x->code.p[mid].addr < addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < x->code.n && x->code.p[lo].addr == addr ? (u32)lo : UINT32_MAX;
}

static bool ends(u8 op)
{
    return op == OP_JUMP || op == OP_JUMP_REG || op == OP_JUMP_MEM || op == OP_RET ||
           op == OP_STOP || op == OP_INVALID || op == OP_CALL_END;
}

static bool jumps(u8 op)
{
    return op == OP_JUMP || op == OP_BRANCH;
}

static void make_blocks(struct run *x)
{
    bool *leader = xalloc(x->code.n + 1, sizeof(bool)),
         *target = xalloc(x->code.n + 1, sizeof(bool));
    leader[0] = target[0] = true;
    for (u32 i = 0; i < x->code.n; i++) {
        const struct insn *c = &x->code.p[i];
        if (jumps(c->op)) {
            u32 to = index_of(x, c->target);
            if (to != UINT32_MAX)
                leader[to] = target[to] = true;
        }
        if (c->op == OP_CALL && !comes_back(x->w, c->target))
            x->code.p[i].op = OP_CALL_END;
        if (ends(c->op) || c->op == OP_BRANCH)
            leader[i + 1] = true;
        if (c->op == OP_BRANCH)
            target[i + 1] = true;
    }
    x->block_of = xalloc(x->code.n + 1, sizeof(u32));
    for (u32 i = 0; i < x->code.n; i++) {
        if (leader[i]) {
            bool falls = i && !ends(x->code.p[i - 1].op);
            *VEC_ADD(&x->blocks) = (struct block){.first = i, .has_source = target[i] || falls};
        }
        x->block_of[i] = leader[i] ? (u32)x->blocks.n - 1 : UINT32_MAX;
        x->blocks.p[x->blocks.n - 1].n++;
    }
    x->block_of[x->code.n] = UINT32_MAX;
    free(leader);
    free(target);
}

static void enter(struct run *x, u32 block, const struct state *s)
{
    if (!x->report && join_state(&x->blocks.p[block].in, s))
        x->blocks.p[block].dirty = true;
}

static void leave(struct run *x, const struct block *b, const struct state *s)
{
    const struct insn *last = &x->code.p[b->first + b->n - 1];
    u32 next = b->first + b->n;
    if (jumps(last->op)) {
        u32 to = index_of(x, last->target);
        if (to != UINT32_MAX)
            enter(x, x->block_of[to], s);
        else
            transfer(x, s, last->addr, last->target, false);
    }
    if (last->op == OP_JUMP_REG || last->op == OP_JUMP_MEM) {
        indirect(x, s, last, false);
        for (u32 i = 0; i < x->blocks.n;
             i++) // a table of targets: blocks that nothing else leads to
            if (!x->blocks.p[i].has_source)
                enter(x, i, s);
    }
    if (ends(last->op))
        return;
    if (next < x->code.n)
        enter(x, x->block_of[next], s);
    else
        transfer(x, s, last->addr, last->addr + last->len, false);
}

static void entry_state(const struct run *x, struct state *s)
{
    *s = (struct state){.reached = true};
    for (i8 r = 0; r < REG_COUNT; r++)
        s->reg[r] = one(IS_ENTRY, (u8)r, 0);
    if (x->w->m->elf == ELF_MACHINE_RISCV)
        s->reg[0] = one(IS_CONST, 0, 0);
}

static void unknown_state(const struct run *x, struct state *s)
{
    *s = (struct state){.reached = true};
    for (i8 r = 0; r < REG_COUNT; r++)
        s->reg[r] = top;
    s->reg[x->w->m->sp] = top;
}

static void run_block(struct run *x, u32 i, bool report)
{
    struct state s = x->blocks.p[i].in;
    struct block *b = &x->blocks.p[i];
    x->report = report;
    x->w->budget -= MIN(x->w->budget, b->n);
    for (u32 k = 0; k < b->n; k++)
        step(x, &s, &x->code.p[b->first + k]);
    leave(x, b, &s);
}

// Until nothing changes; what the budget does not allow is unknown.
static bool settle(struct run *x)
{
    for (bool again = true; again;) {
        again = false;
        for (u32 i = 0; i < x->blocks.n; i++) {
            if (!x->blocks.p[i].dirty)
                continue;
            x->blocks.p[i].dirty = false;
            if (x->w->budget == 0)
                return false;
            run_block(x, i, false);
            again = true;
        }
    }
    return true;
}

void flow(struct work *w, u32 f, const struct flow_client *client)
{
    struct run x = {.w = w, .f = f, .client = client};
    if (decode_all(&x)) {
        make_blocks(&x);
        bool whole = x.blocks.n <= MAX_BLOCKS && x.code.n < MAX_INSNS;
        if (whole) {
            entry_state(&x, &x.blocks.p[0].in);
            x.blocks.p[0].dirty = true;
            whole = settle(&x);
        }
        for (u32 i = 0; i < x.blocks.n; i++) {
            struct block *b = &x.blocks.p[i];
            if (!whole)
                unknown_state(&x, &b->in);
            else if (!b->in.reached) // an exception's landing pad, or code that nothing leads to
                unknown_state(&x, &b->in);
            run_block(&x, i, true);
        }
    }
    VEC_FREE(&x.code);
    VEC_FREE(&x.blocks);
    free(x.block_of);
}
