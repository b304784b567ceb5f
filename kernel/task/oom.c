// Out of memory: one task is ended, chosen by how much it holds; everybody else waits for the
// memory it gives back.
#include "private.h"
#include <sync/log.h>

struct choice {
    struct task *victim;
    i64 score;
    bool dying; // a task that holds memory is on its way out already
};

static i64 pages_of(struct task *t)
{
    spin_lock(&t->lock);
    i64 n = t->aspace ? atomic_load(&t->aspace->rss_anon) + atomic_load(&t->aspace->rss_file) : 0;
    spin_unlock(&t->lock);
    return n;
}

static int consider(struct task *t, void *arg)
{
    struct choice *c = arg;
    if (t == init_task || !t->aspace)
        return 0;
    i64 pages = pages_of(t);
    if (t->exiting) { // it gives back what it has, or has done so
        c->dying = pages > 0;
        return c->dying;
    }
    if (t->oom_adj <= -1000 || !pages)
        return 0;
    i64 score = pages + t->oom_adj * (i64)(frame_free_count() + 1000) / 1000;
    if (score <= c->score)
        return 0;
    if (c->victim)
        task_put(c->victim);
    task_get(t);
    c->victim = t;
    c->score = score;
    return 0;
}

// Can a fault have what it needs now? Somebody may have given memory back meanwhile.
static bool memory_is_back(void)
{
    enum { ENOUGH = 16 }; // more than any one fault takes
    struct frame *f[ENOUGH];
    u32 n = 0;
    while (n < ENOUGH && (f[n] = frame_alloc(0, ALLOC_USER)))
        n++;
    bool all = n == ENOUGH;
    while (n)
        frame_put(f[--n]);
    return all;
}

bool task_oom_kill(void)
{
    struct choice c = {0};
    if (memory_is_back())
        return true;
    task_for_each(1, consider, &c);
    if (c.dying || !c.victim) {
        if (c.victim)
            task_put(c.victim);
        return c.dying;
    }
    struct task *t = c.victim;
    klog(LOG_ERR, "Out of memory: ended process %u (%s), %ld KiB resident", t->pid, t->name,
         pages_of(t) * 4);
    i32 number = t->abi && t->abi->event_number ? t->abi->event_number(EVENT_KILL) : 0;
    task_terminate(t, (struct exit_info){.kind = EXIT_BY_EVENT, .number = number});
    task_put(t);
    return true;
}
