// The trap transport: user code runs in a process without a tracer, which shares the mappings of
// the process that holds the space. Every call, fault or kick raises a signal there; its handler in
// the stub tells this side through a word in shared memory and waits, spinning first. Registers are
// read from the signal frame and written back to it.
//
// The word and the frame can be written by user code. What it can gain is to be taken for stopped
// while it runs. So nothing may depend on its having stopped but its own registers: mappings are
// taken away through the other process, at once (`eager`), and one that does not stop when kicked
// is killed.
#define _GNU_SOURCE
#include "guest.h"
#include <errno.h>
#include <linux/audit.h>
#include <linux/futex.h>
#include <machine/trapframe.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum : u64 {
    INFO_AFTER_CONTEXT = 304, // the host kernel's struct ucontext with its 8-byte mask
    SW_BYTES = 464,
    LEGACY = 512,
    CHECK_NS = 50'000'000,
    PATIENCE_NS = 10'000'000'000
};
enum { SEGV_MAPERR_ = 1, FSGSBASE = 2, SYS_SECCOMP_ = 1 };
struct software_bytes { // of a signal frame's extended state
    u32 magic1, extended_size;
    u64 features;
    u32 state_size, pad[7];
};
static_assert(sizeof(struct software_bytes) == 48);

static u64 context_at, fpu_at; // where every frame lies: offsets from the start of the stage
static struct software_bytes fpu_head;
static u64 spin_rounds;

static void futex(_Atomic u32 *word, int op, u32 value, const struct timespec *limit)
{
    (void)syscall(SYS_futex, word, op, value, limit, NULL, 0);
}

static ucontext_t *context_of(const struct guest *g)
{
    return (ucontext_t *)(void *)((u8 *)g->stage + context_at);
}

static u8 *fpu_of(const struct guest *g)
{
    return (u8 *)g->stage + fpu_at;
}

static bool stopped(const struct guest *g)
{
    return !(atomic_load_explicit(&g->stage->word, memory_order_acquire) & WORD_RUN);
}

// Looking at a word before sleeping pays only while the other side has a processor at once. Each
// success makes it likelier to be tried again; without any it is tried now and then, by both sides
// in the same turns and for longer than it takes to wake a sleeper: while either sleeps, a short
// look never pays.
enum { LUCK_MAX = 8, SELDOM = 256, TRIES = 3, LONGER = 4 };
static void learn(u32 *luck, bool paid)
{
    if (paid && *luck < LUCK_MAX)
        ++*luck;
    else if (!paid && *luck)
        --*luck;
}
static u64 rounds_for(u32 luck, u32 turn)
{
    return luck ? spin_rounds : turn % SELDOM < TRIES ? LONGER * spin_rounds : 0;
}

// Waits until the runner has stopped. False: it is gone.
static bool wait_for(struct guest *g)
{
    u64 rounds = rounds_for(g->luck, g->waits++);
    for (u64 i = 0; i < rounds; i++) {
        if (stopped(g)) {
            learn(&g->luck, true);
            return true;
        }
        __builtin_ia32_pause();
    }
    if (rounds)
        learn(&g->luck, false);
    u64 asked = 0;
    while (!stopped(g)) {
        u32 running = WORD_RUN;
        if (!atomic_compare_exchange_strong(&g->stage->word, &running, WORD_RUN_WAITED) &&
            running != WORD_RUN_WAITED)
            continue;
        futex(&g->stage->word, FUTEX_WAIT, WORD_RUN_WAITED,
              &(struct timespec){.tv_nsec = (long)CHECK_NS});
        if (stopped(g))
            break;
        siginfo_t info = {0};
        if (waitid(P_PID, (id_t)g->runner, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid)
            return false;
        if (!atomic_load(&cpu()->pending))
            asked = 0;
        else if (!asked)
            asked = host_time_ns();
        else if (host_time_ns() - asked > PATIENCE_NS) { // it has found a way to refuse the signal
            kill(g->runner, SIGKILL);
            return false;
        }
    }
    return true;
}

// The stubs' rounds are one number for all; what is lost when CPUs change it at once does not
// matter.
static void advise_stubs(bool slept, u32 turn)
{
    static _Thread_local u32 luck = LUCK_MAX;
    if (atomic_load_explicit((_Atomic u64 *)&stub_consts->spin, memory_order_relaxed))
        learn(&luck, !slept);
    atomic_store_explicit((_Atomic u64 *)&stub_consts->spin, rounds_for(luck, turn),
                          memory_order_relaxed);
}

static void resume(struct guest *g)
{
    u32 was = atomic_exchange(&g->stage->word, WORD_RUN);
    advise_stubs(was == WORD_STOPPED_SLEEPING, g->waits);
    if (atomic_exchange(&g->parked, 0))
        futex(&g->parked, FUTEX_WAKE, 1, NULL);
    else if (was == WORD_STOPPED_SLEEPING)
        futex(&g->stage->word, FUTEX_WAKE, 1, NULL);
}

// The host kernel knows who sleeps on a word. A sleeper is moved to a word that user code cannot
// reach; there only resume wakes it (the cage allows neither a time limit nor another word).
static bool park(struct guest *g)
{
    if (!atomic_load(&g->parked))
        g->parked = syscall(SYS_futex, &g->stage->word, FUTEX_REQUEUE, 0, 1, &g->parked, 0) == 1;
    return g->parked;
}

// The first stop of the first runner, before it has met any user code: where frames lie.
static bool learn_frame(const struct guest *g)
{
    u64 context = g->stage->context - STUB_STAGE;
    if (context < PAGE || context > STAGE_SIZE - sizeof(ucontext_t))
        return false;
    const ucontext_t *uc = (const ucontext_t *)(const void *)((u8 *)g->stage + context);
    u64 fpu = (u64)uc->uc_mcontext.fpregs - STUB_STAGE;
    if (fpu < PAGE || fpu > STAGE_SIZE - LEGACY)
        return false;
    memcpy(&fpu_head, (u8 *)g->stage + fpu + SW_BYTES, sizeof(fpu_head));
    if (fpu_head.state_size > STAGE_SIZE - fpu || fpu_head.state_size < LEGACY + 64)
        return false;
    context_at = context;
    fpu_at = fpu;
    stub_consts->context = STUB_STAGE + context;
    return true;
}

static struct guest *make(void)
{
    struct guest *g = space_make(true);
    if (!g)
        return NULL;
    memset(g->stage, 0, sizeof(*g->stage));
    g->luck = LUCK_MAX;
    atomic_store(&g->stage->word, WORD_RUN);
    struct guest_op ops[GUEST_OPS_MAX];
    bool ok = space_spawn_runner(g, ops, stub_runner_ops(ops)) > 0 && wait_for(g);
    static pthread_mutex_t learning = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&learning);
    ok = ok && (context_at || learn_frame(g)) && g->stage->context == STUB_STAGE + context_at;
    pthread_mutex_unlock(&learning);
    if (!ok) {
        space_end(g);
        return NULL;
    }
    return g;
}

static void load(struct guest *g, const struct trapframe *tf)
{
    greg_t *r = context_of(g)->uc_mcontext.gregs;
    r[REG_RDI] = (greg_t)tf->args[0], r[REG_RSI] = (greg_t)tf->args[1];
    r[REG_RDX] = (greg_t)tf->args[2], r[REG_R10] = (greg_t)tf->args[3];
    r[REG_R8] = (greg_t)tf->args[4], r[REG_R9] = (greg_t)tf->args[5];
    r[REG_RAX] = (greg_t)tf->rax, r[REG_RBX] = (greg_t)tf->rbx, r[REG_RCX] = (greg_t)tf->rcx;
    r[REG_RBP] = (greg_t)tf->rbp, r[REG_RSP] = (greg_t)tf->rsp, r[REG_R11] = (greg_t)tf->r11;
    r[REG_R12] = (greg_t)tf->r12, r[REG_R13] = (greg_t)tf->r13, r[REG_R14] = (greg_t)tf->r14;
    r[REG_R15] = (greg_t)tf->r15, r[REG_RIP] = (greg_t)tf->rip, r[REG_EFL] = (greg_t)tf->flags;
    g->stage->fs_base = tf->fs_base;
    g->stage->gs_base = tf->gs_base;
}

static void store(struct trapframe *tf, const struct guest *g)
{
    const greg_t *r = context_of(g)->uc_mcontext.gregs;
    tf->args[0] = (u64)r[REG_RDI], tf->args[1] = (u64)r[REG_RSI], tf->args[2] = (u64)r[REG_RDX];
    tf->args[3] = (u64)r[REG_R10], tf->args[4] = (u64)r[REG_R8], tf->args[5] = (u64)r[REG_R9];
    tf->rax = (u64)r[REG_RAX], tf->rbx = (u64)r[REG_RBX], tf->rcx = (u64)r[REG_RCX];
    tf->rbp = (u64)r[REG_RBP], tf->rsp = (u64)r[REG_RSP], tf->r11 = (u64)r[REG_R11];
    tf->r12 = (u64)r[REG_R12], tf->r13 = (u64)r[REG_R13], tf->r14 = (u64)r[REG_R14];
    tf->r15 = (u64)r[REG_R15], tf->rip = (u64)r[REG_RIP], tf->flags = (u64)r[REG_EFL];
    tf->fs_base = g->stage->fs_base;
    tf->gs_base = g->stage->gs_base;
}

static void describe(const struct guest *g, struct trapframe *tf, struct guest_event *out)
{
    const greg_t *r = context_of(g)->uc_mcontext.gregs;
    siginfo_t info;
    memcpy(&info, (u8 *)g->stage + context_at + INFO_AFTER_CONTEXT, sizeof(info));
    out->number = info.si_signo;
    out->code = info.si_code;
    switch (info.si_signo) {
    case SIGSYS:
        tf->nr = tf->rax;
        out->stop = info.si_arch == AUDIT_ARCH_X86_64 ? GUEST_CALL : GUEST_TRAP;
        if (out->stop == GUEST_TRAP)
            out->number = SIGSEGV;
        break;
    case SIGSEGV:
        out->error = (u32)r[REG_ERR];
        out->error_known = true;
        out->had_mapping = info.si_code != SEGV_MAPERR_;
        out->addr = (u64)r[REG_CR2];
        out->stop = r[REG_TRAPNO] == 14 ? GUEST_FAULT : GUEST_TRAP;
        break;
    default:
        out->addr = (u64)info.si_addr;
        out->stop = info.si_code > 0 ? GUEST_TRAP : GUEST_KICKED;
    }
}

static void run(struct guest *g, struct trapframe *tf, struct guest_event *out)
{
    struct hosted_cpu *c = cpu();
    *out = (struct guest_event){.stop = GUEST_GONE};
    if (tf->fs_base > HOST_TOP || tf->gs_base > HOST_TOP || tf->rip > HOST_TOP) {
        *out = (struct guest_event){.stop = GUEST_FAULT, .addr = tf->rip};
        return; // registers that no program can have
    }
    load(g, tf);
    atomic_store(&c->guest, g->runner);
    if (atomic_load(&c->pending)) { // came before the handler knew whom to stop
        atomic_store(&c->guest, 0);
        out->stop = GUEST_KICKED;
        return;
    }
    resume(g);
    bool alive = wait_for(g);
    atomic_store(&c->guest, 0);
    if (!alive) {
        wait_if_ending();
        return;
    }
    store(tf, g);
    describe(g, tf, out);
}

// The frame's state in the form that ptrace gives: the features instead of the frame's own head.
static u32 fpu_get(struct guest *g, void *area, u32 cap)
{
    u32 len = fpu_head.state_size;
    if (len > cap)
        return 0;
    memcpy(area, fpu_of(g), len);
    memset((u8 *)area + SW_BYTES, 0, sizeof(fpu_head));
    memcpy((u8 *)area + SW_BYTES, &fpu_head.features, sizeof(fpu_head.features));
    return len;
}

// What the host would refuse is made acceptable: the process would not survive it.
static void fpu_set(struct guest *g, const void *area, u32 len)
{
    u8 *to = fpu_of(g);
    u32 mxcsr, mxcsr_mask;
    u64 present = 0;
    memcpy(&mxcsr_mask, to + 28, 4);
    if (len >= LEGACY + 64 && len <= fpu_head.state_size) {
        memcpy(&present, (const u8 *)area + LEGACY, 8);
        memcpy(to, area, len);
        memcpy(&mxcsr, (const u8 *)area + 24, 4);
    } else {
        memset(to, 0, fpu_head.state_size);
        memcpy(to, &(u16){0x37f}, 2);
        mxcsr = 0x1f80;
    }
    present &= fpu_head.features;
    mxcsr &= mxcsr_mask ? mxcsr_mask : 0xffbf;
    memcpy(to + 24, &mxcsr, 4);
    memcpy(to + 28, &mxcsr_mask, 4);
    memcpy(to + SW_BYTES, &fpu_head, sizeof(fpu_head));
    memset(to + LEGACY, 0, 64);
    memcpy(to + LEGACY, &present, 8);
}

const char *trap_init(void)
{
    if (!(getauxval(AT_HWCAP2) & FSGSBASE))
        return "the host does not let programs set FS and GS themselves (Linux 5.9 and a processor "
               "with FSGSBASE do)";
    if (getauxval(AT_MINSIGSTKSZ) > STAGE_SIZE - 2 * PAGE)
        return "the processor's extended state is too large";
    cpu_set_t set;
    u32 have = sched_getaffinity(0, sizeof(set), &set) ? 1u : (u32)CPU_COUNT(&set);
    // Looking is worth it only while another processor can work on the answer.
    enum { ROUNDS = 2000 };
    spin_rounds = stub_consts->spin = have > host_cpu_count() ? ROUNDS : 0;
    return NULL;
}

const struct hosted_transport trap_transport = {.name = "trap",
                                                .eager = true,
                                                .make = make,
                                                .apply = space_apply_ops,
                                                .run = run,
                                                .fpu_get = fpu_get,
                                                .fpu_set = fpu_set,
                                                .end = space_end,
                                                .park = park};
