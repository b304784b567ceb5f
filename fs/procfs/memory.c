// meminfo, vmstat and slabinfo.
#include "procfs.h"
#include <arch/page.h>
#include <mem/slab.h>

struct totals {
    u64 anon, mapped, committed;
};

static int add_task(struct task *t, void *arg)
{
    struct totals *sum = arg;
    const struct proc_who w = {.task = t};
    struct aspace *as = who_space(&w);
    if (as) {
        sum->anon += pages_of(&as->rss_anon);
        sum->mapped += pages_of(&as->rss_file);
        sum->committed += __atomic_load_n(&as->data_pages, __ATOMIC_RELAXED);
        aspace_put(as);
    }
    return 0;
}

struct memory_figures {
    struct frame_stats frames;
    struct totals tasks;
    u64 cached;
};

static void measure(struct memory_figures *m)
{
    *m = (struct memory_figures){0};
    frame_stats(&m->frames);
    (void)task_for_each(1, add_task, &m->tasks);
    m->cached = memobj_cached_total();
}

static void put_kib(struct text *t, const char *name, u64 pages)
{
    usize line = t->len;
    text_printf(t, "%s:", name);
    text_pad(t, line, 16);
    text_printf(t, "%8llu kB\n", (unsigned long long)pages * (PAGE_SIZE / 1024));
}

static void put_zeros(struct text *t, const char *const *names, usize n)
{
    for (usize i = 0; i < n; i++)
        put_kib(t, names[i], 0);
}

int show_meminfo(struct text *t, const struct proc_who *w)
{
    static const char *const swap[] = {"Unevictable", "Mlocked",  "SwapTotal", "SwapFree",
                                       "Zswap",       "Zswapped", "Dirty",     "Writeback"};
    static const char *const rare[] = {"SecPageTables", "NFS_Unstable", "Bounce", "WritebackTmp"};
    static const char *const huge[] = {"AnonHugePages", "ShmemHugePages", "ShmemPmdMapped",
                                       "FileHugePages", "FilePmdMapped"};
    static const char *const counts[] = {"HugePages_Total", "HugePages_Free", "HugePages_Rsvd",
                                         "HugePages_Surp"};
    struct memory_figures m;
    (void)w;
    measure(&m);
    const struct frame_stats *f = &m.frames;
    put_kib(t, "MemTotal", f->total - f->reserved); // what programs could ever have, as on Linux
    put_kib(t, "MemFree", f->free);
    put_kib(t, "MemAvailable", f->free); // what is cached has no other store
    put_kib(t, "Buffers", 0);
    put_kib(t, "Cached", m.cached);
    put_kib(t, "SwapCached", 0);
    put_kib(t, "Active", m.cached + m.tasks.anon);
    put_kib(t, "Inactive", 0);
    put_kib(t, "Active(anon)", m.cached + m.tasks.anon);
    put_kib(t, "Inactive(anon)", 0);
    put_kib(t, "Active(file)", 0);
    put_kib(t, "Inactive(file)", 0);
    put_zeros(t, swap, ARRAY_LEN(swap));
    put_kib(t, "AnonPages", m.tasks.anon);
    put_kib(t, "Mapped", m.tasks.mapped);
    put_kib(t, "Shmem", m.cached);
    put_kib(t, "KReclaimable", 0);
    put_kib(t, "Slab", f->slab);
    put_kib(t, "SReclaimable", 0);
    put_kib(t, "SUnreclaim", f->slab);
    put_kib(t, "KernelStack", f->kernel_stacks);
    put_kib(t, "PageTables", f->page_tables);
    put_zeros(t, rare, ARRAY_LEN(rare));
    put_kib(t, "CommitLimit", f->total / 2);
    put_kib(t, "Committed_AS", m.cached + m.tasks.committed);
    put_kib(t, "VmallocTotal", 1ull << 32);
    put_kib(t, "VmallocUsed", f->kernel_stacks);
    put_kib(t, "VmallocChunk", 0);
    put_kib(t, "Percpu", 0);
    put_zeros(t, huge, ARRAY_LEN(huge));
    for (usize i = 0; i < ARRAY_LEN(counts); i++)
        text_printf(t, "%s:%*d\n", counts[i], (int)(23 - strlen(counts[i])), 0);
    put_kib(t, "Hugepagesize", 512);
    put_kib(t, "Hugetlb", 0);
    return 0;
}

int show_vmstat(struct text *t, const struct proc_who *w)
{
    static const char *const none[] = {
        "nr_mlock",      "nr_bounce",      "nr_zspages",     "nr_free_cma", "nr_dirty",
        "nr_writeback",  "pgpgin",         "pgpgout",        "pswpin",      "pswpout",
        "pgfree",        "pgfault",        "pgmajfault",     "pgrefill",    "pgscan_kswapd",
        "pgscan_direct", "pgsteal_kswapd", "pgsteal_direct", "oom_kill",    "allocstall_normal"};
    struct memory_figures m;
    (void)w;
    measure(&m);
    const struct {
        const char *name;
        u64 v;
    } known[] = {{"nr_free_pages", m.frames.free},
                 {"nr_inactive_anon", 0},
                 {"nr_active_anon", m.cached + m.tasks.anon},
                 {"nr_inactive_file", 0},
                 {"nr_active_file", 0},
                 {"nr_unevictable", 0},
                 {"nr_slab_reclaimable", 0},
                 {"nr_slab_unreclaimable", m.frames.slab},
                 {"nr_anon_pages", m.tasks.anon},
                 {"nr_mapped", m.tasks.mapped},
                 {"nr_file_pages", m.cached},
                 {"nr_shmem", m.cached},
                 {"nr_kernel_stack", m.frames.kernel_stacks * (PAGE_SIZE / 1024)},
                 {"nr_page_table_pages", m.frames.page_tables}};
    for (usize i = 0; i < ARRAY_LEN(known); i++)
        text_printf(t, "%s %llu\n", known[i].name, (unsigned long long)known[i].v);
    for (usize i = 0; i < ARRAY_LEN(none); i++)
        text_printf(t, "%s 0\n", none[i]);
    return 0;
}

int show_slabinfo(struct text *t, const struct proc_who *w)
{
    struct slab_info s;
    (void)w;
    text_puts(t, "slabinfo - version: 2.1\n# name            <active_objs> <num_objs> <objsize> "
                 "<objperslab> <pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : "
                 "slabdata <active_slabs> <num_slabs> <sharedavail>\n");
    for (usize i = 0; slab_info(i, &s); i++) {
        u32 per_slab = s.size ? (u32)(s.pages_per_slab * PAGE_SIZE / s.size) : 0;
        text_printf(
            t,
            "%-17s %6zu %6zu %6zu %4u %4zu : tunables    0    0    0 : slabdata %6zu %6zu      0\n",
            s.name, s.in_use, s.objects, s.size, per_slab, s.pages_per_slab, s.slabs, s.slabs);
    }
    return 0;
}
