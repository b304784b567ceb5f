// Private to the xv6 ABI: its probe, apart from everything that needs the kernel.
#pragma once
#include <exec/probe.h>
#define XV6_MODULE(machine) "xv6-" machine // the name in the kernel
enum : u32 { XV6_ORDER = 30 };             // ties in probing go to the smaller
int xv6_probe(const struct exec_probe *p, char *why, usize cap);
