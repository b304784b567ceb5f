// The clock page. page_lock guards what is written to it.
#include <arch/page.h>
#include <arch/time.h>
#include <device/clock.h>
#include <device/clock_page.h>
#include <kerr.h>
#include <mem/frame.h>
#include <sync/lock_order.h>
#include <vm/aspace.h>
#include <vm/memobj.h>

static struct spinlock page_lock = SPINLOCK_INIT(&lock_class_vdso);
static struct clock_page *_Atomic page;
static struct memobj object; // shows it; initialised before `page` is set

static paddr_t page_frame(struct memobj *o, u64 index)
{
    (void)o;
    return index ? 0 : virt_to_phys(atomic_load_explicit(&page, memory_order_acquire));
}
static const struct memobj_ops page_ops = {.direct = page_frame};

static void write_page(struct clock_page *p) // page_lock held
{
    struct arch_time_scale scale = {0};
    (void)arch_time_scale(&scale); // else mult stays 0: programs ask the kernel
    u32 seq = p->seq;
    __atomic_store_n(&p->seq, seq + 1, __ATOMIC_SEQ_CST);
    p->base = scale.base;
    p->mult = scale.mult;
    p->shift = scale.shift;
    p->realtime_offset = clock_realtime_offset(NULL);
    __atomic_store_n(&p->seq, seq + 2, __ATOMIC_SEQ_CST);
}

void clock_page_update(void)
{
    spin_lock(&page_lock);
    struct clock_page *p = atomic_load_explicit(&page, memory_order_relaxed);
    if (p)
        write_page(p);
    spin_unlock(&page_lock);
}

struct clock_page *clock_page_get(void)
{
    struct clock_page *p = atomic_load_explicit(&page, memory_order_acquire);
    if (LIKELY(p))
        return p;
    void *fresh = page_alloc(ALLOC_ZERO);
    if (!fresh)
        return NULL;
    spin_lock(&page_lock);
    p = atomic_load_explicit(&page, memory_order_relaxed);
    if (!p) {
        p = fresh;
        fresh = NULL;
        write_page(p);
        memobj_init(&object, &page_ops, PAGE_SIZE);
        atomic_store_explicit(&page, p, memory_order_release);
    }
    spin_unlock(&page_lock);
    if (fresh)
        page_free(fresh);
    return p;
}

int clock_page_map(struct aspace *as, u64 *addr)
{
    if (!clock_page_get())
        return -E_NOMEM;
    struct map_request r = {.len = PAGE_SIZE,
                            .flags = VMA_READ | VMA_MAYREAD | VMA_SPECIAL,
                            .object = &object,
                            .label = "[clock]"};
    i64 at = aspace_map(as, &r);
    if (at < 0)
        return (int)at;
    *addr = (u64)at;
    return 0;
}
