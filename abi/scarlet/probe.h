// Private to the native ABI: detection, also compiled into the offline probe.
#pragma once
#include <exec/probe.h>
int scarlet_probe(const struct exec_probe *p, char *why, usize cap);
