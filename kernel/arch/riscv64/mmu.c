// Kernel page tables: the image with its permissions, the direct map, and the regions for stacks
// and devices.
//
// One "upper table" serves as the kernel half: under Sv39 its 256 upper entries are those of every
// root; under Sv48 it is entry 511 of every root. All its entries are made at boot and never
// change, so new roots copy them without a lock. Page tables below it are changed under kmap_lock.
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <kerr.h>
#include <lib/string.h>
#include <machine/harts.h>
#include <machine/kmap.h>
#include <stdatomic.h>

enum { IMAGE_TABLES = 4 }; // leaf tables for the kernel image: 8 MiB

u32 arch_pt_levels_ = 3;
u64 arch_user_top_ = USER_TOP_SV39;

typedef pte_t table_t[512];
[[gnu::section(".bss.pages")]] alignas(PAGE_SIZE) static table_t upper; // kernel half
[[gnu::section(".bss.pages")]] alignas(
    PAGE_SIZE) static table_t boot_root; // with identity mapping, for starting harts
[[gnu::section(".bss.pages")]] alignas(PAGE_SIZE) static table_t root48; // kernel root under Sv48
[[gnu::section(".bss.pages")]] alignas(PAGE_SIZE) static table_t image_l1;
[[gnu::section(".bss.pages")]] alignas(PAGE_SIZE) static table_t image_l0[IMAGE_TABLES];
[[gnu::section(".bss.pages")]] alignas(PAGE_SIZE) static table_t device_l1;
[[gnu::section(".bss.pages")]] alignas(PAGE_SIZE) static table_t kstack_l1[4];

extern char _text[], _etext[], _erodata[], _end[];
static u64 load_phys; // physical address of _text

enum : u64 { SATP_SV39 = 8ul << 60, SATP_SV48 = 9ul << 60 };
static u64 satp_mode = SATP_SV39;

u64 early_map(u64 image, u64 dtb);

static u64 image_prot(u64 off, u64 text, u64 rodata)
{
    return off < text     ? RV_PTE_R | RV_PTE_X
           : off < rodata ? RV_PTE_R
                          : RV_PTE_R | RV_PTE_W | RV_PTE_D;
}

// Runs with the MMU off, at physical addresses: only pc-relative accesses, no pointers stored that
// are used later. Maps the image, all physical addresses as the direct map (narrowed later), and
// the image 1:1. Returns satp.
u64 early_map(u64 image, u64 dtb)
{
    (void)dtb;
    const u64 ad = RV_PTE_V | RV_PTE_A | RV_PTE_G;
    u64 size = (u64)(_end - _text), text = (u64)(_etext - _text), rodata = (u64)(_erodata - _text);
    for (u64 off = 0; off < size && off < IMAGE_TABLES * 0x200000ul; off += PAGE_SIZE)
        image_l0[off >> 21][off >> 12 & 511] =
            (image + off) >> 12 << 10 | ad | image_prot(off, text, rodata);
    for (u64 i = 0; i < IMAGE_TABLES; i++)
        image_l1[i] = pte_table((u64)image_l0[i]);
    for (u64 gib = 0; gib < 128; gib++)
        upper[256 + gib] = gib << 30 >> 12 << 10 | ad | RV_PTE_R | RV_PTE_W | RV_PTE_D;
    upper[DEVICE_MAP_BASE >> 30 & 511] = pte_table((u64)device_l1);
    for (u64 i = 0; i < 4; i++)
        upper[(KSTACK_REGION_BASE >> 30 & 511) + i] = pte_table((u64)kstack_l1[i]);
    upper[KERNEL_BASE >> 30 & 511] = pte_table((u64)image_l1);
    for (u64 i = 256; i < 512; i++)
        boot_root[i] = upper[i];
    u64 id = image >> 30 & 511;
    boot_root[id] = image >> 30 << 30 >> 12 << 10 | RV_PTE_V | RV_PTE_A | RV_PTE_D | RV_PTE_R |
                    RV_PTE_W | RV_PTE_X;
    load_phys = image;
    return SATP_SV39 | (u64)boot_root >> 12;
}

u64 kernel_phys(const void *p)
{
    return (u64)p - KERNEL_BASE + load_phys;
}
u64 kernel_image_start(void)
{
    return load_phys;
}
u64 kernel_image_end(void)
{
    return load_phys + (u64)(_end - _text);
}

static u64 kernel_root_phys(void)
{
    return kernel_phys(satp_mode == SATP_SV48 ? (void *)root48 : (void *)upper);
}

u64 mmu_satp(paddr_t root, u64 asid)
{
    return satp_mode | asid << 44 | root >> 12;
}

void mmu_load_kernel_root(void)
{
    csr_write(satp, mmu_satp(kernel_root_phys(), 0));
    __asm__ volatile("sfence.vma" ::: "memory");
}

// A starting hart enters through Sv39 and the identity mapping whatever the final mode is;
// mmu_load_kernel_root follows.
u64 mmu_secondary_satp(void)
{
    return SATP_SV39 | kernel_phys(boot_root) >> 12;
}

// Boot hart, at virtual addresses: chooses the mode and leaves the identity mapping.
void mmu_init_boot(bool want_sv48)
{
    if (want_sv48) {
        root48[511] = pte_table(kernel_phys(upper));
        csr_write(satp, SATP_SV48 | kernel_phys(root48) >> 12);
        __asm__ volatile("sfence.vma" ::: "memory");
        if (csr_read(satp) >> 60 == 9) {
            satp_mode = SATP_SV48;
            arch_pt_levels_ = 4;
            arch_user_top_ = USER_TOP_SV48;
        }
    }
    mmu_load_kernel_root();
}

void arch_aspace_init(struct arch_aspace *as, paddr_t root)
{
    pte_t *t = phys_to_virt(root);
    if (satp_mode == SATP_SV48) {
        t[511] = root48[511];
    } else {
        for (u32 i = 256; i < 512; i++)
            if (upper[i])
                t[i] = upper[i];
    }
    as->root = root;
    atomic_store(&as->context, 0);
    atomic_store(&as->cpus, 0);
    atomic_store(&as->lazy, 0);
    atomic_store(&as->stale, 0);
}

// --- narrowing the direct map and protecting the kernel's text in it (kmap.c has the frames) ---
pte_t *kmap_upper_table(void)
{
    return upper;
}
pte_t *kmap_boot_table(void)
{
    return boot_root;
}
u64 kernel_readonly_end(void)
{
    return load_phys + (u64)(_erodata - _text);
}
