// What a signal handler finds of the extended state in its frame, and what comes of what it changes
// there. Prints one line for each case; the same natively.
#define _GNU_SOURCE
#include <immintrin.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

enum { MXCSR = 24, XMM0 = 160, SOFTWARE = 464, HEADER = 512, UPPER = 576, ROUND_DOWN = 0x2000 };
static enum { NOTHING, CHANGE, OLD_ONLY, NOT_AT_ALL, WRONG_LENGTH, RESERVED, CASES } what;
static const char *const names[] = {"nothing", "changed", "old part", "none", "length", "reserved"};

static void handler(int signo, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    unsigned char *area = (unsigned char *)uc->uc_mcontext.fpregs;
    unsigned mxcsr = 0x1f80 | ROUND_DOWN;
    (void)signo, (void)info;
    switch (what) {
    case CHANGE:
    case OLD_ONLY:
    case WRONG_LENGTH:
        memset(area + XMM0, 0x22, 16);
        memset(area + UPPER, 0x33, 16);
        memcpy(area + MXCSR, &mxcsr, 4);
        if (what == OLD_ONLY)
            memset(area + SOFTWARE, 0, 4);
        if (what == WRONG_LENGTH)
            area[SOFTWARE + 16] ^= 8;
        break;
    case NOT_AT_ALL:
        uc->uc_mcontext.fpregs = NULL;
        break;
    case RESERVED: // whatever becomes of it, the machine goes on
        memset(area + MXCSR, 0xff, 4);
        memset(area + HEADER, 0xff, 64);
        break;
    default:
        break;
    }
    _mm_setcsr(0x1f80);
    __asm__ volatile("vxorps %%ymm0, %%ymm0, %%ymm0" ::: "xmm0");
}

static void one(void)
{
    alignas(32) unsigned char before[32], after[32];
    unsigned mxcsr = 0x1f80 | 0x4000, now;
    memset(before, 0x11, 32);
    struct sigaction act = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &act, NULL);
    long pid = getpid(), r = SYS_kill;
    __asm__ volatile("ldmxcsr %[m]\n\t"
                     "vmovaps %[b], %%ymm0\n\t"
                     "syscall\n\t"
                     "vmovaps %%ymm0, %[a]\n\t"
                     "stmxcsr %[n]"
                     : [a] "=m"(after), [n] "=m"(now), "+a"(r)
                     : [b] "m"(before), [m] "m"(mxcsr), "D"(pid), "S"(SIGUSR1)
                     : "xmm0", "rcx", "r11", "memory");
    _mm_setcsr(0x1f80);
    printf("%s: %02x %02x %x\n", names[what], after[0], after[16], now);
}

int main(void)
{
    if (!__builtin_cpu_supports("avx"))
        return 77;
    for (what = 0; what < CASES; what++) {
        int status;
        fflush(stdout);
        if (fork() == 0) {
            one();
            if (what == RESERVED) // some hosts refuse it
                _exit(0);
            return 0;
        }
        wait(&status);
        if (what != RESERVED && status)
            printf("%s: status %x\n", names[what], (unsigned)status);
    }
}
