// sbrk. The break may go anywhere from xv6_base up: below it is the program itself, which may give
// its own stack or text away.
#include "xv6.h"
#include "xv6_handlers.h"

enum { HOW_LAZY = 2 };

static i64 grow(struct aspace *as, u64 old, u64 now, bool lazy)
{
    struct xv6_task *x = current_xv6();
    u64 start = ALIGN_UP(old, XV6_PAGE), end = ALIGN_UP(now, XV6_PAGE),
        pages = (end - start) / XV6_PAGE;
    if (now > XV6_TOP)
        return -E_NOMEM;
    if (pages) {
        if (!lazy) {
            int err = xv6_charge_pages(x->machine, pages);
            if (err)
                return err;
        }
        struct map_request r = {.addr = start,
                                .len = end - start,
                                .flags = VMA_READ | VMA_WRITE | VMA_MAYREAD | VMA_MAYWRITE |
                                         VMA_MAYEXEC | VMA_HEAP,
                                .how = MAP_REQ_FIXED | MAP_REQ_NOREPLACE | MAP_REQ_LOW};
        i64 at = aspace_map(as, &r);
        if (at < 0) {
            if (!lazy)
                atomic_fetch_sub_explicit(&x->machine->pages, (i64)pages, memory_order_relaxed);
            return at;
        }
        if (!lazy)
            x->pages += pages;
    }
    as->brk = now;
    return (i64)old;
}

static i64 shrink(struct aspace *as, u64 old, u64 now)
{
    struct xv6_task *x = current_xv6();
    u64 start = ALIGN_UP(now, XV6_PAGE), end = ALIGN_UP(old, XV6_PAGE),
        pages = (end - start) / XV6_PAGE;
    if (pages) {
        int err = aspace_unmap(as, start, end - start);
        if (err)
            return err;
        pages = MIN(pages, x->pages); // lazily grown ones were never charged
        x->pages -= pages;
        atomic_fetch_sub_explicit(&x->machine->pages, (i64)pages, memory_order_relaxed);
    }
    as->brk = now;
    return (i64)old;
}

i64 xv6_sbrk(i32 n, i32 how)
{
    struct aspace *as = current_task()->aspace;
    u64 old = as->brk; // one thread: nobody else moves it
    if (n > 0)
        return grow(as, old, old + (u64)n, how == HOW_LAZY && xv6_means_lazy());
    u64 less = (u64) - (i64)n;
    if (!less ||
        less > old - xv6_base(arch_elf_machine())) // taking away more than there is changes nothing
        return (i64)old;
    return shrink(as, old, old - less);
}
