// Virtual memory layout of the riscv64 kernel. Everything lies in the upper 256 GiB, so it is the
// same under Sv39 and Sv48.
#pragma once

#define DIRECT_MAP_BASE 0xffff'ffc0'0000'0000ul // physical address 0; 128 GiB
#define DEVICE_MAP_BASE 0xffff'ffe0'0000'0000ul // device registers; 1 GiB
#define KSTACK_REGION_BASE                                                                         \
    0xffff'ffe8'0000'0000ul // kernel stacks; 4 GiB, its tables exist from boot on
#define KSTACK_REGION_SIZE 0x1'0000'0000ul
#define KERNEL_BASE 0xffff'ffff'8000'0000ul // the kernel image

// A stack occupies the upper half of its slot; the lower half is never mapped, so one address bit
// tells an overflow.
#define KSTACK_SIZE 0x4000ul
#define KSTACK_SLOT 0x8000ul

#define USER_MIN 0x1000ul              // lowest address user memory may have unless an ABI allows 0
#define USER_TOP_SV39 0x40'0000'0000ul // 256 GiB
#define USER_TOP_SV48 0x8000'0000'0000ul // 128 TiB
