// A file with its analysis, shared by all programs that load it. The store is guarded by its own
// lock; a unit does not change once it is ready.
#pragma once
#include "module.h"
#include <pthread.h>

struct unit {
    char *path; // on the host
    char *name; // inside the root
    struct file file;
    struct elf e;
    struct module m;
    bool ready;           // m is filled
    bool taken;           // by the store: stays
    u32 *buckets, *chain; // exports by name
    u32 bucket_n;
    u32 *first_call; // calls of function f: [first_call[f], first_call[f + 1])
    bool opens;      // imports dlopen or dlmopen
    bool finds;      // imports dlsym
};

// The unit of a path, its headers read; NULL and an errno if the file cannot be read or is no ELF.
// Callable from any thread.
struct unit *unit_open(const char *path, const char *name, int *err);
// Fills u->m, once. cache: folder, NULL for none.
void unit_analyse(struct unit *u, const char *cache);
// The same from memory, not shared: for tests. Free with unit_free.
struct unit *unit_from(struct bytes data, const char *name);
void unit_free(struct unit *u);
// Gives a unit back that no program needs any more; shared libraries stay.
void unit_close(struct unit *u);
// A copy of u, not shared, analysed with further wrappers.
struct unit *unit_again(const struct unit *u, const struct watch *watch, usize n);
// Export by name: index or UINT32_MAX. version may be NULL.
u32 unit_export(const struct unit *u, const char *name, const char *version);

// The cache: one file per content and version of the analysis. Nothing read from it is trusted.
bool cache_load(const char *folder, const u8 hash[32], struct module *m);
void cache_store(const char *folder, const u8 hash[32], const struct module *m);
