// Private to the Linux ABI: its probe, apart from everything that needs the kernel.
#pragma once
#include <exec/probe.h>
int linux_probe(const struct exec_probe *p, char *why, usize cap);
