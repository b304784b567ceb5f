// User mode: a thread's registers go into the guest process of its space on this CPU, which runs
// until something stops it.
#include <arch/context.h>
#include <arch/upcall.h>
#include <kerr.h>
#include <lib/string.h>
#include <machine/host.h>
#include <machine/user.h>
#include <stdatomic.h>

void hosted_run_on(u64 stack, void (*fn)(void *), void *arg);

enum { SIG_ILL = 4, SIG_TRAP = 5, SIG_BUS = 7, SIG_FPE = 8, SIG_SEGV = 11 };

// --- extended state ---
static _Atomic u64 fpu_ids;

void fpu_leave(struct arch_thread *at)
{
    if (!at->fpu_guest)
        return;
    at->fpu.len = hosted_transport->fpu_get(at->fpu_guest, at->fpu.area, sizeof(at->fpu.area));
    at->fpu_guest = NULL;
}

static void fpu_enter(struct arch_thread *at, struct space_cpu *s)
{
    if (!at->fpu_id || s->fpu_owner != at->fpu_id) {
        hosted_transport->fpu_set(s->guest, at->fpu.area, (u32)at->fpu.len);
        // A new name: another process that had this thread's state has an old one from now on.
        at->fpu_id = s->fpu_owner = atomic_fetch_add(&fpu_ids, 1) + 1;
    }
    at->fpu_guest = s->guest;
}

void arch_fpu_save(struct arch_thread *at, struct arch_fpu_state *out)
{
    irqflags_t f = arch_irq_save();
    fpu_leave(at);
    out->len = at->fpu.len;
    memcpy(out->area, at->fpu.area, at->fpu.len);
    arch_irq_restore(f);
}

void arch_fpu_fork(struct arch_thread *child)
{
    arch_fpu_save(current_arch(), &child->fpu);
    child->fpu_id = 0;
}

void arch_fpu_clear(struct arch_thread *at)
{
    irqflags_t f = arch_irq_save();
    at->fpu_guest = NULL;
    at->fpu_id = 0;
    at->fpu.len = 0;
    arch_irq_restore(f);
}

enum { FXSAVE_MXCSR = 24, FXSAVE_HOST = 464, XSAVE_HEADER = ARCH_FPU_OLD, XSAVE_HEADER_SIZE = 64 };

// What the processor takes of `bytes` goes over the host's own state `now`, whose layout is told in
// the bytes that the processor leaves to software.
static int admit(struct arch_fpu_state *now, const u8 *bytes, u64 len)
{
    u64 features = 3 /* x87 and SSE */, have;
    u32 mxcsr;
    if (now->len < XSAVE_HEADER + XSAVE_HEADER_SIZE || (len != ARCH_FPU_OLD && len != now->len))
        return -E_INVAL;
    memcpy(&have, now->area + FXSAVE_HOST, 8);
    if (len > ARCH_FPU_OLD)
        memcpy(&features, bytes + XSAVE_HEADER, 8);
    features &= have;
    memcpy(now->area, bytes, FXSAVE_HOST);
    memcpy(&mxcsr, bytes + FXSAVE_MXCSR, 4);
    mxcsr &= 0xffff;
    memcpy(now->area + FXSAVE_MXCSR, &mxcsr, 4);
    memset(now->area + XSAVE_HEADER, 0, now->len - XSAVE_HEADER); // compaction and reserved words
    memcpy(now->area + XSAVE_HEADER, &features, 8);
    enum { REST = XSAVE_HEADER + XSAVE_HEADER_SIZE };
    if (len > REST)
        memcpy(now->area + REST, bytes + REST, len - REST);
    return 0;
}

int arch_fpu_load(struct arch_thread *at, const u8 *bytes, u64 len)
{
    int err = 0;
    irqflags_t f = arch_irq_save();
    fpu_leave(at);
    if (!len)
        at->fpu.len = 0;
    else
        err = admit(&at->fpu, bytes, len);
    if (!err)
        at->fpu_id = 0; // what its process holds is not it any more
    arch_irq_restore(f);
    return err;
}

// --- what stopped a guest ---

// The host does not say what kind of access it was. An instruction fetch is known by its address;
// else it is a read, unless the entry allows reading already.
static u32 guess_access(const struct trapframe *tf, pte_t e, u64 addr)
{
    bool fetch = addr == tf->rip || (!(addr & PAGE_MASK) && addr > tf->rip && addr - tf->rip < 16);
    if (fetch && !(e & HP_EXEC))
        return ACCESS_EXEC;
    return e ? ACCESS_WRITE : ACCESS_READ;
}

static void user_fault(struct trapframe *tf, struct arch_aspace *as, struct space_cpu *s,
                       const struct guest_event *ev)
{
    pte_t e = space_entry(as, ev->addr);
    u32 access = !ev->error_known ? guess_access(tf, e, ev->addr)
                 : ev->error & 16 ? ACCESS_EXEC
                 : ev->error & 2  ? ACCESS_WRITE
                                  : ACCESS_READ;
    tf->trap_no = 14;
    tf->trap_addr = ev->addr;
    tf->trap_error = 4 |
                     (access == ACCESS_WRITE  ? 2u
                      : access == ACCESS_EXEC ? 16u
                                              : 0) |
                     (e ? 1u : 0);
    if (e && !ev->had_mapping) {
        space_fill(as, s, ev->addr); // a miss
        return;
    }
    if (e && access == ACCESS_WRITE && pte_writable(e) && tf->refilled != ev->addr) {
        tf->refilled = ev->addr; // widened since it was mapped; a second time it is a fault
        space_fill(as, s, ev->addr);
        return;
    }
    tf->refilled = 0;
    arch_irq_enable();
    upcall_user_fault(tf, ev->addr, access);
    arch_irq_disable();
    if (current_arch()->cpu && hosted_cpu()->loaded == as && space_entry(as, ev->addr))
        space_fill(as, space_enter(as) ?: s, ev->addr);
}

// What an arithmetic exception was, which the host knows from the state of the unit that raised it.
static enum trap_cause arithmetic(i32 code)
{
    enum { FIRST = 1, LAST = 7 }; // FPE_INTDIV, FPE_FLTINV
    return code < FIRST || code > LAST ? TRAP_FLOAT_INVALID
                                       : (enum trap_cause)(TRAP_INT_DIVIDE + (u32)code - FIRST);
}

static void user_trap(struct trapframe *tf, const struct guest_event *ev)
{
    enum trap_cause cause = ev->number == SIG_ILL    ? TRAP_ILLEGAL_OPERAND
                            : ev->number == SIG_TRAP ? TRAP_BREAKPOINT
                            : ev->number == SIG_BUS  ? TRAP_ACCESS
                            : ev->number == SIG_FPE  ? arithmetic(ev->code)
                            : ev->number == SIG_SEGV ? TRAP_PROTECTION
                                                     : TRAP_OTHER;
    tf->trap_no = ev->number == SIG_ILL      ? 6
                  : ev->number == SIG_TRAP   ? 3
                  : cause == TRAP_INT_DIVIDE ? 0
                  : ev->number == SIG_FPE    ? 19
                                             : 13;
    tf->trap_error = 0;
    arch_irq_enable();
    upcall_user_exception(tf, cause, ev->number == SIG_BUS ? ev->addr : tf->rip);
    arch_irq_disable();
}

static u8 user_byte(const struct arch_aspace *as, u64 va)
{
    pte_t e = space_entry(as, va);
    return e ? ((const u8 *)phys_to_virt(pte_addr(e)))[va & PAGE_MASK] : 0;
}

// Did `syscall` get us here, or an instruction for 32-bit programs, whose numbers and registers are
// others? The host stops for both. Mostly the instruction tells; its entry may just be gone, though
// (another thread forks).
static bool is_call(const struct arch_aspace *as, struct guest *g, const struct trapframe *tf)
{
    return (user_byte(as, tf->rip - 2) == 0x0f && user_byte(as, tf->rip - 1) == 0x05) ||
           hosted_transport->was_call(g);
}

static void serve_call(struct trapframe *tf)
{
    tf->in_call = IN_CALL | IN_CALL_FULL;
    arch_irq_enable();
    (void)current_arch()->serve_call(tf); // frames are always full: it never asks again
    arch_irq_disable();
}

static void lost_guest(struct trapframe *tf)
{
    arch_irq_enable();
    upcall_user_exception(tf, TRAP_ACCESS,
                          tf->rip); // as a bus error: the host took the machine away
    arch_irq_disable();
}

static void user_loop(void *arg)
{
    struct trapframe *tf = arg;
    for (;;) {
        struct arch_thread *at = current_arch();
        if (atomic_load_explicit(&at->work, memory_order_relaxed)) {
            arch_irq_enable();
            upcall_user_work(tf);
            arch_irq_disable();
            continue;
        }
        struct hosted_cpu *c = hosted_cpu();
        struct arch_aspace *as = c->loaded;
        struct space_cpu *s = space_enter(as);
        if (!s || !space_apply(s)) {
            lost_guest(tf);
            continue;
        }
        fpu_enter(at, s);
        struct guest_event ev = {.stop = GUEST_KICKED};
        if (!atomic_load(&c->pending))
            hosted_transport->run(s->guest, tf, &ev);
        if (atomic_load(&c->pending)) {
            c->from_user = true;
            hosted_serve(c);
            c->from_user = false;
        }
        switch (ev.stop) {
        case GUEST_CALL:
            if (ev.any_call && !is_call(as, s->guest, tf)) {
                ev.number = SIG_SEGV;
                user_trap(tf, &ev); // as on a kernel without 32-bit programs
            } else {
                serve_call(tf);
            }
            break;
        case GUEST_FAULT:
            user_fault(tf, as, s, &ev);
            break;
        case GUEST_TRAP:
            user_trap(tf, &ev);
            break;
        case GUEST_KICKED:
            break;
        case GUEST_GONE:
            lost_guest(tf);
            break;
        }
    }
}

void arch_enter_user(void)
{
    arch_irq_disable();
    struct trapframe *tf = arch_user_frame(current_arch());
    hosted_run_on((u64)tf, user_loop, tf);
    __builtin_unreachable();
}
