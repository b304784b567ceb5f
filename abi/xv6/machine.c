// The believed machine: made for each root directory that xv6 programs run under, so that what one
// view's programs use up is not missed in another. Guarded by machines_lock; the counts are atomic.
#include "xv6.h"
#include <lib/sort.h>
#include <mem/slab.h>

static struct spinlock machines_lock = SPINLOCK_INIT(&lock_class_signal);
static struct list machines = LIST_INIT(machines);

static struct xv6_machine *find_locked(const struct view *v, const struct path *root)
{
    struct xv6_machine *m;
    list_for_each_entry (m, &machines, link) {
        if (m->ns == v->ns && m->mount == root->mount && m->root == root->dentry) {
            m->refs++;
            return m;
        }
    }
    return NULL;
}

static void on_node_gone(u64 dev, u64 ino)
{
    struct xv6_machine *m;
    spin_lock(&machines_lock);
    list_for_each_entry (m, &machines, link)
        xv6_inum_forget(m, dev, ino);
    spin_unlock(&machines_lock);
}
static struct node_observer observer = {.gone = on_node_gone};

struct xv6_machine *xv6_machine_get(struct view *v)
{
    struct path root;
    node_observe(&observer);
    view_root(v, &root);
    spin_lock(&machines_lock);
    struct xv6_machine *m = find_locked(v, &root), *fresh = NULL;
    spin_unlock(&machines_lock);
    if (!m && (fresh = kzalloc(sizeof(*fresh), 0))) {
        fresh->refs = 1;
        fresh->ns = v->ns;
        fresh->mount = root.mount;
        fresh->root = root.dentry;
        fresh->limits = (struct xv6_limits){.handles = 16,
                                            .processes = 64,
                                            .files = 100,
                                            .memory = (128ul << 20) / XV6_PAGE,
                                            .file_size = 268 * 1024};
        xv6_inum_init(&fresh->inums);
        struct attr a;
        if (!node_getattr(path_node(&root), &a))
            (void)xv6_inum(fresh, a.dev, a.ino); // as on xv6's disk, 1
        xv6_configure(&root, &fresh->limits);
        spin_lock(&machines_lock);
        m = find_locked(v, &root);
        if (!m) {
            m = fresh;
            fresh = NULL;
            list_add_tail(&machines, &m->link);
        }
        spin_unlock(&machines_lock);
        kfree(fresh);
    }
    path_put(&root);
    return m;
}

void xv6_machine_ref(struct xv6_machine *m)
{
    spin_lock(&machines_lock);
    m->refs++;
    spin_unlock(&machines_lock);
}

void xv6_machine_put(struct xv6_machine *m)
{
    spin_lock(&machines_lock);
    bool last = --m->refs == 0;
    if (last)
        list_del(&m->link);
    spin_unlock(&machines_lock);
    if (last) {
        xv6_inum_free(m);
        kfree(m);
    }
}

static bool take(_Atomic i64 *count, u64 n, u64 limit)
{
    i64 now = atomic_load_explicit(count, memory_order_relaxed);
    do
        if (now + (i64)n > (i64)limit)
            return false;
    while (!atomic_compare_exchange_weak_explicit(count, &now, now + (i64)n, memory_order_relaxed,
                                                  memory_order_relaxed));
    return true;
}

int xv6_charge_pages(struct xv6_machine *m, u64 pages)
{
    if (pages > m->limits.memory ||
        pages > frame_free_count()) // what is promised here is there when it is touched
        return -E_NOMEM;
    return take(&m->pages, pages, m->limits.memory) ? 0 : -E_NOMEM;
}

int xv6_charge_process(struct xv6_machine *m)
{
    return take(&m->processes, 1, m->limits.processes) ? 0 : -E_AGAIN;
}

void xv6_uncount(struct task *t)
{
    spin_lock(&t->lock);
    struct xv6_task *x = t->abi == &xv6_abi ? xv6_task(t) : NULL;
    struct xv6_machine *m = x && x->counted ? x->machine : NULL;
    if (m) {
        x->counted = false;
        atomic_fetch_sub_explicit(&m->processes, 1, memory_order_relaxed);
    }
    spin_unlock(&t->lock);
}

// --- open files ---
// Different objects in the tables of all processes of a machine are its open files, as xv6 counts
// them: a descriptor that dup or fork copied names the same one. Nobody is told when an object
// goes, so `files` only grows, and is counted anew when it is at the limit.
struct census {
    struct xv6_machine *machine;
    const void **seen;
    usize count, cap;
    bool failed;
};

static int note_object(i32 fd, const struct href *h, void *arg)
{
    struct census *c = arg;
    if ((u64)fd >= c->machine->limits.handles)
        return 1;
    if (c->count == c->cap) {
        usize cap = c->cap ? c->cap * 2 : 256;
        const void **grown = krealloc(c->seen, c->cap * sizeof(*grown), cap * sizeof(*grown), 0);
        if (!grown) {
            c->failed = true;
            return 1;
        }
        c->seen = grown;
        c->cap = cap;
    }
    c->seen[c->count++] = h->object;
    return 0;
}

static int note_task(struct task *t, void *arg)
{
    struct census *c = arg;
    struct handle_table *table = NULL;
    spin_lock(&t->lock);
    if (t->abi == &xv6_abi && xv6_task(t) && xv6_task(t)->machine == c->machine && t->handles) {
        table = t->handles;
        handle_table_get(table);
    }
    spin_unlock(&t->lock);
    if (table) {
        (void)handle_for_each(table, 0, note_object, c);
        handle_table_put(table);
    }
    return c->failed;
}

static int by_address(const void *a, const void *b, void *arg)
{
    (void)arg;
    uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;
    return x < y ? -1 : x > y;
}

static void count_files(struct xv6_machine *m)
{
    struct census c = {.machine = m};
    u64 nth = atomic_load(&m->censuses);
    i64 before = atomic_load(&m->files), different = 0;
    (void)task_for_each(1, note_task, &c);
    if (!c.failed) {
        sort(c.seen, c.count, sizeof(*c.seen), by_address, NULL);
        for (usize i = 0; i < c.count; i++)
            different += i == 0 || c.seen[i] != c.seen[i - 1];
        // What was opened meanwhile counts twice at worst. Of two that count at a time, one is
        // enough.
        if (atomic_compare_exchange_strong(&m->censuses, &nth, nth + 1))
            atomic_fetch_add(&m->files, different - before);
    }
    kfree(c.seen);
}

int xv6_charge_files(struct xv6_machine *m, u32 n)
{
    if (take(&m->files, n, m->limits.files))
        return 0;
    count_files(m);
    return take(&m->files, n, m->limits.files) ? 0 : -E_NFILE;
}

void xv6_uncharge_files(struct xv6_machine *m, u32 n)
{
    atomic_fetch_sub_explicit(&m->files, n, memory_order_relaxed);
}
