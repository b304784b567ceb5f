// The vDSO: one data page and the code behind it, the same frames in every Linux task.
#include "linux.h"
#include "linux_vdso.h"
#include "vdso/data.h"
#include <arch/page.h>
#include <arch/time.h>
#include <device/clock.h>
#include <kerr.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <sync/lock_order.h>

extern const u8 linux_vdso_start[], linux_vdso_end[];

static u8 **pages; // data, then code; set with `ready`
static struct spinlock data_lock = SPINLOCK_INIT(&lock_class_vdso);

static paddr_t vdso_frame(struct memobj *o, u64 index)
{
    (void)o;
    return virt_to_phys(pages[index]);
}
static const struct memobj_ops vdso_ops = {.direct = vdso_frame};
static struct memobj vdso_object;
static _Atomic bool ready;

static u64 code_size(void)
{
    return ALIGN_UP((u64)(linux_vdso_end - linux_vdso_start), PAGE_SIZE);
}

void linux_vdso_update(void)
{
    struct arch_time_scale scale = {0};
    (void)arch_time_scale(&scale); // else mult stays 0: programs ask the kernel
    spin_lock(&data_lock);
    struct vdso_data *d = (struct vdso_data *)(void *)pages[0];
    u32 seq = d->seq;
    __atomic_store_n(&d->seq, seq + 1, __ATOMIC_SEQ_CST);
    d->base = scale.base;
    d->mult = scale.mult;
    d->shift = scale.shift;
    u32 generation;
    d->realtime_offset = clock_realtime_offset(&generation);
    __atomic_store_n(&d->seq, seq + 2, __ATOMIC_SEQ_CST);
    spin_unlock(&data_lock);
}

static u8 **make_pages(void)
{
    usize n = 1 + code_size() / PAGE_SIZE, i = 0;
    u8 **list = kmalloc_array(n, sizeof(*list), ALLOC_ZERO);
    for (; list && i < n; i++) {
        list[i] = page_alloc(ALLOC_ZERO);
        if (!list[i])
            break;
        if (i)
            memcpy(list[i], linux_vdso_start + (i - 1) * PAGE_SIZE, PAGE_SIZE);
    }
    if (!list || i == n)
        return list;
    while (i)
        page_free(list[--i]);
    kfree(list);
    return NULL;
}

static int set_up(void)
{
    u8 **fresh = make_pages();
    if (!fresh)
        return -E_NOMEM;
    spin_lock(&data_lock);
    bool first = !pages;
    if (first) {
        pages = fresh;
        memobj_init(&vdso_object, &vdso_ops, PAGE_SIZE + code_size());
    }
    spin_unlock(&data_lock);
    if (!first) {
        for (usize i = 0; i <= code_size() / PAGE_SIZE; i++)
            page_free(fresh[i]);
        kfree(fresh);
    }
    linux_vdso_update();
    clock_set_hook(linux_vdso_update);
    atomic_store(&ready, true);
    return 0;
}

int linux_vdso_map(struct aspace *as, u64 *base)
{
    int err = UNLIKELY(!atomic_load_explicit(&ready, memory_order_acquire)) ? set_up() : 0;
    if (err)
        return err;
    struct map_request r = {.len = PAGE_SIZE + code_size(),
                            .flags = VMA_READ | VMA_MAYREAD | VMA_SPECIAL,
                            .object = &vdso_object,
                            .label = "[vvar]"};
    i64 at = aspace_map(as, &r);
    if (at < 0)
        return (int)at;
    r = (struct map_request){.addr = (u64)at + PAGE_SIZE,
                             .len = code_size(),
                             .flags = VMA_READ | VMA_EXEC | VMA_MAYREAD | VMA_MAYEXEC | VMA_SPECIAL,
                             .how = MAP_REQ_FIXED,
                             .object = &vdso_object,
                             .offset = PAGE_SIZE,
                             .label = "[vdso]"};
    i64 code = aspace_map(as, &r);
    if (code < 0)
        return (int)code;
    *base = (u64)code;
    as->vdso_base = (u64)code;
    return 0;
}
