// Costs of calls: one line "NAME MICROSECONDS" each, the best of fifteen batches. With the word
// "loop": under a bare PTRACE_SYSEMU loop of its own instead, the null call only.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BATCHES = 15, SYSEMU = 31 };
static int pipes[2], file;
static char buffer[4096];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}
static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}
static void report(const char *name, void (*fn)(int), int n)
{
    double v[BATCHES];
    for (int b = 0; b < BATCHES; b++) {
        double t = now();
        fn(n);
        v[b] = (now() - t) / n;
    }
    qsort(v, BATCHES, sizeof(v[0]), compare);
    printf("%s %.3f\n", name, v[0]);
    fflush(stdout);
}

static void null_call(int n)
{
    while (n--)
        syscall(SYS_getppid);
}
static void child(int n)
{
    while (n--) {
        pid_t p = fork();
        if (!p)
            _exit(0);
        waitpid(p, NULL, 0);
    }
}
static void program(int n)
{
    while (n--) {
        pid_t p = fork();
        if (!p) {
            execl("/bin/true", "true", (char *)NULL);
            _exit(1);
        }
        waitpid(p, NULL, 0);
    }
}
static void page(int n)
{
    char *m =
        mmap(NULL, (size_t)n * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < n; i++)
        m[(size_t)i * 4096] = 1;
    munmap(m, (size_t)n * 4096);
}
static void pipe_byte(int n)
{
    while (n--)
        if (write(pipes[1], buffer, 1) != 1 || read(pipes[0], buffer, 1) != 1)
            abort();
}
static void file_read(int n)
{
    while (n--)
        if (pread(file, buffer, sizeof(buffer), 0) != sizeof(buffer))
            abort();
}

static int bare_loop(void)
{
    int n = 0, status;
    pid_t p = fork();
    if (!p) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        for (;;)
            syscall(SYS_getppid);
    }
    waitpid(p, &status, 0);
    double start = now();
    for (; n < 20000; n++) {
        struct user_regs_struct r;
        if (ptrace(SYSEMU, p, 0, 0) || waitpid(p, &status, 0) != p ||
            ptrace(PTRACE_GETREGS, p, 0, &r))
            return 1;
        r.rax = 42;
        ptrace(PTRACE_SETREGS, p, 0, &r);
    }
    printf("null %.3f\n", (now() - start) / n);
    kill(p, SIGKILL);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return strcmp(argv[1], "loop") ? 2 : bare_loop();
    file = open("/bin/true", O_RDONLY);
    if (pipe(pipes) || file < 0)
        return 1;
    for (double end = now() + 1e6; now() < end;) // the host finds a processor for each side
        null_call(100);
    report("null", null_call, 5000);
    report("fork", child, 40);
    report("fork+exec", program, 15);
    report("page", page, 2000);
    report("pipe", pipe_byte, 2000);
    report("read-4k", file_read, 2000);
    return 0;
}
