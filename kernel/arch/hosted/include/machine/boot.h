// hosted private: how the host side starts the kernel and reports its faults.
#pragma once
#include <lib/types.h>

// Becomes CPU 0 and starts the kernel with the device tree at this offset of the memory file.
[[noreturn]] void hosted_boot(u64 dtb);

struct hosted_registers {
    u64 rip, rsp, rbp;
};
// The kernel itself faulted. On a signal stack.
[[noreturn]] void hosted_kernel_fault(const char *why, u64 addr, const struct hosted_registers *r);
