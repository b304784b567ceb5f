// Page size and the kernel's direct map of physical memory. Part of the arch seam.
#pragma once
#include <lib/types.h>

#define PAGE_SHIFT 12
#define PAGE_SIZE 4096ul
#define PAGE_MASK (PAGE_SIZE - 1)

#include <machine/layout.h> // DIRECT_MAP_BASE, USER_TOP_MAX, KSTACK_SIZE ...

// Any RAM or image physical address <-> its kernel virtual address. Cheap, no checks.
static inline void *phys_to_virt(paddr_t pa)
{
    return (void *)(uintptr_t)(pa + DIRECT_MAP_BASE);
}
static inline paddr_t virt_to_phys(const void *va) // only for direct-map addresses
{
    return (paddr_t)(uintptr_t)va - DIRECT_MAP_BASE;
}
