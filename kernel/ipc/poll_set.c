// Sets of waits: items in a tree by (fd, object), a list of those that may be ready, and the
// waiting itself.
//
// Guarded by: `lock` (sleeping) of a set: its items and their life; `ready_lock` (spinning,
// interrupts off, because wake-ups come from interrupts with a queue's lock held): the ready list
// and the sleepers; `watch_lock` (global, outside of `lock`): the list of items at each watched
// object. An item holds no reference to its target: the watch hook takes it out when the target
// goes. Relies on: a target's wait queues living as long as the target, and on poll functions that
// do not sleep.
#include "poll_set.h"
#include <mem/slab.h>
#include <object/attr.h>

DEFINE_SLAB(item_cache, struct set_item);

struct set_sleeper {
    struct list link; // set->sleepers; off it when woken
    struct thread *thread;
};

// --- readiness ---

// Puts an item on the list and wakes one sleeper. ready_lock held. True if one slept.
static bool make_ready(struct poll_set *s, struct set_item *it)
{
    if (list_empty(&it->ready_link))
        list_add_tail(&s->ready, &it->ready_link);
    struct list *l = list_pop(&s->sleepers);
    if (l)
        (void)thread_wake(list_entry(l, struct set_sleeper, link)->thread);
    return l;
}

// Tells those who poll the set itself, later: the caller may hold the lock of another queue. `told`
// keeps one reference alive from here until the work ran.
static void tell_pollers(struct poll_set *s)
{
    if (!waitqueue_active(&s->poll_wait) ||
        atomic_exchange_explicit(&s->told, true, memory_order_acq_rel))
        return;
    if (refcount_inc_not_zero(&s->obj.refs))
        work_queue(&s->poll_work);
}

static void poll_work(struct work *w)
{
    struct poll_set *s = container_of(w, struct poll_set, poll_work);
    atomic_store_explicit(&s->told, false, memory_order_seq_cst);
    wake_all(&s->poll_wait, POLL_IN | POLL_RDNORM);
    object_put(&s->obj);
}

// A watched queue was woken. Any context, the queue's lock held.
static bool item_woken(struct waiter *w, u64 key)
{
    struct set_item *it = container_of(w, struct set_wait, waiter)->item;
    struct poll_set *s = it->set;
    irqflags_t f = spin_lock_irqsave(&s->ready_lock);
    u32 events = it->item.events;
    bool armed = events & ~POLL_SET_FLAGS, woke = false;
    if (armed && (!key || key & (events | POLL_ERR | POLL_HUP)))
        woke = make_ready(s, it);
    spin_unlock_irqrestore(&s->ready_lock, f);
    if (!armed)
        return false;
    tell_pollers(s);
    return !(events & POLL_SET_EXCLUSIVE) || woke;
}

static void add_ready(struct poll_set *s, struct set_item *it)
{
    irqflags_t f = spin_lock_irqsave(&s->ready_lock);
    (void)make_ready(s, it);
    spin_unlock_irqrestore(&s->ready_lock, f);
    tell_pollers(s);
}

struct register_table {
    struct poll_table table; // first
    struct set_item *item;
};

static void item_register(struct poll_table *pt, struct waitqueue *q)
{
    struct set_item *it = ((struct register_table *)pt)->item;
    struct set_wait *sw = it->first.queue ? NULL : &it->first;
    if (!sw) {
        sw = kzalloc(sizeof(*sw), ALLOC_USER);
        if (!sw) {
            pt->error = -E_NOMEM;
            return;
        }
        sw->next = it->more;
        it->more = sw;
    }
    sw->item = it;
    sw->queue = q;
    sw->waiter = (struct waiter){
        .thread = current(), .wake = item_woken, .exclusive = it->item.events & POLL_SET_EXCLUSIVE};
    list_init(&sw->waiter.link);
    wait_add(q, &sw->waiter);
}

static void item_unregister(struct set_item *it)
{
    if (it->first.queue)
        wait_remove(it->first.queue, &it->first.waiter);
    while (it->more) {
        struct set_wait *sw = it->more;
        it->more = sw->next;
        wait_remove(sw->queue, &sw->waiter);
        kfree(sw);
    }
    it->first.queue = NULL;
}

static u32 item_state(struct set_item *it, struct poll_table *pt)
{
    return object_poll(it->target, pt) & (it->item.events | POLL_ERR | POLL_HUP) & ~POLL_SET_FLAGS;
}

// --- items by (fd, object) ---

static struct set_item *find(struct poll_set *s, i32 fd, const struct object *target)
{
    struct set_item *it;
    list_for_each_entry (it, set_bucket(s, fd), link)
        if (it->fd == fd && it->target == target)
            return it;
    return NULL;
}

// Doubles the table of buckets when items outnumber it. Failing to is no error: chains grow.
static void make_room(struct poll_set *s)
{
    if (s->count < s->bucket_count * 2)
        return;
    u32 n = s->bucket_count * 4;
    struct list *fresh = kmalloc_array(n, sizeof(*fresh), ALLOC_USER);
    if (!fresh)
        return;
    for (u32 i = 0; i < n; i++)
        list_init(&fresh[i]);
    struct list *old = s->buckets;
    u32 old_count = s->bucket_count;
    s->buckets = fresh;
    s->bucket_count = n;
    for (u32 i = 0; i < old_count; i++) {
        struct list *l;
        while ((l = list_pop(&old[i]))) {
            struct set_item *it = list_entry(l, struct set_item, link);
            list_add_tail(set_bucket(s, it->fd), &it->link);
        }
    }
    if (old != s->first_buckets)
        kfree(old);
}

// Takes an item out for good. Set's lock and watch_lock held.
static void item_remove(struct poll_set *s, struct set_item *it)
{
    item_unregister(it);
    watch_unlink(it);
    irqflags_t f = spin_lock_irqsave(&s->ready_lock);
    list_del(&it->ready_link);
    spin_unlock_irqrestore(&s->ready_lock, f);
    list_del(&it->link);
    s->count--;
    slab_def_free(&item_cache, it);
}

// --- changes ---

static int check_item(struct object *set, struct object *target, const struct poll_item *item,
                      bool adding)
{
    if (set == target)
        return -E_INVAL;
    if (!target->type->poll)
        return -E_PERM;
    if (item->events & POLL_SET_EXCLUSIVE) {
        u32 allowed = POLL_IN | POLL_OUT | POLL_RDNORM | POLL_WRNORM | POLL_ERR | POLL_HUP |
                      POLL_SET_WAKEUP | POLL_SET_EDGE | POLL_SET_EXCLUSIVE;
        if (!adding || item->events & ~allowed || object_is_poll_set(target))
            return -E_INVAL;
    }
    return 0;
}

// Both locks held.
static int add_locked(struct poll_set *s, i32 fd, struct object *target,
                      const struct poll_item *item)
{
    if (find(s, fd, target))
        return -E_EXIST;
    int err = object_is_poll_set(target) ? watch_check_nesting(s, (struct poll_set *)target) : 0;
    if (err)
        return err;
    struct set_item *it = slab_def_alloc(&item_cache, ALLOC_USER | ALLOC_ZERO);
    if (!it)
        return -E_NOMEM;
    it->set = s;
    it->fd = fd;
    it->target = target;
    it->item = *item;
    list_init(&it->ready_link);
    list_init(&it->watch_link);
    err = watch_link(it);
    if (err) {
        slab_def_free(&item_cache, it);
        return err;
    }
    make_room(s);
    list_add_tail(set_bucket(s, fd), &it->link);
    s->count++;
    struct register_table rt = {{item_register, item->events | POLL_ERR | POLL_HUP, 0}, it};
    bool ready = item_state(it, &rt.table);
    if (rt.table.error) {
        item_remove(s, it);
        return rt.table.error;
    }
    if (ready)
        add_ready(s, it);
    return 0;
}

int poll_set_add(struct object *set, i32 fd, struct object *target, const struct poll_item *item)
{
    struct poll_set *s = (struct poll_set *)set;
    int err = check_item(set, target, item, true);
    if (err)
        return err;
    mutex_lock(&watch_lock);
    mutex_lock(&s->lock);
    err = add_locked(s, fd, target, item);
    mutex_unlock(&s->lock);
    mutex_unlock(&watch_lock);
    return err;
}

int poll_set_modify(struct object *set, i32 fd, struct object *target, const struct poll_item *item)
{
    struct poll_set *s = (struct poll_set *)set;
    int err = check_item(set, target, item, false);
    if (err)
        return err;
    mutex_lock(&s->lock);
    struct set_item *it = find(s, fd, target);
    if (!it)
        err = -E_NOENT;
    else if (it->item.events & POLL_SET_EXCLUSIVE)
        err = -E_INVAL;
    if (!err) {
        irqflags_t f = spin_lock_irqsave(&s->ready_lock);
        it->item = *item;
        spin_unlock_irqrestore(&s->ready_lock, f);
        atomic_thread_fence(memory_order_seq_cst); // a wake-up from here on sees the new events,
                                                   // one before it shows in the state
        if (item_state(it, NULL))
            add_ready(s, it);
    }
    mutex_unlock(&s->lock);
    return err;
}

int poll_set_remove(struct object *set, i32 fd, struct object *target)
{
    struct poll_set *s = (struct poll_set *)set;
    mutex_lock(&watch_lock);
    mutex_lock(&s->lock);
    struct set_item *it = find(s, fd, target);
    if (it)
        item_remove(s, it);
    mutex_unlock(&s->lock);
    mutex_unlock(&watch_lock);
    return it ? 0 : -E_NOENT;
}

// The hook of objects: target has no references left.
void poll_set_target_gone(struct object *target)
{
    mutex_lock(&watch_lock);
    struct set_item *it;
    while ((it = watch_first(target))) {
        struct poll_set *s = it->set;
        mutex_lock(&s->lock);
        item_remove(s, it);
        mutex_unlock(&s->lock);
    }
    mutex_unlock(&watch_lock);
}

// --- waiting ---

static bool has_ready(struct poll_set *s)
{
    return !list_empty(&s->ready);
}

// Moves up to max ready items out. Set's lock held.
static u32 harvest(struct poll_set *s, struct poll_item *items, u32 max)
{
    struct list again = LIST_INIT(again);
    u32 n = 0;
    while (n < max) {
        irqflags_t f = spin_lock_irqsave(&s->ready_lock);
        struct list *l = list_pop(&s->ready); // before asking: what happens after puts it back
        spin_unlock_irqrestore(&s->ready_lock, f);
        if (!l)
            break;
        struct set_item *it = list_entry(l, struct set_item, ready_link);
        u32 state = item_state(it, NULL);
        if (!state)
            continue;
        items[n++] = (struct poll_item){state, it->item.data};
        if (it->item.events & POLL_SET_ONESHOT) {
            it->item.events &= POLL_SET_FLAGS;
        } else if (!(it->item.events & POLL_SET_EDGE)) {
            f = spin_lock_irqsave(&s->ready_lock);
            if (list_empty(&it->ready_link)) // level: asked again next time, after all others
                list_add_tail(&again, &it->ready_link);
            spin_unlock_irqrestore(&s->ready_lock, f);
        }
    }
    irqflags_t f = spin_lock_irqsave(&s->ready_lock);
    list_splice_tail(&s->ready, &again);
    if (has_ready(s)) { // another sleeper may take what is left
        struct list *l = list_pop(&s->sleepers);
        if (l)
            (void)thread_wake(list_entry(l, struct set_sleeper, link)->thread);
    }
    spin_unlock_irqrestore(&s->ready_lock, f);
    return n;
}

// Sleeps until something may be ready. 0, -E_TIMEDOUT, -E_RESTART.
static int sleep_for_ready(struct poll_set *s, u64 deadline)
{
    struct set_sleeper me = {.thread = current()};
    list_init(&me.link);
    int err = 0;
    for (;;) {
        thread_set_state(THREAD_SLEEPING);
        irqflags_t f = spin_lock_irqsave(&s->ready_lock);
        bool done = has_ready(s) || err;
        if (!done && list_empty(&me.link))
            list_add_tail(&s->sleepers, &me.link);
        spin_unlock_irqrestore(&s->ready_lock, f);
        if (done)
            break;
        err = wait_sleep(THREAD_SLEEPING, deadline);
    }
    thread_set_state(THREAD_RUNNABLE);
    irqflags_t f = spin_lock_irqsave(&s->ready_lock);
    list_del(&me.link);
    if (has_ready(s))
        err = 0;
    spin_unlock_irqrestore(&s->ready_lock, f);
    return err;
}

u32 poll_set_count(struct object *set)
{
    return ((struct poll_set *)set)->count;
}

i64 poll_set_wait(struct object *set, struct poll_item *items, u32 max, u64 deadline)
{
    struct poll_set *s = (struct poll_set *)set;
    if (!max)
        return -E_INVAL;
    for (;;) {
        if (has_ready(s)) {
            mutex_lock(&s->lock);
            u32 n = harvest(s, items, max);
            mutex_unlock(&s->lock);
            if (n)
                return n;
        }
        if (deadline == 1)
            return 0;
        int err = sleep_for_ready(s, deadline);
        if (err)
            return err == -E_TIMEDOUT ? 0 : err;
    }
}

// --- the set as an object ---

static u32 set_poll(struct object *o, struct poll_table *pt)
{
    struct poll_set *s = (struct poll_set *)o;
    poll_wait(pt, &s->poll_wait);
    // An item on the list may not be ready any more; only asking tells.
    u32 mask = 0;
    if (!has_ready(s))
        return 0;
    if (!mutex_trylock(&s->lock)) // being harvested or changed: a false "ready" is allowed, a false
                                  // "not" is not
        return POLL_IN | POLL_RDNORM;
    while (!mask) {
        irqflags_t f = spin_lock_irqsave(&s->ready_lock);
        struct list *l = list_pop(&s->ready);
        spin_unlock_irqrestore(&s->ready_lock, f);
        if (!l)
            break;
        struct set_item *it = list_entry(l, struct set_item, ready_link);
        if (!item_state(it, NULL))
            continue;
        mask = POLL_IN | POLL_RDNORM;
        f = spin_lock_irqsave(&s->ready_lock);
        if (list_empty(&it->ready_link))
            list_add_head(&s->ready, &it->ready_link);
        spin_unlock_irqrestore(&s->ready_lock, f);
    }
    mutex_unlock(&s->lock);
    return mask;
}

static int set_getattr(struct object *o, struct attr *a)
{
    (void)o;
    attr_anon(a, 0600, 1, ANON_DEV_INODE);
    return 0;
}

static void set_free(struct object *o)
{
    kfree(o);
}

static void set_release(struct object *o)
{
    struct poll_set *s = (struct poll_set *)o;
    mutex_lock(&watch_lock);
    mutex_lock(&s->lock);
    for (u32 i = 0; i < s->bucket_count; i++) {
        struct list *l;
        while ((l = list_first(&s->buckets[i])))
            item_remove(s, list_entry(l, struct set_item, link));
    }
    mutex_unlock(&s->lock);
    mutex_unlock(&watch_lock);
    if (s->buckets != s->first_buckets)
        kfree(s->buckets);
    object_free(o, set_free);
}

static const struct object_type poll_set_type = {
    .name = "eventpoll",
    .kinds = OBJ_KIND_POLL,
    .release = set_release,
    .poll = set_poll,
    .getattr = set_getattr,
};

bool object_is_poll_set(const struct object *o)
{
    return o->type == &poll_set_type;
}

int poll_set_create(u32 status, struct object **out)
{
    struct poll_set *s = kzalloc(sizeof(*s), ALLOC_USER);
    if (!s)
        return -E_NOMEM;
    object_init(&s->obj, &poll_set_type, status);
    mutex_init(&s->lock, &lock_class_poll_set);
    spin_init(&s->ready_lock, &lock_class_poll_ready);
    list_init(&s->ready);
    list_init(&s->sleepers);
    work_init(&s->poll_work, poll_work);
    waitqueue_init(&s->poll_wait);
    s->buckets = s->first_buckets;
    s->bucket_count = ARRAY_LEN(s->first_buckets);
    for (u32 i = 0; i < s->bucket_count; i++)
        list_init(&s->first_buckets[i]);
    *out = &s->obj;
    return 0;
}
