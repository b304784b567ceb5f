// What a program is told of the processor's exceptions: number, code, address. The same natively.
#define _GNU_SOURCE
#include <immintrin.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

static sigjmp_buf back;

static void handler(int signo, siginfo_t *info, void *context)
{
    const ucontext_t *uc = context;
    unsigned long rip = (unsigned long)uc->uc_mcontext.gregs[REG_RIP];
    unsigned long at = (unsigned long)info->si_addr;
    printf("signal %d, code %d, address %s\n", signo, info->si_code,
           !at         ? "0"
           : at == rip ? "of the instruction"
                       : "another");
    siglongjmp(back, 1);
}

static void add_floats(float a, float b)
{
    __asm__ volatile("addss %1, %0" : "+x"(a) : "x"(b));
}

static void multiply(float a, float b)
{
    __asm__ volatile("mulss %1, %0" : "+x"(a) : "x"(b));
}

static void divide(float a, float b)
{
    __asm__ volatile("divss %1, %0" : "+x"(a) : "x"(b));
}

int main(void)
{
    static const int signals[] = {SIGFPE, SIGSEGV, SIGILL, SIGTRAP, SIGBUS};
    struct sigaction act = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_NODEFER};
    for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        sigaction(signals[i], &act, NULL);
    setvbuf(stdout, NULL, _IONBF, 0);
    for (volatile int what = 0; what < 12; what++) {
        if (sigsetjmp(back, 1))
            continue;
        // Nothing is masked but denormal operands and, mostly, inexact results.
        _mm_setcsr(what == 5 ? 0x100 : 0x1100);
        __asm__ volatile("fnclex\n\tfldcw %0" ::"m"((unsigned short){0x362}));
        printf("%d: ", what);
        switch (what) {
        case 0:
            __asm__ volatile("xor %%edx, %%edx\n\tmov $1, %%eax\n\tdiv %%edx" ::: "eax", "edx");
            break;
        case 1:
            divide(1, 0);
            break;
        case 2:
            multiply(3e38f, 3e38f);
            break;
        case 3:
            multiply(1e-38f, 1e-38f);
            break;
        case 4:
            divide(0, 0);
            break;
        case 5:
            add_floats(1, 1e-20f);
            break;
        case 6:
            __asm__ volatile("fld1\n\tfldz\n\tfdivrp\n\tfwait\n\tfstp %%st(0)" ::: "memory");
            break;
        case 7:
            __asm__ volatile("hlt");
            break;
        case 8: // no canonical address
            __asm__ volatile("movb (%0), %%al" ::"r"(0x8000000000000000ul) : "al");
            break;
        case 9: // not aligned
            __asm__ volatile("movaps 1(%%rsp), %%xmm0" ::: "xmm0");
            break;
        case 10:
            __asm__ volatile("ud2");
            break;
        case 11:
            __asm__ volatile("movb (%0), %%al" ::"r"(16ul) : "al");
            break;
        }
        printf("nothing\n");
    }
}
