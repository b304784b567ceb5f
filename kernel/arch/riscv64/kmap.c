// Kernel mappings made after boot: stacks, device registers, the final direct map.
// Guarded by kmap_lock (a raw lock, since arch lies below sync); tables are never freed.
#include <arch/cpu.h>
#include <arch/kmap.h>
#include <kerr.h>
#include <machine/harts.h>
#include <machine/kmap.h>
#include <stdatomic.h>

static atomic_flag kmap_lock = ATOMIC_FLAG_INIT;
static void *(*page_source)(void);
static u64 device_next = DEVICE_MAP_BASE;
static pte_t direct_new[128]; // the final root entries of the direct map

void arch_set_page_source(void *(*alloc)(void))
{
    page_source = alloc;
}

static irqflags_t lock(void)
{
    irqflags_t f = arch_irq_save();
    while (atomic_flag_test_and_set_explicit(&kmap_lock, memory_order_acquire))
        arch_relax();
    return f;
}
static void unlock(irqflags_t f)
{
    atomic_flag_clear_explicit(&kmap_lock, memory_order_release);
    arch_irq_restore(f);
}

// Tables of the image are reached through their link address, those from frames through the direct
// map.
static pte_t *table_at(pte_t e)
{
    paddr_t pa = pte_addr(e);
    if (pa >= kernel_image_start() && pa < kernel_image_end())
        return (pte_t *)(pa - kernel_image_start() + KERNEL_BASE);
    return phys_to_virt(pa);
}

// The table that `slot` points at, made if missing. A leaf in its place is split into 512 smaller
// leaves. NULL: no memory.
static pte_t *table_below(pte_t *slot, u64 leaf_step)
{
    if (pte_is_table(*slot))
        return table_at(*slot);
    pte_t *t = page_source ? page_source() : NULL;
    if (!t)
        return NULL;
    if (pte_present(*slot))
        for (u64 i = 0; i < 512; i++)
            t[i] = *slot + (i * leaf_step >> 12 << 10);
    atomic_thread_fence(memory_order_release);
    *slot = pte_table(virt_to_phys(t));
    return t;
}

static pte_t *walk(u64 va)
{
    pte_t *l1 = table_below(&kmap_upper_table()[va >> 30 & 511], 1ul << 21);
    return l1 ? table_below(&l1[va >> 21 & 511], PAGE_SIZE) : NULL;
}

int arch_kernel_map(u64 va, paddr_t pa, u32 prot)
{
    irqflags_t f = lock();
    pte_t *l0 = walk(va);
    if (l0)
        l0[va >> 12 & 511] = pte_leaf(pa, prot);
    unlock(f);
    if (!l0)
        return -E_NOMEM;
    __asm__ volatile("sfence.vma %0, x0" ::"r"(va) : "memory");
    return 0;
}

void arch_kernel_unmap(u64 va, usize pages)
{
    irqflags_t f = lock();
    for (usize i = 0; i < pages; i++) {
        pte_t *l0 = walk(va + i * PAGE_SIZE);
        if (l0)
            l0[(va + i * PAGE_SIZE) >> 12 & 511] = 0;
    }
    unlock(f);
    tlb_flush_all_harts();
}

void *arch_map_device(paddr_t pa, usize len)
{
    u64 off = pa & PAGE_MASK, pages = (off + len + PAGE_MASK) >> PAGE_SHIFT;
    irqflags_t f = lock();
    u64 va = device_next;
    bool fits = va + pages * PAGE_SIZE <= DEVICE_MAP_BASE + (1ul << 30);
    if (fits)
        device_next += (pages + 1) * PAGE_SIZE;
    unlock(f);
    if (!fits)
        return NULL;
    for (u64 i = 0; i < pages; i++)
        if (arch_kernel_map(va + i * PAGE_SIZE, pa - off + i * PAGE_SIZE,
                            PTE_PROT_READ | PTE_PROT_WRITE | PTE_PROT_DEVICE))
            return NULL;
    return (void *)(va + off);
}

static int map_direct(paddr_t pa, u64 len, u64 prot)
{
    const u64 big = 1ul << 30, mid = 1ul << 21;
    for (u64 end = pa + len; pa < end;) {
        if (pa >> 30 >= 128)
            return -E_NOMEM;
        pte_t leaf = pa >> 12 << 10 | RV_PTE_V | RV_PTE_A | RV_PTE_G | prot;
        pte_t *slot = &direct_new[pa >> 30];
        if (pa % big == 0 && end - pa >= big) {
            *slot = leaf;
            pa += big;
            continue;
        }
        pte_t *l1 = table_below(slot, mid);
        if (!l1)
            return -E_NOMEM;
        slot = &l1[pa >> 21 & 511];
        if (pa % mid == 0 && end - pa >= mid && !pte_is_table(*slot)) {
            *slot = leaf;
            pa += mid;
            continue;
        }
        pte_t *l0 = table_below(slot, PAGE_SIZE);
        if (!l0)
            return -E_NOMEM;
        l0[pa >> 12 & 511] = leaf;
        pa += PAGE_SIZE;
    }
    return 0;
}

int arch_direct_map_ram(paddr_t start, u64 len)
{
    return map_direct(start, len, RV_PTE_R | RV_PTE_W | RV_PTE_D);
}

int arch_direct_map_seal(void)
{
    u64 from = kernel_image_start();
    int err = map_direct(from, kernel_readonly_end() - from, RV_PTE_R);
    if (err)
        return err;
    pte_t *root = kmap_upper_table(), *boot = kmap_boot_table();
    for (u32 i = 0; i < 128; i++)
        boot[256 + i] = root[256 + i] = direct_new[i];
    __asm__ volatile("sfence.vma" ::: "memory");
    return 0;
}

paddr_t arch_image_start(void)
{
    return kernel_image_start();
}
paddr_t arch_image_end(void)
{
    return kernel_image_end();
}
paddr_t arch_image_phys(const void *p)
{
    return kernel_phys(p);
}
