// The ptrace transport: guest processes are children under PTRACE_SYSEMU, so the host never carries
// out a call of theirs. A process may only be driven by the host thread that made it, which is the
// CPU it belongs to.
//
// A guest process is a fork of this one that has unmapped everything but the stub: a page of code
// that carries out a list of host calls from the page behind it, which it can read but not write.
// User code can reach the stub, but a call from there is a call like any other.
#define _GNU_SOURCE
#include "host.h"
#include <elf.h>
#include <errno.h>
#include <machine/layout.h>
#include <machine/trapframe.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static_assert(HOST_STUB == USER_TOP);
enum : u64 { PAGE = 4096, HOST_TOP = 0x7fff'ffff'f000ul };
enum { PTRACE_SYSEMU_ = 31, SLOTS = 65536, GUEST_MEMORY_FD = 3, CALL_STOP = SIGTRAP | 0x80 };

struct guest {
    pid_t pid;
    u32 slot; // of the parameter file: page 1 + slot
    struct guest_op *ops;
    struct user_regs_struct base; // segment registers
};

static int params_fd = -1;
static u8 *params;
static pthread_mutex_t slot_lock =
    PTHREAD_MUTEX_INITIALIZER; // interrupts are off: never held by a thread that does not run
static u64 slots[SLOTS / 64];
static _Atomic pid_t pids[SLOTS]; // by slot, for the end
static u64 fpu_len;

// rbx: first op, r12: count. Stops at int3: r12 is what was not done, rax the last result.
__asm__(".pushsection .rodata\n"
        "stub_code:\n"
        "1: test %r12, %r12\n jz 2f\n"
        "mov (%rbx), %rax\n mov 8(%rbx), %rdi\n mov 16(%rbx), %rsi\n mov 24(%rbx), %rdx\n"
        "mov 32(%rbx), %r10\n mov 40(%rbx), %r8\n mov 48(%rbx), %r9\n"
        "syscall\n"
        "cmp $-4096, %rax\n ja 2f\n"
        "add $56, %rbx\n dec %r12\n jmp 1b\n"
        "2: int3\n"
        "stub_end:\n"
        ".popsection\n");
extern const u8 stub_code[], stub_end[];
static_assert(sizeof(struct guest_op) == 56 && GUEST_OPS_MAX * sizeof(struct guest_op) <= PAGE);

void ptrace_init(void)
{
    params_fd = memfd_create("scarlet-guests", MFD_CLOEXEC);
    u64 size = (SLOTS + 1) * PAGE;
    if (params_fd < 0 || ftruncate(params_fd, (off_t)size))
        die("cannot make the parameter file: %s", strerror(errno));
    params = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, params_fd, 0);
    if (params == MAP_FAILED)
        die("cannot map the parameter file: %s", strerror(errno));
    memcpy(params, stub_code, (size_t)(stub_end - stub_code));
}

static struct hosted_cpu *cpu(void)
{
    struct hosted_cpu *c;
    __asm__ volatile("movq %%gs:16, %0" : "=r"(c));
    return c;
}

static int slot_get(void)
{
    int slot = -1;
    pthread_mutex_lock(&slot_lock);
    for (u32 i = 0; i < SLOTS / 64 && slot < 0; i++)
        if (~slots[i]) {
            u32 bit = (u32)__builtin_ctzl(~slots[i]);
            slots[i] |= 1ul << bit;
            slot = (int)(i * 64 + bit);
        }
    pthread_mutex_unlock(&slot_lock);
    return slot;
}

static void slot_put(u32 slot)
{
    pthread_mutex_lock(&slot_lock);
    slots[slot / 64] &= ~(1ul << slot % 64);
    pthread_mutex_unlock(&slot_lock);
}

extern const ptrdiff_t __rseq_offset;
extern const unsigned int __rseq_size;

// In the new process, on a stack of its own (kernel stacks are shared memory): only plain host
// calls from here on.
struct birth {
    u32 slot;
    pid_t parent;
};
[[noreturn, clang::no_sanitize("address", "undefined")]] static int become_guest(void *arg)
{
    u32 slot = ((struct birth *)arg)->slot;
    pid_t parent = ((struct birth *)arg)->parent;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    if (__rseq_size) // the host writes there when it moves us to another processor
        syscall(SYS_rseq, (u8 *)__builtin_thread_pointer() + __rseq_offset, 32, 1, 0x53053053);
    void *code =
        mmap((void *)HOST_STUB, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, params_fd, 0);
    void *args = mmap((void *)(HOST_STUB + PAGE), PAGE, PROT_READ, MAP_SHARED | MAP_FIXED,
                      params_fd, (off_t)((slot + 1) * PAGE));
    if (code == MAP_FAILED || args == MAP_FAILED || dup2(host_memory_fd(), GUEST_MEMORY_FD) < 0)
        _exit(1);
    syscall(SYS_close_range, 0, GUEST_MEMORY_FD - 1, 0);
    syscall(SYS_close_range, GUEST_MEMORY_FD + 1, ~0u, 0);
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    syscall(SYS_kill, getpid(), SIGSTOP);
    _exit(1);
}

// Waits until the process stops; the stop signal, or -1: it is gone.
static int wait_stop(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, __WALL) < 0)
        if (errno != EINTR)
            return -1;
    return WIFSTOPPED(status) ? WSTOPSIG(status) : -1;
}

static void end(struct guest *g)
{
    kill(g->pid, SIGKILL);
    while (wait_stop(g->pid) >= 0)
        ;
    pids[g->slot] = 0;
    slot_put(g->slot);
    free(g);
}

static i32 apply(struct guest *g, const struct guest_op *ops, u32 count, u32 *done)
{
    *done = 0;
    for (u32 i = 0; i < count; i++) {
        g->ops[i] = ops[i];
        if (ops[i].nr == SYS_mmap)
            g->ops[i].args[4] = GUEST_MEMORY_FD;
    }
    struct user_regs_struct r = g->base;
    r.rip = HOST_STUB;
    r.rbx = HOST_STUB + PAGE;
    r.r12 = count;
    r.orig_rax = ~0ull;
    if (ptrace(PTRACE_SETREGS, g->pid, 0, &r))
        return -ESRCH;
    int sig;
    do {
        if (ptrace(PTRACE_CONT, g->pid, 0, 0))
            return -ESRCH;
        sig = wait_stop(g->pid);
    } while (sig == SIG_KICK); // what it was for is in the CPU's `pending`
    if (sig != SIGTRAP || ptrace(PTRACE_GETREGS, g->pid, 0, &r))
        return -ESRCH;
    *done = count - (u32)r.r12;
    return r.r12 ? (i32)(i64)r.rax : 0;
}

static struct guest *make(void)
{
    struct guest *g = calloc(1, sizeof(*g));
    int slot = g ? slot_get() : -1;
    if (slot < 0) {
        free(g);
        return NULL;
    }
    g->slot = (u32)slot;
    g->ops = (struct guest_op *)(void *)(params + (g->slot + 1) * PAGE);
    alignas(64) static u8
        stacks[64][16384]; // of the processes being born, one for each CPU; each gets its copy
    struct birth *birth = &(struct birth){g->slot, getpid()};
    g->pid = clone(become_guest, stacks[cpu()->index] + sizeof(stacks[0]), SIGCHLD, birth);
    if (g->pid < 0 || wait_stop(g->pid) != SIGSTOP) {
        slot_put(g->slot);
        free(g);
        return NULL;
    }
    pids[g->slot] = g->pid;
    ptrace(PTRACE_SETOPTIONS, g->pid, 0, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD);
    ptrace(PTRACE_GETREGS, g->pid, 0, &g->base);
    g->base.fs_base = g->base.gs_base = 0;
    struct guest_op wipe[] = {
        {SYS_munmap, {0, HOST_STUB}},
        {SYS_munmap, {HOST_STUB + 2 * PAGE, HOST_TOP - HOST_STUB - 2 * PAGE}}};
    u32 done;
    if (apply(g, wipe, 2, &done)) {
        end(g);
        return NULL;
    }
    return g;
}

// Nothing of ours stays behind, not even as a process without a parent.
void ptrace_end_all(void)
{
    for (u32 i = 0; i < SLOTS; i++)
        if (pids[i])
            kill(pids[i], SIGKILL);
    for (u32 i = 0; i < SLOTS; i++)
        while (pids[i] && wait_stop(pids[i]) >= 0)
            ;
}

static void load(struct user_regs_struct *r, const struct trapframe *tf)
{
    r->rdi = tf->args[0], r->rsi = tf->args[1], r->rdx = tf->args[2];
    r->r10 = tf->args[3], r->r8 = tf->args[4], r->r9 = tf->args[5];
    r->rax = tf->rax, r->rbx = tf->rbx, r->rcx = tf->rcx, r->rbp = tf->rbp, r->rsp = tf->rsp;
    r->r11 = tf->r11, r->r12 = tf->r12, r->r13 = tf->r13, r->r14 = tf->r14, r->r15 = tf->r15;
    r->rip = tf->rip, r->eflags = tf->flags, r->fs_base = tf->fs_base, r->gs_base = tf->gs_base;
    r->orig_rax = ~0ull; // nothing for the host to restart
}

static void store(struct trapframe *tf, const struct user_regs_struct *r)
{
    tf->args[0] = r->rdi, tf->args[1] = r->rsi, tf->args[2] = r->rdx;
    tf->args[3] = r->r10, tf->args[4] = r->r8, tf->args[5] = r->r9;
    tf->rax = r->rax, tf->rbx = r->rbx, tf->rcx = r->rcx, tf->rbp = r->rbp, tf->rsp = r->rsp;
    tf->r11 = r->r11, tf->r12 = r->r12, tf->r13 = r->r13, tf->r14 = r->r14, tf->r15 = r->r15;
    tf->rip = r->rip, tf->flags = r->eflags, tf->fs_base = r->fs_base, tf->gs_base = r->gs_base;
}

static void run(struct guest *g, struct trapframe *tf, struct guest_event *out)
{
    struct hosted_cpu *c = cpu();
    struct user_regs_struct r = g->base;
    load(&r, tf);
    *out = (struct guest_event){.stop = GUEST_GONE};
    if (ptrace(PTRACE_SETREGS, g->pid, 0, &r)) {
        if (errno == ESRCH)
            return;
        *out = (struct guest_event){.stop = GUEST_FAULT,
                                    .addr = tf->rip}; // registers that no program can have
        return;
    }
    atomic_store(&c->guest, g->pid);
    int sig = -1;
    if (atomic_load(&c->pending)) // came before the handler knew whom to stop
        out->stop = GUEST_KICKED;
    else if (ptrace(PTRACE_SYSEMU_, g->pid, 0, 0) == 0)
        sig = wait_stop(g->pid);
    atomic_store(&c->guest, 0);
    if (sig < 0 || ptrace(PTRACE_GETREGS, g->pid, 0, &r))
        return;
    store(tf, &r);
    if (sig == CALL_STOP) {
        tf->nr = r.orig_rax;
        out->stop = GUEST_CALL;
        return;
    }
    siginfo_t info;
    memset(&info, 0, sizeof(info));
    if (sig == SIGSEGV || sig == SIGBUS || sig == SIGILL || sig == SIGFPE || sig == SIGTRAP)
        ptrace(PTRACE_GETSIGINFO, g->pid, 0, &info);
    out->number = sig;
    out->code = info.si_code;
    out->addr = (u64)info.si_addr;
    if (sig == SIGSEGV) {
        out->stop = GUEST_FAULT;
        out->had_mapping = info.si_code != SEGV_MAPERR;
    } else {
        out->stop = info.si_code > 0 ? GUEST_TRAP : GUEST_KICKED;
    }
}

static u32 fpu_get(struct guest *g, void *area, u32 cap)
{
    struct iovec v = {area, cap};
    if (ptrace(PTRACE_GETREGSET, g->pid, NT_X86_XSTATE, &v))
        return 0;
    return (u32)v.iov_len;
}

static void fpu_set(struct guest *g, const void *area, u32 len)
{
    static u8 initial[4096];
    if (!fpu_len) {
        u8 now[4096];
        fpu_len = fpu_get(g, now, sizeof(now));
        memcpy(initial + 464, now + 464, 48);    // which features the layout has, for its readers
        memcpy(initial, &(u16){0x37f}, 2);       // control word
        memcpy(initial + 24, &(u32){0x1f80}, 4); // MXCSR
        memcpy(initial + 28, now + 28, 4);
    }
    struct iovec v = {len ? (void *)(uintptr_t)area : initial, len ? len : fpu_len};
    (void)ptrace(PTRACE_SETREGSET, g->pid, NT_X86_XSTATE, &v);
}

const struct hosted_transport ptrace_transport = {.name = "ptrace",
                                                  .make = make,
                                                  .apply = apply,
                                                  .run = run,
                                                  .fpu_get = fpu_get,
                                                  .fpu_set = fpu_set,
                                                  .end = end};
