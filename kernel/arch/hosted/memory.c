// Kernel mappings: the memory file is the direct map, kernel stacks are further mappings of its
// pages.
#include <arch/cpu.h>
#include <arch/kmap.h>
#include <kerr.h>
#include <machine/host.h>

void arch_set_page_source(void *(*alloc)(void))
{
    (void)alloc; // the host has the tables
}

int arch_kernel_map(u64 va, paddr_t pa, u32 prot)
{
    (void)prot;
    irqflags_t f = arch_irq_save();
    i32 err = host_map_page(va, pa);
    arch_irq_restore(f);
    return err ? -E_NOMEM : 0;
}

void arch_kernel_unmap(u64 va, usize pages)
{
    irqflags_t f = arch_irq_save();
    host_unmap(va, pages * PAGE_SIZE);
    arch_irq_restore(f);
}

void *arch_map_device(paddr_t pa, usize len)
{
    (void)pa, (void)len;
    return NULL; // no device of this machine has registers
}

int arch_direct_map_ram(paddr_t start, u64 len)
{
    (void)start, (void)len;
    return 0;
}

int arch_direct_map_seal(void)
{
    return 0;
}

// The image lies outside the memory file.
paddr_t arch_image_start(void)
{
    return 0;
}
paddr_t arch_image_end(void)
{
    return 0;
}
