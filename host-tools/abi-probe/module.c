// Owns: from the sweep's references to the edges, names and roots of a module.
#include "sweep.h"
#include <stdlib.h>
#include <string.h>

u32 module_text(struct module *m, const char *s)
{
    if (m->text.n == 0)
        *VEC_ADD(&m->text) = 0;
    if (!s || !*s)
        return 0;
    u32 at = (u32)m->text.n;
    do
        *VEC_ADD(&m->text) = *s;
    while (*s++);
    return at;
}

const char *module_name(const struct module *m, u32 offset)
{
    return offset < m->text.n ? m->text.p + offset : "";
}

u32 module_func_at(const struct module *m, u64 addr)
{
    usize lo = 0, hi = m->funcs.n;
    while (lo < hi) {
        usize mid = (lo + hi) / 2;
        if (addr < m->funcs.p[mid].start)
            hi = mid;
        else if (addr >= m->funcs.p[mid].end)
            lo = mid + 1;
        else
            return (u32)mid;
    }
    return UINT32_MAX;
}

void module_free(struct module *m)
{
    VEC_FREE(&m->funcs);
    VEC_FREE(&m->edges);
    VEC_FREE(&m->calls);
    VEC_FREE(&m->wrappers);
    VEC_FREE(&m->slots);
    VEC_FREE(&m->starts);
    VEC_FREE(&m->imports);
    VEC_FREE(&m->exports);
    VEC_FREE(&m->text);
}

static int by_at(const void *a, const void *b)
{
    const struct elf_reloc *x = a, *y = b;
    return (x->at > y->at) - (x->at < y->at);
}

static void prepare(struct work *w)
{
    const struct elf *e = w->e;
    w->relocs = xalloc(e->relocs.n, sizeof(*w->relocs));
    if (e->relocs.n)
        memcpy(w->relocs, e->relocs.p, e->relocs.n * sizeof(*w->relocs));
    w->reloc_n = e->relocs.n;
    sort(w->relocs, w->reloc_n, sizeof(*w->relocs), by_at);
    w->import_of = xalloc(e->symtab_start, sizeof(*w->import_of));
    for (usize i = 0; i < e->symtab_start; i++) {
        const struct elf_symbol *s = &e->symbols.p[i];
        w->import_of[i] = -1;
        if (s->defined || !*s->name || s->bind == BIND_LOCAL)
            continue;
        w->import_of[i] = (i32)w->out->imports.n;
        *VEC_ADD(&w->out->imports) =
            (struct mod_symbol){.name = module_text(w->out, s->name),
                                .version = module_text(w->out, s->version),
                                .flags = s->bind == BIND_WEAK ? SYMBOL_WEAK : SYMBOL_NEEDED,
                                .func = UINT32_MAX};
    }
    // Defined here and looked up all the same: a copied object, which holds what the library's
    // does; what others may define before this file.
    for (usize i = 0; i < w->reloc_n; i++) {
        const struct elf_reloc *r = &w->relocs[i];
        bool looked_up = r->type == w->m->copy || r->type == w->m->jump || r->type == w->m->glob;
        if (!looked_up || r->symbol == 0 || r->symbol >= e->symtab_start ||
            w->import_of[r->symbol] >= 0)
            continue;
        const struct elf_symbol *s = &e->symbols.p[r->symbol];
        w->import_of[r->symbol] = (i32)w->out->imports.n;
        *VEC_ADD(&w->out->imports) = (struct mod_symbol){.name = module_text(w->out, s->name),
                                                         .version = module_text(w->out, s->version),
                                                         .flags = SYMBOL_WEAK,
                                                         .func = UINT32_MAX};
    }
}

static void know_stubs(struct work *w)
{
    for (usize i = 0; i < w->refs.n; i++) {
        const struct ref *r = &w->refs.p[i];
        if (r->kind <= REF_ADDR && elf_is_code(w->e, r->target) &&
            (elf_in(w->e->plt.p, w->e->plt.n, r->target) ||
             !elf_in(w->e->frames.p, w->e->frames.n, r->target)))
            *VEC_ADD(&w->stub_targets) = r->target;
    }
    w->stub_targets.n = unique_addresses(w->stub_targets.p, w->stub_targets.n);
    w->stub_imports = xalloc(w->stub_targets.n, sizeof(*w->stub_imports));
    for (usize i = 0; i < w->stub_targets.n; i++)
        w->stub_imports[i] = stub_import(w, w->stub_targets.p[i]);
}

i32 stub_known(const struct work *w, u64 addr)
{
    const u64 *p = w->stub_targets.n ? bsearch(&addr, w->stub_targets.p, w->stub_targets.n,
                                               sizeof(addr), compare_addresses)
                                     : NULL;
    return p ? w->stub_imports[p - w->stub_targets.p] : -1;
}

static void add_edge(struct work *w, u32 kind, u32 to, u64 addr)
{
    *VEC_ADD(&w->out->edges) = (struct mod_edge){addr, kind, to};
}

// Does the string at addr name a library, a folder of libraries, or something that dlsym might be
// asked for?
static void add_string(struct work *w, u64 addr, bool names)
{
    const struct elf_map *in = NULL;
    for (usize i = 0; i < w->e->maps.n; i++)
        if (addr >= w->e->maps.p[i].vaddr && addr - w->e->maps.p[i].vaddr < w->e->maps.p[i].filesz)
            in = &w->e->maps.p[i];
    struct bytes b = elf_at_most(w->e, addr, 256);
    const char *s = in ? get_string(b, 0) : NULL;
    if (!s || !s[0] || !s[1])
        return;
    bool word = true;
    for (const char *p = s; *p; p++) {
        if ((u8)*p < 33 || (u8)*p > 126)
            return;
        word = word &&
               (*p == '_' || (*p >= '0' && *p <= '9') || ((*p | 32) >= 'a' && (*p | 32) <= 'z'));
    }
    if (strstr(s, ".so") || s[0] == '/' || strncmp(s, "lib", 3) == 0)
        add_edge(w, EDGE_OPENS, module_text(w->out, s), addr);
    else if (names && word && (s[0] < '0' || s[0] > '9'))
        add_edge(w, EDGE_NAMES, module_text(w->out, s), addr);
}

static const struct mod_slot *slot_near(const struct module *m, u64 addr, u64 within)
{
    usize lo = 0, hi = m->slots.n;
    while (lo < hi) {
        usize mid = (lo + hi) / 2;
        if (m->slots.p[mid].at < addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < m->slots.n && m->slots.p[lo].at - addr < within ? &m->slots.p[lo] : NULL;
}

static void add_target(struct work *w, u32 self, const struct ref *r, bool names)
{
    i32 import = r->kind <= REF_ADDR ? stub_known(w, r->target) : -1;
    if (import >= 0) {
        add_edge(w, EDGE_IMPORT, (u32)import, r->target);
        return;
    }
    if (r->kind == REF_LOAD) {
        import = reloc_import(w, reloc_at(w, r->target));
        if (import >= 0)
            add_edge(w, EDGE_IMPORT, (u32)import, r->target);
        else if (slot_near(w->out, r->target, 32))
            add_edge(w, EDGE_SLOT, 0, r->target);
        return;
    }
    u32 to = module_func_at(w->out, r->target);
    if (r->kind == REF_CONST) {
        if (to != UINT32_MAX && w->out->funcs.p[to].start == r->target)
            add_edge(w, EDGE_TAKES, to, r->target);
        return;
    }
    if (to != UINT32_MAX) {
        if (to != self || w->out->funcs.p[to].start == r->target)
            add_edge(w, r->kind == REF_ADDR ? EDGE_TAKES : EDGE_CALL, to,
                     r->kind == REF_ADDR ? r->target : w->out->funcs.p[to].start);
    } else if (r->kind == REF_ADDR) {
        *VEC_ADD(&w->out->starts) = r->target;
        add_edge(w, EDGE_DATA, 0, r->target);
        add_string(w, r->target, names);
    }
}

static int by_edge(const void *a, const void *b)
{
    const struct mod_edge *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->to != y->to)
        return x->to < y->to ? -1 : 1;
    return (x->addr > y->addr) - (x->addr < y->addr);
}

// A function without a frame may run into the next one; one whose frame ends early runs into what
// lies between.
static bool falls_through(struct work *w, const struct mod_func *f)
{
    struct bytes code = elf_at_most(w->e, f->start, f->end - f->start);
    struct insn i = {.op = OP_STOP};
    for (u64 at = 0; at < code.n; at += i.len)
        decode(w->d, code, at, f->start + at, &i);
    return i.op != OP_JUMP && i.op != OP_JUMP_REG && i.op != OP_JUMP_MEM && i.op != OP_RET &&
           i.op != OP_STOP && i.op != OP_INVALID;
}

static void find_edges(struct work *w, bool *has_call)
{
    struct module *m = w->out;
    bool names = false;
    for (usize i = 0; i < m->imports.n; i++) {
        const char *name = module_name(m, m->imports.p[i].name);
        names |= strcmp(name, "dlsym") == 0 || strcmp(name, "dlvsym") == 0;
    }
    usize ref = 0;
    for (u32 f = 0; f < m->funcs.n; f++) {
        struct mod_func *fn = &m->funcs.p[f];
        while (ref < w->refs.n && w->refs.p[ref].site < fn->start)
            ref++;
        u32 first = (u32)m->edges.n;
        for (; ref < w->refs.n && w->refs.p[ref].site < fn->end; ref++) {
            if (w->refs.p[ref].kind == REF_SYSCALL) {
                has_call[f] = true;
                m->sites++;
            } else if (w->refs.p[ref].kind < REF_END)
                add_target(w, f, &w->refs.p[ref], names);
        }
        if (f + 1 < m->funcs.n && fn[1].start == fn->end &&
            (!elf_in(w->e->frames.p, w->e->frames.n, fn->start) || fn[1].flags & FUNC_ORPHAN) &&
            falls_through(w, fn))
            add_edge(w, EDGE_CALL, f + 1, fn->end);
        usize n = m->edges.n - first, out = n ? 1 : 0;
        struct mod_edge *e = n ? m->edges.p + first : NULL;
        sort(e, n, sizeof(*e), by_edge);
        for (usize i = 1; i < n; i++)
            if (by_edge(&e[i], &e[out - 1]) != 0)
                e[out++] = e[i];
        m->edges.n = first + out;
        fn->edge = first;
        fn->edges = (u32)out;
    }
}

static void name_symbols(struct work *w)
{
    const struct elf *e = w->e;
    struct module *m = w->out;
    for (usize i = 0; i < e->symbols.n; i++) {
        const struct elf_symbol *s = &e->symbols.p[i];
        if (!s->defined || !*s->name)
            continue;
        u32 name = module_text(m, s->name);
        u32 f =
            s->type == SYM_FUNC || s->type == SYM_IFUNC ? module_func_at(m, s->value) : UINT32_MAX;
        if (f != UINT32_MAX && m->funcs.p[f].start == s->value && !m->funcs.p[f].name)
            m->funcs.p[f].name = name;
        if (i >= e->symtab_start || s->bind == BIND_LOCAL)
            continue;
        *VEC_ADD(&m->exports) = (struct mod_symbol){s->value,
                                                    s->size,
                                                    name,
                                                    module_text(m, s->version),
                                                    (s->hidden_version ? SYMBOL_HIDDEN : 0) |
                                                        (s->bind == BIND_WEAK ? SYMBOL_WEAK : 0) |
                                                        (f != UINT32_MAX ? SYMBOL_FUNC : 0),
                                                    f};
    }
}

// Strings count as names of symbols only in functions that call dlsym, at most two wrappers away.
static void find_lookups(struct module *m)
{
    u8 *away = xalloc(m->funcs.n, 1);
    for (u8 round = 1; round <= 3; round++)
        for (u32 f = 0; f < m->funcs.n; f++)
            for (u32 k = 0; k < m->funcs.p[f].edges && !away[f]; k++) {
                const struct mod_edge *e = &m->edges.p[m->funcs.p[f].edge + k];
                const char *name =
                    e->kind == EDGE_IMPORT ? module_name(m, m->imports.p[e->to].name) : "";
                if (round == 1 ? strcmp(name, "dlsym") == 0 || strcmp(name, "dlvsym") == 0
                               : e->kind == EDGE_CALL && away[e->to] == round - 1)
                    away[f] = round;
            }
    for (u32 f = 0; f < m->funcs.n; f++)
        if (away[f])
            m->funcs.p[f].flags |= FUNC_LOOKS_UP;
    free(away);
}

static void mark(struct module *m, u64 addr, bool *reached)
{
    u32 f = module_func_at(m, addr);
    if (f != UINT32_MAX)
        reached[f] = true;
}

// Roots, and what nobody seems to use but somebody does, in a way that cannot be seen: pieces of
// functions (cold paths behind tables of targets, landing pads) and code whose beginning nobody
// names. A whole function that nobody refers to is dead.
static void find_roots(struct work *w)
{
    struct module *m = w->out;
    bool *reached = xalloc(m->funcs.n, sizeof(bool));
    for (usize i = 0; i < w->e->roots.n; i++) {
        u64 at = w->e->roots.p[i];
        u32 f = module_func_at(m, at);
        const struct mod_slot *s = f == UINT32_MAX ? slot_near(m, at, 1) : NULL;
        if (s && s->import < 0)
            f = module_func_at(m, s->target);
        if (f != UINT32_MAX)
            m->funcs.p[f].flags |= FUNC_ROOT;
    }
    for (usize i = 0; i < w->reloc_n; i++)
        if (w->relocs[i].type == w->m->irelative) {
            u32 f = module_func_at(m, w->relocs[i].addend);
            if (f != UINT32_MAX)
                m->funcs.p[f].flags |= FUNC_ROOT;
        }
    for (usize i = 0; i < m->slots.n; i++)
        if (m->slots.p[i].import < 0)
            mark(m, m->slots.p[i].target, reached);
    for (usize i = 0; i < m->exports.n; i++)
        mark(m, m->exports.p[i].value, reached);
    for (u32 f = 0; f < m->funcs.n; f++)
        for (u32 k = 0; k < m->funcs.p[f].edges; k++) {
            const struct mod_edge *e = &m->edges.p[m->funcs.p[f].edge + k];
            if ((e->kind == EDGE_CALL || e->kind == EDGE_TAKES) && e->to != f)
                reached[e->to] = true;
        }
    for (usize i = 0; i < w->e->pieces.n; i++) {
        u32 f = module_func_at(m, w->e->pieces.p[i]);
        if (f != UINT32_MAX)
            m->funcs.p[f].flags |= FUNC_ORPHAN;
    }
    for (u32 f = 0; f < m->funcs.n; f++)
        if (reached[f])
            m->funcs.p[f].flags &= ~(u32)FUNC_ORPHAN;
    free(reached);
}

void module_analyse(const struct elf *e, const struct watch *watch, usize n, struct module *out)
{
    *out = (struct module){.machine = e->machine};
    module_text(out, "");
    struct work w = {.e = e,
                     .m = machine_find(e->machine, e->class, e->big),
                     .out = out,
                     .watch = watch,
                     .watch_n = n};
    w.d = w.m ? decoder_open(w.m) : NULL;
    if (!w.d)
        return;
    prepare(&w);
    sweep(&w);
    know_stubs(&w);
    find_slots(&w);
    find_functions(&w);
    bool *has_call = xalloc(out->funcs.n, sizeof(bool));
    find_edges(&w, has_call);
    name_symbols(&w);
    find_lookups(out);
    for (usize i = 0; i < out->slots.n; i++)
        if (out->slots.p[i].import < 0)
            *VEC_ADD(&out->starts) = out->slots.p[i].target;
    out->starts.n = unique_addresses(out->starts.p, out->starts.n);
    group_slots(&w);
    find_roots(&w);
    w.comes_back = xalloc(out->funcs.n, 1);
    find_numbers(&w, has_call);
    free(w.comes_back);
    free(has_call);
    free(w.relocs);
    free(w.import_of);
    free(w.stub_imports);
    VEC_FREE(&w.stub_targets);
    VEC_FREE(&w.refs);
    decoder_close(w.d);
}
