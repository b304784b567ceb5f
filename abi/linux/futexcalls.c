// futex(2) on the kernel's futexes.
#include "linux.h"
#include "linux_consts.h"
#include "linux_handlers.h"
#include <device/clock.h>
#include <ipc/futex.h>
#include <kerr.h>

static bool is_private(u32 op)
{
    return op & LINUX_FUTEX_PRIVATE_FLAG;
}

static int valid(const struct linux_timespec *t)
{
    return t->tv_sec < 0 || t->tv_nsec < 0 || t->tv_nsec >= (i64)NS_PER_SEC ? -E_INVAL : 0;
}

// restart_syscall: the same wait with the same absolute end.
static i64 wait_again(struct linux_thread *lt)
{
    return futex_wait(uaddr(lt->restart.a), (u32)lt->restart.b, FUTEX_ANY_BITS, lt->restart.flags,
                      lt->restart.deadline);
}

i64 linux_futex_FUTEX_WAIT(uaddr_t word, u32 op, u32 val, const struct linux_timespec *timeout)
{
    u64 deadline = WAIT_FOREVER;
    if (timeout) {
        int err = valid(timeout);
        if (err)
            return err;
        deadline = deadline_after((u64)timeout->tv_sec, (u64)timeout->tv_nsec);
    }
    i64 r = futex_wait(word, val, FUTEX_ANY_BITS, is_private(op), deadline);
    if (r == -E_RESTART && timeout) {
        struct linux_thread *lt = current_linux();
        lt->restart_fn = wait_again;
        lt->restart.deadline = deadline;
        lt->restart.a = word.v;
        lt->restart.b = val;
        lt->restart.flags = is_private(op);
    }
    return r;
}

i64 linux_futex_FUTEX_WAIT_BITSET(uaddr_t word, u32 op, u32 val,
                                  const struct linux_timespec *timeout, u32 bits)
{
    u64 deadline = WAIT_FOREVER;
    if (timeout) {
        int err = valid(timeout);
        if (err)
            return err;
        u64 at;
        if (__builtin_mul_overflow((u64)timeout->tv_sec, NS_PER_SEC, &at) || at > (u64)INT64_MAX)
            at = (u64)INT64_MAX;
        at += (u64)timeout->tv_nsec;
        if (op & LINUX_FUTEX_CLOCK_REALTIME) {
            u32 generation;
            i64 off = clock_realtime_offset(&generation);
            at = (i64)at > off ? at - (u64)off : 1;
        }
        deadline = at ? at : 1;
    }
    return futex_wait(word, val, bits, is_private(op), deadline);
}

i64 linux_futex_FUTEX_WAKE(uaddr_t word, u32 op, u32 val)
{
    return futex_wake(word, val, FUTEX_ANY_BITS, is_private(op));
}

i64 linux_futex_FUTEX_WAKE_BITSET(uaddr_t word, u32 op, u32 val, u32 bits)
{
    return futex_wake(word, val, bits, is_private(op));
}

i64 linux_futex_FUTEX_REQUEUE(uaddr_t word, u32 op, u32 val, u32 val2, uaddr_t word2)
{
    if ((i32)val < 0 || (i32)val2 < 0)
        return -E_INVAL;
    return futex_requeue(word, word2, val, val2, false, 0, is_private(op));
}

i64 linux_futex_FUTEX_CMP_REQUEUE(uaddr_t word, u32 op, u32 val, u32 val2, uaddr_t word2, u32 val3)
{
    if ((i32)val < 0 || (i32)val2 < 0)
        return -E_INVAL;
    return futex_requeue(word, word2, val, val2, true, val3, is_private(op));
}

// val3: op (4 bits, the top one says "shift"), comparison (4), operand (12, signed), comparison
// value (12, signed).
i64 linux_futex_FUTEX_WAKE_OP(uaddr_t word, u32 op, u32 val, u32 val2, uaddr_t word2, u32 val3)
{
    struct futex_change c = {.op = val3 >> 28 & 7,
                             .cmp = val3 >> 24 & 15,
                             .arg = (i32)(val3 << 8) >> 20,
                             .cmp_arg = (i32)(val3 << 20) >> 20};
    if (val3 >> 31)
        c.arg = (i32)(1u << (c.arg & 31));
    return futex_wake_op(word, word2, val, val2, &c, is_private(op));
}
