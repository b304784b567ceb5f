// CPUs as host threads: one signal stands for every interrupt, a POSIX timer for each CPU raises it
// too. The handler runs on the kernel stack of the interrupted thread and may switch away from it;
// it comes back when that thread runs again, on any CPU. So no signal is ever blocked while kernel
// code runs (SA_NODEFER), and nothing here is called with interrupts on.
#define _GNU_SOURCE
#include "host.h"
#include <asm/prctl.h>
#include <errno.h>
#include <machine/boot.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static u32 cpu_total = 1;
static struct timespec started;
static timer_t timers[64];

// Under the thread sanitizer not through it: it would put signals off until the next call of the C
// library.
#ifdef HOSTED_TSAN
#define SET_ACTION __sigaction
int __sigaction(int sig, const struct sigaction *act, struct sigaction *old);
// Reports have addresses only: a symbolizer would be a child process born on a kernel stack. Faults
// are the kernel's to report.
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "symbolize=0:report_thread_leaks=0:handle_segv=0:handle_sigbus=0:handle_sigill=0:"
           "handle_sigfpe=0";
}
#else
#define SET_ACTION sigaction
#endif

[[clang::disable_sanitizer_instrumentation]] static void on_signal(int sig, siginfo_t *info,
                                                                   void *context)
{
    (void)sig, (void)context;
    int saved = errno;
    struct hosted_cpu *c;
    __asm__ volatile("movq %%gs:16, %0" : "=r"(c));
    if (info->si_code == SI_TIMER)
        atomic_fetch_or(&c->pending, PENDING_TIMER);
    i32 guest = atomic_load(&c->guest);
    if (guest)
        syscall(SYS_kill, guest, SIG_KICK);
    hosted_signal();
    errno = saved;
}

#if !__has_feature(address_sanitizer)
static void on_fault(int sig, siginfo_t *info, void *context)
{
    const greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    struct hosted_registers regs = {(u64)r[REG_RIP], (u64)r[REG_RSP], (u64)r[REG_RBP]};
    signal(sig, SIG_DFL); // the next one ends the process
    hosted_kernel_fault(sig == SIGSEGV  ? "page fault"
                        : sig == SIGBUS ? "bus error"
                        : sig == SIGILL ? "illegal instruction"
                                        : "exception",
                        (u64)info->si_addr, &regs);
}

static void watch_faults(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    struct sigaction sa = {.sa_sigaction = on_fault,
                           .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    for (u32 i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        SET_ACTION(signals[i], &sa, NULL);
}
#else
static void watch_faults(void) // the sanitizer reports them
{
}
#endif

void cpus_init(u32 count)
{
    cpu_total = count;
    clock_start(&started);
    struct sigaction sa = {.sa_sigaction = on_signal,
                           .sa_flags = SA_SIGINFO | SA_RESTART | SA_NODEFER};
    SET_ACTION(SIG_CPU, &sa, NULL);
    watch_faults();
}

u32 host_cpu_count(void)
{
    return cpu_total;
}

void host_cpu_adopt(struct hosted_cpu *cpu)
{
    if (syscall(SYS_arch_prctl, ARCH_SET_GS, cpu))
        die("cannot set the GS register: %s", strerror(errno));
    stack_t alt = {.ss_sp = malloc(65536), .ss_size = 65536};
    sigaltstack(&alt, NULL);
    atomic_store(&cpu->tid, gettid());
    struct sigevent ev = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIG_CPU};
    ev._sigev_un._tid = gettid();
    if (timer_create(CLOCK_MONOTONIC, &ev, &timers[cpu->index]))
        die("cannot make a timer: %s", strerror(errno));
}

struct start {
    struct hosted_cpu *cpu;
    void (*entry)(struct hosted_cpu *);
};

static void *cpu_thread(void *arg)
{
    struct start s = *(struct start *)arg;
    free(arg);
    host_cpu_adopt(s.cpu);
    s.entry(s.cpu);
    return NULL;
}

i32 host_cpu_start(struct hosted_cpu *cpu, void (*entry)(struct hosted_cpu *))
{
    struct start *s = malloc(sizeof(*s));
    if (!s)
        return -ENOMEM;
    *s = (struct start){cpu, entry};
    pthread_t t;
    int err = pthread_create(&t, NULL, cpu_thread, s);
    return -err;
}

void host_cpu_signal(struct hosted_cpu *cpu)
{
    i32 tid = atomic_load(&cpu->tid);
    if (tid)
        syscall(SYS_tgkill, getpid(), tid, SIG_CPU);
}

void host_cpu_wait(struct hosted_cpu *cpu)
{
    sigset_t block, old;
    sigemptyset(&block);
    sigaddset(&block, SIG_CPU);
    pthread_sigmask(SIG_BLOCK, &block, &old);
    if (!atomic_load(&cpu->pending))
        sigsuspend(&old);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void host_timer_arm(struct hosted_cpu *cpu, u64 in_ns)
{
    struct itimerspec t = {0};
    if (in_ns != UINT64_MAX) {
        t.it_value.tv_sec = (time_t)(in_ns / 1000000000u);
        t.it_value.tv_nsec = (long)(in_ns % 1000000000u);
    }
    timer_settime(timers[cpu->index], 0, &t, NULL);
}

u64 host_time_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (u64)(t.tv_sec - started.tv_sec) * 1000000000u + (u64)t.tv_nsec - (u64)started.tv_nsec;
}

u64 host_realtime_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

u64 host_random(void)
{
    u64 v = 0;
    if (getrandom(&v, sizeof(v), 0) != sizeof(v))
        v = host_time_ns();
    return v;
}

bool try_thread(void *(*fn)(void *), void *arg)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pthread_t t;
    int err = pthread_create(&t, NULL, fn, arg);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return !err;
}

void start_thread(void *(*fn)(void *), void *arg)
{
    if (!try_thread(fn, arg))
        die("cannot start a thread");
}

void external_interrupt(struct hosted_cpu *cpu)
{
    atomic_fetch_or(&cpu->pending, PENDING_EXTERNAL);
    host_cpu_signal(cpu);
}

// Who ends this process first decides how, and is not interrupted. The others find their guests
// gone and wait.
static atomic_bool ends;
static _Thread_local bool mine;

void wait_if_ending(void)
{
    while (!mine && atomic_load(&ends))
        pause();
}

static void begin_end(void)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    mine = !atomic_exchange(&ends, true);
    wait_if_ending();
}

void host_exit(i32 status)
{
    begin_end();
    console_restore();
    spaces_end_all();
    socket_end(false, status);
    _exit(status);
}

void host_exit_killed(i32 number)
{
    begin_end();
    console_restore();
    spaces_end_all();
    socket_end(true, number);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}); // it would be a core of this program
    signal(number, SIG_DFL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    pthread_sigmask(SIG_UNBLOCK, &set,
                    NULL); // to this thread: others look at what the process gets
    pthread_kill(pthread_self(), number);
    _exit(128 + number);
}
