// The areas of a space: a red-black tree by address, each node knowing the largest gap in its
// subtree, so that finding an area and finding a place are both O(log n). Guarded by as->lock;
// lists of objects by the object's map_lock.
#include "area.h"
#include <kerr.h>
#include <mem/slab.h>

DEFINE_SLAB(area_cache, struct vma);

static _Atomic u32 max_areas = 65530; // as Linux's default

void aspace_set_max_areas(u32 n)
{
    atomic_store_explicit(&max_areas, n, memory_order_relaxed);
}

u32 aspace_max_areas(void)
{
    return atomic_load_explicit(&max_areas, memory_order_relaxed);
}

bool areas_may_grow(const struct aspace *as, u32 more)
{
    return (u64)as->area_count + more <= aspace_max_areas();
}

struct vma *area_alloc(void)
{
    struct vma *v = slab_def_alloc(&area_cache, ALLOC_USER);
    if (v) {
        *v = (struct vma){0};
        rb_clear_node(&v->node);
        list_init(&v->object_link);
    }
    return v;
}

struct vma *area_copy(const struct vma *v)
{
    struct vma *n = slab_def_alloc(&area_cache, ALLOC_USER);
    if (!n)
        return NULL;
    *n = area_content(v);
    rb_clear_node(&n->node);
    list_init(&n->object_link);
    if (n->object)
        memobj_get(n->object);
    if (n->file && n->ops && n->ops->get)
        n->ops->get(n->file);
    return n;
}

void area_free(struct vma *v)
{
    if (v->object)
        memobj_put(v->object);
    if (v->file && v->ops && v->ops->gone)
        v->ops->gone(v->file);
    if (v->file && v->ops && v->ops->put)
        v->ops->put(v->file);
    slab_def_free(&area_cache, v);
}

void areas_free(struct list *dead)
{
    for (struct list *l; (l = list_pop(dead)) != NULL;)
        area_free(list_entry(l, struct vma, object_link));
}

// --- tree ---
static void update_max_gap(struct rb_node *n)
{
    struct vma *v = area_of(n);
    u64 m = v->gap;
    if (n->left)
        m = MAX(m, area_of(n->left)->max_gap);
    if (n->right)
        m = MAX(m, area_of(n->right)->max_gap);
    v->max_gap = m;
}

// Where the free space below v ends.
static u64 gap_end(const struct vma *v)
{
    if (!(v->flags & VMA_STACK))
        return v->start;
    return v->start > STACK_GUARD_GAP ? v->start - STACK_GUARD_GAP : 0;
}

static u64 gap_below(const struct vma *v, const struct vma *prev)
{
    u64 from = prev ? prev->end : 0, to = gap_end(v);
    return to > from ? to - from : 0;
}

static void refresh_gap(struct vma *v)
{
    u64 gap = gap_below(v, area_prev(v));
    if (gap != v->gap) {
        v->gap = gap;
        rb_update_path(&v->node, update_max_gap);
    }
}

// Only objects that can lose pages need to know who shows them.
static void link_object(struct vma *v)
{
    struct memobj *o = v->object;
    if (!o || o->flags & MEMOBJ_FIXED)
        return;
    spin_lock(&o->map_lock);
    list_add_tail(&o->areas, &v->object_link);
    spin_unlock(&o->map_lock);
}

void area_unlink_object(struct vma *v)
{
    struct memobj *o = v->object;
    if (!o || o->flags & MEMOBJ_FIXED)
        return;
    spin_lock(&o->map_lock);
    list_del(&v->object_link);
    spin_unlock(&o->map_lock);
}

void area_insert(struct aspace *as, struct vma *v)
{
    struct rb_node **link = &as->areas.node, *parent = NULL;
    struct vma *prev = NULL, *next = NULL;
    while (*link) {
        parent = *link;
        struct vma *at = area_of(parent);
        if (v->start < at->start) {
            next = at;
            link = &parent->left;
        } else {
            prev = at;
            link = &parent->right;
        }
    }
    v->aspace = as;
    v->gap = v->max_gap = gap_below(v, prev);
    rb_link(&v->node, parent, link);
    rb_insert_color_augmented(&as->areas, &v->node, update_max_gap);
    if (next)
        refresh_gap(next);
    as->area_count++;
    link_object(v);
}

void area_erase(struct aspace *as, struct vma *v)
{
    struct vma *next = area_next(v);
    rb_erase_augmented(&as->areas, &v->node, update_max_gap);
    if (next)
        refresh_gap(next);
    as->area_count--;
    area_unlink_object(v);
}

void area_resize(struct aspace *as, struct vma *v, u64 start, u64 end)
{
    (void)as;
    if (v->object)
        v->offset += start - v->start;
    v->start = start;
    v->end = end;
    refresh_gap(v);
    struct vma *next = area_next(v);
    if (next)
        refresh_gap(next);
}

struct vma *aspace_find_next(struct aspace *as, u64 addr)
{
    struct rb_node *n = as->areas.node;
    struct vma *best = NULL;
    while (n) {
        struct vma *v = area_of(n);
        if (addr < v->end) {
            best = v;
            if (addr >= v->start)
                break;
            n = n->left;
        } else {
            n = n->right;
        }
    }
    return best;
}

struct vma *aspace_find(struct aspace *as, u64 addr)
{
    struct vma *v = aspace_find_next(as, addr);
    return v && v->start <= addr ? v : NULL;
}

// --- counting ---
static bool is_data(u32 flags)
{
    return (flags & (VMA_WRITE | VMA_SHARED | VMA_STACK)) == VMA_WRITE;
}

void area_account(struct aspace *as, u32 flags, i64 pages)
{
    as->total_pages += (u64)pages;
    if (as->total_pages > as->peak_total)
        as->peak_total = as->total_pages;
    if (flags & VMA_LOCKED)
        as->locked_pages += (u64)pages;
    if (flags & VMA_STACK)
        as->stack_pages += (u64)pages;
    else if (is_data(flags))
        __atomic_store_n(&as->data_pages, as->data_pages + (u64)pages,
                         __ATOMIC_RELAXED); // read by /proc
    else if ((flags & (VMA_EXEC | VMA_WRITE)) == VMA_EXEC)
        as->exec_pages += (u64)pages;
}

bool area_may_expand(const struct aspace *as, u32 flags, u64 pages)
{
    if (pages > as->as_limit >> PAGE_SHIFT || as->total_pages + pages > as->as_limit >> PAGE_SHIFT)
        return false;
    return !is_data(flags) || as->data_pages + pages <= as->data_limit >> PAGE_SHIFT;
}

// --- splitting and joining ---
struct vma *area_split(struct aspace *as, struct vma *v, u64 addr)
{
    if (!areas_may_grow(as, 1))
        return NULL;
    struct vma *upper = area_copy(v);
    if (!upper)
        return NULL;
    upper->start = addr;
    if (upper->object)
        upper->offset += addr - v->start;
    area_resize(as, v, v->start, addr);
    area_insert(as, upper);
    return upper;
}

static bool continues(const struct vma *a, const struct vma *b)
{
    return a->end == b->start && a->flags == b->flags && a->object == b->object &&
           a->file == b->file && a->ops == b->ops && a->label == b->label &&
           !(a->flags & VMA_SPECIAL) &&
           (!a->object || a->offset + (a->end - a->start) == b->offset);
}

static void absorb(struct aspace *as, struct vma *a, struct vma *b, struct list *dead)
{
    u64 end = b->end;
    area_erase(as, b);
    list_add_tail(dead, &b->object_link);
    area_resize(as, a, a->start, end);
}

struct vma *area_merge(struct aspace *as, struct vma *v, struct list *dead)
{
    struct vma *next = area_next(v), *prev = area_prev(v);
    if (next && continues(v, next))
        absorb(as, v, next, dead);
    if (prev && continues(prev, v)) {
        absorb(as, prev, v, dead);
        return prev;
    }
    return v;
}

struct vma *area_isolate(struct aspace *as, struct vma *v, u64 start, u64 end, struct list *dead)
{
    if (v->start < start) {
        v = area_split(as, v, start);
        if (!v)
            return NULL;
    }
    if (v->end > end && !area_split(as, v, end)) {
        area_merge(as, v, dead);
        return NULL;
    }
    return v;
}

// --- places ---
static u64 gap_descend(struct rb_node *n, u64 len, u64 lo, u64 hi)
{
    for (; n; n = n->left) {
        struct vma *v = area_of(n);
        if (v->max_gap < len)
            return 0;
        if (v->end < hi) {
            u64 found = gap_descend(n->right, len, lo, hi);
            if (found)
                return found;
        }
        u64 top = MIN(gap_end(v), hi), bottom = gap_end(v) - v->gap;
        if (v->gap >= len && top >= len && top - len >= MAX(bottom, lo))
            return top - len;
        if (v->start <= lo)
            return 0;
    }
    return 0;
}

u64 area_gap_top(struct aspace *as, u64 len, u64 lo, u64 hi)
{
    struct vma *last = area_of(rb_last(&as->areas));
    u64 from = MAX(last ? last->end : 0, lo);
    if (hi >= len && hi - len >= from)
        return hi - len;
    return gap_descend(as->areas.node, len, lo, hi);
}

static u64 gap_ascend(struct rb_node *n, u64 len, u64 lo, u64 hi)
{
    for (; n; n = n->right) {
        struct vma *v = area_of(n);
        if (v->max_gap < len)
            return 0;
        if (v->start > lo) {
            u64 found = gap_ascend(n->left, len, lo, hi);
            if (found)
                return found;
        }
        u64 top = MIN(gap_end(v), hi), bottom = MAX(gap_end(v) - v->gap, lo);
        if (v->gap >= len && top >= bottom && top - bottom >= len)
            return bottom;
        if (v->end >= hi)
            return 0;
    }
    return 0;
}

u64 area_gap_bottom(struct aspace *as, u64 len, u64 lo, u64 hi)
{
    u64 found = gap_ascend(as->areas.node, len, lo, hi);
    if (found)
        return found;
    struct vma *last = area_of(rb_last(&as->areas));
    u64 from = MAX(last ? last->end : 0, lo);
    return hi >= len && hi - len >= from ? from : 0;
}

bool area_range_free(struct aspace *as, u64 start, u64 end)
{
    struct vma *v = aspace_find_next(as, start);
    return !v || end <= gap_end(v) || (end <= v->start && !(v->flags & VMA_STACK));
}

// *hint becomes a whole page's.
static bool hint_fits(struct aspace *as, u64 *hint, u64 len, u64 top)
{
    *hint = ALIGN_UP(*hint, PAGE_SIZE);
    return *hint >= MMAP_LOWEST && *hint <= top - len && area_range_free(as, *hint, *hint + len);
}

i64 area_place_within(struct aspace *as, u64 hint, u64 len, u64 low, u64 high)
{
    if (len > high)
        return -E_NOMEM;
    if (hint_fits(as, &hint, len, high))
        return (i64)hint;
    u64 at = area_gap_bottom(as, len, low, high);
    return at ? (i64)at : -E_NOMEM;
}

i64 area_place(struct aspace *as, u64 hint, u64 len)
{
    u64 top = arch_user_top();
    if (len > top)
        return -E_NOMEM;
    if (hint && hint_fits(as, &hint, len, top))
        return (i64)hint;
    u64 at = area_gap_top(as, len, MMAP_LOWEST, MIN(as->mmap_base, top));
    if (!at)
        at = area_gap_bottom(as, len, ALIGN_DOWN(top / 3, PAGE_SIZE), top);
    return at ? (i64)at : -E_NOMEM;
}
