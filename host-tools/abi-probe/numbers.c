// Owns: which call numbers a function uses, through wrappers that take the number from their
// caller, until nothing changes.
#include "sweep.h"
#include <stdlib.h>
#include <string.h>

struct result {
    VEC(struct mod_call) calls;
};
struct finder {
    struct work *w;
    u32 f; // under interpretation
    struct result *of;
    u64 *places[2]; // bit sets per function: places 0..63, 64..95
    bool grew;
};

int watched_place(const struct work *w, u32 import)
{
    const char *name = module_name(w->out, w->out->imports.p[import].name);
    if (strcmp(name, "syscall") == 0)
        return w->m->args[0];
    for (usize i = 0; i < w->watch_n; i++)
        if (strcmp(name, w->watch[i].name) == 0)
            return (int)w->watch[i].place;
    return -1;
}

static bool takes_number(void *of, u32 to, u32 place)
{
    struct finder *x = of;
    return x->places[place >= 64][to] >> (place & 63) & 1;
}

static void found(void *of, u64 site, char kind, i64 value)
{
    struct finder *x = of;
    if (kind == 'p') {
        u64 *set = &x->places[value >= 64][x->f], bit = 1ull << (value & 63);
        x->grew |= !(*set & bit);
        *set |= bit;
        return;
    }
    i32 number = kind == 'c' && value >= 0 && value < INT32_MAX ? (i32)value : CALL_UNRESOLVED;
    struct result *r = &x->of[x->f];
    for (usize i = 0; i < r->calls.n; i++)
        if (r->calls.p[i].site == site && r->calls.p[i].number == number)
            return;
    *VEC_ADD(&r->calls) = (struct mod_call){.site = site, .func = x->f, .number = number};
}

struct callers {
    u32 *first, *list; // callers of f: list[first[f]..first[f + 1])
};

static struct callers reverse(const struct module *m)
{
    struct callers c = {xalloc(m->funcs.n + 2, sizeof(u32)), xalloc(m->edges.n, sizeof(u32))};
    for (usize i = 0; i < m->edges.n; i++)
        if (m->edges.p[i].kind == EDGE_CALL)
            c.first[m->edges.p[i].to + 2]++;
    for (usize i = 2; i < m->funcs.n + 2; i++)
        c.first[i] += c.first[i - 1];
    for (u32 f = 0; f < m->funcs.n; f++)
        for (u32 k = 0; k < m->funcs.p[f].edges; k++) {
            const struct mod_edge *e = &m->edges.p[m->funcs.p[f].edge + k];
            if (e->kind == EDGE_CALL)
                c.list[c.first[e->to + 1]++] = f;
        }
    return c;
}

static void hide_callers(struct finder *x, u32 f)
{
    if (x->places[0][f] || x->places[1][f])
        x->w->out->funcs.p[f].flags |= FUNC_WRAPPER_TAKEN;
}

// Does edge k of function f take the beginning of a function as one would to call it? Who also
// takes an address further on in the same one only wants to know whether something lies between.
static bool takes_to_call(const struct module *m, u32 f, u32 k)
{
    const struct mod_edge *e = &m->edges.p[m->funcs.p[f].edge], *one = &e[k];
    if (one->kind != EDGE_TAKES || one->addr != m->funcs.p[one->to].start)
        return false;
    for (u32 i = 0; i < m->funcs.p[f].edges; i++)
        if (e[i].kind == EDGE_TAKES && e[i].to == one->to && e[i].addr != one->addr)
            return false;
    return true;
}

// The same for pointers in data. Those in the GOT stand for addresses that the code takes.
static void hide_slots(struct finder *x)
{
    const struct module *m = x->w->out;
    const struct elf *e = x->w->e;
    bool *measured = xalloc(m->funcs.n, sizeof(bool));
    for (int pass = 0; pass < 2; pass++)
        for (usize i = 0; i < m->slots.n; i++) {
            const struct mod_slot *s = &m->slots.p[i];
            u32 f = s->import < 0 ? module_func_at(m, s->target) : UINT32_MAX;
            if (f == UINT32_MAX)
                continue;
            bool got = elf_in(e->got.p, e->got.n, s->at), start = m->funcs.p[f].start == s->target;
            if (pass == 0)
                measured[f] |= got && !start;
            else if (start && !(got && measured[f]))
                hide_callers(x, f);
        }
    free(measured);
}

void find_numbers(struct work *w, const bool *has_call)
{
    struct module *m = w->out;
    usize n = m->funcs.n;
    struct finder x = {
        .w = w, .of = xalloc(n, sizeof(*x.of)), .places = {xalloc(n, 8), xalloc(n, 8)}};
    struct flow_client client = {&x, takes_number, found};
    struct callers c = reverse(m);
    VEC(u32) queue = {0};
    bool *queued = xalloc(n, sizeof(bool));
    for (u32 f = 0; f < n; f++) {
        bool want = has_call[f];
        for (u32 k = 0; k < m->funcs.p[f].edges && !want; k++) {
            const struct mod_edge *e = &m->edges.p[m->funcs.p[f].edge + k];
            want = e->kind == EDGE_IMPORT && watched_place(w, e->to) >= 0;
        }
        if (want) {
            *VEC_ADD(&queue) = f;
            queued[f] = true;
        }
    }
    w->budget = 20000000 + 40 * m->instructions;
    while (queue.n) {
        x.f = queue.p[--queue.n];
        queued[x.f] = false;
        x.of[x.f].calls.n = 0;
        x.grew = false;
        flow(w, x.f, &client);
        for (u32 k = c.first[x.f]; x.grew && k < c.first[x.f + 1]; k++) {
            u32 caller = c.list[k];
            if (!queued[caller]) {
                queued[caller] = true;
                *VEC_ADD(&queue) = caller;
            }
        }
    }
    m->budget_hit = w->budget == 0;
    for (u32 f = 0; f < n; f++) {
        for (usize i = 0; i < x.of[f].calls.n; i++)
            *VEC_ADD(&m->calls) = x.of[f].calls.p[i];
        for (u32 place = 0; place < PLACES; place++)
            if (takes_number(&x, f, place))
                *VEC_ADD(&m->wrappers) = (struct mod_wrapper){f, place};
        VEC_FREE(&x.of[f].calls);
    }
    // a wrapper that starts by itself or whose address is taken has callers that cannot be seen
    for (u32 f = 0; f < n; f++)
        for (u32 k = 0; k < m->funcs.p[f].edges; k++)
            if (takes_to_call(m, f, k))
                hide_callers(&x, m->edges.p[m->funcs.p[f].edge + k].to);
    for (u32 f = 0; f < n; f++)
        if (m->funcs.p[f].flags & FUNC_ROOT)
            hide_callers(&x, f);
    hide_slots(&x);
    free(x.of);
    free(x.places[0]);
    free(x.places[1]);
    free(c.first);
    free(c.list);
    free(queued);
    VEC_FREE(&queue);
}
