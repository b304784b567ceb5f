// Private to the native ABI: detection, also compiled into the offline probe.
#pragma once
#include <exec/probe.h>
#define SCARLET_MODULE(machine) "scarlet" // the name in the kernel
enum : u32 { SCARLET_ORDER = 10 };        // ties in probing go to the smaller
int scarlet_probe(const struct exec_probe *p, char *why, usize cap);
