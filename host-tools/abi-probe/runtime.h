// Programs that run what no ABI does: the root's registry, read with the kernel's own parser
// (docs/runtimes.md).
#pragma once
#include "util.h"
#include <exec/probe.h>

struct runtimes {
    char *text;
    VEC(struct runtime_line) lines;
};
// Reads ROOT/system/etc/runtimes; without one there are no runtimes. A wrong line is complained
// about and left out, as in the kernel.
void runtimes_read(const char *root, struct runtimes *r);
void runtimes_free(struct runtimes *r);
// Who would run a file that no ABI takes; NULL: nobody.
const struct runtime_line *runtimes_find(const struct runtimes *r, struct bytes data,
                                         const char *path);
