// Propagation of mounts: peers of a shared mount receive what is mounted on one of them, slaves
// receive and do not send. Everything here runs under the mount mutex.
#include "mount_private.h"
#include <mem/slab.h>

static u32 next_group = 1;

// Walks the receivers of `origin`: the other members of its group, and below each member the slaves
// with their groups.
static struct mount *next_receiver(struct mount *m, struct mount *origin)
{
    for (;;) {
        if (!list_empty(&m->slaves))
            return list_entry(m->slaves.next, struct mount, slave_link);
        for (;;) {
            struct mount *master = m->master;
            if (master == origin->master) { // in origin's own group: next peer
                struct mount *next = list_entry(m->peers.next, struct mount, peers);
                return next == origin || list_empty(&m->peers) ? NULL : next;
            }
            if (m->slave_link.next != &master->slaves)
                return list_entry(m->slave_link.next, struct mount, slave_link);
            m = master;
        }
    }
}

void propagate_each(struct mount *origin, void (*fn)(struct mount *q, void *arg), void *arg)
{
    for (struct mount *m = next_receiver(origin, origin); m; m = next_receiver(m, origin))
        fn(m, arg);
}

void propagate_leave(struct mount *m)
{
    struct mount *heir =
        list_empty(&m->peers) ? m->master : list_entry(m->peers.next, struct mount, peers);
    list_del(&m->peers);
    if (m->master)
        list_del(&m->slave_link);
    while (!list_empty(&m->slaves)) {
        struct mount *s = list_entry(m->slaves.next, struct mount, slave_link);
        list_del(&s->slave_link);
        s->master = heir;
        if (heir)
            list_add_tail(&heir->slaves, &s->slave_link);
        else if (s->propagation == PROP_SLAVE)
            s->propagation = PROP_PRIVATE;
    }
    m->master = NULL;
    m->peer_group = 0;
    m->propagation = PROP_PRIVATE;
}

void propagate_set(struct mount *m, enum mount_propagation p)
{
    if (p == PROP_SHARED) {
        if (m->propagation != PROP_SHARED)
            m->peer_group = next_group++;
        m->propagation = PROP_SHARED; // a slave stays one and becomes shared as well
        return;
    }
    if (p == PROP_SLAVE) {
        if (m->propagation != PROP_SHARED)
            return; // private ones have no master to follow
        struct mount *master =
            list_empty(&m->peers) ? m->master : list_entry(m->peers.next, struct mount, peers);
        propagate_leave(m);
        if (master) {
            m->master = master;
            m->propagation = PROP_SLAVE;
            list_add_tail(&master->slaves, &m->slave_link);
        }
        return;
    }
    propagate_leave(m);
    m->propagation = p;
}

int propagate_make_shared(struct mount *tree)
{
    for (struct mount *m = tree; m; m = mount_next(m, tree))
        if (m->propagation != PROP_SHARED)
            propagate_set(m, PROP_SHARED);
    return 0;
}

struct collect {
    struct dentry *d;
    struct mount *tree;
    struct propagated **list;
    u32 group;
    int err;
};

static void collect_copy(struct mount *q, void *arg)
{
    struct collect *c = arg;
    if (c->err || !q->ns || !dentry_is_below(c->d, q->root))
        return;
    struct propagated *p = kmalloc(sizeof(*p), 0);
    if (!p) {
        c->err = -E_NOMEM;
        return;
    }
    c->err = mount_clone_tree(c->tree, c->tree->root, false, true, &p->tree);
    if (c->err) {
        kfree(p);
        return;
    }
    if (q->propagation != PROP_SHARED) // a slave's copy follows and does not send
        for (struct mount *m = p->tree; m; m = mount_next(m, p->tree))
            propagate_set(m, PROP_SLAVE);
    p->parent = q;
    p->next = *c->list;
    *c->list = p;
}

int propagate_mount(struct mount *at, struct dentry *d, struct mount *tree,
                    struct propagated **list)
{
    *list = NULL;
    if (at->propagation != PROP_SHARED)
        return 0;
    int r = propagate_make_shared(tree);
    if (r)
        return r;
    struct collect c = {.d = d, .tree = tree, .list = list};
    propagate_each(at, collect_copy, &c);
    if (c.err)
        propagate_drop(*list);
    return c.err;
}

void propagate_drop(struct propagated *list)
{
    while (list) {
        struct propagated *next = list->next;
        mount_free_tree(list->tree);
        kfree(list);
        list = next;
    }
}
