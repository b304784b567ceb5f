// What lies in every guest process: a few lines of code, signal actions, and the cage, two seccomp
// filters. User code can jump into the stub with any registers; nothing there may help it.
//
// A host call is allowed only from the stub's page. The first filter (all guest processes) allows
// what setting up and changing mappings needs; mappings only of the two files. The second one is
// added to a process that runs user code without a tracer and allows what the hand-over needs:
// waiting, waking, and returning from a signal. All else raises SIGSYS, which is how calls get to
// the kernel there.
#define _GNU_SOURCE
#include "guest.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define STRING(x) STRING_(x)
#define STRING_(x) #x
#define STAGE_TEXT 0x7fff00003000
#define CONSTS_TEXT 0x7fff00001000
static_assert(STUB_STAGE == STAGE_TEXT && STUB_CONSTS == CONSTS_TEXT);
static_assert(WORD_STOPPED == 0 && WORD_STOPPED_SLEEPING == 1 && WORD_RUN == 2 &&
              WORD_RUN_WAITED == 3);
static_assert(offsetof(struct stage, context) == 8 && offsetof(struct stage, fs_base) == 16 &&
              offsetof(struct stage, gs_base) == 24 && offsetof(struct stub_consts, context) == 8);
static_assert(sizeof(struct guest_op) == 56);

__asm__(
    ".pushsection .rodata\n"
    "stub_code:\n"
    // rbx: first op, r12: count. Stops at int3: r12 is what was not done, rax the last result.
    "stub_ops:\n"
    "1: test %r12, %r12\n jz 2f\n"
    "mov (%rbx), %rax\n mov 8(%rbx), %rdi\n mov 16(%rbx), %rsi\n mov 24(%rbx), %rdx\n"
    "mov 32(%rbx), %r10\n mov 40(%rbx), %r8\n mov 48(%rbx), %r9\n"
    "syscall\n"
    "cmp $-4096, %rax\n ja 2f\n"
    "add $56, %rbx\n dec %r12\n jmp 1b\n"
    "2: int3\n"
    // All registers of clone are set. The child carries out ops, the parent stops.
    "stub_spawn:\n"
    "syscall\n"
    "test %rax, %rax\n jz stub_ops\n"
    "int3\n"
    // A signal stopped user code: tell, wait, go back. Only rdx counts of what it gets. No stack,
    // no return: who jumps in here comes out only through the frame.
    "stub_handler:\n"
    "movabs $" STRING(
        STAGE_TEXT) ", %rbx\n"
                    "mov %rdx, 8(%rbx)\n"
                    "rdfsbase %rax\n mov %rax, 16(%rbx)\n"
                    "rdgsbase %rax\n mov %rax, 24(%rbx)\n"
                    "xor %eax, %eax\n xchg %eax, (%rbx)\n"
                    "cmp $3, %eax\n jne 3f\n"
                    "mov %rbx, %rdi\n mov $1, %esi\n mov $1, %edx\n xor %r10d, %r10d\n mov $202, "
                    "%eax\n"
                    "syscall\n"
                    "3: movabs $" STRING(
                        CONSTS_TEXT) ", %rcx\n mov (%rcx), %rcx\n"
                                     "4: testb $2, (%rbx)\n jnz 6f\n"
                                     "pause\n dec %rcx\n jns 4b\n"
                                     "5: xor %eax, %eax\n mov $1, %edx\n lock cmpxchg %edx, "
                                     "(%rbx)\n"
                                     "testb $2, (%rbx)\n jnz 6f\n"
                                     "mov %rbx, %rdi\n xor %esi, %esi\n mov $1, %edx\n xor %r10d, "
                                     "%r10d\n mov $202, %eax\n"
                                     "syscall\n jmp 5b\n"
                                     "6: mov 16(%rbx), %rax\n wrfsbase %rax\n"
                                     "mov 24(%rbx), %rax\n wrgsbase %rax\n"
                                     "movabs $" STRING(CONSTS_TEXT) ", %rcx\n mov 8(%rcx), %rsp\n"
                                                                    "mov $15, %eax\n syscall\n"
                                                                    "ud2\n"
                                                                    "stub_end:\n"
                                                                    ".popsection\n");
extern const u8 stub_code[], stub_ops[], stub_spawn[], stub_handler[], stub_end[];

enum { SIGNALS = 7, FILTER_MAX = 64, SA_RESTORER_ = 0x04000000 };
static const int caught[SIGNALS] = {SIGSYS, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIG_KICK};
struct kernel_sigaction {
    u64 handler, flags, restorer, mask;
};
struct consts {
    struct stub_consts head;
    struct kernel_sigaction action;
    u64 mask;
    stack_t altstack;
    struct {
        u16 len;
        u64 filter;
    } cage, runner_cage;
    struct sock_filter cage_code[FILTER_MAX], runner_code[FILTER_MAX];
};
static_assert(sizeof(struct consts) <= PAGE);
#define CONST_AT(member) (STUB_CONSTS + offsetof(struct consts, member))

u64 stub_at(enum stub_entry e)
{
    const u8 *at = e == STUB_RUN_OPS ? stub_ops : e == STUB_SPAWN ? stub_spawn : stub_handler;
    return STUB_CODE + (u64)(at - stub_code);
}

// --- filters: a call is looked for in a list; what is not found is trapped ---

enum { LOW = 0, HIGH = 4 };
#define DATA(field, half) (u32)(offsetof(struct seccomp_data, field) + (half))

struct filter {
    struct sock_filter *code;
    u16 len;
};

static void add(struct filter *f, u16 code, u8 yes, u8 no, u32 k)
{
    f->code[f->len++] = (struct sock_filter){code, yes, no, k};
}
static void fetch(struct filter *f, u32 offset)
{
    add(f, BPF_LD | BPF_W | BPF_ABS, 0, 0, offset);
}
static void trap_unless_equal(struct filter *f, u32 offset, u32 value)
{
    fetch(f, offset);
    add(f, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, value);
    add(f, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_TRAP);
}
static void trap_unless_below(struct filter *f, u32 offset, u32 limit)
{
    fetch(f, offset);
    add(f, BPF_JMP | BPF_JGE | BPF_K, 0, 1, limit);
    add(f, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_TRAP);
}
static void from_the_stub(struct filter *f)
{
    static_assert((STUB_CODE & 0xffff'fffful) == 0);
    trap_unless_equal(f, DATA(arch, 0), AUDIT_ARCH_X86_64);
    trap_unless_equal(f, DATA(instruction_pointer, HIGH), STUB_CODE >> 32);
    trap_unless_below(f, DATA(instruction_pointer, LOW), PAGE);
}
static void allow(struct filter *f, u32 nr)
{
    fetch(f, DATA(nr, 0));
    add(f, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, nr);
    add(f, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
}
static void trap_the_rest(struct filter *f)
{
    add(f, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_TRAP);
}
// futex: to wait or to wake on the hand-over word, without a time limit. So who sleeps there sleeps
// until we wake it.
static void allow_futex(struct filter *f)
{
    fetch(f, DATA(nr, 0));
    add(f, BPF_JMP | BPF_JEQ | BPF_K, 0, 16, SYS_futex);
    trap_unless_equal(f, DATA(args[0], LOW), (u32)STUB_STAGE);
    trap_unless_equal(f, DATA(args[0], HIGH), STUB_STAGE >> 32);
    trap_unless_below(f, DATA(args[1], LOW), FUTEX_WAKE + 1);
    trap_unless_equal(f, DATA(args[3], LOW), 0);
    trap_unless_equal(f, DATA(args[3], HIGH), 0);
    add(f, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
}

static u16 cage(struct sock_filter *code)
{
    struct filter f = {code, 0};
    from_the_stub(&f);
    static const u32 free[] = {SYS_munmap,      SYS_rt_sigreturn, SYS_clone,  SYS_prctl,
                               SYS_sigaltstack, SYS_close_range,  SYS_seccomp};
    allow_futex(&f);
    for (u32 i = 0; i < sizeof(free) / sizeof(free[0]); i++)
        allow(&f, free[i]);
    trap_unless_equal(&f, DATA(nr, 0), SYS_mmap);
    trap_unless_equal(&f, DATA(args[3], LOW), MAP_SHARED | MAP_FIXED);
    fetch(&f, DATA(args[4], LOW));
    add(&f, BPF_JMP | BPF_JGE | BPF_K, 0, 2, GUEST_MEMORY_FD);
    add(&f, BPF_JMP | BPF_JGT | BPF_K, 1, 0, GUEST_PARAMS_FD);
    add(&f, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
    trap_the_rest(&f);
    return f.len;
}

static u16 runner_cage(struct sock_filter *code)
{
    struct filter f = {code, 0};
    from_the_stub(&f);
    allow_futex(&f);
    allow(&f, SYS_rt_sigreturn);
    trap_the_rest(&f);
    return f.len;
}

// --- set-up ---

void stub_write(u8 *code_page, u8 *consts_page)
{
    memcpy(code_page, stub_code, (size_t)(stub_end - stub_code));
    struct consts *c = (struct consts *)(void *)consts_page;
    c->action = (struct kernel_sigaction){.handler = stub_at(STUB_HANDLER),
                                          .flags = SA_SIGINFO | SA_ONSTACK | SA_RESTORER_,
                                          .restorer = stub_at(STUB_HANDLER),
                                          .mask = ~0ul};
    c->mask = ~0ul;
    for (u32 i = 0; i < SIGNALS; i++)
        c->mask &= ~(1ul << (caught[i] - 1));
    c->altstack = (stack_t){.ss_sp = (void *)(STUB_STAGE + PAGE),
                            .ss_flags = (int)(1u << 31), // SS_AUTODISARM: always from the top
                            .ss_size = STAGE_SIZE - PAGE};
    c->cage.len = cage(c->cage_code);
    c->cage.filter = CONST_AT(cage_code);
    c->runner_cage.len = runner_cage(c->runner_code);
    c->runner_cage.filter = CONST_AT(runner_code);
}

u32 stub_seed_ops(struct guest_op *ops)
{
    u32 n = 0;
    for (u32 i = 0; i < SIGNALS; i++)
        ops[n++] = (struct guest_op){SYS_rt_sigaction, {(u64)caught[i], CONST_AT(action), 0, 8}};
    ops[n++] = (struct guest_op){SYS_rt_sigprocmask, {SIG_SETMASK, CONST_AT(mask), 0, 8}};
    ops[n++] = (struct guest_op){SYS_prctl, {PR_SET_NO_NEW_PRIVS, 1}};
    ops[n++] = (struct guest_op){
        SYS_seccomp, {SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, CONST_AT(cage)}};
    return n;
}

u32 stub_runner_ops(struct guest_op *ops)
{
    u32 n = 0;
    ops[n++] = (struct guest_op){SYS_prctl, {PR_SET_PDEATHSIG, SIGKILL}};
    ops[n++] = (struct guest_op){SYS_close_range, {0, ~0u}};
    ops[n++] = (struct guest_op){SYS_sigaltstack, {CONST_AT(altstack)}};
    ops[n++] = (struct guest_op){
        SYS_seccomp,
        {SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, CONST_AT(runner_cage)}};
    return n;
}
