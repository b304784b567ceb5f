// What differs on riscv64: its own calls, widths, and its part of the auxiliary vector.
#include "../linux.h"
#include "../signal.h"
#include "linux_consts.h"
#include "linux_handlers.h"
#include "linux_vdso.h"
#include <arch/time.h>
#include <kerr.h>

u64 linux_hwcap(void)
{
    return 0x112d; // single letters of rv64imafdc
}

u64 linux_min_signal_stack(void)
{
    return 1088; // one signal frame
}

void linux_stat_widths(struct linux_stat *st, u64 nlink, u64 blksize)
{
    st->st_nlink = (u32)nlink;
    st->st_blksize = (i32)blksize;
}

void linux_map_range(u32 flags, struct map_request *r)
{
    (void)flags, (void)r;
}

// The vDSO is where handlers return to.
void linux_action_set(struct sig_action *a, const struct linux_sigaction *act)
{
    (void)a, (void)act;
}

void linux_action_get(const struct sig_action *a, struct linux_sigaction *old)
{
    (void)a, (void)old;
}

i64 linux_riscv_flush_icache(uaddr_t start, uaddr_t end, u64 flags)
{
    (void)start;
    (void)end;
    (void)flags; // "this thread only" is allowed to do more
    arch_sync_icache(&current_task()->aspace->arch);
    return 0;
}

enum : u64 { HWPROBE_IMA = 1, HWPROBE_EXT_FD = 1, HWPROBE_EXT_C = 2 };

static void probe_key(struct linux_riscv_hwprobe *p)
{
    switch (p->key) {
    case LINUX_RISCV_HWPROBE_KEY_MVENDORID:
    case LINUX_RISCV_HWPROBE_KEY_MARCHID:
    case LINUX_RISCV_HWPROBE_KEY_MIMPID:
        p->value = 0;
        break;
    case LINUX_RISCV_HWPROBE_KEY_BASE_BEHAVIOR:
        p->value = HWPROBE_IMA;
        break;
    case LINUX_RISCV_HWPROBE_KEY_IMA_EXT_0:
        p->value = HWPROBE_EXT_FD | HWPROBE_EXT_C;
        break;
    case LINUX_RISCV_HWPROBE_KEY_CPUPERF_0:
    case LINUX_RISCV_HWPROBE_KEY_MISALIGNED_SCALAR_PERF:
    case LINUX_RISCV_HWPROBE_KEY_ZICBOZ_BLOCK_SIZE:
        p->value = 0; // unknown
        break;
    case LINUX_RISCV_HWPROBE_KEY_HIGHEST_VIRT_ADDRESS:
        p->value = arch_user_top() - 1;
        break;
    case LINUX_RISCV_HWPROBE_KEY_TIME_CSR_FREQ:
        p->value = arch_time_hz();
        break;
    default:
        p->key = -1;
        p->value = 0;
    }
}

i64 linux_riscv_hwprobe(struct linux_riscv_hwprobe *pairs, usize count, usize cpusetsize,
                        struct iobuf *cpus, u32 flags)
{
    if (flags)
        return -E_INVAL;
    if (cpusetsize) {
        u64 set = 0;
        usize n = MIN(cpusetsize, sizeof(set));
        if (!cpus || iobuf_take(cpus, &set, n) != n)
            return -E_FAULT;
        if (!(set & cpu_online_mask()))
            return -E_INVAL;
    }
    for (usize i = 0; i < count; i++)
        probe_key(&pairs[i]);
    return 0;
}

u64 linux_vdso_sigreturn(const struct aspace *as)
{
    return as->vdso_base + LINUX_VDSO___vdso_rt_sigreturn;
}
