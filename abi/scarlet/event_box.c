// Events that wait for a native task or thread: per kind the one to be delivered next, and behind
// it those that were sent to be kept. task->lock is held throughout.
#include "scarlet.h"
#include <mem/slab.h>

struct kept_event {
    struct list link;
    u32 bit;
    struct waiting_event event;
};

void event_box_init(struct event_box *box)
{
    box->pending = box->kept_count = 0;
    list_init(&box->kept);
}

static void drop_kept(struct event_box *box, u32 bits)
{
    struct kept_event *k, *next;
    list_for_each_entry_safe (k, next, &box->kept, link)
        if (bits >> k->bit & 1) {
            list_del(&k->link);
            box->kept_count--;
            kfree(k);
        }
}

void event_box_forget(struct event_box *box, u32 bits)
{
    box->pending &= ~bits;
    drop_kept(box, bits);
}

// What k follows: the last of its kind that is as urgent. From the end, where it mostly is.
static struct list *place_of_new(struct event_box *box, const struct kept_event *k)
{
    struct list *l = box->kept.prev;
    for (; l != &box->kept; l = l->prev) {
        const struct kept_event *at = container_of(l, struct kept_event, link);
        if (at->bit == k->bit && at->event.priority >= k->event.priority)
            break;
    }
    return l;
}

// It was the first of its kind: the last that is more urgent.
static struct list *place_of_displaced(struct event_box *box, const struct kept_event *k)
{
    struct kept_event *at;
    list_for_each_entry (at, &box->kept, link)
        if (at->bit == k->bit && at->event.priority <= k->event.priority)
            break;
    return at->link.prev;
}

// Behind those of its kind that are as urgent, or in front of them if it was displaced.
static int keep(struct event_box *box, u32 bit, const struct waiting_event *e, bool displaced,
                u64 limit)
{
    struct kept_event *k = box->kept_count < limit ? kmalloc(sizeof(*k), ALLOC_ATOMIC) : NULL;
    if (!k)
        return box->kept_count < limit ? -E_NOMEM : -E_AGAIN;
    k->bit = bit;
    k->event = *e;
    list_add_head(displaced ? place_of_displaced(box, k) : place_of_new(box, k), &k->link);
    box->kept_count++;
    return 0;
}

int event_box_put(struct event_box *box, u32 bit, const struct waiting_event *e, bool reliable,
                  u64 limit)
{
    struct waiting_event *first = &box->first[bit];
    if (!(box->pending >> bit & 1)) {
        *first = *e;
        box->pending |= 1u << bit;
        return 0;
    }
    if (!reliable) {
        first->priority = MAX(first->priority, e->priority);
        return 0;
    }
    bool urgent = e->priority > first->priority;
    int err = keep(box, bit, urgent ? first : e, urgent, limit);
    if (!err && urgent)
        *first = *e;
    return err;
}

u32 event_box_most_urgent(const struct event_box *box, u32 wanted)
{
    u32 best = EVENT_BITS;
    for (u32 left = box->pending & wanted; left; left &= left - 1) {
        u32 bit = (u32)__builtin_ctz(left);
        if (best == EVENT_BITS || box->first[bit].priority > box->first[best].priority)
            best = bit;
    }
    return best;
}

struct scarlet_task_event event_box_take(struct event_box *box, u32 bit)
{
    struct scarlet_task_event e = box->first[bit].event;
    struct kept_event *k;
    list_for_each_entry (k, &box->kept, link)
        if (k->bit == bit) {
            box->first[bit] = k->event;
            list_del(&k->link);
            box->kept_count--;
            kfree(k);
            return e;
        }
    box->pending &= ~(1u << bit);
    return e;
}
