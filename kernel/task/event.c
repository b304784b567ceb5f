// Posting events: the ABI of the receiving task queues them under its task.lock.
#include "private.h"
#include <kerr.h>
#include <mem/slab.h>

struct held_event {
    struct list link;
    struct event event;
};

void event_hold_back(struct task *t, struct held_events *h)
{
    *h = (struct held_events){0};
    list_init(&h->list);
    t->held = h;
}

void event_hold(struct task *t, const struct event *e)
{
    struct held_event *one = kmalloc(sizeof(*one), ALLOC_ATOMIC);
    u32 number = e->kind >= EVENT_ABI ? e->kind - (u32)EVENT_ABI : e->kind;
    if (!one) {
        t->held->bare[e->kind >= EVENT_ABI] |= 1ul << number % 64;
        return;
    }
    one->event = *e;
    list_init(&one->link);
    list_add_tail(&t->held->list, &one->link);
}

static void give(struct task *t, const struct event *e)
{
    if (t->abi->event && t->thread_count && !t->exiting)
        (void)t->abi->event(t, NULL, e);
}

void event_release(struct task *t)
{
    struct held_event *one, *tmp;
    spin_lock(&t->lock);
    struct held_events *h = t->held;
    t->held = NULL;
    list_for_each_entry (one, &h->list, link)
        give(t, &one->event);
    for (u32 set = 0; set < ARRAY_LEN(h->bare); set++)
        for (u64 left = h->bare[set]; left; left &= left - 1) {
            u32 number = (u32)__builtin_ctzl(left);
            give(t, &(struct event){.kind = (enum event_kind)(number + (set ? EVENT_ABI : 0u)),
                                    .code = EVC_USER});
        }
    spin_unlock(&t->lock);
    list_for_each_entry_safe (one, tmp, &h->list, link)
        kfree(one);
}

static int post(struct task *t, struct task_thread *tt, const struct event *e)
{
    int err = 0;
    spin_lock(&t->lock);
    if (t->held)
        event_hold(t, e);
    else if (t->abi && t->abi->event && t->thread_count && !t->exiting)
        err = t->abi->event(t, tt, e);
    spin_unlock(&t->lock);
    return err;
}

int event_post(struct task *t, const struct event *e)
{
    return post(t, NULL, e);
}

int event_post_thread(struct task_thread *tt, const struct event *e)
{
    return post(tt->task, tt, e);
}

int event_post_pgrp_locked(struct pgrp *pg, const struct event *e)
{
    int told = 0;
    struct task *t;
    list_for_each_entry (t, &pg->members, pgrp_link) {
        if (!t->zombie) {
            (void)post(t, NULL, e);
            told++;
        }
    }
    return told;
}

int event_post_pgrp(struct pgrp *pg, const struct event *e)
{
    spin_lock(&tree_lock);
    int told = event_post_pgrp_locked(pg, e);
    spin_unlock(&tree_lock);
    return told;
}
