// The vDSO: the kernel's clock page and the code behind it, the same frames in every Linux task.
#include "linux.h"
#include "linux_vdso.h"
#include "vdso/data.h"
#include <arch/page.h>
#include <device/clock_page.h>
#include <kerr.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <sync/lock_order.h>

extern const u8 linux_vdso_start[], linux_vdso_end[];

static u8 **pages; // the clock page, then code; set with `ready`
static struct spinlock pages_lock = SPINLOCK_INIT(&lock_class_vdso);

static paddr_t vdso_frame(struct memobj *o, u64 index)
{
    (void)o;
    return virt_to_phys(pages[index]);
}
static const struct memobj_ops vdso_ops = {.direct = vdso_frame};
static struct memobj vdso_object;
static _Atomic bool ready;

static_assert(sizeof(struct vdso_data) == sizeof(struct clock_page) &&
              offsetof(struct vdso_data, shift) == offsetof(struct clock_page, shift) &&
              offsetof(struct vdso_data, base) == offsetof(struct clock_page, base) &&
              offsetof(struct vdso_data, mult) == offsetof(struct clock_page, mult) &&
              offsetof(struct vdso_data, realtime_offset) ==
                  offsetof(struct clock_page, realtime_offset));

static u64 code_size(void)
{
    return ALIGN_UP((u64)(linux_vdso_end - linux_vdso_start), PAGE_SIZE);
}

static u8 **make_pages(void)
{
    usize n = 1 + code_size() / PAGE_SIZE, i = 1;
    u8 **list = kmalloc_array(n, sizeof(*list), ALLOC_ZERO);
    if (!list)
        return NULL;
    list[0] = (u8 *)clock_page_get();
    for (; list[0] && i < n; i++) {
        list[i] = page_alloc(ALLOC_ZERO);
        if (!list[i])
            break;
        memcpy(list[i], linux_vdso_start + (i - 1) * PAGE_SIZE, PAGE_SIZE);
    }
    if (i == n)
        return list;
    while (i > 1)
        page_free(list[--i]);
    kfree(list);
    return NULL;
}

static int set_up(void)
{
    u8 **fresh = make_pages();
    if (!fresh)
        return -E_NOMEM;
    spin_lock(&pages_lock);
    bool first = !pages;
    if (first) {
        pages = fresh;
        memobj_init(&vdso_object, &vdso_ops, PAGE_SIZE + code_size());
    }
    spin_unlock(&pages_lock);
    if (!first) {
        for (usize i = 1; i <= code_size() / PAGE_SIZE; i++)
            page_free(fresh[i]);
        kfree(fresh);
    }
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
