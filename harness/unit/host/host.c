// Host substitutes for what kernel code links against in unit tests. Every symbol of the kernel is
// weak here: a test that links the real source gets the real one.
#define _GNU_SOURCE
#include "host.h"

#include <sanitizer/asan_interface.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arch/cpu.h>
#include <sync/lock_order.h>
#include <sync/log.h>

enum { EXIT_PANIC = 77 };

static struct {
    u32 index; // first, as in the scheduler's record
} cpus[MAX_CPUS];

uint64_t host_direct_map;
_Thread_local struct arch_thread host_thread = {.cpu = (struct cpu *)(void *)&cpus[0]};
_Thread_local bool host_irqs_off;
static u32 cpu_total = 4;
static int panic_pipe = -1;

void host_ram_init(paddr_t base, u64 bytes)
{
    u8 *ram = aligned_alloc(4 << 20, bytes);

    memset(ram, 0xa5, bytes); // RAM holds anything at first
    host_direct_map = (uint64_t)(uintptr_t)ram - base;
}

void host_ram_forbid(paddr_t start, u64 bytes)
{
    ASAN_POISON_MEMORY_REGION((void *)(uintptr_t)(start + host_direct_map), bytes);
}

void host_cpu_become(u32 index)
{
    cpus[index].index = index;
    host_thread.cpu = (struct cpu *)(void *)&cpus[index];
}

void host_cpu_set_count(u32 count)
{
    cpu_total = count;
}

static int run_child(void (*fn)(void), char *message, usize cap)
{
    int fds[2], status = -1;

    if (pipe(fds) != 0)
        abort();
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        panic_pipe = message ? fds[1] : -1;
        close(fds[0]);
        fn();
        fflush(NULL);
        _exit(0);
    }
    close(fds[1]);
    usize n = 0;
    for (ssize_t got; message && n + 1 < cap && (got = read(fds[0], message + n, cap - 1 - n)) > 0;)
        n += (usize)got;
    if (message)
        message[n] = 0;
    close(fds[0]);
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool host_isolated(void (*fn)(void))
{
    return run_child(fn, NULL, 0) == 0;
}

bool host_panics(void (*fn)(void), const char *text)
{
    char message[512];
    int status = run_child(fn, message, sizeof(message));

    if (status == EXIT_PANIC && strstr(message, text))
        return true;
    fprintf(stderr, "expected a panic with \"%s\", got status %d and \"%s\"\n", text, status,
            message);
    return false;
}

[[gnu::weak]] void panic(const char *fmt, ...)
{
    char text[512];
    va_list args;

    va_start(args, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (panic_pipe >= 0 && n > 0) {
        if (write(panic_pipe, text, MIN((usize)n, sizeof(text) - 1)) < 0)
            abort();
        _exit(EXIT_PANIC);
    }
    fprintf(stderr, "panic: %s\n", text);
    abort();
}

[[gnu::weak]] void klog(enum log_level level, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    fprintf(stderr, "<%d> ", (int)level);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
}

[[gnu::weak]] u32 arch_cpu_count(void)
{
    return cpu_total;
}

[[gnu::weak]] void preempt_schedule(void) {}

#define X(class_name, ord)                                                                         \
    [[gnu::weak]] const struct lock_class lock_class_##class_name = {#class_name, ord};
LOCK_CLASSES(X)
#undef X

[[gnu::weak]] void spin_init(struct spinlock *l, const struct lock_class *cls)
{
    *l = (struct spinlock)SPINLOCK_INIT(cls);
    (void)cls;
}

[[gnu::weak]] void spin_wait(struct spinlock *l, u16 ticket)
{
    while (atomic_load_explicit(&l->owner, memory_order_acquire) != ticket)
        arch_relax();
}

[[gnu::weak]] void spin_check_before(struct spinlock *l, u32 how)
{
    (void)l;
    (void)how;
}

[[gnu::weak]] void spin_check_after(struct spinlock *l)
{
    (void)l;
}

[[gnu::weak]] void spin_check_release(struct spinlock *l)
{
    (void)l;
}

[[gnu::weak]] bool spin_check_held(const struct spinlock *l)
{
    u32 word = atomic_load_explicit((_Atomic u32 *)&l->word, memory_order_relaxed);

    return (u16)word != word >> 16;
}
