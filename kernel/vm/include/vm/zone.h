// Zones: ranges of an address space that bear a mark (what it means is task/zone.h's). They live
// and go with the mapping, are copied by fork and never survive exec, because the new program has
// another space.
#pragma once
#include <vm/aspace.h>

struct aspace_zone {
    u64 start, end;
    const void *mark;
};
// Marks [start, start + len): page aligned (-E_INVAL), mapped throughout (-E_FAULT), apart from
// other zones (-E_EXIST). -E_NOMEM.
[[nodiscard]] int aspace_zone_add(struct aspace *as, u64 start, u64 len, const void *mark);
// Takes the zone that begins at start away. -E_NOENT.
[[nodiscard]] int aspace_zone_remove(struct aspace *as, u64 start);
// Fills up to cap records in order of address; returns how many zones there are.
u32 aspace_zone_list(struct aspace *as, struct aspace_zone *out, u32 cap);
// The mark at addr, or NULL. No lock; any context.
const void *aspace_zone_find(struct aspace *as, u64 addr);
