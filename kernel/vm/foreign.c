// Reading and writing other spaces (ptrace, /proc/pid/mem, command lines). Each page is faulted in
// like its owner would, then copied with the area lock held for reading: fork and unmapping wait,
// so what the table shows is what the owner sees.
#include "area.h"
#include "pt.h"
#include <kerr.h>
#include <lib/string.h>
#include <vm/user.h>

// Copies a part of one page. False: the page is not there (any more) with the right access.
static bool copy_page_part(struct aspace *as, u64 addr, u8 *buf, usize n, bool write, bool *code)
{
    bool done = false;
    read_lock(&as->lock);
    spin_lock(&as->pt_lock);
    u64 span;
    pte_t *slot = pt_slot(as, addr, &span);
    pte_t e = slot ? pte_load(pt_of(pte_load(slot)) + pt_index(addr, 0)) : 0;
    bool usable =
        pte_present(e) && (write ? !pte_is_parked(pte_load(slot)) && pte_writable(e) : true);
    struct frame *f = usable ? entry_frame(e) : NULL;
    if (f)
        frame_get(f);
    spin_unlock(&as->pt_lock);
    if (usable) {
        u8 *p = (u8 *)phys_to_virt(pte_addr(e)) + (addr & PAGE_MASK);
        if (write)
            memcpy(p, buf, n);
        else
            memcpy(buf, p, n);
        struct vma *v = aspace_find(as, addr);
        *code |= write && v && v->flags & VMA_EXEC;
        done = true;
    }
    read_unlock(&as->lock);
    if (f)
        frame_put(f);
    return done;
}

static i64 copy(struct aspace *as, u64 addr, u8 *buf, usize n, bool write)
{
    usize done = 0;
    bool code = false;
    if (!user_range_ok(uaddr(addr), n))
        return -E_FAULT;
    while (done < n) {
        u64 at = addr + done;
        usize part = MIN(n - done, PAGE_SIZE - (at & PAGE_MASK));
        if (copy_page_part(as, at, buf + done, part, write, &code)) {
            done += part;
            continue;
        }
        enum fault_result r = aspace_fault(as, at, write ? ACCESS_WRITE : ACCESS_READ);
        if (r == FAULT_DENIED && !write)
            r = aspace_fault(as, at,
                             ACCESS_EXEC); // code that may only be executed can still be looked at
        if (r != FAULT_OK)
            break;
    }
    if (code)
        arch_sync_icache(&as->arch);
    return done || !n ? (i64)done : -E_FAULT;
}

i64 aspace_read(struct aspace *as, u64 addr, void *dst, usize n)
{
    return copy(as, addr, dst, n, false);
}

i64 aspace_write(struct aspace *as, u64 addr, const void *src, usize n)
{
    return copy(as, addr, (u8 *)(uintptr_t)src, n, true);
}
