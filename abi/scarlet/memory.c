// Native calls on the task's memory. No state: the address space is the kernel's.
#include "scarlet.h"
#include "scarlet_handlers.h"
#include <vfs/file.h>

static struct aspace *space(void)
{
    return current_task()->aspace;
}

static u32 area_flags(u32 protection)
{
    return (protection & SCARLET_PROTECT_READ ? VMA_READ : 0u) |
           (protection & SCARLET_PROTECT_WRITE ? VMA_WRITE : 0u) |
           (protection & SCARLET_PROTECT_EXECUTE ? VMA_EXEC : 0u);
}

// What a mapping of the object may ever be protected as follows from the handle's rights.
static int fill_from_object(struct href *h, u32 flags, struct map_request *r)
{
    if ((h->rights & (RIGHT_MAP | RIGHT_READ)) != (RIGHT_MAP | RIGHT_READ))
        return -E_RIGHTS;
    if (flags & SCARLET_MAP_SHARED && !(h->rights & RIGHT_WRITE)) {
        if (r->flags & VMA_WRITE)
            return -E_RIGHTS;
        r->flags &= ~(u32)VMA_MAYWRITE;
    }
    if (!(h->rights & RIGHT_EXECUTE)) {
        if (r->flags & VMA_EXEC)
            return -E_RIGHTS;
        r->flags &= ~(u32)VMA_MAYEXEC;
    }
    int err = object_map(h->object, r);
    if (!err && r->flags & ~r->flags >> 3 &
                    (VMA_READ | VMA_WRITE | VMA_EXEC)) // asked for what the object does not allow
        err = -E_ACCES;
    return err;
}

i64 scarlet_map(i32 handle, uaddr_t address, usize length, u32 protection, u32 flags, u64 offset)
{
    u64 rounded = ALIGN_UP(length, PAGE_SIZE);
    if (length == 0 || offset & PAGE_MASK || offset + rounded < offset)
        return -E_INVAL;
    if (rounded < length)
        return -E_NOMEM;
    if (flags & (SCARLET_MAP_FIXED | SCARLET_MAP_REPLACE) && address.v & PAGE_MASK)
        return -E_INVAL;
    struct map_request r = {.addr = address.v,
                            .len = length,
                            .flags = area_flags(protection) | VMA_MAYREAD | VMA_MAYWRITE |
                                     VMA_MAYEXEC | (flags & SCARLET_MAP_SHARED ? VMA_SHARED : 0u) |
                                     (flags & SCARLET_MAP_LOCKED ? VMA_LOCKED : 0u),
                            .how = (flags & SCARLET_MAP_REPLACE ? MAP_REQ_FIXED
                                    : flags & SCARLET_MAP_FIXED ? MAP_REQ_FIXED | MAP_REQ_NOREPLACE
                                                                : 0u) |
                                   (flags & SCARLET_MAP_FILL ? MAP_REQ_POPULATE : 0u)};
    if (handle == SCARLET_NO_HANDLE)
        return aspace_map(space(), &r); // shared without object: the space makes one
    struct href h;
    int err = get_handle(&h, handle, 0);
    if (err)
        return err;
    r.offset = offset;
    err = fill_from_object(&h, flags, &r);
    i64 at = err ? err : aspace_map(space(), &r);
    href_put(&h);
    return at;
}

i64 scarlet_unmap(uaddr_t address, usize length)
{
    return aspace_unmap(space(), address.v, length);
}

i64 scarlet_protect(uaddr_t address, usize length, u32 protection)
{
    return aspace_protect(space(), address.v, length, area_flags(protection));
}

i64 scarlet_memory_advise(uaddr_t address, usize length, u32 advice)
{
    static const enum aspace_advice map[] = {
        [SCARLET_MEMORY_NORMAL] = ADVISE_NORMAL,
        [SCARLET_MEMORY_DROP] = ADVISE_DONTNEED,
        [SCARLET_MEMORY_LAZY_DROP] = ADVISE_FREE,
        [SCARLET_MEMORY_SOON] = ADVISE_WILLNEED,
        [SCARLET_MEMORY_NOT_FORKED] = ADVISE_DONTFORK,
        [SCARLET_MEMORY_FORKED] = ADVISE_DOFORK,
        [SCARLET_MEMORY_CLEARED_IN_FORK] = ADVISE_WIPEONFORK,
        [SCARLET_MEMORY_KEPT_IN_FORK] = ADVISE_KEEPONFORK,
    };
    return aspace_advise(space(), address.v, length, map[advice]);
}

i64 scarlet_remap(uaddr_t address, usize old_length, usize length, u32 flags)
{
    return aspace_remap(space(), address.v, old_length, length,
                        flags & SCARLET_REMAP_MAY_MOVE ? REMAP_MAYMOVE : 0, 0);
}

i64 scarlet_memory_sync(uaddr_t address, usize length)
{
    return aspace_sync(space(), address.v, length, ASPACE_SYNC_WAIT);
}

i64 scarlet_memory_lock(uaddr_t address, usize length, u32 on)
{
    return aspace_lock_range(space(), address.v, length, on);
}

i64 scarlet_memory_create(const struct sys_name *name, u64 size)
{
    struct object *o;
    u32 rights;
    int err = vfs_open_memory(name->str, &o, &rights);
    if (err)
        return err;
    err = object_truncate(o, size);
    if (err) {
        object_put(o);
        return err;
    }
    return install(o, rights, false);
}

i64 scarlet_brk(uaddr_t address)
{
    return aspace_set_brk(space(), address.v);
}

i64 scarlet_sbrk(isize increment)
{
    struct aspace *as = space();
    i64 old = aspace_set_brk(as, 0), want;
    if (increment == 0)
        return old;
    if (__builtin_add_overflow(old, increment, &want) || want < 0)
        return -E_NOMEM;
    return aspace_set_brk(as, (u64)want) == want ? old : -E_NOMEM;
}
