// maps, smaps and smaps_rollup: the areas of an address space. The space's lock is held for reading
// while its areas are listed.
#include "procfs.h"
#include <arch/page.h>
#include <mem/slab.h>

enum : u32 { NAME_COLUMN = 73 };

struct listing {
    struct text *text;
    char *name; // PATH_MAX_LEN bytes
    struct aspace *as;
    u64 rss, anon, first, last, locked;
    bool details, any;
};

static void put_name(struct text *t, usize line, const char *s, usize n)
{
    text_pad(t, line, NAME_COLUMN);
    text_escaped(t, s, n, "\n");
}

static void put_area(struct listing *l, const struct vma *v)
{
    struct text *t = l->text;
    u64 dev = 0, ino = 0;
    usize name = 0, line = t->len;
    if (v->file && v->ops && v->ops->describe)
        name = v->ops->describe(v->file, l->name, PATH_MAX_LEN, &dev, &ino);
    text_printf(t, "%08llx-%08llx %c%c%c%c %08llx %02x:%02x %llu ", (unsigned long long)v->start,
                (unsigned long long)v->end, v->flags & VMA_READ ? 'r' : '-',
                v->flags & VMA_WRITE ? 'w' : '-', v->flags & VMA_EXEC ? 'x' : '-',
                v->flags & VMA_SHARED ? 's' : 'p', (unsigned long long)(v->file ? v->offset : 0),
                (u32)(dev >> 32), (u32)dev, (unsigned long long)ino);
    if (name)
        put_name(t, line, l->name, name);
    else if (v->flags & VMA_HEAP)
        put_name(t, line, "[heap]", 6);
    else if (v->label)
        put_name(t, line, v->label, strlen(v->label));
    text_puts(t, "\n");
}

static void put_kib(struct text *t, const char *name, u64 kib)
{
    usize line = t->len;
    text_printf(t, "%s:", name);
    text_pad(t, line, 16);
    text_printf(t, "%8llu kB\n", (unsigned long long)kib);
}

// What is mapped more than once is not told apart here: pages of files count as shared and clean
// when the mapping cannot write them, anonymous ones as private.
static void put_figures(struct text *t, u64 rss, u64 anon, u64 locked)
{
    static const char *const none[] = {
        "KSM", "LazyFree", "AnonHugePages", "ShmemPmdMapped", "FilePmdMapped", "Shared_Hugetlb"};
    u64 file = rss - anon;
    put_kib(t, "Rss", rss);
    put_kib(t, "Pss", rss);
    put_kib(t, "Pss_Dirty", anon);
    put_kib(t, "Shared_Clean", file);
    put_kib(t, "Shared_Dirty", 0);
    put_kib(t, "Private_Clean", 0);
    put_kib(t, "Private_Dirty", anon);
    put_kib(t, "Referenced", rss);
    put_kib(t, "Anonymous", anon);
    for (usize i = 0; i < ARRAY_LEN(none); i++)
        put_kib(t, none[i], 0);
    text_puts(t, "Private_Hugetlb:       0 kB\n");
    put_kib(t, "Swap", 0);
    put_kib(t, "SwapPss", 0);
    put_kib(t, "Locked", locked);
}

static void put_flags(struct text *t, u32 flags)
{
    static const struct {
        u32 flag;
        char name[3];
    } names[] = {{VMA_READ, "rd"},      {VMA_WRITE, "wr"},    {VMA_EXEC, "ex"},
                 {VMA_SHARED, "sh"},    {VMA_MAYREAD, "mr"},  {VMA_MAYWRITE, "mw"},
                 {VMA_MAYEXEC, "me"},   {VMA_SHARED, "ms"},   {VMA_STACK, "gd"},
                 {VMA_LOCKED, "lo"},    {VMA_DONTFORK, "dc"}, {VMA_NORESERVE, "nr"},
                 {VMA_WIPEONFORK, "wf"}};
    text_puts(t, "VmFlags:");
    for (usize i = 0; i < ARRAY_LEN(names); i++)
        if (flags & names[i].flag)
            text_printf(t, " %s", names[i].name);
    text_puts(t, " \n");
}

static int put_one(const struct vma *v, void *arg)
{
    struct listing *l = arg;
    put_area(l, v);
    if (l->details) {
        u64 rss = vma_resident(v) * 4, anon = v->object ? 0 : rss;
        u64 locked = v->flags & VMA_LOCKED ? rss : 0;
        put_kib(l->text, "Size", (v->end - v->start) / 1024);
        put_kib(l->text, "KernelPageSize", PAGE_SIZE / 1024);
        put_kib(l->text, "MMUPageSize", PAGE_SIZE / 1024);
        put_figures(l->text, rss, anon, locked);
        text_puts(l->text, "THPeligible:           0\n");
        put_flags(l->text, v->flags);
    }
    return l->text->failed ? -E_NOMEM : 0;
}

static int list_areas(struct text *t, const struct proc_who *w, bool details)
{
    struct aspace *as = who_space(w);
    if (!as)
        return 0;
    struct listing l = {.text = t, .as = as, .details = details, .name = kmalloc(PATH_MAX_LEN, 0)};
    int r = l.name ? aspace_for_each(as, put_one, &l) : -E_NOMEM;
    kfree(l.name);
    aspace_put(as);
    return r;
}

int show_maps(struct text *t, const struct proc_who *w)
{
    return list_areas(t, w, false);
}

int show_smaps(struct text *t, const struct proc_who *w)
{
    return list_areas(t, w, true);
}

static int add_area(const struct vma *v, void *arg)
{
    struct listing *l = arg;
    u64 rss = vma_resident(v) * 4;
    if (!l->any)
        l->first = v->start;
    l->any = true;
    l->last = v->end;
    l->rss += rss;
    l->anon += v->object ? 0 : rss;
    l->locked += v->flags & VMA_LOCKED ? rss : 0;
    return 0;
}

int show_smaps_rollup(struct text *t, const struct proc_who *w)
{
    struct aspace *as = who_space(w);
    if (!as)
        return -E_SRCH;
    struct listing l = {.as = as};
    (void)aspace_for_each(as, add_area, &l);
    aspace_put(as);
    usize line = t->len;
    text_printf(t, "%08llx-%08llx ---p 00000000 00:00 0 ", (unsigned long long)l.first,
                (unsigned long long)l.last);
    put_name(t, line, "[rollup]", 8);
    text_puts(t, "\n");
    put_figures(t, l.rss, l.anon, l.locked);
    return 0;
}
