// Final kernel mappings, made once the frame allocator works. Part of the arch seam.
#pragma once
#include <arch/mmu.h>

// Frames for the kernel's page tables: set by kernel/init before the first arch_kernel_map (arch is
// below mem). Returns a zeroed page or NULL.
void arch_set_page_source(void *(*alloc)(void));

// Direct-map coverage: call for each RAM range once the allocator works, then arch_direct_map_seal:
// everything else disappears from the direct map and the kernel's text and read-only data become
// read-only in it. -E_NOMEM.
[[nodiscard]] int arch_direct_map_ram(paddr_t start, u64 len);
[[nodiscard]] int arch_direct_map_seal(void);

// Physical bounds of the kernel image.
paddr_t arch_image_start(void);
paddr_t arch_image_end(void);
// Physical address of something linked into the kernel image.
paddr_t arch_image_phys(const void *image_address);
