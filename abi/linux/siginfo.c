// siginfo_t: from the kernel's record to the 128 bytes user programs read (layout:
// include/uapi/asm-generic/siginfo.h, Linux 6.12) and back.
#include "signal.h"
#include <lib/string.h>

static void put32(u8 *at, u32 v)
{
    memcpy(at, &v, 4);
}
static void put64(u8 *at, u64 v)
{
    memcpy(at, &v, 8);
}
static u32 get32(const u8 *at)
{
    u32 v;
    memcpy(&v, at, 4);
    return v;
}
static u64 get64(const u8 *at)
{
    u64 v;
    memcpy(&v, at, 8);
    return v;
}

// Offsets in the union, which begins at 16 on 64-bit machines.
enum {
    AT_SIGNO = 0,
    AT_ERRNO = 4,
    AT_CODE = 8,
    AT_PID = 16,
    AT_UID = 20,
    AT_VALUE = 24,
    AT_STATUS = 24,
    AT_UTIME = 32,
    AT_STIME = 40,
    AT_ADDR = 16,
    AT_BAND = 16,
    AT_FD = 24
};

static bool is_fault(i32 sig)
{
    return sig == SIG_SEGV || sig == SIG_BUS || sig == SIG_ILL || sig == SIG_FPE || sig == SIG_TRAP;
}

void siginfo_encode(const struct sig_info *in, u8 out[SIGINFO_SIZE])
{
    memset(out, 0, SIGINFO_SIZE);
    put32(out + AT_SIGNO, (u32)in->signo);
    put32(out + AT_ERRNO, (u32)in->errnum);
    put32(out + AT_CODE, (u32)in->code);
    if (in->code == SI_TIMER) {
        put32(out + AT_PID, in->timer_id);
        put32(out + AT_UID, in->overrun);
        put64(out + AT_VALUE, in->value);
    } else if (in->code > 0 && in->code != SI_KERNEL && is_fault(in->signo)) {
        put64(out + AT_ADDR, in->addr);
    } else if (in->code > 0 && in->code != SI_KERNEL && in->signo == SIG_CHLD) {
        put32(out + AT_PID, in->pid);
        put32(out + AT_UID, in->uid);
        put32(out + AT_STATUS, (u32)in->status);
        put64(out + AT_UTIME, in->utime);
        put64(out + AT_STIME, in->stime);
    } else if (in->code > 0 && in->code != SI_KERNEL && in->signo == SIG_IO) {
        put64(out + AT_BAND, (u64)in->band);
        put32(out + AT_FD, (u32)in->fd);
    } else {
        put32(out + AT_PID, in->pid);
        put32(out + AT_UID, in->uid);
        put64(out + AT_VALUE, in->value);
    }
}

void siginfo_decode(const u8 in[SIGINFO_SIZE], struct sig_info *out)
{
    *out = (struct sig_info){.signo = (i32)get32(in + AT_SIGNO),
                             .errnum = (i32)get32(in + AT_ERRNO),
                             .code = (i32)get32(in + AT_CODE),
                             .pid = get32(in + AT_PID),
                             .uid = get32(in + AT_UID),
                             .value = get64(in + AT_VALUE)};
}
