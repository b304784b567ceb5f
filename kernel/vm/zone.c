// Marked ranges of an address space. The table is read without locks (RCU) and replaced as a whole
// by writers, who hold as->lock; only dropping a zone happens in place, so that unmapping needs no
// memory for it.
#include "area.h"
#include <kerr.h>
#include <mem/slab.h>
#include <sched/rcu.h>
#include <vm/zone.h>

struct zone_entry {
    u64 start, end;
    const void *_Atomic mark; // NULL: dropped
};

struct zone_table {
    struct rcu_head rcu;
    u32 count;
    struct zone_entry entries[]; // in order of address
};

static void table_free_rcu(struct rcu_head *h)
{
    kfree(container_of(h, struct zone_table, rcu));
}

static void publish(struct aspace *as, struct zone_table *t)
{
    struct zone_table *old = as->zones;
    rcu_store(as->zones, t);
    if (old)
        rcu_call(&old->rcu, table_free_rcu);
}

// A copy of the living zones with room for one more.
static struct zone_table *copy(const struct zone_table *from)
{
    u32 n = from ? from->count : 0;
    struct zone_table *t = kmalloc_array(1, sizeof(*t) + (n + 1) * sizeof(t->entries[0]), 0);
    if (!t)
        return NULL;
    t->count = 0;
    for (u32 i = 0; i < n; i++)
        if (from->entries[i].mark) {
            t->entries[t->count].start = from->entries[i].start;
            t->entries[t->count].end = from->entries[i].end;
            atomic_init(&t->entries[t->count++].mark, from->entries[i].mark);
        }
    return t;
}

static bool mapped(struct aspace *as, u64 start, u64 end)
{
    while (start < end) {
        struct vma *v = aspace_find(as, start);
        if (!v)
            return false;
        start = v->end;
    }
    return true;
}

static int add_locked(struct aspace *as, u64 start, u64 end, const void *mark)
{
    const struct zone_table *old = as->zones;
    if (!mapped(as, start, end))
        return -E_FAULT;
    for (u32 i = 0; old && i < old->count; i++)
        if (old->entries[i].mark && start < old->entries[i].end && old->entries[i].start < end)
            return -E_EXIST;
    struct zone_table *t = copy(old);
    if (!t)
        return -E_NOMEM;
    u32 at = t->count++;
    for (; at && t->entries[at - 1].start > start; at--) {
        t->entries[at].start = t->entries[at - 1].start;
        t->entries[at].end = t->entries[at - 1].end;
        atomic_init(&t->entries[at].mark, t->entries[at - 1].mark);
    }
    t->entries[at].start = start;
    t->entries[at].end = end;
    atomic_init(&t->entries[at].mark, mark);
    publish(as, t);
    return 0;
}

int aspace_zone_add(struct aspace *as, u64 start, u64 len, const void *mark)
{
    u64 top = arch_user_top();
    if ((start | len) & PAGE_MASK || !len || start > top || len > top - start || !mark)
        return -E_INVAL;
    write_lock(&as->lock);
    int err = add_locked(as, start, start + len, mark);
    write_unlock(&as->lock);
    return err;
}

int aspace_zone_remove(struct aspace *as, u64 start)
{
    int err = -E_NOENT;
    write_lock(&as->lock);
    struct zone_table *t = as->zones;
    for (u32 i = 0; t && i < t->count; i++)
        if (t->entries[i].start == start && t->entries[i].mark) {
            atomic_store_explicit(&t->entries[i].mark, NULL, memory_order_relaxed);
            err = 0;
        }
    zones_trim(as);
    write_unlock(&as->lock);
    return err;
}

void zones_trim(struct aspace *as)
{
    struct zone_table *t = as->zones;
    for (u32 i = 0; t && i < t->count; i++)
        if (t->entries[i].mark)
            return;
    if (t)
        publish(as, NULL); // the last one is gone: calls cost nothing again
}

void zones_drop(struct aspace *as, u64 start, u64 end)
{
    struct zone_table *t = as->zones;
    if (!t)
        return;
    for (u32 i = 0; i < t->count; i++)
        if (start < t->entries[i].end && t->entries[i].start < end)
            atomic_store_explicit(&t->entries[i].mark, NULL, memory_order_relaxed);
    zones_trim(as);
}

int zones_fork(struct aspace *to, const struct aspace *from)
{
    if (!from->zones)
        return 0;
    struct zone_table *t = copy(from->zones);
    if (!t)
        return -E_NOMEM;
    atomic_init(&to->zones, t);
    return 0;
}

void zones_free(struct aspace *as)
{
    if (as->zones)
        publish(as, NULL);
}

u32 aspace_zone_list(struct aspace *as, struct aspace_zone *out, u32 cap)
{
    u32 n = 0;
    read_lock(&as->lock);
    const struct zone_table *t = as->zones;
    for (u32 i = 0; t && i < t->count; i++) {
        const void *mark = t->entries[i].mark;
        if (mark && n++ < cap)
            out[n - 1] = (struct aspace_zone){t->entries[i].start, t->entries[i].end, mark};
    }
    read_unlock(&as->lock);
    return n;
}

const void *aspace_zone_find(struct aspace *as, u64 addr)
{
    const void *mark = NULL;
    rcu_read_lock();
    const struct zone_table *t = rcu_load(as->zones);
    u32 low = 0, high = t ? t->count : 0;
    while (low < high) {
        u32 mid = (low + high) / 2;
        if (t->entries[mid].end <= addr)
            low = mid + 1;
        else
            high = mid;
    }
    if (t && low < t->count && t->entries[low].start <= addr)
        mark = atomic_load_explicit(&t->entries[low].mark, memory_order_relaxed);
    rcu_read_unlock();
    return mark;
}
