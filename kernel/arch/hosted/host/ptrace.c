// The ptrace transport: user code runs under PTRACE_SYSEMU in the process that holds its space, so
// the host never carries out a call of its. The cage stands behind that.
#define _GNU_SOURCE
#include "guest.h"
#include <elf.h>
#include <errno.h>
#include <linux/audit.h>
#include <machine/trapframe.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

enum { PTRACE_SYSEMU_ = 31, CALL_STOP = SIGTRAP | 0x80 };
static u64 fpu_len;

static struct guest *make(void)
{
    return space_make(false);
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

// A program that makes calls takes turns with this thread; one that computes is by itself.
static int let_run(struct guest *g)
{
    if (!g->runs_long)
        space_together(g);
    int sig = ptrace(PTRACE_SYSEMU_, g->pid, 0, 0) == 0 ? wait_stop(g->pid) : -1;
    bool was_long = g->runs_long;
    g->runs_long = sig == SIG_KICK;
    if (!was_long)
        space_apart(g, false, g->runs_long);
    return sig;
}

static void run(struct guest *g, struct trapframe *tf, struct guest_event *out)
{
    struct hosted_cpu *c = cpu();
    struct user_regs_struct r = g->base;
    load(&r, tf);
    *out = (struct guest_event){.stop = GUEST_GONE};
    if (ptrace(PTRACE_SETREGS, g->pid, 0, &r)) {
        if (errno == ESRCH) {
            wait_if_ending();
            return;
        }
        *out = (struct guest_event){.stop = GUEST_FAULT,
                                    .addr = tf->rip}; // registers that no program can have
        return;
    }
    atomic_store(&c->guest, g->pid);
    int sig = -1;
    if (atomic_load(&c->pending)) // came before the handler knew whom to stop
        out->stop = GUEST_KICKED;
    else
        sig = let_run(g);
    atomic_store(&c->guest, 0);
    if (sig < 0 || ptrace(PTRACE_GETREGS, g->pid, 0, &r)) {
        wait_if_ending();
        return;
    }
    store(tf, &r);
    if (sig == CALL_STOP) {
        tf->nr = r.orig_rax;
        out->stop = GUEST_CALL;
        out->any_call = true;
        return;
    }
    siginfo_t info;
    memset(&info, 0, sizeof(info));
    if (sig == SIGSEGV || sig == SIGBUS || sig == SIGILL || sig == SIGFPE || sig == SIGTRAP ||
        sig == SIGSYS)
        ptrace(PTRACE_GETSIGINFO, g->pid, 0, &info);
    out->number = sig;
    out->code = info.si_code;
    out->addr = (u64)info.si_addr;
    if (sig == SIGSYS && info.si_code > 0) { // the cage: a call that SYSEMU does not see (vsyscall)
        tf->nr = (u64)info.si_syscall;
        out->stop = info.si_arch == AUDIT_ARCH_X86_64 ? GUEST_CALL : GUEST_TRAP;
        out->number = SIGSEGV;
    } else if (sig == SIGSEGV && info.si_code != SI_KERNEL) {
        out->stop = GUEST_FAULT;
        out->had_mapping = info.si_code != SEGV_MAPERR;
    } else {
        out->stop = info.si_code > 0 ? GUEST_TRAP : GUEST_KICKED;
    }
}

static bool was_call(struct guest *g)
{
    struct __ptrace_syscall_info info;
    return ptrace(PTRACE_GET_SYSCALL_INFO, g->pid, sizeof(info), &info) > 0 &&
           info.op == PTRACE_SYSCALL_INFO_ENTRY && info.arch == AUDIT_ARCH_X86_64;
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
                                                  .apply = space_apply_ops,
                                                  .run = run,
                                                  .fpu_get = fpu_get,
                                                  .fpu_set = fpu_set,
                                                  .end = space_end,
                                                  .was_call = was_call};
