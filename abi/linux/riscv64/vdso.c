// The vDSO: one data page and the code behind it, the same frames in every Linux task.
#include "../linux.h"
#include "../vdso/data.h"
#include "linux_vdso.h"
#include <arch/kmap.h>
#include <arch/time.h>
#include <device/clock.h>
#include <kerr.h>
#include <sync/lock_order.h>

extern const u8 linux_vdso_start[], linux_vdso_end[];

[[gnu::section(".bss.pages")]] alignas(PAGE_SIZE) static union {
    struct vdso_data data;
    u8 page[PAGE_SIZE];
} data_page;
static struct spinlock data_lock = SPINLOCK_INIT(&lock_class_vdso);

static paddr_t vdso_frame(struct memobj *o, u64 index)
{
    (void)o;
    if (index == 0)
        return arch_image_phys(&data_page);
    return arch_image_phys(linux_vdso_start + (index - 1) * PAGE_SIZE);
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
    u64 hz = arch_time_hz();
    spin_lock(&data_lock);
    struct vdso_data *d = &data_page.data;
    u32 seq = d->seq;
    __atomic_store_n(&d->seq, seq + 1, __ATOMIC_SEQ_CST);
    if (NS_PER_SEC % hz == 0) {
        d->mult = NS_PER_SEC / hz;
        d->shift = 0;
    } else { // 24 bits of fraction keep the product within 64 bits for centuries only at low rates;
             // the kernel's own clock is exact
        d->mult = (NS_PER_SEC << 8) / hz;
        d->shift = 8;
    }
    u32 generation;
    d->realtime_offset = clock_realtime_offset(&generation);
    __atomic_store_n(&d->seq, seq + 2, __ATOMIC_SEQ_CST);
    spin_unlock(&data_lock);
}

static void set_up(void)
{
    spin_lock(&data_lock);
    if (!atomic_load(&ready)) {
        memobj_init(&vdso_object, &vdso_ops, PAGE_SIZE + code_size());
        atomic_store(&ready, true);
    }
    spin_unlock(&data_lock);
    linux_vdso_update();
    clock_set_hook(linux_vdso_update);
}

int linux_vdso_map(struct aspace *as, u64 *base)
{
    if (UNLIKELY(!atomic_load_explicit(&ready, memory_order_acquire)))
        set_up();
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

u64 linux_vdso_sigreturn(const struct aspace *as)
{
    return as->vdso_base + LINUX_VDSO___vdso_rt_sigreturn;
}
