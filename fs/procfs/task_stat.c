// stat, statm and status of a task, as proc_pid_stat(5), proc_pid_statm(5) and proc_pid_status(5)
// of Linux 6.12 lay them out.
#include "procfs.h"
#include <arch/page.h>
#include <tty/tty.h>

enum : u32 { TASK_RANDOMIZE = 0x400000, TASK_FORKNOEXEC = 0x40, TASK_EXITING = 4 };

// Figures of an address space; all 0 without one.
struct space_figures {
    u64 total, peak, peak_rss, locked, anon, file, shared, data, stack, text, exec, tables;
    u64 start_code, end_code, stack_top, start_data, end_data, brk_start, arg_start, arg_end,
        env_start, env_end;
};

static int count_shared(const struct vma *v, void *arg)
{
    struct space_figures *f = arg;
    if (v->object && v->object->flags & MEMOBJ_SHM && v->flags & VMA_SHARED)
        f->shared += vma_resident(v);
    return 0;
}

static void measure(struct aspace *as, struct space_figures *f)
{
    *f = (struct space_figures){0};
    if (!as)
        return;
    (void)aspace_for_each(as, count_shared, f);
    read_lock(&as->lock);
    f->total = as->total_pages;
    f->peak = MAX(as->peak_total, as->total_pages);
    f->locked = as->locked_pages;
    f->data = as->data_pages;
    f->stack = as->stack_pages;
    f->exec = as->exec_pages;
    f->start_code = as->start_code;
    f->end_code = as->end_code;
    f->stack_top = as->stack_top;
    f->start_data = as->start_data;
    f->end_data = as->end_data;
    f->brk_start = as->brk_start;
    f->arg_start = as->arg_start;
    f->arg_end = as->arg_end;
    f->env_start = as->env_start;
    f->env_end = as->env_end;
    read_unlock(&as->lock);
    f->anon = pages_of(&as->rss_anon);
    f->file = pages_of(&as->rss_file);
    f->shared = MIN(f->shared, f->file);
    f->peak_rss = MAX(atomic_load_explicit(&as->peak_rss, memory_order_relaxed), f->anon + f->file);
    if (f->end_code > f->start_code)
        f->text =
            (ALIGN_UP(f->end_code, PAGE_SIZE) - ALIGN_DOWN(f->start_code, PAGE_SIZE)) / PAGE_SIZE;
}

static i64 exit_signal(const struct task_state *s)
{
    if (s->thread && s->id != s->pid)
        return -1;
    if (!s->exit_event || !s->abi || !s->abi->event_number)
        return 0;
    return s->abi->event_number((enum event_kind)s->exit_event);
}

static u32 exit_code(const struct task_state *s)
{
    if (s->state != 'Z')
        return 0;
    if (s->exit.kind == EXIT_BY_EVENT)
        return (u32)s->exit.number | (s->exit.core ? 0x80 : 0);
    return (u32)s->exit.number << 8;
}

static u32 policy_number(enum sched_class c)
{
    static const u8 numbers[] = {[SCHED_FAIR] = 0,
                                 [SCHED_FIFO] = 1,
                                 [SCHED_RR] = 2,
                                 [SCHED_BATCH] = 3,
                                 [SCHED_IDLE_CLASS] = 5};
    return numbers[c];
}

static void put_numbers(struct text *t, const u64 *v, usize n)
{
    for (usize i = 0; i < n; i++)
        text_printf(t, " %llu", (unsigned long long)v[i]);
}

int show_stat(struct text *t, const struct proc_who *w)
{
    struct task_state s;
    struct space_figures f;
    u32 major, minor;
    i32 foreground;
    bool open_book = !who_may_look(w);
    task_state_get(w, &s);
    measure(s.as, &f);
    tty_of_task(w->task, &major, &minor, &foreground);
    bool rt = s.sched.class == SCHED_FIFO || s.sched.class == SCHED_RR;
    u32 flags = TASK_RANDOMIZE | (s.did_exec ? 0 : TASK_FORKNOEXEC) |
                (s.exiting || s.state == 'Z' ? TASK_EXITING : 0);
    text_printf(t, "%u (%s) %c %u %u %u %u %d %u", s.id, s.name, s.state, s.ppid, s.pgrp, s.session,
                (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12, foreground, flags);
    const u64 times[] = {s.usage.minflt,
                         s.children.minflt,
                         s.usage.majflt,
                         s.children.majflt,
                         ticks_of_ns(s.usage.utime_ns),
                         ticks_of_ns(s.usage.stime_ns),
                         ticks_of_ns(s.children.utime_ns),
                         ticks_of_ns(s.children.stime_ns)};
    put_numbers(t, times, ARRAY_LEN(times));
    text_printf(t, " %d %d %u 0", rt ? -1 - s.sched.rtprio : 20 + s.sched.nice, s.sched.nice,
                s.threads);
    const u64 space[] = {ticks_of_ns(s.start_ns),
                         f.total * PAGE_SIZE,
                         f.anon + f.file,
                         s.as ? UINT64_MAX : 0,
                         open_book ? f.start_code : !!s.as,
                         open_book ? f.end_code : !!s.as,
                         open_book ? f.stack_top : 0,
                         0,
                         0,
                         s.signals.pending & 0x7fff'ffff,
                         s.signals.blocked & 0x7fff'ffff,
                         s.signals.ignored & 0x7fff'ffff,
                         s.signals.caught & 0x7fff'ffff,
                         0,
                         0,
                         0};
    put_numbers(t, space, ARRAY_LEN(space));
    text_printf(t, " %lld %u %u %u 0 0 0", (long long)exit_signal(&s), s.cpu,
                rt ? s.sched.rtprio : 0u, policy_number(s.sched.class));
    if (open_book) {
        const u64 marks[] = {f.start_data, f.end_data,  f.brk_start, f.arg_start,
                             f.arg_end,    f.env_start, f.env_end,   exit_code(&s)};
        put_numbers(t, marks, ARRAY_LEN(marks));
    } else {
        text_puts(t, " 0 0 0 0 0 0 0 0");
    }
    text_puts(t, "\n");
    task_state_put(&s);
    return 0;
}

int show_statm(struct text *t, const struct proc_who *w)
{
    struct space_figures f;
    struct aspace *as = who_space(w);
    measure(as, &f);
    if (as)
        aspace_put(as);
    text_printf(t, "%llu %llu %llu %llu 0 %llu 0\n", (unsigned long long)f.total,
                (unsigned long long)(f.anon + f.file), (unsigned long long)f.file,
                (unsigned long long)f.text, (unsigned long long)(f.data + f.stack));
    return 0;
}

// --- status ----------------------------------------------------------------------------------

static const char *state_word(char c)
{
    switch (c) {
    case 'R':
        return "R (running)";
    case 'S':
        return "S (sleeping)";
    case 'D':
        return "D (disk sleep)";
    case 'T':
        return "T (stopped)";
    case 'Z':
        return "Z (zombie)";
    default:
        return "X (dead)";
    }
}

static void put_ids(struct text *t, const struct proc_who *w, const struct task_state *s)
{
    const struct cred *c = s->cred;
    text_printf(t, "State:\t%s\nTgid:\t%u\nNgid:\t0\nPid:\t%u\nPPid:\t%u\nTracerPid:\t0\n",
                state_word(s->state), s->pid, s->id, s->ppid);
    text_printf(t, "Uid:\t%u\t%u\t%u\t%u\n", c->uid, c->euid, c->suid, c->fsuid);
    text_printf(t, "Gid:\t%u\t%u\t%u\t%u\n", c->gid, c->egid, c->sgid, c->fsgid);
    // The size of Linux's table would be a power of two times 64; so is this.
    u32 size = 0;
    struct task *task = w->task;
    spin_lock(&task->lock);
    if (task->handles)
        for (size = 64; size < handle_count(task->handles);)
            size *= 2;
    spin_unlock(&task->lock);
    text_printf(t, "FDSize:\t%u\nGroups:\t", size);
    for (u32 i = 0; i < c->ngroups; i++)
        text_printf(t, i ? " %u" : "%u", c->groups[i]);
    text_printf(t, " \nNStgid:\t%u\nNSpid:\t%u\nNSpgid:\t%u\nNSsid:\t%u\nKthread:\t0\n", s->pid,
                s->id, s->pgrp, s->session);
}

static void put_kib(struct text *t, const char *name, u64 pages)
{
    text_printf(t, "%s:\t%8llu kB\n", name, (unsigned long long)pages * (PAGE_SIZE / 1024));
}

static void put_space(struct text *t, struct aspace *as)
{
    struct space_figures f;
    measure(as, &f);
    put_kib(t, "VmPeak", f.peak);
    put_kib(t, "VmSize", f.total);
    put_kib(t, "VmLck", f.locked);
    put_kib(t, "VmPin", 0);
    put_kib(t, "VmHWM", f.peak_rss);
    put_kib(t, "VmRSS", f.anon + f.file);
    put_kib(t, "RssAnon", f.anon);
    put_kib(t, "RssFile", f.file - f.shared);
    put_kib(t, "RssShmem", f.shared);
    put_kib(t, "VmData", f.data);
    put_kib(t, "VmStk", f.stack);
    put_kib(t, "VmExe", f.text);
    put_kib(t, "VmLib", f.exec > f.text ? f.exec - f.text : 0);
    put_kib(t, "VmPTE", f.tables);
    put_kib(t, "VmSwap", 0);
    text_puts(t, "HugetlbPages:\t       0 kB\nCoreDumping:\t0\nTHP_enabled:\t0\n"
                 "untag_mask:\t0xffffffffffffffff\n");
}

static void put_set(struct text *t, const char *name, u64 set)
{
    text_printf(t, "%s:\t%016llx\n", name, (unsigned long long)set);
}

static void put_signals(struct text *t, const struct task_state *s)
{
    const struct abi_signal_status *g = &s->signals;
    text_printf(t, "Threads:\t%u\nSigQ:\t%llu/%llu\n", s->threads, (unsigned long long)g->queued,
                (unsigned long long)g->queue_limit);
    put_set(t, "SigPnd", g->pending);
    put_set(t, "ShdPnd", g->shared_pending);
    put_set(t, "SigBlk", g->blocked);
    put_set(t, "SigIgn", g->ignored);
    put_set(t, "SigCgt", g->caught);
}

static void put_rights(struct text *t, const struct task_state *s)
{
    const struct cred *c = s->cred;
    put_set(t, "CapInh", c->cap_inheritable);
    put_set(t, "CapPrm", c->cap_permitted);
    put_set(t, "CapEff", c->cap_effective);
    put_set(t, "CapBnd", c->cap_bounding);
    put_set(t, "CapAmb", c->cap_ambient);
    text_printf(t, "NoNewPrivs:\t%d\nSeccomp:\t0\nSeccomp_filters:\t0\n", c->no_new_privs);
    text_puts(t, "Speculation_Store_Bypass:\tunknown\nSpeculationIndirectBranch:\tunsupported\n");
}

int show_status(struct text *t, const struct proc_who *w)
{
    struct task_state s;
    task_state_get(w, &s);
    text_puts(t, "Name:\t");
    text_escaped(t, s.name, strlen(s.name), "\n\\");
    text_puts(t, "\n");
    if (s.has_umask)
        text_printf(t, "Umask:\t%#04o\n", s.umask);
    put_ids(t, w, &s);
    if (s.as)
        put_space(t, s.as);
    put_signals(t, &s);
    put_rights(t, &s);
    text_puts(t, "Cpus_allowed:\t");
    text_cpumask(t, s.affinity);
    text_puts(t, "\nCpus_allowed_list:\t");
    text_ranges(t, s.affinity & cpu_online_mask());
    text_printf(t,
                "\nMems_allowed:\t1\nMems_allowed_list:\t0\nvoluntary_ctxt_switches:\t%llu\n"
                "nonvoluntary_ctxt_switches:\t%llu\n",
                (unsigned long long)s.usage.nvcsw, (unsigned long long)s.usage.nivcsw);
    if (s.abi) // not Linux's: whose program this is
        text_printf(t, "Abi:\t%s\n", s.abi->name);
    task_state_put(&s);
    return 0;
}
