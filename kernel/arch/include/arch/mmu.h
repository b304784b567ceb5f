// Page tables as the kernel sees them: a radix tree of 512-entry tables that software walks and the
// machine consumes. vm/pagetable.c builds and changes trees; this seam encodes entries, switches
// address spaces and forgets translations.
#pragma once
#include <arch/page.h>

typedef u64 pte_t;

enum pte_prot { // what an entry allows
    PTE_PROT_READ = 1,
    PTE_PROT_WRITE = 2,
    PTE_PROT_EXEC = 4,
    PTE_PROT_USER = 8,
    PTE_PROT_DEVICE = 16, // uncached
};

#include <machine/mmu.h>
// machine/mmu.h gives, inline:
//   u32 pt_levels(void)                       3 or 4; level 0 is the leaf table
//   usize pt_index(u64 va, u32 level)
//   pte_t pte_leaf(paddr_t pa, u32 prot)      accessed and (if writable) dirty are set up front
//   pte_t pte_table(paddr_t table)            live pointer to a lower table
//   pte_t pte_table_parked(paddr_t table)     the same pointer, invisible to the hardware (first
//   touch faults): fork sharing pte_t pte_special(u64 bits)               non-present software
//   entry, bits < 2^50, != 0 bool pte_none(e) pte_present(e) pte_is_leaf(e) pte_is_table(e) /*live
//   or parked*/ pte_is_parked(e) paddr_t pte_addr(e); u32 pte_prot(e); bool pte_writable(e); bool
//   pte_user(e); bool pte_dirty(e) pte_t pte_wrprotect(e) pte_mkwrite(e) pte_mkclean(e) PTE_SOFT
//   bit helpers: bool pte_soft(e); pte_t pte_set_soft(e)   one software bit in leaf entries
//   (copy-on-write)

// Machine part of an address space, embedded in struct aspace. `cpus` = CPUs that may hold
// translations (set at switch-in).
struct arch_aspace {
    paddr_t root;
    _Atomic u64 context; // ASID and its generation
    _Atomic u64 cpus;    // bit per CPU index: has it loaded right now
    _Atomic u64 lazy;    // of those: runs kernel threads only; need not hear of flushes at once
    _Atomic u64 stale;   // CPUs that must flush this space before using it again
};

// Initialises with a fresh root table whose kernel half is shared. root frame given by caller
// (zeroed).
void arch_aspace_init(struct arch_aspace *as, paddr_t root);
// Forgets the space everywhere before its tables are freed. May wait for other CPUs. Thread
// context.
void arch_aspace_retire(struct arch_aspace *as);
// Loads `next` (NULL: keep what is loaded, of which only the kernel half is used until the next
// call). Interrupts disabled; called by the scheduler.
void arch_aspace_switch(struct arch_aspace *next);

// Forgets translations of [start, end) of `as` on all CPUs; returns when no CPU can use them any
// more and every CPU that was inside a user copy of this space with interrupts disabled has left
// it. Thread or atomic context with interrupts ENABLED.
void arch_tlb_flush(struct arch_aspace *as, u64 start, u64 end);
// The same, this CPU only (a permission was widened, or a new entry made: spurious faults elsewhere
// are harmless).
void arch_tlb_flush_local(struct arch_aspace *as, u64 va);

// Kernel mappings outside the direct map (kernel stacks, device registers). Tables for this region
// exist from boot on. arch_kernel_map maps one page; the frame stays the caller's. -E_NOMEM.
// arch_kernel_unmap flushes everywhere.
[[nodiscard]] int arch_kernel_map(u64 va, paddr_t pa, u32 prot);
void arch_kernel_unmap(u64 va, usize pages);
// Maps device registers for good; returns the virtual address or NULL.
void *arch_map_device(paddr_t pa, usize len);
// Memory was written that may be executed: makes instruction fetches see it, in `as` on all CPUs by
// the time this returns, in other spaces when a CPU is next switched to them. Interrupts enabled,
// as for arch_tlb_flush.
void arch_sync_icache(struct arch_aspace *as);
// A page that was made visible for another space is about to be mapped executable in `as`: the CPUs
// that have `as` loaded catch up. Costs a load when they have.
void arch_icache_settle(struct arch_aspace *as);
