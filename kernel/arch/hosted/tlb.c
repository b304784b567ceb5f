// Translations: which guest processes hold copies of an address space's entries, and how they
// forget them.
//
// A space has at most one guest process on each CPU, made when user code first runs there. What it
// shall map or forget is noted in its list and carried out before it runs again, so a flush costs
// nothing while user code of the space does not run. A CPU that does run it is interrupted; its
// answer comes after the process has stopped. Entries are read and noted under the list's lock, and
// changed before a flush is noted: a stale copy is therefore always followed by its removal.
#include <arch/cpu.h>
#include <arch/upcall.h>
#include <machine/host.h>
#include <machine/user.h>
#include <stdatomic.h>

enum { NR_MMAP = 9, NR_MUNMAP = 11, MAP_SHARED_FIXED = 0x11, AROUND = 64, ERRNO_NOMEM = -12 };
static _Atomic u64 online;

static void lock(struct space_cpu *s)
{
    while (__atomic_exchange_n(&s->lock, 1, __ATOMIC_ACQUIRE))
        arch_relax();
}
static void unlock(struct space_cpu *s)
{
    __atomic_store_n(&s->lock, 0, __ATOMIC_RELEASE);
}

static irqflags_t lock_irqsave(struct space_cpu *s) // an answer to a flush takes it too
{
    irqflags_t f = arch_irq_save();
    lock(s);
    return f;
}
static void unlock_irqrestore(struct space_cpu *s, irqflags_t f)
{
    unlock(s);
    arch_irq_restore(f);
}

static struct space_cpu *space_of(struct arch_aspace *as)
{
    return (struct space_cpu *)atomic_load(&as->context);
}

void tlb_init_cpu(struct hosted_cpu *c)
{
    atomic_fetch_or(&online, 1ul << c->index);
}

void arch_aspace_init(struct arch_aspace *as, paddr_t root)
{
    as->root = root;
    atomic_store(&as->context, 0);
    atomic_store(&as->cpus, 0);
    atomic_store(&as->stale, 0);
}

struct space_cpu *space_enter(struct arch_aspace *as)
{
    struct space_cpu *all = space_of(as);
    if (!all) {
        struct space_cpu *fresh = host_zalloc(host_cpu_count() * sizeof(*fresh));
        u64 none = 0;
        if (!fresh)
            return NULL;
        if (!atomic_compare_exchange_strong(&as->context, &none, (u64)fresh))
            host_free(fresh);
        all = space_of(as);
    }
    struct space_cpu *s = &all[hosted_cpu()->index];
    if (!s->guest) {
        struct guest *g = hosted_transport->make();
        lock(s);
        s->guest = g;
        s->count = 0;
        s->all = false;
        unlock(s);
        s->fpu_owner = 0;
    }
    return s->guest ? s : NULL;
}

// Lock held.
static void note(struct space_cpu *s, struct guest_op op)
{
    if (s->count ==
        GUEST_OPS_MAX) { // forget everything instead; what is needed comes again by faults
        s->all = true;
        s->count = 0;
        return;
    }
    s->ops[s->count++] = op;
}

static void note_unmap(struct space_cpu *s, u64 start, u64 end)
{
    struct guest_op *last = s->count ? &s->ops[s->count - 1] : NULL;
    if (last && last->nr == NR_MUNMAP && last->args[0] + last->args[1] == start)
        last->args[1] += end - start;
    else
        note(s, (struct guest_op){NR_MUNMAP, {start, end - start}});
}

static void note_map(struct space_cpu *s, u64 va, pte_t e, u64 pages)
{
    u64 prot = (e & HP_READ ? 1u : 0u) | (e & HP_WRITE ? 2u : 0u) | (e & HP_EXEC ? 4u : 0u);
    note(s, (struct guest_op){NR_MMAP,
                              {va, pages * PAGE_SIZE, prot, MAP_SHARED_FIXED, (u64)host_memory_fd(),
                               pte_addr(e)}});
}

static const pte_t *leaf_table(const struct arch_aspace *as, u64 va)
{
    const pte_t *t = phys_to_virt(as->root);
    for (u32 level = pt_levels() - 1; level > 0; level--) {
        pte_t e = __atomic_load_n(&t[pt_index(va, level)], __ATOMIC_ACQUIRE);
        if (!pte_present(e))
            return NULL;
        t = phys_to_virt(pte_addr(e));
    }
    return t;
}

pte_t space_entry(const struct arch_aspace *as, u64 va)
{
    const pte_t *t = va < USER_TOP ? leaf_table(as, va) : NULL;
    pte_t e = t ? __atomic_load_n(&t[pt_index(va, 0)], __ATOMIC_RELAXED) : 0;
    return pte_present(e) && pte_user(e) ? e : 0;
}

void space_fill(struct arch_aspace *as, struct space_cpu *s, u64 va)
{
    lock(s);
    const pte_t *t = leaf_table(as, va);
    u64 around = AROUND; // at worst a call for each: what was noted before must not be lost for it
    while (around > 1 && around > GUEST_OPS_MAX - s->count)
        around /= 2;
    u64 at = pt_index(va, 0), first = ALIGN_DOWN(at, around), base = va & ~(PAGE_SIZE * 512 - 1);
    for (u64 i = first; t && i < first + around;) {
        pte_t e = __atomic_load_n(&t[i], __ATOMIC_RELAXED);
        u64 run = 1;
        if (pte_present(e) && pte_user(e)) {
            while (i + run < first + around &&
                   __atomic_load_n(&t[i + run], __ATOMIC_RELAXED) == e + run * PAGE_SIZE)
                run++;
            note_map(s, base + i * PAGE_SIZE, e, run);
        }
        i += run;
    }
    unlock(s);
}

bool space_apply(struct space_cpu *s)
{
    while (s->count || s->all) {
        struct guest_op ops[GUEST_OPS_MAX];
        lock(s);
        u32 n = s->all ? 1 : s->count;
        if (s->all)
            ops[0] = (struct guest_op){NR_MUNMAP, {0, USER_TOP}};
        else
            __builtin_memcpy(ops, s->ops, n * sizeof(ops[0]));
        if (!s->all)
            s->count = 0;
        s->all = false;
        unlock(s);
        u32 done;
        i32 err = hosted_transport->apply(s->guest, ops, n, &done);
        if (err == ERRNO_NOMEM) { // too many host mappings in one process
            lock(s);
            s->all = true;
            s->count = 0;
            unlock(s);
        } else if (err) {
            return false;
        }
    }
    return true;
}

// --- flushes ---

static void note_everywhere(struct arch_aspace *as, u64 start, u64 end)
{
    struct space_cpu *all = space_of(as);
    end = MIN(ALIGN_UP(end, PAGE_SIZE), USER_TOP);
    if (!all || start >= end)
        return;
    for (u32 c = 0; c < host_cpu_count(); c++) {
        struct space_cpu *s = &all[c];
        if (!s->guest)
            continue;
        irqflags_t f = lock_irqsave(s);
        note_unmap(s, start & ~PAGE_MASK, end);
        unlock_irqrestore(s, f);
    }
}

// Which CPUs must have taken note before a flush is done: those that run user code of the space,
// and, where a process's word is not enough, those whose process does not surely sleep.
static u64 concerned(struct arch_aspace *as)
{
    struct space_cpu *all = space_of(as);
    u64 mask = atomic_load(&as->cpus) & ~(1ul << hosted_cpu()->index);
    for (u32 c = 0; all && hosted_transport->eager && c < host_cpu_count(); c++) {
        struct space_cpu *s = &all[c];
        if (c == hosted_cpu()->index || mask >> c & 1 || !s->guest)
            continue;
        irqflags_t f = lock_irqsave(s);
        if (!hosted_transport->park(s->guest))
            mask |= 1ul << c;
        unlock_irqrestore(s, f);
    }
    return mask;
}

// Takes away at once what this CPU's process of the space shall forget. Interrupts off.
static void forget_now(struct hosted_cpu *c, struct arch_aspace *as)
{
    struct space_cpu *all = space_of(as);
    if (all && all[c->index].guest)
        (void)space_apply(&all[c->index]); // false: it is gone, and its mappings with it
}

void arch_tlb_flush(struct arch_aspace *as, u64 start, u64 end)
{
    current_arch()->preempt_count++;
    note_everywhere(as, start, end == 0 ? USER_TOP : end);
    atomic_thread_fence(memory_order_seq_cst);
    u64 mask = concerned(as);
    if (hosted_transport->eager) {
        irqflags_t f = arch_irq_save();
        forget_now(hosted_cpu(), as);
        arch_irq_restore(f);
    }
    u64 ticket[MAX_CPUS];
    for (u32 c = 0; c < host_cpu_count(); c++)
        if (mask >> c & 1) {
            for (struct arch_aspace *none = NULL;
                 hosted_transport->eager &&
                 !atomic_compare_exchange_weak(&hosted_cpus[c].forget, &none, as);
                 none = NULL)
                arch_relax(); // somebody else's request: it is on its way
            ticket[c] = atomic_fetch_add(&hosted_cpus[c].asked, 1) + 1;
            arch_ipi_send(c);
        }
    for (u32 c = 0; c < host_cpu_count(); c++)
        while (mask >> c & 1 &&
               atomic_load_explicit(&hosted_cpus[c].done, memory_order_acquire) < ticket[c])
            arch_relax();
    current_arch()->preempt_count--;
}

// A new or wider entry: guest processes get it by the next fault.
void arch_tlb_flush_local(struct arch_aspace *as, u64 va)
{
    (void)as, (void)va;
}

static void unload(struct hosted_cpu *c, struct arch_aspace *as)
{
    if (c->loaded != as)
        return;
    c->loaded = NULL;
    atomic_fetch_and(&as->cpus, ~(1ul << c->index));
}

void tlb_answer(struct hosted_cpu *c)
{
    struct arch_aspace *drop = atomic_exchange(&c->drop, NULL);
    if (drop)
        unload(c, drop);
    u64 asked = atomic_load(&c->asked);
    struct arch_aspace *forget = atomic_exchange(&c->forget, NULL);
    if (forget)
        forget_now(c, forget);
    if (asked != atomic_load_explicit(&c->done, memory_order_relaxed))
        atomic_store(&c->done, asked);
}

void arch_aspace_switch(struct arch_aspace *next)
{
    struct hosted_cpu *c = hosted_cpu();
    if (!next || next == c->loaded)
        return;
    fpu_leave(current_arch()); // its process may go away before it is switched out
    if (c->loaded)
        atomic_fetch_and(&c->loaded->cpus, ~(1ul << c->index));
    atomic_fetch_or(&next->cpus, 1ul << c->index);
    c->loaded = next;
}

void arch_aspace_retire(struct arch_aspace *as)
{
    irqflags_t f = arch_irq_save();
    unload(hosted_cpu(), as);
    arch_irq_restore(f);
    for (u64 mask; (mask = atomic_load(&as->cpus)) != 0;) {
        for (u32 c = 0; c < host_cpu_count(); c++) {
            struct arch_aspace *none = NULL;
            if (mask >> c & 1 && atomic_compare_exchange_strong(&hosted_cpus[c].drop, &none, as))
                arch_ipi_send(c);
        }
        arch_relax();
    }
    for (u32 c = 0; c < host_cpu_count(); c++) { // who left by himself must not find it later
        struct arch_aspace *late = as;
        (void)atomic_compare_exchange_strong(&hosted_cpus[c].drop, &late, NULL);
    }
    f = arch_irq_save();
    struct space_cpu *all = space_of(as);
    for (u32 c = 0; all && c < host_cpu_count(); c++) {
        if (!all[c].guest)
            continue;
        if (current_arch()->fpu_guest == all[c].guest)
            current_arch()->fpu_guest = NULL;
        hosted_transport->end(all[c].guest);
    }
    host_free(all);
    atomic_store(&as->context, 0);
    arch_irq_restore(f);
}

// The host's processors see writes to code by themselves.
void arch_sync_icache(struct arch_aspace *as)
{
    (void)as;
}
void arch_icache_settle(struct arch_aspace *as)
{
    (void)as;
}
