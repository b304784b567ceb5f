// Memory calls on the task's address space. Error rules: mmap(2), mprotect(2), mremap(2),
// Linux 6.12 mm/.
#include "linux.h"
#include "linux_consts.h"
#include "linux_handlers.h"
#include <kerr.h>
#include <mem/slab.h>
#include <syscall/dispatch.h>
#include <vfs/file.h>

static struct aspace *space(void)
{
    return current_task()->aspace;
}

i64 linux_brk(uaddr_t addr)
{
    return aspace_set_brk(space(), addr.v);
}

static u32 prot_flags(u32 prot)
{
    return (prot & LINUX_PROT_READ ? VMA_READ : 0u) | (prot & LINUX_PROT_WRITE ? VMA_WRITE : 0u) |
           (prot & LINUX_PROT_EXEC ? VMA_EXEC : 0u);
}

i64 linux_mmap(uaddr_t addr, usize len, u32 prot, u32 flags, struct href *fd, u64 off)
{
    struct map_request r = {.addr = addr.v, .len = len, .flags = prot_flags(prot), .offset = off};
    u32 type = flags & LINUX_MAP_TYPE;
    bool shared = type == LINUX_MAP_SHARED || type == LINUX_MAP_SHARED_VALIDATE;
    if (len == 0 || (!shared && type != LINUX_MAP_PRIVATE))
        return -E_INVAL;
    u64 rounded = ALIGN_UP(len, PAGE_SIZE);
    if (rounded == 0)
        return -E_NOMEM;
    if (off + rounded < off)
        return -E_OVERFLOW;
    if (flags & (LINUX_MAP_FIXED | LINUX_MAP_FIXED_NOREPLACE)) {
        r.how |= MAP_REQ_FIXED | (flags & LINUX_MAP_FIXED_NOREPLACE ? MAP_REQ_NOREPLACE : 0u);
        if (addr.v & PAGE_MASK)
            return -E_INVAL;
    }
    if (flags & LINUX_MAP_POPULATE && !(flags & LINUX_MAP_NONBLOCK))
        r.how |= MAP_REQ_POPULATE;
    r.flags |= VMA_MAYREAD | VMA_MAYWRITE | VMA_MAYEXEC;
    r.flags |= (shared ? VMA_SHARED : 0u) | (flags & LINUX_MAP_NORESERVE ? VMA_NORESERVE : 0u) |
               (flags & LINUX_MAP_LOCKED ? VMA_LOCKED : 0u) |
               (flags & LINUX_MAP_GROWSDOWN ? VMA_STACK : 0u);
    linux_map_range(flags, &r);
    struct memobj *anon = NULL;
    if (flags & LINUX_MAP_ANONYMOUS) {
        r.offset = 0;
        if (shared) {
            anon = memobj_create_anon(rounded);
            if (!anon)
                return -E_NOMEM;
            r.object = anon;
        }
    } else {
        if (shared && !(fd->rights & RIGHT_WRITE)) {
            if (prot & LINUX_PROT_WRITE)
                return -E_ACCES;
            r.flags &= ~(u32)VMA_MAYWRITE;
        }
        if (!fd->object->type->map)
            return -E_NODEV;
        if (!(fd->rights & RIGHT_MAP))
            return -E_ACCES;
        if (!(fd->rights & RIGHT_EXECUTE))
            r.flags &= ~(u32)VMA_MAYEXEC;
        int err = fd->object->type->map(fd->object, &r);
        if (err)
            return err;
        if (r.flags & ~r.flags >> 3 &
            (VMA_READ | VMA_WRITE | VMA_EXEC)) // asked for what the object does not allow
            return prot & LINUX_PROT_EXEC && !(r.flags & VMA_MAYEXEC) ? -E_PERM : -E_ACCES;
    }
    i64 at = aspace_map(space(), &r);
    if (anon)
        memobj_put(anon);
    return at;
}

i64 linux_munmap(uaddr_t addr, usize len)
{
    return aspace_unmap(space(), addr.v, len);
}

i64 linux_mprotect(uaddr_t addr, usize len, u32 prot)
{
    if (prot & (LINUX_PROT_GROWSDOWN | LINUX_PROT_GROWSUP))
        return -E_INVAL;
    return aspace_protect(space(), addr.v, len, prot_flags(prot));
}

i64 linux_mremap(uaddr_t addr, usize old_len, usize new_len, u32 flags, uaddr_t new_addr)
{
    u32 f = (flags & LINUX_MREMAP_MAYMOVE ? REMAP_MAYMOVE : 0u) |
            (flags & LINUX_MREMAP_FIXED ? REMAP_FIXED : 0u) |
            (flags & LINUX_MREMAP_DONTUNMAP ? REMAP_DONTUNMAP : 0u);
    return aspace_remap(space(), addr.v, old_len, new_len, f, new_addr.v);
}

i64 linux_madvise(uaddr_t addr, usize len, i32 advice)
{
    enum aspace_advice a;
    switch (advice) {
    case LINUX_MADV_DONTNEED:
    case LINUX_MADV_DONTNEED_LOCKED:
        a = ADVISE_DONTNEED;
        break;
    case LINUX_MADV_FREE:
        a = ADVISE_FREE;
        break;
    case LINUX_MADV_WILLNEED:
        a = ADVISE_WILLNEED;
        break;
    case LINUX_MADV_REMOVE:
        a = ADVISE_REMOVE;
        break;
    case LINUX_MADV_DONTFORK:
        a = ADVISE_DONTFORK;
        break;
    case LINUX_MADV_DOFORK:
        a = ADVISE_DOFORK;
        break;
    case LINUX_MADV_WIPEONFORK:
        a = ADVISE_WIPEONFORK;
        break;
    case LINUX_MADV_KEEPONFORK:
        a = ADVISE_KEEPONFORK;
        break;
    case LINUX_MADV_POPULATE_READ:
        a = ADVISE_POPULATE_READ;
        break;
    case LINUX_MADV_POPULATE_WRITE:
        a = ADVISE_POPULATE_WRITE;
        break;
    default: // the rest only tells; the table refused what has meaning and is not there
        a = ADVISE_NORMAL;
    }
    return aspace_advise(space(), addr.v, len, a);
}

i64 linux_msync(uaddr_t addr, usize len, u32 flags)
{
    if (addr.v & PAGE_MASK || (flags & LINUX_MS_ASYNC && flags & LINUX_MS_SYNC))
        return -E_INVAL;
    return aspace_sync(space(), addr.v, len, flags);
}

i64 linux_mincore(uaddr_t addr, usize len, struct iobuf *vec)
{
    if (addr.v & PAGE_MASK)
        return -E_INVAL;
    u64 pages = ALIGN_UP(len, PAGE_SIZE) >> PAGE_SHIFT;
    u8 part[256];
    for (u64 done = 0; done < pages;) {
        u64 n = MIN(pages - done, sizeof(part));
        int err = aspace_mincore(space(), addr.v + (done << PAGE_SHIFT), n << PAGE_SHIFT, part);
        if (err)
            return err;
        if (iobuf_put(vec, part, n) != n)
            return -E_FAULT;
        done += n;
    }
    return 0;
}

i64 linux_mlock(uaddr_t addr, usize len)
{
    return aspace_lock_range(space(), addr.v, len, true);
}
i64 linux_mlock2(uaddr_t addr, usize len, u32 flags)
{
    (void)flags; // on fault or at once: nothing here is ever swapped out
    return aspace_lock_range(space(), addr.v, len, true);
}
i64 linux_munlock(uaddr_t addr, usize len)
{
    return aspace_lock_range(space(), addr.v, len, false);
}
i64 linux_mlockall(u32 flags)
{
    if (flags == 0 || flags == LINUX_MCL_ONFAULT)
        return -E_INVAL;
    return task_limit_soft(LIMIT_MEMLOCK) == 0 && !capable(CAP_IPC_LOCK) ? -E_PERM
                                                                         : 0; // memory always stays
}
i64 linux_munlockall(void)
{
    return 0;
}

i64 linux_fadvise64(struct href *fd, i64 offset, i64 len, i32 advice)
{
    if (fd->object->type->kinds & OBJ_KIND_PIPE)
        return -E_SPIPE;
    if (len < 0 || advice < LINUX_POSIX_FADV_NORMAL || advice > LINUX_POSIX_FADV_NOREUSE)
        return -E_INVAL;
    struct file *f = object_file(fd->object);
    if (advice == LINUX_POSIX_FADV_WILLNEED && f && offset >= 0) {
        href_keep(fd);
        file_read_ahead(f, (u64)offset, len ? (u64)len : UINT64_MAX);
    }
    return 0;
}

i64 linux_readahead(struct href *fd, i64 offset, usize count)
{
    struct file *f = object_file(fd->object);
    if (!f || !f->node->data)
        return -E_INVAL;
    if (offset >= 0) {
        href_keep(fd);
        file_read_ahead(f, (u64)offset, count);
    }
    return 0;
}

static void nothing(void *arg)
{
    (void)arg; // the interrupt itself is the barrier
}

i64 linux_membarrier(i32 cmd, u32 flags, i32 cpu)
{
    (void)flags;
    (void)cpu;
    switch (cmd) {
    case LINUX_MEMBARRIER_CMD_QUERY:
        return LINUX_MEMBARRIER_CMD_GLOBAL | LINUX_MEMBARRIER_CMD_GLOBAL_EXPEDITED |
               LINUX_MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED |
               LINUX_MEMBARRIER_CMD_PRIVATE_EXPEDITED |
               LINUX_MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED |
               LINUX_MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE |
               LINUX_MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE;
    case LINUX_MEMBARRIER_CMD_GLOBAL:
    case LINUX_MEMBARRIER_CMD_GLOBAL_EXPEDITED:
    case LINUX_MEMBARRIER_CMD_PRIVATE_EXPEDITED:
        atomic_thread_fence(memory_order_seq_cst);
        cpu_call_others(nothing, NULL);
        return 0;
    case LINUX_MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE:
        arch_sync_icache(&current_task()->aspace->arch);
        cpu_call_others(nothing, NULL);
        return 0;
    case LINUX_MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
    case LINUX_MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
    case LINUX_MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
        return 0; // every task is served, registered or not
    default:
        return -E_INVAL;
    }
}
