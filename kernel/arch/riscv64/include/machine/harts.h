// riscv64 private: what the device tree says of the harts (harts.c), and early memory set-up
// (mmu.c).
#pragma once
#include <arch/cpu.h>
#include <lib/types.h>

// What a hart other than the boot hart starts with. start.S reads it with the MMU off: complete
// from the moment `thread` is not null, and never changed after.
struct hart_entry {
    struct arch_thread *_Atomic thread; // its idle thread
    u64 hwid;
    u64 satp; // of mmu_secondary_satp
    u64 cpu;
};
extern struct hart_entry hart_entries[MAX_CPUS]; // by CPU; [0] stays empty

struct hart_info {
    u32 count; // usable harts; index 0 is the boot hart
    u64 timebase_hz;
    bool has_sstc; // all harts
    bool has_svadu;
};
extern struct hart_info hart_info;
void harts_init(const void *dtb, u64 boot_hart);
void time_init(void);
void time_init_hart(void);
void mmu_init_boot(bool want_sv48);
void tlb_init_hart(u32 cpu);
u64 mmu_secondary_satp(void); // satp of a root that also maps the kernel image 1:1
void mmu_load_kernel_root(void);
u64 kernel_phys(const void *image_address); // physical address of something in the kernel image
u64 kernel_image_start(void);
u64 kernel_image_end(void);
