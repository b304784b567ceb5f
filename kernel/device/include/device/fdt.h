// What the device tree says about the machine. Trees are checked completely before use: a malformed
// one gives an error, never a crash.
#pragma once
#include <lib/types.h>

enum {
    BOOT_MAX_RANGES = 64,
    BOOT_MAX_CPUS = 64,
    BOOT_CMDLINE_MAX = 2048,
    BOOT_ISA_MAX = 128,
    BOOT_SEED_MAX = 64
};

struct boot_range {
    paddr_t start;
    u64 len;
};
// Everything the early start needs, copied out of the tree; works before any memory allocation.
struct boot_info {
    struct boot_range ram[BOOT_MAX_RANGES];
    u32 ram_count;
    struct boot_range
        reserved[BOOT_MAX_RANGES]; // reservation map, /reserved-memory, the tree itself
    u32 reserved_count;
    struct boot_range initrd; // len 0: none
    char cmdline[BOOT_CMDLINE_MAX];
    u8 rng_seed[BOOT_SEED_MAX];
    u32 rng_seed_len;
    u32 timebase_hz;
    struct boot_cpu {
        u64 hwid;
        char isa[BOOT_ISA_MAX];
        char mmu[16];
    } cpus[BOOT_MAX_CPUS];
    u32 cpu_count;
    char model[64];
};
// Reads the tree at dtb (kernel address). On an error `what` says what is wrong. -E_INVAL
// (malformed), -E_OVERFLOW (more ranges or CPUs than the bounds above), -E_NODEV (no memory node).
[[nodiscard]] int fdt_boot_info(const void *dtb, struct boot_info *out, const char **what);
// The one filled at boot; valid after device_early_init.
extern struct boot_info boot_info;
