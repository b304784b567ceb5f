// Private to the xv6 ABI: its probe, apart from everything that needs the kernel.
#pragma once
#include <exec/probe.h>
int xv6_probe(const struct exec_probe *p, char *why, usize cap);
