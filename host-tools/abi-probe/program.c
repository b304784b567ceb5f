// Owns: following a program from where it starts, function by function, through its libraries:
// which calls it can make.
#include "program.h"
#include "fail.h"
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

struct place {
    u32 member, func; // func UINT32_MAX: data at addr
    u64 addr, from;
};
struct follow {
    struct program *p;
    VEC(struct place) todo;
    VEC(struct name {
        u32 member;
        const char *text;
        bool symbol;
    })
    names; // met on the way: libraries to open, symbols to look up
    usize names_done;
};

static u64 key(u32 member, u32 func)
{
    return (u64)member << 32 | func;
}

static void visit(struct follow *x, u32 member, u32 func, u64 from)
{
    struct member *m = &x->p->members.p[member];
    if (m->funcs[func / 64] >> (func % 64) & 1)
        return;
    m->funcs[func / 64] |= 1ull << (func % 64);
    m->parent[func] = from;
    m->reached++;
    *VEC_ADD(&x->todo) = (struct place){member, func, 0, 0};
}

static void visit_data(struct follow *x, u32 member, u64 addr, u64 from)
{
    *VEC_ADD(&x->todo) = (struct place){member, UINT32_MAX, addr, from};
}

static void visit_export(struct follow *x, u64 to, u64 from)
{
    if (to >= UINT64_MAX - 1)
        return;
    const struct mod_symbol *s = &x->p->members.p[to >> 32].u->m.exports.p[(u32)to];
    if (s->func != UINT32_MAX)
        visit(x, (u32)(to >> 32), s->func, from);
    else
        visit_data(x, (u32)(to >> 32), s->value, from);
}

static void name_met(struct follow *x, u32 member, const char *text, bool symbol)
{
    *VEC_ADD(&x->names) = (struct name){member, text, symbol};
}

static void visit_slot(struct follow *x, u32 member, const struct mod_slot *s, u64 from)
{
    const struct unit *u = x->p->members.p[member].u;
    if (s->import >= 0) {
        visit_export(x, program_import(x->p, member, (u32)s->import), from);
        return;
    }
    u32 f = module_func_at(&u->m, s->target);
    if (f == UINT32_MAX) {
        visit_data(x, member, s->target, from);
        const char *text = get_string(elf_at_most(&u->e, s->target, 128), 0);
        if (text && strstr(text, ".so"))
            name_met(x, member, text, false);
    } else if (u->e.dynamic || u->m.funcs.p[f].start == s->target)
        visit(x, member, f, from);
}

static usize slot_from(const struct module *m, u64 addr)
{
    usize lo = 0, hi = m->slots.n;
    while (lo < hi) {
        usize mid = (lo + hi) / 2;
        if (m->slots.p[mid].at < addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static u64 next_start(const struct module *m, u64 addr)
{
    usize lo = 0, hi = m->starts.n;
    while (lo < hi) {
        usize mid = (lo + hi) / 2;
        if (m->starts.p[mid] <= addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < m->starts.n ? m->starts.p[lo] : UINT64_MAX;
}

// The first slot of the next group: group numbers rise with the slots.
static usize after_group(const struct module *m, usize slot)
{
    u32 group = m->slots.p[slot].group;
    usize lo = slot + 1, hi = m->slots.n;
    while (lo < hi) {
        usize mid = (lo + hi) / 2;
        if (m->slots.p[mid].group <= group)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static void visit_group(struct follow *x, u32 member, usize slot, u64 from)
{
    const struct module *m = &x->p->members.p[member].u->m;
    u32 group = m->slots.p[slot].group;
    u64 *seen = &x->p->members.p[member].groups[group / 64];
    if (*seen >> (group % 64) & 1)
        return;
    *seen |= 1ull << (group % 64);
    while (slot && m->slots.p[slot - 1].group == group)
        slot--;
    for (; slot < m->slots.n && m->slots.p[slot].group == group; slot++)
        visit_slot(x, member, &m->slots.p[slot], from);
}

// What the object at addr points to. Where it ends is not known in general: up to the next address
// that anything refers to, and at least the first pointers behind it; pointers that stand close
// together count as one object. The table of addresses that the code uses one by one (GOT) is no
// part of any.
static void follow_data(struct follow *x, u32 member, u64 addr, u64 from)
{
    const struct elf *e = &x->p->members.p[member].u->e;
    const struct module *m = &x->p->members.p[member].u->m;
    usize i = slot_from(m, addr);
    u64 end = next_start(m, addr);
    if (i && i < m->slots.n && m->slots.p[i - 1].group == m->slots.p[i].group)
        visit_group(x, member, i, from);
    for (bool first = true; i < m->slots.n; first = false) {
        if (m->slots.p[i].at >= end && !(first && m->slots.p[i].at - addr < 4096))
            break;
        if (!elf_in(e->got.p, e->got.n, m->slots.p[i].at))
            visit_group(x, member, i, from);
        i = after_group(m, i);
    }
}

static void follow_slot(struct follow *x, u32 member, u64 addr, u64 from)
{
    const struct module *m = &x->p->members.p[member].u->m;
    usize i = slot_from(m, addr), first = i;
    for (; i < m->slots.n && m->slots.p[i].at - addr < 32 &&
           m->slots.p[i].group == m->slots.p[first].group;
         i++)
        visit_slot(x, member, &m->slots.p[i], from);
}

static void use(struct follow *x, u32 member, const struct mod_call *c)
{
    struct program *p = x->p;
    u64 bit = 1ull << MIN(member, 63u);
    for (usize i = 0; i < p->uses.n && c->number >= 0; i++)
        if (p->uses.p[i].number == c->number) {
            p->uses.p[i].sites++;
            p->uses.p[i].members |= bit;
            return;
        }
    *VEC_ADD(&p->uses) = (struct use){.number = c->number,
                                      .sites = 1,
                                      .member = member,
                                      .func = c->func,
                                      .site = c->site,
                                      .members = bit};
}

static void follow_func(struct follow *x, u32 member, u32 f)
{
    const struct unit *u = x->p->members.p[member].u;
    const struct mod_func *fn = &u->m.funcs.p[f];
    u64 from = key(member, f);
    for (u32 i = u->first_call[f]; i < u->first_call[f + 1]; i++)
        use(x, member, &u->m.calls.p[i]);
    if (fn->flags & FUNC_WRAPPER_TAKEN) {
        struct mod_call c = {.site = fn->start, .func = f, .number = CALL_UNRESOLVED};
        use(x, member, &c);
    }
    for (u32 k = 0; k < fn->edges; k++) {
        const struct mod_edge *e = &u->m.edges.p[fn->edge + k];
        switch (e->kind) {
        case EDGE_CALL:
        case EDGE_TAKES:
            visit(x, member, e->to, from);
            break;
        case EDGE_IMPORT:
            visit_export(x, program_import(x->p, member, e->to), from);
            break;
        case EDGE_DATA:
            visit_data(x, member, e->addr, from);
            break;
        case EDGE_SLOT:
            follow_slot(x, member, e->addr, from);
            break;
        case EDGE_OPENS:
            name_met(x, member, module_name(&u->m, e->to), false);
            break;
        case EDGE_NAMES:
            if (fn->flags & FUNC_LOOKS_UP)
                name_met(x, member, module_name(&u->m, e->to), true);
            break;
        default:
            break;
        }
    }
}

// First come, first served: the parents that it leaves are the shortest way to each function.
static void drain(struct follow *x)
{
    for (usize i = 0; i < x->todo.n; i++) {
        struct place t = x->todo.p[i];
        if (t.func == UINT32_MAX)
            follow_data(x, t.member, t.addr, t.from);
        else
            follow_func(x, t.member, t.func);
    }
    x->todo.n = 0;
}

// Where members from first on start: entry, initialisers, functions nobody is seen to use; all
// exports of what is opened by name.
static void start(struct follow *x, u32 first)
{
    for (u32 i = first; i < x->p->members.n; i++) {
        const struct member *m = &x->p->members.p[i];
        for (u32 f = 0; f < m->u->m.funcs.n; f++)
            if (m->u->m.funcs.p[f].flags & (FUNC_ROOT | FUNC_ORPHAN))
                visit(x, i, f, UINT64_MAX);
        u32 early = unit_export(m->u, "__libc_early_init", NULL); // glibc's loader calls it by name
        if (early != UINT32_MAX)
            visit_export(x, key(i, early), UINT64_MAX);
        bool library = i == 0 && m->u->e.type == ELF_TYPE_DYN && m->u->e.soname && !m->u->e.interp;
        for (u32 e = 0; (m->opened || library) && e < m->u->m.exports.n; e++)
            visit_export(x, key(i, e), UINT64_MAX);
    }
}

// A list of folders, as in a search path. Folders that hold every library of the system say
// nothing.
static void open_folders(struct follow *x, const struct name *n)
{
    for (const char *at = n->text; *at;) {
        usize len = strcspn(at, ":");
        char *path = need_copy_n(at, len), *end = path + len;
        while (end > path + 1 && end[-1] == '/')
            *--end = 0;
        int parts = 0;
        for (const char *c = path; *c; c++)
            parts += *c == '/' && c[1] && c[1] != '/';
        bool libraries = strncmp(path, "/usr/lib", 8) == 0 || strncmp(path, "/lib", 4) == 0 ||
                         strncmp(path, "/usr/local/lib", 14) == 0 || strncmp(path, "/opt/", 5) == 0;
        const struct elf *e = &x->p->members.p[0].u->e;
        const struct machine *m = machine_find(e->machine, e->class, e->big);
        const char *last = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
        bool common = strncmp(last, "lib", 3) == 0 || (m && strcmp(last, m->tuple) == 0);
        if (libraries && parts >= 2 && !common)
            program_path(x->p, path, n->member);
        free(path);
        at += len + (at[len] == ':');
    }
}

// The name of a library, a pattern for one ("libnss_%s.so.2"), a folder of plug-ins.
static void open_name(struct follow *x, const struct name *n)
{
    struct program *p = x->p;
    const char *so = strstr(n->text, ".so"), *percent = strchr(n->text, '%');
    usize before = p->members.n;
    if (percent && strncmp(n->text, "lib", 3) == 0 && percent - n->text >= 6) {
        // only what the configuration names would be opened; nothing says which, so none is taken
        // for certain
        p->open_ended = true;
    } else if (so && !p->members.p[0].u->e.interp &&
               (strncmp(n->text, "libc.so", 7) == 0 || strncmp(n->text, "ld-linux", 8) == 0)) {
        p->open_ended = true; // a static program's own C library would load these only on behalf of
                              // name services
    } else if (so && !percent)
        program_library(p, n->text, n->member, true, false);
    else if (n->text[0] == '/' && !percent && p->members.p[n->member].u->opens)
        open_folders(x, n);
    for (usize i = before; i < p->members.n; i++)
        *VEC_ADD(&p->opened) = need_copy(p->members.p[i].u->name);
}

static void look_up(struct follow *x, const struct name *n)
{
    if (!x->p->members.p[n->member].u->finds)
        return;
    for (u32 i = 0; i < x->p->members.n; i++) {
        u32 e = unit_export(x->p->members.p[i].u, n->text, NULL);
        if (e != UINT32_MAX)
            visit_export(x, key(i, e), UINT64_MAX);
    }
}

static void drain_names(struct follow *x)
{
    while (x->names_done < x->names.n) {
        struct name n = x->names.p[x->names_done++];
        u32 before = (u32)x->p->members.n;
        if (n.symbol)
            look_up(x, &n);
        else if (!x->p->o->no_libraries)
            open_name(x, &n);
        if (x->p->members.n > before) {
            program_prepare(x->p, before);
            start(x, before);
            for (usize i = 0; i < x->names_done;
                 i++) // names met earlier may be defined in the new ones
                if (x->names.p[i].symbol)
                    look_up(x, &x->names.p[i]);
        }
        drain(x);
    }
}

static int by_number(const void *a, const void *b)
{
    const struct use *x = a, *y = b;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return x->member != y->member ? (x->member < y->member ? -1 : 1)
                                  : (x->site > y->site) - (x->site < y->site);
}

static bool uses(const struct program *p, i32 number)
{
    for (usize i = 0; i < p->uses.n; i++)
        if (p->uses.p[i].number == number)
            return true;
    return false;
}

// Calls that the kernel makes a program make: the return from a signal handler, the restart of an
// interrupted sleep. Numbers of the generic table (riscv64, aarch64) or of x86-64.
static void implied(struct program *p, bool x86)
{
    static const i32 sleeps[2][6] = {{101, 115, 73, 72, 98, 22}, {35, 230, 7, 271, 202, 232}};
    i32 action = x86 ? 13 : 134, back = x86 ? 15 : 139, restart = x86 ? 219 : 128;
    if (uses(p, action) && !uses(p, back))
        *VEC_ADD(&p->uses) = (struct use){.number = back, .implied = true};
    for (usize i = 0; i < 6; i++)
        if (uses(p, sleeps[x86][i]) && !uses(p, restart))
            *VEC_ADD(&p->uses) = (struct use){.number = restart, .implied = true};
}

static void check_symbols(struct program *p)
{
    for (u32 i = 0; i < p->members.n && p->missing.n == 0; i++) {
        const struct module *m = &p->members.p[i].u->m;
        for (u32 k = 0; k < m->imports.n && !p->members.p[i].opened; k++)
            if (m->imports.p[k].flags & SYMBOL_NEEDED && program_import(p, i, k) == UINT64_MAX)
                *VEC_ADD(&p->undefined) =
                    (struct missing){need_text("symbol %s", module_name(m, m->imports.p[k].name)),
                                     need_copy(p->members.p[i].u->name)};
    }
}

void program_follow(struct unit *u, const struct options *o, bool is_linux, struct program *p)
{
    *p = (struct program){.o = o};
    struct follow x = {.p = p};
    *VEC_ADD(&p->members) = (struct member){.u = u};
    program_prepare(p, 0);
    for (usize i = 0; i < o->plugin_n; i++) {
        u32 before = (u32)p->members.n;
        program_path(p, o->plugins[i], 0);
        if (p->members.n > before)
            program_prepare(p, before);
    }
    bool library = u->e.type == ELF_TYPE_DYN && !u->e.interp; // who loads it may bring symbols
    if (!o->no_libraries && !library)
        check_symbols(p);
    start(&x, 0);
    drain(&x);
    drain_names(&x);
    if (p->uses.n && is_linux)
        implied(p, u->e.machine == ELF_MACHINE_X86_64);
    if (p->uses.n)
        sort(p->uses.p, p->uses.n, sizeof(*p->uses.p), by_number);
    for (usize i = 0; i < p->members.n; i++) {
        p->functions += p->members.p[i].u->m.funcs.n;
        p->functions_reached += p->members.p[i].reached;
        p->sites += p->members.p[i].u->m.sites;
    }
    VEC_FREE(&x.todo);
    VEC_FREE(&x.names);
}

void program_free(struct program *p)
{
    for (usize i = 0; i < p->members.n; i++) {
        struct member *m = &p->members.p[i];
        free(m->funcs);
        free(m->groups);
        free(m->parent);
        free(m->imports);
        if (m->own)
            unit_free(m->u);
        else if (i)
            unit_close(m->u);
    }
    for (usize i = 0; i < p->missing.n; i++)
        free(p->missing.p[i].what), free(p->missing.p[i].needed_by);
    for (usize i = 0; i < p->undefined.n; i++)
        free(p->undefined.p[i].what), free(p->undefined.p[i].needed_by);
    for (usize i = 0; i < p->opened.n; i++)
        free(p->opened.p[i]);
    VEC_FREE(&p->members);
    VEC_FREE(&p->missing);
    VEC_FREE(&p->undefined);
    VEC_FREE(&p->opened);
    VEC_FREE(&p->uses);
}
