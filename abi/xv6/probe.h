// Private to the xv6 ABI: its probe, apart from everything that needs the kernel.
#pragma once
#include <exec/probe.h>
#define XV6_MODULE(machine) "xv6-" machine // the name in the kernel
enum : u32 { XV6_ORDER = 30 };             // ties in probing go to the smaller
// Where programs of this machine are linked: 0, where the teaching kernel has it; above what
// systems that hold us as a process refuse (docs/xv6.md).
u64 xv6_base(u32 machine);
int xv6_probe(const struct exec_probe *p, char *why, usize cap);
