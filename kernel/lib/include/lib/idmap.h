// Allocator of small integers, lowest free one first: process numbers, handles. Grows as needed, by
// doubling. The caller's lock guards a map; memory comes through callbacks, called under that lock.
#pragma once
#include <lib/types.h>

struct idmap_ops {
    void *(*alloc)(usize bytes); // uninitialised, 8-aligned; NULL: none
    void (*free)(void *p, usize bytes);
};

enum { IDMAP_LEVELS = 6, IDMAP_MAX = 1 << 30 };

// Must not be moved or copied by assignment (it may point into itself).
// Level 0 has a bit per id, set when taken; a bit of a higher level is set when its whole word one
// level down is taken.
struct idmap {
    const struct idmap_ops *ops;
    u32 capacity; // ids that level 0 has room for
    u32 levels;   // one word at the top
    u32 count;    // ids taken
    u64 *level[IDMAP_LEVELS];
    u64 small; // level 0 of a map of up to 64 ids, which needs no memory
};

void idmap_init(struct idmap *m, const struct idmap_ops *ops);
void idmap_destroy(struct idmap *m); // taken ids are forgotten

// Takes the lowest free id in [start, end). -E_NOSPC: all taken (or start >= end), -E_NOMEM. end <=
// IDMAP_MAX.
[[nodiscard]] i64 idmap_alloc(struct idmap *m, u32 start, u32 end);
// Takes id itself. -E_EXIST: already taken, -E_NOMEM, -E_NOSPC: not below IDMAP_MAX.
[[nodiscard]] int idmap_take(struct idmap *m, u32 id);
// Gives id back; true if it was taken.
bool idmap_free(struct idmap *m, u32 id);
[[nodiscard]] bool idmap_test(const struct idmap *m, u32 id);
// The lowest taken id >= from; IDMAP_MAX if there is none.
[[nodiscard]] u32 idmap_next(const struct idmap *m, u32 from);
// Makes an initialised empty map dst equal to src. -E_NOMEM.
[[nodiscard]] int idmap_copy(struct idmap *dst, const struct idmap *src);

#define idmap_for_each(id, m)                                                                      \
    for (u32 id = idmap_next((m), 0); id != IDMAP_MAX; id = idmap_next((m), id + 1))
