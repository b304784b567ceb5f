// riscv64 private: pieces of the kernel's page tables shared by mmu.c, kmap.c and tlb.c.
#pragma once
#include <arch/mmu.h>
pte_t *kmap_upper_table(void);
pte_t *kmap_boot_table(void);
u64 kernel_readonly_end(void);
u64 mmu_satp(paddr_t root, u64 asid);
void tlb_flush_all_harts(void); // every translation, every hart
