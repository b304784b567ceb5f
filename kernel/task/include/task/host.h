// The machine's names, as uname tells them. Guarded by a lock of their own.
#pragma once
#include <lib/types.h>

enum { HOST_NAME_MAX = 64 };
struct host_names {
    char node[HOST_NAME_MAX + 1];
    char domain[HOST_NAME_MAX + 1];
};
void host_names(struct host_names *out);
// len <= HOST_NAME_MAX bytes without NUL.
void host_set_node(const char *name, usize len);
void host_set_domain(const char *name, usize len);

// What the kernel calls itself towards programs that ask for a Linux-like version.
#define HOST_RELEASE "6.12.0-scarlet"
#define HOST_VERSION "#1 SMP Scarlet"
