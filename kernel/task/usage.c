// Resource usage: live threads plus what ended ones left behind.
#include "private.h"
#include <task/abi.h>

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
    list_for_each_entry (tt, &t->threads, link) {
        struct usage u;
        usage_of_thread(tt->thread, &u);
        usage_add(out, &u);
    }
    if (t->aspace)
        out->maxrss_pages = MAX(out->maxrss_pages,
                                atomic_load_explicit(&t->aspace->peak_rss, memory_order_relaxed));
    spin_unlock(&t->lock);
}

void task_thread_usage(struct task_thread *tt, struct usage *out)
{
    usage_of_thread(tt->thread, out);
}

void task_apply_cpu_limit(struct task *t)
{
    struct task_thread *tt;
    list_for_each_entry (tt, &t->threads, link)
        tt->thread->tick_events = t->limits[LIMIT_CPU].soft != UINT64_MAX;
}

void task_check_cpu_limit(void)
{
    struct task *t = current_task();
    struct usage u;
    task_usage(t, &u);
    u64 s = (u.utime_ns + u.stime_ns) / NS_PER_SEC;
    spin_lock(&t->lock);
    struct limit l = t->limits[LIMIT_CPU];
    bool tell = s >= l.soft && s < l.hard && t->cpu_told_s != s;
    if (tell)
        t->cpu_told_s = s;
    spin_unlock(&t->lock);
    if (s >= l.hard && t->abi->event_number)
        task_terminate(t, (struct exit_info){.kind = EXIT_BY_EVENT,
                                             .number = t->abi->event_number(EVENT_KILL)});
    struct event e = {.kind = EVENT_CPU_LIMIT, .code = EVC_KERNEL};
    if (tell)
        (void)event_post(t, &e);
}
