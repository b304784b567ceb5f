// Host processes that hold address spaces: how they are made, and how their mappings change.
//
// For each CPU there is a seed, made once: a fork of this process that has unmapped everything but
// the stub and locked itself into the cage. Every other one is a fork of the seed, cheap because
// there is nothing to copy. They are traced by their CPU's thread, which has them carry out lists
// of host calls from a page that they can read but not write.
#define _GNU_SOURCE
#include "guest.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static_assert(HOST_STUB == USER_TOP);
enum { SLOTS = 65536 };
static_assert(GUEST_OPS_MAX * sizeof(struct guest_op) <= PAGE);

// The parameter file: code, constants, then for each slot its list and its stage.
enum : u64 { SLOT_SIZE = PAGE + STAGE_SIZE, SLOT_BASE = 2 * PAGE };
static int params_fd = -1;
static u8 *params;
struct stub_consts *stub_consts;

static pthread_mutex_t slot_lock =
    PTHREAD_MUTEX_INITIALIZER; // interrupts are off: never held by a thread that does not run
static u64 slots[SLOTS / 64];
static _Atomic pid_t pids[SLOTS][2]; // by slot: holder and runner, for the end
static struct guest *seeds[64];      // by CPU

// --- handing over on one processor ---
// This thread and the process it has work done by take turns, so they take them on one of the
// host's processors: waking another one that sleeps costs more than the work. The thread is free
// again afterwards, the process follows it. Where many want to run that is wrong, as the two then
// wait for one processor while another may come free: not with more CPUs than processors, and not
// for some time after a turn took much longer than its work.
static cpu_set_t allowed; // what this process may use
static bool can_hold;
enum : u64 { TURN_NS = 1'000'000, FEWEST = 64, MOST = 65536 };
static _Thread_local struct {
    u64 since;      // of the turns now
    u64 skip, wait; // turns without, and how many after the next bad one
    bool holds;
} turns;

static void set_affinity(pid_t pid, const cpu_set_t *set)
{
    (void)syscall(SYS_sched_setaffinity, pid, sizeof(*set), set);
}

static int hold_processor(void)
{
    if (turns.skip && turns.skip--)
        return -1;
    int at = can_hold ? sched_getcpu() : -1;
    if (at < 0 || at >= CPU_SETSIZE)
        return -1;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((u32)at, &one);
    set_affinity(0, &one);
    turns.holds = true;
    turns.since = host_time_ns();
    return at;
}

static void leave_processor(bool short_work)
{
    if (!turns.holds)
        return;
    set_affinity(0, &allowed);
    turns.holds = false;
    if (!short_work)
        return;
    if (host_time_ns() - turns.since > TURN_NS) {
        turns.wait = turns.wait < FEWEST ? FEWEST : turns.wait < MOST ? 2 * turns.wait : MOST;
        turns.skip = turns.wait;
    } else if (turns.wait) {
        turns.wait--;
    }
}

static void release(struct guest *g)
{
    if (g->processor)
        set_affinity(g->pid, &allowed);
    g->processor = 0;
}

static void bring(struct guest *g, int at)
{
    if (at < 0)
        release(g);
    if (at < 0 || g->processor == at + 1)
        return;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((u32)at, &one);
    set_affinity(g->pid, &one);
    g->processor = at + 1;
}

void space_init(void)
{
    params_fd = memfd_create("scarlet-guests", MFD_CLOEXEC);
    u64 size = SLOT_BASE + SLOTS * SLOT_SIZE;
    if (params_fd < 0 || ftruncate(params_fd, (off_t)size))
        die("cannot make the parameter file: %s", strerror(errno));
    params = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, params_fd, 0);
    if (params == MAP_FAILED)
        die("cannot map the parameter file: %s", strerror(errno));
    stub_consts = (struct stub_consts *)(void *)(params + PAGE);
    stub_write(params, params + PAGE);
    can_hold = sched_getaffinity(0, sizeof(allowed), &allowed) == 0 && CPU_COUNT(&allowed) > 1 &&
               host_cpu_count() <= (u32)CPU_COUNT(&allowed);
}

struct hosted_cpu *cpu(void)
{
    struct hosted_cpu *c;
    __asm__ volatile("movq %%gs:16, %0" : "=r"(c));
    return c;
}

void space_together(struct guest *g)
{
    bring(g, hold_processor());
}

void space_apart(struct guest *g, bool short_work, bool for_long)
{
    leave_processor(short_work);
    if (for_long)
        release(g);
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

static u64 slot_offset(u32 slot)
{
    return SLOT_BASE + slot * SLOT_SIZE;
}

int wait_stop(pid_t pid)
{
    int status;
    pid_t got;
    while ((got = waitpid(pid, &status, __WALL)) < 0 && errno == EINTR)
        ;
    if (got > 0 && WIFSTOPPED(status))
        return WSTOPSIG(status);
    wait_if_ending();
    return -1;
}

static void end_process(pid_t pid)
{
    kill(pid, SIGKILL);
    while (wait_stop(pid) >= 0)
        ;
}

void space_end(struct guest *g)
{
    if (g->runner > 0)
        end_process(g->runner);
    if (g->pid > 0)
        end_process(g->pid);
    pids[g->slot][0] = pids[g->slot][1] = 0;
    slot_put(g->slot);
    free(g);
}

// Nothing of ours stays behind, not even as a process without a parent.
void spaces_end_all(void)
{
    for (u32 i = 0; i < SLOTS * 2; i++)
        if (pids[i / 2][i % 2])
            kill(pids[i / 2][i % 2], SIGKILL);
    for (u32 i = 0; i < SLOTS * 2; i++)
        while (pids[i / 2][i % 2] && wait_stop(pids[i / 2][i % 2]) >= 0)
            ;
}

static i32 gone(void)
{
    wait_if_ending();
    return -ESRCH;
}

// Runs the stub from an entry with these registers until its int3. 0 or -ESRCH.
static i32 run_stub(struct guest *g, struct user_regs_struct *r)
{
    r->orig_rax = ~0ull;
    if (ptrace(PTRACE_SETREGS, g->pid, 0, r))
        return gone();
    int sig;
    do {
        if (ptrace(PTRACE_CONT, g->pid, 0, 0))
            return gone();
        sig = wait_stop(g->pid);
    } while (sig == SIG_KICK || sig == SIGCHLD); // the first: why is in the CPU's `pending`
    return sig != SIGTRAP || ptrace(PTRACE_GETREGS, g->pid, 0, r) ? gone() : 0;
}

static void write_ops(struct guest *g, const struct guest_op *ops, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        g->ops[i] = ops[i];
        if (ops[i].nr == SYS_mmap && ops[i].args[4] != GUEST_PARAMS_FD)
            g->ops[i].args[4] = GUEST_MEMORY_FD;
    }
}

static i32 apply_here(struct guest *g, const struct guest_op *ops, u32 count, u32 *done)
{
    *done = 0;
    write_ops(g, ops, count);
    struct user_regs_struct r = g->base;
    r.rip = stub_at(STUB_RUN_OPS);
    r.rbx = STUB_OPS;
    r.r12 = count;
    i32 err = run_stub(g, &r);
    if (err)
        return err;
    *done = count - (u32)r.r12;
    return r.r12 ? (i32)(i64)r.rax : 0;
}

i32 space_apply_ops(struct guest *g, const struct guest_op *ops, u32 count, u32 *done)
{
    space_together(g);
    i32 err = apply_here(g, ops, count, done);
    space_apart(g, true, false);
    return err;
}

// Has g start a process that carries out ops. Its id or a negative errno.
static pid_t spawn(struct guest *g, u64 flags, const struct guest_op *ops, u32 count)
{
    write_ops(g, ops, count);
    struct user_regs_struct r = g->base;
    r.rip = stub_at(STUB_SPAWN);
    r.rax = SYS_clone;
    r.rdi = flags | CLONE_PARENT | SIGCHLD;
    r.rsi = r.rdx = r.r10 = r.r8 = 0;
    r.rbx = STUB_OPS;
    r.r12 = count;
    i32 err = run_stub(g, &r);
    return err ? err : (pid_t)r.rax;
}

pid_t space_spawn_runner(struct guest *g, const struct guest_op *ops, u32 count)
{
    space_together(g);
    g->runner = spawn(g, CLONE_VM, ops, count);
    space_apart(g, true, false);
    if (g->runner <= 0)
        return g->runner;
    pids[g->slot][1] = g->runner;
    if (can_hold) // it does not take turns with anybody
        set_affinity(g->runner, &allowed);
    return g->runner;
}

extern const ptrdiff_t __rseq_offset;
extern const unsigned int __rseq_size;

// In the seed, on a stack of its own (kernel stacks are shared memory): only host calls from here
// on, without what the C library or a sanitizer puts around them.
struct birth {
    u32 slot;
    pid_t parent;
};
[[clang::no_sanitize("address", "undefined", "thread")]] static int map_params(u64 at, int prot,
                                                                               u64 offset)
{
    return syscall(SYS_mmap, at, PAGE, prot, MAP_SHARED | MAP_FIXED, params_fd, offset) == (i64)at
               ? 0
               : -1;
}
[[noreturn, clang::no_sanitize("address", "undefined", "thread")]] static int become_seed(void *arg)
{
    u32 slot = ((struct birth *)arg)->slot;
    pid_t parent = ((struct birth *)arg)->parent;
    syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (syscall(SYS_getppid) != parent)
        syscall(SYS_exit, 1);
    syscall(SYS_setsid); // keys are for this process, not for guests
    if (__rseq_size)     // the host writes there when it moves us to another processor
        syscall(SYS_rseq, (u8 *)__builtin_thread_pointer() + __rseq_offset, 32, 1, 0x53053053);
    int bad = map_params(STUB_CODE, PROT_READ | PROT_EXEC, 0);
    bad |= map_params(STUB_CONSTS, PROT_READ, PAGE);
    bad |= map_params(STUB_OPS, PROT_READ, slot_offset(slot));
    i64 memory = syscall(SYS_fcntl, host_memory_fd(), F_DUPFD, 64);
    i64 own = syscall(SYS_fcntl, params_fd, F_DUPFD, 64);
    if (bad || memory < 0 || own < 0 || syscall(SYS_dup2, memory, GUEST_MEMORY_FD) < 0 ||
        syscall(SYS_dup2, own, GUEST_PARAMS_FD) < 0)
        syscall(SYS_exit, 1);
    syscall(SYS_close_range, 0, GUEST_MEMORY_FD - 1, 0);
    syscall(SYS_close_range, GUEST_PARAMS_FD + 1, ~0u, 0);
    if (syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0) == 0)
        syscall(SYS_kill, syscall(SYS_getpid), SIGSTOP);
    for (;;)
        syscall(SYS_exit, 1);
}

int __clone(int (*fn)(void *), void *stack, int flags, void *arg, ...); // clone, by no other name

static struct guest *new_record(void)
{
    struct guest *g = calloc(1, sizeof(*g));
    int slot = g ? slot_get() : -1;
    if (slot < 0) {
        free(g);
        return NULL;
    }
    g->slot = (u32)slot;
    g->ops = (struct guest_op *)(void *)(params + slot_offset(g->slot));
    g->stage = (struct stage *)(void *)(params + slot_offset(g->slot) + PAGE);
    return g;
}

// Now the process is there and stopped.
static void adopt(struct guest *g)
{
    pids[g->slot][0] = g->pid;
    ptrace(PTRACE_SETOPTIONS, g->pid, 0, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD);
    ptrace(PTRACE_GETREGS, g->pid, 0, &g->base);
    g->base.fs_base = g->base.gs_base = 0;
}

static struct guest *make_seed(void)
{
    alignas(64) static u8
        stacks[64][16384]; // of the processes being born, one for each CPU; each gets its copy
    struct guest *g = new_record();
    if (!g)
        return NULL;
    struct birth *birth = &(struct birth){g->slot, getpid()};
    g->pid = __clone(become_seed, stacks[cpu()->index] + sizeof(stacks[0]), SIGCHLD, birth);
    if (g->pid < 0 || wait_stop(g->pid) != SIGSTOP) {
        space_end(g);
        return NULL;
    }
    adopt(g);
    struct guest_op ops[GUEST_OPS_MAX] = {{SYS_munmap, {0, HOST_STUB}},
                                          {SYS_munmap, {STUB_STAGE, HOST_TOP - STUB_STAGE}}};
    u32 done;
    i32 err = apply_here(g, ops, 2 + stub_seed_ops(ops + 2), &done);
    if (err) {
        space_end(g);
        return NULL;
    }
    return g;
}

static struct guest *make_here(bool stage, int at)
{
    struct guest **seed = &seeds[cpu()->index];
    if (!*seed)
        *seed = make_seed();
    struct guest *g = *seed ? new_record() : NULL;
    if (!g)
        return NULL;
    bring(*seed, at);
    u64 slot = slot_offset(g->slot);
    struct guest_op ops[3] = {{SYS_prctl, {PR_SET_PDEATHSIG, SIGKILL}}};
    u32 n = 1;
    if (stage)
        ops[n++] = (struct guest_op){SYS_mmap,
                                     {STUB_STAGE, STAGE_SIZE, PROT_READ | PROT_WRITE,
                                      MAP_SHARED | MAP_FIXED, GUEST_PARAMS_FD, slot + PAGE}};
    ops[n++] = (struct guest_op){
        SYS_mmap, {STUB_OPS, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, GUEST_PARAMS_FD, slot}};
    g->pid = spawn(*seed, CLONE_PTRACE, ops, n);
    g->processor = (*seed)->processor;
    if (g->pid <= 0 || wait_stop(g->pid) != SIGSTOP || ptrace(PTRACE_CONT, g->pid, 0, 0) ||
        wait_stop(g->pid) != SIGTRAP) {
        space_end(g);
        return NULL;
    }
    adopt(g);
    return g;
}

struct guest *space_make(bool stage)
{
    int at = hold_processor();
    struct guest *g = make_here(stage, at);
    leave_processor(true);
    return g;
}
