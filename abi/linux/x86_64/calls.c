// What differs on x86_64: thread bases, widths, the restorer of signal handlers, its part of the
// auxiliary vector.
#include "../linux.h"
#include "../signal.h"
#include "linux_consts.h"
#include "linux_handlers.h"
#include <device/random.h>
#include <kerr.h>
#include <vm/user.h>

enum : u64 { ACTION_RESTORER = 0x04000000 };

u64 linux_hwcap(void)
{
    u32 a = 1, b, c = 0, d;
    __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return d; // CPUID.1:EDX
}

void linux_stat_widths(struct linux_stat *st, u64 nlink, u64 blksize)
{
    st->st_nlink64 = nlink;
    st->st_blksize64 = (i64)blksize;
}

void linux_action_set(struct sig_action *a, const struct linux_sigaction *act)
{
    a->restorer = act->sa_restorer.v;
    a->flags |= act->sa_flags & ACTION_RESTORER;
}

void linux_action_get(const struct sig_action *a, struct linux_sigaction *old)
{
    old->sa_restorer = uaddr(a->restorer);
}

// The second GiB of the space, from a random page in its first 32 MiB upwards.
void linux_map_range(u32 flags, struct map_request *r)
{
    enum : u64 { LOW = 1ul << 30, SPREAD = 32ul << 20 };
    if (!(flags & LINUX_MAP_32BIT))
        return;
    r->low = LOW + (random_u64() % SPREAD & ~PAGE_MASK);
    r->high = 2 * LOW;
}

i64 linux_arch_prctl(i32 op, uaddr_t addr, struct trapframe *tf)
{
    bool fs = op == LINUX_ARCH_SET_FS || op == LINUX_ARCH_GET_FS;
    u64 *base = fs ? &tf->fs_base : &tf->gs_base;
    if (op == LINUX_ARCH_GET_FS || op == LINUX_ARCH_GET_GS)
        return user_copy_out(addr, base, sizeof(*base));
    if (addr.v >= arch_user_top())
        return -E_PERM;
    *base = addr.v;
    return 0;
}
