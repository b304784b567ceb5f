// A hostile program: tries to reach the host from under the hosted kernel, in every way that its
// address space offers. Each attempt is a process of its own, which may die of it. The marks that a
// success would leave are looked for outside: a directory MARK-N of the host.
//
// escape MARK [slow] (slow: also what costs the kernel's patience); the last line says how many
// attempts there were.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef unsigned long u64;
enum : u64 {
    STUB = 0x7fff00000000,
    PAGE = 4096,
    STAGE = STUB + 3 * PAGE,
    VSYSCALL = 0xffffffffff600000
};

static char mark[256];
static int attempts;

static u64 enter(u64 at, u64 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
    register u64 r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
    u64 result = nr;
    __asm__ volatile("pushq %%rbx\n\tpushq %%r12\n\txor %%r12d, %%r12d\n\tcall *%[at]\n\tpopq "
                     "%%r12\n\tpopq %%rbx"
                     : "+a"(result), "+r"(r10), "+r"(r8), "+r"(r9), "+D"(a), "+S"(b), "+d"(c)
                     : [at] "m"(at)
                     : "rcx", "r11", "memory");
    return result;
}

// Runs fn in a child; whatever becomes of it, it is over within some seconds.
static void attempt(void (*fn)(u64), u64 arg)
{
    snprintf(strrchr(mark, '-'), 16, "-%d", attempts++);
    pid_t child = fork();
    if (child == 0) {
        alarm(3);
        fn(arg);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
}

// --- every call instruction of the stub, with calls that would show outside ---
static void call_mkdir(u64 at)
{
    enter(at, SYS_mkdir, (u64)mark, 0755, 0, 0, 0, 0);
}
static void call_open(u64 at)
{
    enter(at, SYS_open, (u64)mark, O_CREAT | O_WRONLY, 0644, 0, 0, 0);
}
static void call_kill_parent(u64 at)
{
    enter(at, SYS_kill, (u64)-1, SIGKILL, 0, 0, 0, 0);
}
static void call_fork(u64 at)
{
    enter(at, SYS_clone, SIGCHLD, 0, 0, 0, 0, 0);
    enter(at, SYS_mkdir, (u64)mark, 0755, 0, 0, 0, 0);
}
// The memory file of the kernel: mapped by hand it would be the way out.
static void call_map_memory(u64 at)
{
    for (int fd = 3; fd <= 4; fd++) {
        char *where = (char *)(0x600000000000 + (u64)fd * PAGE);
        enter(at, SYS_mmap, (u64)where, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
              (u64)fd, 0x200000);
        char seen;
        int probe[2];
        if (pipe(probe) == 0 && syscall(SYS_write, probe[1], where, 1) == 1 &&
            read(probe[0], &seen, 1) == 1)
            mkdir(mark, 0755);     // our kernel knows the page: not a way out
        memset(where, 0xff, PAGE); // a fault, if all is well
        raise(SIGUSR1);
        printf("the memory file can be mapped\n");
        fflush(stdout);
    }
}
static void jump(u64 at)
{
    ((void (*)(void))at)();
}

// --- other doors ---
static void old_door(u64 unused)
{
    (void)unused;
    u64 result = 39; // mkdir of the 32-bit table
    char *low = mmap((void *)0x10000000, PAGE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    strcpy(low, mark);
    __asm__ volatile(
        "pushq %%rbx\n\tmovl $0x10000000, %%ebx\n\tmovl $0755, %%ecx\n\tint $0x80\n\tpopq %%rbx"
        : "+a"(result)::"rcx", "memory");
    printf("int 0x80 returned\n");
    fflush(stdout);
}
static void sysenter(u64 unused)
{
    (void)unused;
    __asm__ volatile("movl $39, %%eax\n\tsysenter" ::: "rax", "rbx", "rcx", "rdx", "memory");
}
static void other_numbers(u64 unused)
{
    (void)unused;
    if (syscall(0x40000000 + SYS_mkdir, mark, 0755) == 0)
        printf("a call of the x32 table was served\n");
    fflush(stdout);
}
static void vsyscall(u64 at)
{
    time_t t = 0;
    ((time_t (*)(time_t *))at)(&t);
}
static void scribble(u64 at)
{
    for (volatile char *p = (char *)at; p < (char *)at + PAGE; p++)
        *p = 0x5a;
    syscall(SYS_getpid);
}
// Says "I have stopped" all the time.
static void liar(u64 unused)
{
    (void)unused;
    volatile unsigned *word = (unsigned *)STAGE;
    for (int i = 0; i < 20000; i++) {
        *word = (unsigned)i & 3;
        if (i % 100 == 0)
            munmap(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
                   PAGE);
    }
}
// Returns from a signal that never was, to code with every signal blocked: can it still be stopped?
static void deaf(u64 at)
{
    static u64 frame[128];
    memset(frame, 0, sizeof(frame));
    u64 *r = frame + 5; // behind flags, link and stack
    static u64 stack[512];
    r[15] = (u64)(stack + 500); // rsp
    extern char deaf_loop[];
    r[16] = (u64)deaf_loop;
    r[17] = 0x202;
    r[18] = 0x002b000000000033; // segments
    frame[5 + 32] = ~0ul;       // blocked
    __asm__ volatile("movq %0, %%rsp\n\tmovl $15, %%eax\n\tjmp *%1\n"
                     "deaf_loop: jmp deaf_loop" ::"r"(frame),
                     "r"(at)
                     : "memory");
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    int deaf_tried = 0;
    snprintf(mark, sizeof(mark) - 8, "%s-", argv[1]);
    for (const unsigned char *p = (unsigned char *)STUB; p < (unsigned char *)STUB + PAGE - 1;
         p++) {
        if (p[0] != 0x0f || p[1] != 0x05)
            continue;
        attempt(call_mkdir, (u64)p);
        attempt(call_open, (u64)p);
        attempt(call_kill_parent, (u64)p);
        attempt(call_fork, (u64)p);
        attempt(call_map_memory, (u64)p);
        if (argc > 2 && !deaf_tried++)
            attempt(deaf, (u64)p);
    }
    for (u64 at = STUB; at < STUB + 0x60; at += 3)
        attempt(jump, at);
    attempt(old_door, 0);
    attempt(sysenter, 0);
    attempt(other_numbers, 0);
    for (u64 at = VSYSCALL; at < VSYSCALL + 0xc00; at += 0x400)
        attempt(vsyscall, at);
    for (int i = 0; i < 5; i++)
        attempt(scribble, STUB + (u64)i * PAGE);
    attempt(liar, 0);
    printf("tried %d\n", attempts);
    return 0;
}
