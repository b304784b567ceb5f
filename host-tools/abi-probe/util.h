// What every part of abi-probe uses: growing arrays, mapped files, checked reads, hashing, paths
// inside a root. Memory that cannot be had ends the program (common/fail.h); everything else is
// reported to the caller.
#pragma once
#include <exec/elf_format.h>
#include <stdio.h>

// Growing array of T: VEC(T) v = {0}; *VEC_ADD(&v) = x; v.p[i], v.n.
#define VEC(T)                                                                                     \
    struct {                                                                                       \
        T *p;                                                                                      \
        usize n, cap;                                                                              \
    }
#define VEC_ADD(v)                                                                                 \
    (vec_room((void **)&(v)->p, (v)->n, &(v)->cap, sizeof(*(v)->p)), &(v)->p[(v)->n++])
#define VEC_FREE(v) (free((v)->p), (v)->p = NULL, (v)->n = (v)->cap = 0)
void vec_room(void **p, usize n, usize *cap, usize size);

void *xalloc(usize n, usize size); // zeroed array

// qsort that takes an array of nothing.
void sort(void *p, usize n, usize size, int (*order)(const void *, const void *));

// A piece of memory that must not be read past its end.
struct bytes {
    const u8 *p;
    u64 n;
};
// Reads at offset at; 0 and *ok = false outside.
u16 get16(struct bytes b, u64 at, bool big, bool *ok);
u32 get32(struct bytes b, u64 at, bool big, bool *ok);
u64 get64(struct bytes b, u64 at, bool big, bool *ok);
// The string at offset at, or NULL if its end is not within b or it is longer than 4096.
const char *get_string(struct bytes b, u64 at);
// b from offset at for n bytes; empty if that is not inside.
struct bytes slice(struct bytes b, u64 at, u64 n);

// A file, read-only. 0, or an errno; anything but a regular file is EINVAL.
struct file {
    struct bytes data;
    bool mapped;
};
int file_map(const char *path, struct file *f);
void file_unmap(struct file *f);

void sha256(struct bytes data, u8 out[32]);

// The path below root that a program inside root would mean by path, symbolic links followed as it
// would see them; NULL with *err set if there is none. The result is allocated.
char *root_path(const char *root, const char *path, int *err);
// Copy of s in which bytes that are not printable are \xNN; allocated.
char *printable(const char *s);
