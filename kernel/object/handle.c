// Handle tables: slots of object and rights, found without lock.
//
// Owns struct handle_table and its arrays. A slot is one word (address, rights, close-on-exec), so
// that a lookup sees a consistent one. Guarded by: `lock` of the table for every change; readers of
// the own table use RCU and the word alone; readers of another task's table take the lock, under
// which the slot's own reference keeps the object alive. Relies on object_free for memory that a
// lookup without lock still touches: every object that sits in a table with several users carries
// OBJ_LOOKED_UP.
#include <lib/string.h>
#include <mem/slab.h>
#include <object/handle.h>

// Word of a slot: rights << 48 | low 48 bits of the object's address, which sign extension restores
// | cloexec in bit 0, where addresses have none.
enum : u32 { WORD_RIGHTS_SHIFT = 48, INLINE_SLOTS = 64 };
enum : u64 { WORD_CLOEXEC = 1, WORD_ADDRESS = (1ull << WORD_RIGHTS_SHIFT) - 1 };
static_assert(RIGHTS_ALL == 0xffff && alignof(struct object) > WORD_CLOEXEC);

struct slot {
    _Atomic u64 word; // 0: free or reserved
    _Atomic u32 role; // enum handle_flags beyond CLOEXEC
};

// The growing part. Published with release order, replaced as a whole, freed after a grace period.
struct slots {
    struct rcu_head rcu;
    u32 cap;   // a multiple of 64
    u64 *used; // a bit per slot: taken or reserved; guarded by the table's lock
    struct slot slot[];
};

struct handle_table {
    _Atomic u32 users;
    struct spinlock lock;        // class handle_table
    struct slots *_Atomic slots; // written under lock
    // --- guarded by lock ---
    u32 count; // published and reserved
    u32 low;   // no free slot below
    struct rcu_head rcu;
};

static struct object *word_object(u64 w)
{
    return (struct object *)(uintptr_t)((u64)((i64)(w << 16) >> 17) << 1);
}
static u32 word_rights(u64 w)
{
    return (u32)(w >> WORD_RIGHTS_SHIFT);
}
static u32 word_flags(u64 w)
{
    return (u32)(w & WORD_CLOEXEC);
}
static u64 word_make(struct object *o, u32 rights, u32 flags)
{
    return (u64)(rights & RIGHTS_ALL) << WORD_RIGHTS_SHIFT |
           (flags & HANDLE_CLOEXEC ? WORD_CLOEXEC : 0) | ((u64)(uintptr_t)o & WORD_ADDRESS);
}
static u64 slot_word(const struct slot *s)
{
    return atomic_load_explicit(&s->word, memory_order_acquire);
}
static void mark_looked_up(struct object *o)
{
    atomic_fetch_or_explicit(&o->status, OBJ_LOOKED_UP, memory_order_relaxed);
}
static bool shared(const struct handle_table *t)
{
    return atomic_load_explicit(&t->users, memory_order_acquire) > 1;
}
static struct slots *slots_of(const struct handle_table *t) // lock held, or own table under RCU
{
    return rcu_load(((struct handle_table *)t)->slots);
}

// --- arrays ---

static struct slots *slots_create(u32 cap)
{
    usize bytes = sizeof(struct slots) + (usize)cap * sizeof(struct slot) + cap / 8;
    struct slots *s = kzalloc(bytes, ALLOC_USER);
    if (!s)
        return NULL;
    s->cap = cap;
    s->used = (u64 *)(void *)&s->slot[cap];
    return s;
}

static void slots_free_later(struct rcu_head *head)
{
    kfree(container_of(head, struct slots, rcu));
}

// Makes room for slot fd. Drops the lock while it allocates. Called and returns with the lock held.
static int grow(struct handle_table *t, u32 fd)
{
    for (;;) {
        struct slots *old = slots_of(t);
        if (fd < old->cap)
            return 0;
        u64 want = MAX((u64)old->cap * 2, ALIGN_UP((u64)fd + 1, 64));
        if (want > 0x4000'0000)
            return -E_MFILE;
        spin_unlock(&t->lock);
        struct slots *s = slots_create((u32)want);
        spin_lock(&t->lock);
        if (!s)
            return -E_NOMEM;
        old = slots_of(t);
        if (old->cap >= s->cap) { // somebody else was faster
            kfree(s);
            continue;
        }
        for (u32 i = 0; i < old->cap / 64; i++)
            s->used[i] = old->used[i];
        for (u32 i = 0; i < old->cap; i++) {
            atomic_init(&s->slot[i].word,
                        atomic_load_explicit(&old->slot[i].word, memory_order_relaxed));
            atomic_init(&s->slot[i].role,
                        atomic_load_explicit(&old->slot[i].role, memory_order_relaxed));
        }
        rcu_store(t->slots, s);
        rcu_call(&old->rcu, slots_free_later);
    }
}

// Lowest free slot >= from, which may lie past the end. Lock held.
static u32 find_free(const struct slots *s, u32 from)
{
    u32 words = s->cap / 64;
    for (u32 w = from / 64; w < words; w++) {
        u64 freebits = ~s->used[w];
        if (w == from / 64)
            freebits &= ~0ull << (from % 64);
        if (freebits)
            return w * 64 + (u32)__builtin_ctzll(freebits);
    }
    return MAX(from, s->cap);
}

static void set_used(struct handle_table *t, struct slots *s, u32 fd)
{
    s->used[fd / 64] |= 1ull << (fd % 64);
    t->count++;
    if (fd == t->low)
        t->low = fd + 1;
}

static void clear_used(struct handle_table *t, struct slots *s, u32 fd)
{
    s->used[fd / 64] &= ~(1ull << (fd % 64));
    t->count--;
    if (fd < t->low)
        t->low = fd;
}

static bool is_used(const struct slots *s, u32 fd)
{
    return fd < s->cap && (s->used[fd / 64] >> (fd % 64) & 1);
}

// --- tables ---

struct handle_table *handle_table_create(void)
{
    struct handle_table *t = kzalloc(sizeof(*t), ALLOC_USER);
    if (!t)
        return NULL;
    struct slots *s = slots_create(INLINE_SLOTS);
    if (!s) {
        kfree(t);
        return NULL;
    }
    atomic_init(&t->users, 1);
    spin_init(&t->lock, &lock_class_handle_table);
    atomic_init(&t->slots, s);
    return t;
}

struct handle_table *handle_table_fork(struct handle_table *t)
{
    struct handle_table *n = handle_table_create();
    if (!n)
        return NULL;
    struct slots *to = slots_of(n);
    spin_lock(&t->lock);
    for (;;) { // an array as large as the other's used part, which may grow meanwhile
        struct slots *from = slots_of(t);
        u32 top = from->cap;
        while (top && !from->used[top / 64 - 1])
            top -= 64;
        if (top <= to->cap)
            break;
        spin_unlock(&t->lock);
        kfree(to);
        to = slots_create(top);
        atomic_init(&n->slots, to);
        if (!to) {
            kfree(n);
            return NULL;
        }
        spin_lock(&t->lock);
    }
    const struct slots *from = slots_of(t);
    for (u32 w = 0; w < MIN(from->cap, to->cap) / 64; w++) {
        for (u64 bits = from->used[w]; bits; bits &= bits - 1) {
            u32 fd = w * 64 + (u32)__builtin_ctzll(bits);
            u64 word = slot_word(&from->slot[fd]);
            if (!word) // only reserved: it belongs to a call that another thread is in
                continue;
            object_get(word_object(word));
            atomic_init(&to->slot[fd].word, word);
            atomic_init(&to->slot[fd].role,
                        atomic_load_explicit(&from->slot[fd].role, memory_order_relaxed));
            to->used[w] |= 1ull << (fd % 64);
            n->count++;
        }
    }
    n->low = find_free(to, 0);
    spin_unlock(&t->lock);
    return n;
}

void handle_table_get(struct handle_table *t)
{
    spin_lock(&t->lock);
    // From here on lookups may race with closes: what is in the table already must be freed with
    // care.
    if (atomic_fetch_add_explicit(&t->users, 1, memory_order_acq_rel) == 1) {
        const struct slots *s = slots_of(t);
        for (u32 w = 0; w < s->cap / 64; w++)
            for (u64 bits = s->used[w]; bits; bits &= bits - 1) {
                u64 word = slot_word(&s->slot[w * 64 + (u32)__builtin_ctzll(bits)]);
                if (word)
                    mark_looked_up(word_object(word));
            }
    }
    spin_unlock(&t->lock);
}

// Tells the object that a handle to it went, and gives the slot's reference back. May sleep.
static int drop(struct handle_table *t, u64 word)
{
    struct object *o = word_object(word);
    const struct object_type *type = o->type;
    int err = type->closed ? type->closed(o, t) : 0;
    object_put(o);
    if (UNLIKELY(type->left))
        type->left();
    return err;
}

void handle_table_put(struct handle_table *t)
{
    if (atomic_fetch_sub_explicit(&t->users, 1, memory_order_acq_rel) != 1)
        return;
    struct slots *s = slots_of(t);
    for (u32 w = 0; w < s->cap / 64; w++)
        for (u64 bits = s->used[w]; bits; bits &= bits - 1) {
            u64 word = slot_word(&s->slot[w * 64 + (u32)__builtin_ctzll(bits)]);
            if (word)
                (void)drop(t, word);
        }
    kfree(s);
    kfree(t);
}

// --- lookup ---

static int check_rights(u32 have, u32 need)
{
    u32 missing = need & ~have;
    if (LIKELY(!missing))
        return 0;
    return missing & (RIGHT_READ | RIGHT_WRITE) ? -E_BADF : -E_ACCES;
}

// The table has other users: the object is counted, so that it outlives a close by one of them.
[[gnu::noinline]] static int get_shared(struct href *h, i32 fd, u32 rights)
{
    struct handle_table *t = current_handles();
    int err = -E_BADF;
    rcu_read_lock();
    for (;;) {
        struct slots *s = slots_of(t);
        if ((u32)fd >= s->cap)
            break;
        u64 w = slot_word(&s->slot[fd]);
        if (!w)
            break;
        err = check_rights(word_rights(w), rights);
        if (err)
            break;
        struct object *o = word_object(w);
        // The count is zero when the last handle was closed since the word was read: then the slot
        // says something else by now.
        if (!refcount_inc_not_zero(&o->refs)) {
            err = -E_BADF;
            continue;
        }
        h->object = o;
        h->rights = word_rights(w);
        h->flags = word_flags(w) | atomic_load_explicit(&s->slot[fd].role, memory_order_relaxed);
        h->counted = true;
        break;
    }
    rcu_read_unlock();
    return err;
}

int href_get(struct href *h, i32 fd, u32 rights)
{
    struct handle_table *t = current_handles();
    if (UNLIKELY(!t))
        return -E_BADF;
    if (LIKELY(!shared(t))) {
        // Only this thread changes the table, so neither array nor object can go while it works.
        struct slots *s = atomic_load_explicit(&t->slots, memory_order_relaxed);
        if (UNLIKELY((u32)fd >= s->cap))
            return -E_BADF;
        u64 w = atomic_load_explicit(&s->slot[fd].word, memory_order_relaxed);
        if (UNLIKELY(!w))
            return -E_BADF;
        h->object = word_object(w);
        h->rights = word_rights(w);
        h->flags = word_flags(w) | atomic_load_explicit(&s->slot[fd].role, memory_order_relaxed);
        h->counted = false;
        return check_rights(h->rights, rights);
    }
    [[clang::musttail]] return get_shared(h, fd, rights);
}

int href_get_kind(struct href *h, i32 fd, u32 rights, u32 kind, int wrong_kind_err)
{
    int err = href_get(h, fd, rights);
    if (err)
        return err;
    if (LIKELY(h->object->type->kinds & kind))
        return 0;
    href_put(h);
    return -wrong_kind_err;
}

int handle_lookup(struct handle_table *t, i32 fd, struct href *out)
{
    int err = -E_BADF;
    spin_lock(&t->lock);
    struct slots *s = slots_of(t);
    u64 w = (u32)fd < s->cap ? slot_word(&s->slot[fd]) : 0;
    if (w) {
        object_get(word_object(w));
        *out = (struct href){
            word_object(w), word_rights(w),
            word_flags(w) | atomic_load_explicit(&s->slot[fd].role, memory_order_relaxed), true};
        err = 0;
    }
    spin_unlock(&t->lock);
    return err;
}

// --- changes ---

i32 handle_reserve(struct handle_table *t, i32 min, u32 limit)
{
    spin_lock(&t->lock);
    i32 result;
    for (;;) {
        u32 fd = find_free(slots_of(t), MAX((u32)min, t->low));
        if (fd >= MIN(limit, 0x7fff'ffffu)) {
            result = -E_MFILE;
            break;
        }
        result = grow(t, fd);
        if (result)
            break;
        if (UNLIKELY(is_used(slots_of(t), fd))) // taken while the lock was dropped
            continue;
        set_used(t, slots_of(t), fd);
        result = (i32)fd;
        break;
    }
    spin_unlock(&t->lock);
    return result;
}

// Stores into a slot that is marked used. Lock held.
static void store(struct handle_table *t, u32 fd, struct object *o, u32 rights, u32 flags)
{
    struct slot *s = &slots_of(t)->slot[fd];
    if (shared(t))
        mark_looked_up(o);
    atomic_store_explicit(&s->role, flags & ~(u32)HANDLE_CLOEXEC, memory_order_relaxed);
    atomic_store_explicit(&s->word, word_make(o, rights, flags), memory_order_release);
}

void handle_publish(struct handle_table *t, i32 fd, struct object *o, u32 rights, u32 flags)
{
    spin_lock(&t->lock);
    store(t, (u32)fd, o, rights, flags);
    spin_unlock(&t->lock);
}

void handle_unreserve(struct handle_table *t, i32 fd)
{
    spin_lock(&t->lock);
    clear_used(t, slots_of(t), (u32)fd);
    spin_unlock(&t->lock);
}

i32 handle_install(struct handle_table *t, struct object *o, u32 rights, u32 flags, i32 min,
                   u32 limit)
{
    i32 fd = handle_reserve(t, min, limit);
    if (fd >= 0)
        handle_publish(t, fd, o, rights, flags);
    return fd;
}

int handle_install_pair(struct handle_table *t, struct object *a, u32 rights_a, struct object *b,
                        u32 rights_b, u32 flags, u32 limit, i32 *fds)
{
    i32 x = handle_reserve(t, 0, limit), y = x < 0 ? x : handle_reserve(t, 0, limit);
    if (y >= 0) {
        handle_publish(t, fds[0] = x, a, rights_a, flags);
        handle_publish(t, fds[1] = y, b, rights_b, flags);
        return 0;
    }
    if (x >= 0)
        handle_unreserve(t, x);
    object_put(a);
    object_put(b);
    return y;
}

void handle_close_pair(struct handle_table *t, const i32 *fds)
{
    (void)!handle_close(t, fds[0]);
    (void)!handle_close(t, fds[1]);
}

int handle_replace(struct handle_table *t, i32 fd, struct object *o, u32 rights, u32 flags,
                   u32 limit)
{
    if (fd < 0 || (u32)fd >= limit)
        return -E_BADF;
    spin_lock(&t->lock);
    int err = grow(t, (u32)fd);
    u64 old = 0;
    if (!err) {
        struct slots *s = slots_of(t);
        old = slot_word(&s->slot[fd]);
        if (!old && is_used(s, (u32)fd)) {
            err = -E_BUSY; // reserved by a call that has not finished
        } else {
            if (!old)
                set_used(t, s, (u32)fd);
            store(t, (u32)fd, o, rights, flags);
        }
    }
    spin_unlock(&t->lock);
    if (old)
        (void)drop(t, old);
    return err;
}

// Takes the word out of a slot. Lock held. 0: none there.
static u64 take(struct handle_table *t, u32 fd)
{
    struct slots *s = slots_of(t);
    u64 w = fd < s->cap ? slot_word(&s->slot[fd]) : 0;
    if (w) {
        atomic_store_explicit(&s->slot[fd].word, 0, memory_order_relaxed);
        clear_used(t, s, fd);
    }
    return w;
}

int handle_close(struct handle_table *t, i32 fd)
{
    spin_lock(&t->lock);
    u64 w = take(t, (u32)fd);
    spin_unlock(&t->lock);
    return w ? drop(t, w) : -E_BADF;
}

int handle_get_flags(struct handle_table *t, i32 fd)
{
    rcu_read_lock();
    struct slots *s = slots_of(t);
    int result = -E_BADF;
    u64 w = (u32)fd < s->cap ? slot_word(&s->slot[fd]) : 0;
    if (w)
        result =
            (int)(word_flags(w) | atomic_load_explicit(&s->slot[fd].role, memory_order_relaxed));
    rcu_read_unlock();
    return result;
}

int handle_set_flags(struct handle_table *t, i32 fd, u32 flags, u32 mask)
{
    int err = -E_BADF;
    spin_lock(&t->lock);
    struct slots *s = slots_of(t);
    u64 w = (u32)fd < s->cap ? slot_word(&s->slot[fd]) : 0;
    if (w) {
        if (mask & HANDLE_CLOEXEC)
            atomic_store_explicit(&s->slot[fd].word,
                                  flags & HANDLE_CLOEXEC ? w | WORD_CLOEXEC : w & ~WORD_CLOEXEC,
                                  memory_order_release);
        u32 role = atomic_load_explicit(&s->slot[fd].role, memory_order_relaxed);
        mask &= ~(u32)HANDLE_CLOEXEC;
        atomic_store_explicit(&s->slot[fd].role, (role & ~mask) | (flags & mask),
                              memory_order_relaxed);
        err = 0;
    }
    spin_unlock(&t->lock);
    return err;
}

// The first published slot >= from whose word has all bits of `with`; UINT32_MAX: none. Lock held.
static u32 next_published(const struct slots *s, u32 from, u64 with)
{
    for (u32 w = from / 64; w < s->cap / 64; w++) {
        u64 bits = s->used[w];
        if (w == from / 64)
            bits &= ~0ull << (from % 64);
        for (; bits; bits &= bits - 1) {
            u32 fd = w * 64 + (u32)__builtin_ctzll(bits);
            u64 word = slot_word(&s->slot[fd]);
            if (word && (word & with) == with)
                return fd;
        }
    }
    return UINT32_MAX;
}

// Closes published slots in [first, last] whose word has the bits of `with`.
static void close_matching(struct handle_table *t, u32 first, u32 last, u64 with)
{
    spin_lock(&t->lock);
    for (u32 fd = first; (fd = next_published(slots_of(t), fd, with)) <= last && fd != UINT32_MAX;
         fd++) {
        u64 w = take(t, fd);
        spin_unlock(&t->lock);
        (void)drop(t, w);
        spin_lock(&t->lock);
    }
    spin_unlock(&t->lock);
}

void handle_close_range(struct handle_table *t, u32 first, u32 last, bool only_mark_cloexec)
{
    if (!only_mark_cloexec) {
        close_matching(t, first, last, 0);
        return;
    }
    spin_lock(&t->lock);
    struct slots *s = slots_of(t);
    for (u32 fd = first; (fd = next_published(s, fd, 0)) <= last && fd != UINT32_MAX; fd++)
        atomic_fetch_or_explicit(&s->slot[fd].word, WORD_CLOEXEC, memory_order_release);
    spin_unlock(&t->lock);
}

void handle_close_on_exec(struct handle_table *t)
{
    close_matching(t, 0, UINT32_MAX - 1, WORD_CLOEXEC);
}

int handle_for_each(struct handle_table *t, i32 from,
                    int (*fn)(i32 fd, const struct href *h, void *arg), void *arg)
{
    int stop = 0;
    for (u32 fd = from < 0 ? 0 : (u32)from; !stop; fd++) {
        struct href h;
        spin_lock(&t->lock);
        struct slots *s = slots_of(t);
        fd = fd < s->cap ? next_published(s, fd, 0) : UINT32_MAX;
        if (fd != UINT32_MAX) {
            u64 w = slot_word(&s->slot[fd]);
            h = (struct href){word_object(w), word_rights(w),
                              word_flags(w) |
                                  atomic_load_explicit(&s->slot[fd].role, memory_order_relaxed),
                              true};
            object_get(h.object);
        }
        spin_unlock(&t->lock);
        if (fd == UINT32_MAX)
            break;
        stop = fn((i32)fd, &h, arg);
        object_put(h.object);
    }
    return stop;
}

u32 handle_count(struct handle_table *t)
{
    spin_lock(&t->lock);
    u32 n = 0;
    const struct slots *s = slots_of(t);
    for (u32 fd = 0; fd < s->cap && (fd = next_published(s, fd, 0)) != UINT32_MAX; fd++)
        n++;
    spin_unlock(&t->lock);
    return n;
}
