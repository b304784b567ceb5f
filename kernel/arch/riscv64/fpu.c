// Floating-point state. A user thread starts with the FPU off; the first use traps and turns it on.
// Registers are saved when a thread leaves its CPU with dirty state and come back on the next first
// use. Guarded by interrupts off: only the own thread touches its state.
#include <arch/context.h>
#include <lib/string.h>
#include <machine/fpu.h>

void fpu_store(struct arch_fpu_state *s);
void fpu_fetch(const struct arch_fpu_state *s);
void arch_fpu_switch_out(struct arch_thread *prev);

static struct trapframe *frame_of(struct arch_thread *at)
{
    return (struct trapframe *)(at->kstack_top - sizeof(struct trapframe));
}

static void save_if_dirty(struct arch_thread *at)
{
    struct trapframe *tf = frame_of(at);
    if ((tf->status & SSTATUS_FS) != SSTATUS_FS_DIRTY)
        return;
    csr_set(sstatus, SSTATUS_FS);
    fpu_store(&at->fpu);
    at->fpu_used = true;
}

// From arch_context_switch, when the FPU is on: its registers belong to prev's user frame.
void arch_fpu_switch_out(struct arch_thread *prev)
{
    save_if_dirty(prev);
    csr_clear(sstatus, SSTATUS_FS);
    frame_of(prev)->status &= ~SSTATUS_FS;
}

// An illegal instruction trap while the FPU is off: loads the state. False if the FPU was on (a
// real illegal instruction).
bool fpu_first_use(struct trapframe *tf)
{
    if (tf->status & SSTATUS_FS)
        return false;
    irqflags_t f = arch_irq_save();
    struct arch_thread *at = current_arch();
    if (!at->fpu_used)
        memset(&at->fpu, 0, sizeof(at->fpu));
    csr_set(sstatus, SSTATUS_FS);
    fpu_fetch(&at->fpu);
    at->fpu_used = true;
    tf->status |=
        SSTATUS_FS_CLEAN; // the record is as good as the registers until the program writes one
    arch_irq_restore(f);
    return true;
}

void arch_fpu_save(struct arch_thread *at, struct arch_fpu_state *out)
{
    irqflags_t f = arch_irq_save();
    if (at == current_arch())
        save_if_dirty(at);
    if (at->fpu_used)
        *out = at->fpu;
    else
        memset(out, 0, sizeof(*out));
    arch_irq_restore(f);
}

void arch_fpu_load(struct arch_thread *at, const struct arch_fpu_state *in)
{
    if (!at->fpu_used && mem_is_zero(in, sizeof(*in)))
        return; // as it is
    irqflags_t f = arch_irq_save();
    at->fpu = *in;
    at->fpu_used = true;
    frame_of(at)->status &= ~SSTATUS_FS; // fetched on first use
    if (at == current_arch())
        csr_clear(sstatus, SSTATUS_FS);
    arch_irq_restore(f);
}

void arch_fpu_fork(struct arch_thread *child)
{
    struct arch_thread *at = current_arch();
    irqflags_t f = arch_irq_save();
    save_if_dirty(at);
    child->fpu_used = at->fpu_used;
    if (at->fpu_used)
        child->fpu = at->fpu;
    arch_irq_restore(f);
    frame_of(child)->status &= ~SSTATUS_FS;
}

void arch_fpu_clear(struct arch_thread *at)
{
    irqflags_t f = arch_irq_save();
    at->fpu_used = false;
    frame_of(at)->status &= ~SSTATUS_FS;
    if (at == current_arch())
        csr_clear(sstatus, SSTATUS_FS);
    arch_irq_restore(f);
}
