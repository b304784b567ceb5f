// Private to the Linux ABI: its probe, apart from everything that needs the kernel.
#pragma once
#include <exec/probe.h>
#define LINUX_MODULE(machine) "linux-" machine // the name in the kernel
enum : u32 { LINUX_ORDER = 20 };               // ties in probing go to the smaller
int linux_probe(const struct exec_probe *p, char *why, usize cap);
