// Address-space identifiers and translation flushes.
//
// An ASID belongs to a generation. A space whose generation is old gets a new number when it is
// switched to; when numbers run out the generation grows and each hart flushes everything once
// before it uses a number of the new one. Guarded by asid_lock; the rest is atomics.
//
// A flush marks the space stale for all other harts, then interrupts those that have it loaded and
// waits for their answer. A hart loads a space by first announcing itself in `cpus`, then looking
// at `stale`: one of the two always sees the other. A hart that runs kernel threads or waits idle
// keeps the last space loaded but uses no address of it: it says so in `lazy`, is not interrupted,
// and looks at `stale` when it returns. (Should it walk freed tables meanwhile, what it finds is
// flushed then: walks write nothing, as accessed and dirty bits are software's.) The answer comes
// only when the hart takes interrupts, so a hart copying user memory with interrupts off holds the
// flush (and the freeing of frames) back.
//
// Instruction fetches: whoever writes code marks all other harts in icache_stale, then makes those
// catch up (fence.i) that have the space loaded; the rest do when they are switched to a space, by
// the same rule of announcing first and looking then.
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <arch/upcall.h>
#include <machine/harts.h>
#include <machine/ipi.h>
#include <machine/kmap.h>
#include <machine/sbi.h>
#include <stdatomic.h>

enum { ASID_SHIFT = 16 };

static atomic_flag asid_lock = ATOMIC_FLAG_INIT;
static _Atomic u64 generation = 1;
static u32 next_asid = 1; // guarded by asid_lock
static u32 asid_count;    // 1: the machine has none

struct hart_tlb {                        // one line per hart
    alignas(64) _Atomic u64 asked, done; // flush requests
    u64 generation;                      // own hart
    bool lazy;                           // own hart, interrupts off: `loaded` has our bit in lazy
    struct arch_aspace *loaded;          // own hart, interrupts off
    _Atomic(struct arch_aspace *) drop;  // a space going away that this hart must not keep loaded
};
static struct hart_tlb harts[MAX_CPUS];
static _Atomic u64 online;       // harts that take part
static _Atomic u64 icache_stale; // harts that may fetch what memory held before

// The scheduler's CPU record begins with its index; arch is below it and relies on just that.
static u32 cpu_index(void)
{
    return *(const u32 *)(const void *)this_cpu();
}

static void flush_local_all(void)
{
    __asm__ volatile("sfence.vma" ::: "memory");
}

void tlb_init_hart(u32 cpu)
{
    atomic_fetch_or(&online, 1ul << cpu);
    u64 satp = csr_read(satp);
    csr_write(satp, satp | 0xfffful << 44);
    u64 bits = csr_read(satp) >> 44 & 0xffff;
    csr_write(satp, satp);
    flush_local_all();
    if (!asid_count || bits + 1 < asid_count)
        asid_count = (u32)bits + 1;
}

static u64 context_assign(struct arch_aspace *as)
{
    while (atomic_flag_test_and_set_explicit(&asid_lock, memory_order_acquire))
        arch_relax();
    u64 ctx = atomic_load(&as->context), gen = atomic_load(&generation);
    if (ctx >> ASID_SHIFT != gen) {
        if (next_asid >= asid_count) {
            gen++;
            atomic_store(&generation, gen);
            next_asid = asid_count > 1 ? 1 : 0;
        }
        ctx = gen << ASID_SHIFT | next_asid++;
        atomic_store(&as->context, ctx);
    }
    atomic_flag_clear_explicit(&asid_lock, memory_order_release);
    return ctx;
}

static void icache_catch_up(u64 bit)
{
    if (UNLIKELY(atomic_load(&icache_stale) & bit)) {
        atomic_fetch_and(&icache_stale, ~bit);
        __asm__ volatile("fence.i" ::: "memory");
    }
}

// satp does not name the loaded space any more. Own hart, interrupts off.
static void leave(struct hart_tlb *h, u64 bit)
{
    struct arch_aspace *as = h->loaded;
    if (h->lazy)
        atomic_fetch_and(&as->lazy, ~bit);
    h->lazy = false;
    h->loaded = NULL;
    atomic_fetch_and(&as->cpus, ~bit); // last: from here on the space may go away
}

void arch_aspace_switch(struct arch_aspace *next)
{
    u32 cpu = cpu_index();
    struct hart_tlb *h = &harts[cpu];
    u64 bit = 1ul << cpu;
    if (!next) {
        if (h->loaded && !h->lazy && hart_info.count > 1) {
            h->lazy = true;
            atomic_fetch_or(&h->loaded->lazy, bit);
        }
        return;
    }
    if (next == h->loaded) {
        // Marked stale while loaded and not lazy: the flusher interrupts us, nothing to do here.
        if (!h->lazy)
            return;
        h->lazy = false;
        atomic_fetch_and(&next->lazy, ~bit);
        if (atomic_load(&next->stale) & bit) {
            flush_local_all();
            atomic_fetch_and(&next->stale, ~bit);
        }
        icache_catch_up(bit);
        return;
    }
    atomic_fetch_or(&next->cpus, bit);
    u64 ctx = atomic_load(&next->context);
    if (UNLIKELY(ctx >> ASID_SHIFT != atomic_load_explicit(&generation, memory_order_relaxed)))
        ctx = context_assign(next);
    csr_write(satp, mmu_satp(next->root, ctx & ((1ul << ASID_SHIFT) - 1)));
    if (h->loaded)
        leave(h, bit);
    h->loaded = next;
    u64 gen = ctx >> ASID_SHIFT;
    if (UNLIKELY(h->generation != gen)) {
        h->generation = gen;
        flush_local_all();
    } else if (UNLIKELY(atomic_load(&next->stale) & bit) || asid_count <= 1) {
        flush_local_all();
    }
    if (atomic_load_explicit(&next->stale, memory_order_relaxed) & bit)
        atomic_fetch_and(&next->stale, ~bit);
    icache_catch_up(bit);
}

// Leaves a space that is going away. Interrupts off.
static void unload(struct arch_aspace *as)
{
    u32 cpu = cpu_index();
    if (harts[cpu].loaded != as)
        return;
    mmu_load_kernel_root();
    leave(&harts[cpu], 1ul << cpu);
}

// On the target: answer all requests made so far.
void arch_ipi_receive(void)
{
    csr_clear(sip, SIE_SSIE);
    u32 cpu = cpu_index();
    struct hart_tlb *h = &harts[cpu];
    struct arch_aspace *drop = atomic_exchange(&h->drop, NULL);
    if (drop)
        unload(drop);
    u64 asked = atomic_load(&h->asked);
    if (asked != atomic_load_explicit(&h->done, memory_order_relaxed)) {
        flush_local_all();
        icache_catch_up(1ul << cpu);
        atomic_store(&h->done, asked);
    }
    upcall_ipi();
}

static void flush_remote(u64 mask)
{
    u64 ticket[MAX_CPUS];
    for (u32 c = 0; c < hart_info.count; c++)
        if (mask >> c & 1) {
            ticket[c] = atomic_fetch_add(&harts[c].asked, 1) + 1;
            arch_ipi_send(c);
        }
    for (u32 c = 0; c < hart_info.count; c++)
        while (mask >> c & 1 &&
               atomic_load_explicit(&harts[c].done, memory_order_acquire) < ticket[c])
            arch_relax();
}

static void flush_local_range(u64 start, u64 end)
{
    if (end - start > 16 * PAGE_SIZE) {
        flush_local_all();
        return;
    }
    for (u64 va = start; va < end; va += PAGE_SIZE)
        __asm__ volatile("sfence.vma %0, x0" ::"r"(va) : "memory");
}

void arch_tlb_flush(struct arch_aspace *as, u64 start, u64 end)
{
    if (hart_info.count == 1) {
        flush_local_range(start, end);
        return;
    }
    current_arch()->preempt_count++; // stay on this hart: it is the one that flushes directly
    flush_local_range(start, end);
    u64 self = 1ul << cpu_index();
    atomic_fetch_or(&as->stale, ~self);
    atomic_thread_fence(memory_order_seq_cst);
    u64 mask = atomic_load(&as->cpus) & ~atomic_load(&as->lazy) & ~self;
    if (mask)
        flush_remote(mask);
    current_arch()->preempt_count--;
}

void arch_tlb_flush_local(struct arch_aspace *as, u64 va)
{
    (void)as;
    __asm__ volatile("sfence.vma %0, x0" ::"r"(va) : "memory");
}

void tlb_flush_all_harts(void)
{
    current_arch()->preempt_count++;
    flush_local_all();
    u64 mask = atomic_load(&online) & ~(1ul << cpu_index());
    if (mask)
        flush_remote(mask);
    current_arch()->preempt_count--;
}

// Nobody runs in the space any more; harts may still have it loaded while they run kernel threads.
void arch_aspace_retire(struct arch_aspace *as)
{
    irqflags_t f = arch_irq_save();
    unload(as);
    arch_irq_restore(f);
    for (u64 mask; (mask = atomic_load(&as->cpus)) != 0;) {
        for (u32 c = 0; c < hart_info.count; c++) {
            struct arch_aspace *none = NULL;
            if (mask >> c & 1 && atomic_compare_exchange_strong(&harts[c].drop, &none, as))
                arch_ipi_send(c);
        }
        arch_relax();
    }
    // A hart that left by itself has not read the request yet. It must not find it when the next
    // space lives at this address. (One that has read it is not in this space any more.)
    for (u32 c = 0; c < hart_info.count; c++) {
        struct arch_aspace *late = as;
        (void)atomic_compare_exchange_strong(&harts[c].drop, &late, NULL);
    }
}

void arch_ipi_send(u32 cpu)
{
    sbi_call(SBI_EXT_IPI, 0, 1, arch_cpu_hwid(cpu), 0);
}

void arch_icache_settle(struct arch_aspace *as)
{
    if (LIKELY(!atomic_load(&icache_stale)))
        return;
    current_arch()->preempt_count++; // stay on this hart
    u64 self = 1ul << cpu_index();
    icache_catch_up(self);
    u64 mask =
        atomic_load(&icache_stale) & atomic_load(&as->cpus) & ~atomic_load(&as->lazy) & ~self;
    if (mask)
        flush_remote(mask);
    current_arch()->preempt_count--;
}

void arch_sync_icache(struct arch_aspace *as)
{
    if (hart_info.count > 1) {
        atomic_fetch_or(&icache_stale, atomic_load(&online));
        arch_icache_settle(as);
    } else {
        __asm__ volatile("fence.i" ::: "memory");
    }
}
