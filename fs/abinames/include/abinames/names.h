// The directory of generated names: for each ABI the programs of its program directories, as
// linux_grep, xv6_wc, scarlet_ls, and its shell `sh` under the ABI's own name: linux, xv6, scarlet.
#pragma once
#include <vfs/path.h>

enum { ABINAMES_DIR_MAX = 64 };
// Who knows the ABIs (kernel/exec). ABIs are numbered from 0. The current task's environment
// decides what is found.
struct abinames_source {
    const char *(*abi)(u32 index, usize *len); // short name, len bytes; NULL: no more
    // Its i-th program directory: dir, an absolute name in the tree at *root (counted). -E_NOENT:
    // not there, go on; -E_RANGE: no more. Must not wait for anything but directories of the base
    // tree.
    int (*place)(u32 index, u32 i, char dir[ABINAMES_DIR_MAX], struct path *root);
};
void abinames_set_source(const struct abinames_source *s); // once at boot
// Root of the one instance, counted. -E_NODEV: no source yet; -E_NOMEM.
[[nodiscard]] int abinames_root(struct path *out);
// The program that a generated name speaks of, without its ABI: "grep" of linux_grep, "sh" of
// linux. Points into name or to a constant. NULL: name does not have that form.
const char *abinames_program(const char *name);
