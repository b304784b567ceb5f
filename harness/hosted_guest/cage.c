// Does the cage hold, and would the attempts get out without it? Natively: the stub lies where it
// does in guest processes; from each of its call instructions, calls are made that leave a mark.
// First without filters, then with the first one, then with both. Prints for each how many attempts
// there were and how many left a mark.
//
// usage: cage DIRECTORY (of marks, empty)
#define _GNU_SOURCE
#include "guest.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char mark[512];

static u64 enter(u64 at, u64 nr, u64 a, u64 b, u64 c)
{
    register u64 r10 __asm__("r10") = 0, r8 __asm__("r8") = 0, r9 __asm__("r9") = 0;
    u64 result = nr;
    __asm__ volatile("xor %%r12d, %%r12d\n\tcall *%[at]"
                     : "+a"(result), "+r"(r10), "+r"(r8), "+r"(r9), "+D"(a), "+S"(b), "+d"(c)
                     : [at] "r"(at)
                     : "rbx", "rcx", "r11", "r12", "memory");
    return result;
}

static void make_directory(u64 at)
{
    enter(at, SYS_mkdir, (u64)mark, 0755, 0);
}
static void create_file(u64 at)
{
    enter(at, SYS_open, (u64)mark, O_CREAT | O_WRONLY, 0644);
}
static void link_file(u64 at)
{
    enter(at, SYS_symlink, (u64) "/", (u64)mark, 0);
}
// A call of the process itself, elsewhere than in the stub.
static void call_outside(u64 at)
{
    (void)at;
    syscall(SYS_mkdir, mark, 0755);
}

// The filters' programs are found as guest processes find them: in the list of calls that sets one
// up.
static void install(u32 filters)
{
    struct guest_op ops[GUEST_OPS_MAX];
    u32 n = stub_seed_ops(ops), more = stub_runner_ops(ops + n);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    // The second first: the other one allows no further filter from here.
    for (u32 i = n + more; i-- > 0;)
        if (ops[i].nr == SYS_seccomp && (i < n ? filters >= 1 : filters >= 2) &&
            syscall(SYS_seccomp, ops[i].args[0], ops[i].args[1], ops[i].args[2]) != 0)
            _exit(1);
}

int main(int argc, char **argv)
{
    static void (*const attempts[])(u64) = {make_directory, create_file, link_file, call_outside};
    if (argc != 2 ||
        mmap((void *)STUB_CODE, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != (void *)STUB_CODE)
        return 2;
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    stub_write((u8 *)STUB_CODE, (u8 *)STUB_CONSTS);
    int number = 0;
    for (u32 filters = 0; filters <= 2; filters++) {
        int tried = 0, out = 0;
        for (const u8 *p = (u8 *)STUB_CODE; p < (u8 *)STUB_CODE + PAGE - 1; p++) {
            if (p[0] != 0x0f || p[1] != 0x05)
                continue;
            for (usize i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
                snprintf(mark, sizeof(mark), "%s/%d", argv[1], number++);
                pid_t child = fork();
                if (!child) {
                    alarm(10);
                    install(filters);
                    attempts[i]((u64)p);
                    _exit(0);
                }
                if (child < 0 || waitpid(child, NULL, 0) != child)
                    return 1;
                struct stat st;
                tried++;
                out += lstat(mark, &st) == 0;
            }
        }
        printf("filters %u: tried %d, out %d\n", filters, tried, out);
    }
    return 0;
}
