// Posting events: the ABI of the receiving task queues them under its task.lock.
#include "private.h"
#include <kerr.h>
#include <mem/slab.h>

static int post(struct task *t, struct task_thread *tt, const struct event *e)
{
    int err = 0;
    spin_lock(&t->lock);
    if (t->abi && t->abi->event && t->thread_count && !t->exiting)
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
