// Resource usage: live threads plus what ended ones left behind.
#include "private.h"

void usage_add(struct usage *s, const struct usage *u)
{
    s->utime_ns += u->utime_ns;
    s->stime_ns += u->stime_ns;
    s->minflt += u->minflt;
    s->majflt += u->majflt;
    s->nvcsw += u->nvcsw;
    s->nivcsw += u->nivcsw;
    s->inblock += u->inblock;
    s->oublock += u->oublock;
    s->maxrss_pages = MAX(s->maxrss_pages, u->maxrss_pages);
}

void usage_of_thread(struct thread *t, struct usage *out)
{
    u64 total = thread_runtime(t);
    u64 user = MIN(atomic_load_explicit(&t->user_ns, memory_order_relaxed), total);
    *out = (struct usage){.utime_ns = user,
                          .stime_ns = total - user,
                          .nvcsw = atomic_load_explicit(&t->nvcsw, memory_order_relaxed),
                          .nivcsw = atomic_load_explicit(&t->nivcsw, memory_order_relaxed)};
}

void task_usage(struct task *t, struct usage *out)
{
    spin_lock(&t->lock);
    *out = t->dead_usage;
    struct task_thread *tt;
    list_for_each_entry(tt, &t->threads, link) {
        struct usage u;
        usage_of_thread(tt->thread, &u);
        usage_add(out, &u);
    }
    if (t->aspace)
        out->maxrss_pages = MAX(out->maxrss_pages, t->aspace->peak_rss);
    spin_unlock(&t->lock);
}

void task_thread_usage(struct task_thread *tt, struct usage *out)
{
    usage_of_thread(tt->thread, out);
}
