// What unit tests get in place of a machine: RAM, CPUs, panics that can be expected. Link
// harness/unit/host/host.c.
#pragma once
#include <lib/types.h>

// An arena of `bytes` at physical address `base` (both multiples of 4 MiB); for the rest of the
// process.
void host_ram_init(paddr_t base, u64 bytes);
// Makes the address sanitizer refuse accesses to a physical range (holes, reserved memory).
void host_ram_forbid(paddr_t start, u64 bytes);

// This host thread becomes CPU `index`; the first one is CPU 0 by itself. arch_cpu_count() is what
// was set last.
void host_cpu_become(u32 index);
void host_cpu_set_count(u32 count);

// Runs fn in a process of its own, so that it starts from untouched static data. True if it
// returned.
bool host_isolated(void (*fn)(void));
// The same; true if it panicked, with a message that contains `text`.
bool host_panics(void (*fn)(void), const char *text);
