// Finds carriers that can only be received from each other, and empties them.
//
// Every carrier that lies in a queue is on the list `flying`. A collection notes how many
// references each of them has, then looks into their queues for how many of these lie there: who
// has more is held by somebody else, and so is all that lies in its queues, and so on. The others
// are lost.
//
// Senders wait (carry_walking), but handles are received meanwhile. That does no harm: the numbers
// are noted before any queue is looked into, so a handle that was received before that is missing
// there, and one that is received after it came from a queue whose holder was noted as held. Queues
// are looked into only once, and what was seen counts. An object with a passing reference is taken
// as held; like closing a socket for good, the next handle to a carrier that goes starts another
// collection (and Linux does as much, net/unix/garbage.c).
#include "carry.h"
#include <mem/slab.h>
#include <sched/timer.h>

struct fact {
    u32 refs, inside; // all references when the collection began; those that were seen in queues
    u32 first;        // of its edges; they end where the next one's begin
    bool held;
};
struct carry_graph {
    struct fact *fact; // by index; as many as the walk has room for
    u32 *edge;         // to whom
    u32 edges, cap;
};

static struct spinlock flying_lock = SPINLOCK_INIT(&lock_class_object);
static struct list flying = LIST_INIT(flying); // guarded by flying_lock
static _Atomic u32 flying_count;               // likewise; read without it for hints

// --- who flies ---
void carried_launch(const struct carried *c, u32 n)
{
    if (!carried_has_carriers(c, n))
        return;
    spin_lock(&flying_lock);
    for (u32 i = 0; i < n; i++) {
        struct carrier *at = carrier_of(c[i].object);
        if (at && !at->in_flight++) {
            list_add_tail(&flying, &at->flying);
            flying_count++;
        }
    }
    spin_unlock(&flying_lock);
}

void carried_land(const struct carried *c, u32 n)
{
    if (!carried_has_carriers(c, n))
        return;
    spin_lock(&flying_lock);
    for (u32 i = 0; i < n; i++) {
        struct carrier *at = carrier_of(c[i].object);
        if (at && !--at->in_flight) {
            list_del(&at->flying);
            list_init(&at->flying);
            flying_count--;
        }
    }
    spin_unlock(&flying_lock);
}

// --- collections ---
bool carry_add_edge(struct carry_walk *w, const struct carrier *c)
{
    struct carry_graph *g = w->graph;
    if (g->edges == g->cap)
        return false;
    g->edge[g->edges++] = c->index;
    return true;
}

static int grow(struct carry_walk *w, u32 nodes, u32 edges)
{
    struct carry_graph *g = w->graph;
    struct fact *fact = kmalloc_array(nodes, sizeof(*fact), 0);
    u32 *edge = kmalloc_array(edges, sizeof(*edge), 0);
    if (!fact || !edge || carry_grow(w, nodes)) {
        kfree(fact);
        kfree(edge);
        return -E_NOMEM;
    }
    for (u32 i = 0; i < w->count; i++)
        fact[i] = g->fact[i];
    for (u32 i = 0; i < g->edges; i++)
        edge[i] = g->edge[i];
    kfree(g->fact);
    kfree(g->edge);
    g->fact = fact;
    g->edge = edge;
    g->cap = edges;
    return 0;
}

// Those behind index `from` are new: their references, but for the walk's own.
static void note_refs(struct carry_walk *w, u32 from)
{
    for (u32 i = from; i < w->count; i++)
        w->graph->fact[i] = (struct fact){.refs = refcount_read(&w->found[i]->refs) - 1};
}

// false: no room.
static bool note_flying(struct carry_walk *w)
{
    struct carrier *c;
    bool room = true;
    spin_lock(&flying_lock);
    list_for_each_entry (c, &flying, flying) {
        room = carry_add(w, c);
        if (!room)
            break;
    }
    spin_unlock(&flying_lock);
    return room;
}

static int look_into(struct carry_walk *w, u32 i)
{
    struct carry_graph *g = w->graph;
    u32 first = g->edges, known = w->count;
    while (!carrier_of(w->found[i])->ops->note(w, w->found[i])) {
        note_refs(w, known);
        known = w->count;
        g->edges = first;
        int err = grow(w, 2 * w->cap, 2 * g->cap);
        if (err)
            return err;
    }
    note_refs(w, known);
    g->fact[i].first = first;
    for (u32 e = first; e < g->edges; e++)
        g->fact[g->edge[e]].inside++;
    return 0;
}

static void hold(struct carry_graph *g, u32 *todo, u32 *n, u32 i)
{
    if (!g->fact[i].held) {
        g->fact[i].held = true;
        todo[(*n)++] = i;
    }
}

// Marks what is held by somebody, directly or not.
static int mark(struct carry_walk *w)
{
    struct carry_graph *g = w->graph;
    u32 n = 0, *todo = kmalloc_array(MAX(w->count, 1u), sizeof(*todo), 0);
    if (!todo)
        return -E_NOMEM;
    for (u32 i = 0; i < w->count; i++)
        if (g->fact[i].refs > g->fact[i].inside)
            hold(g, todo, &n, i);
    while (n) {
        u32 i = todo[--n];
        u32 end = i + 1 < w->count ? g->fact[i + 1].first : g->edges;
        for (u32 e = g->fact[i].first; e < end; e++)
            hold(g, todo, &n, g->edge[e]);
    }
    kfree(todo);
    return 0;
}

static int survey(struct carry_walk *w)
{
    enum { SPARE = 64 };
    int err = grow(w, flying_count + SPARE, flying_count + SPARE);
    while (!err && !note_flying(w))
        err = grow(w, 2 * w->cap, w->graph->cap);
    if (err)
        return err;
    note_refs(w, 0);
    for (u32 i = 0; !err && i < w->count; i++)
        err = look_into(w, i);
    return err ? err : mark(w);
}

static void collect(struct work *work)
{
    struct carry_graph g = {0};
    struct carry_walk w = {.graph = &g};
    (void)work;
    carry_lock();
    carry_walks++;
    int err = survey(&w); // without memory: another time
    carry_unlock();
    for (u32 i = 0; i < w.count; i++) {
        if (!err && !g.fact[i].held)
            carrier_of(w.found[i])->ops->empty(w.found[i]);
        object_put(w.found[i]);
    }
    kfree(w.found);
    kfree(g.fact);
    kfree(g.edge);
}

static struct work collecting = {.link = LIST_INIT(collecting.link), .fn = collect};

void carry_left(void)
{
    if (flying_count)
        work_queue(&collecting);
}
