// The vDSO's clocks against the calls': status 0 and the time in seconds, or what is wrong.
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long long ns(const struct timespec *t)
{
    return t->tv_sec * 1000000000ll + t->tv_nsec;
}

int main(void)
{
    if (!getauxval(AT_SYSINFO_EHDR)) {
        puts("no vDSO");
        return 1;
    }
    static const clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_REALTIME};
    for (int c = 0; c < 2; c++)
        for (int i = 0; i < 2000; i++) {
            struct timespec a, b, d;
            clock_gettime(clocks[c], &a);
            syscall(SYS_clock_gettime, clocks[c], &b);
            clock_gettime(clocks[c], &d);
            if (ns(&b) < ns(&a) || ns(&d) < ns(&b)) {
                printf("clock %d: %lld, then %lld, then %lld\n", clocks[c], ns(&a), ns(&b), ns(&d));
                return 1;
            }
        }
    struct timeval now;
    gettimeofday(&now, NULL);
    long apart = (long)(time(NULL) - now.tv_sec);
    if (apart < 0 || apart > 60) {
        printf("time and gettimeofday are %ld s apart\n", apart);
        return 1;
    }
    printf("%ld\n", (long)now.tv_sec);
    return 0;
}
