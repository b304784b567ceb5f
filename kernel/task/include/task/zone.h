// Zones: address ranges of the current task whose calls another ABI serves. Inherited by fork and
// threads, dropped at exec and with the mapping. A task that never made one pays nothing.
#pragma once
#include <task/abi.h>
#include <vm/zone.h>

struct task_zone {
    u64 start, len;
    const struct abi_module *abi;
};
// Calls made from [start, start + len) go to abi. -E_OPNOTSUPP: that ABI serves no zones
// (abi_module.zone_syscall); -E_INVAL: not page aligned, empty, outside user addresses; -E_FAULT:
// not mapped; -E_EXIST: overlaps another zone; -E_NOMEM.
[[nodiscard]] int task_zone_add(u64 start, u64 len, const struct abi_module *abi);
[[nodiscard]] int task_zone_remove(u64 start); // -E_NOENT
u32 task_zone_list(struct task *t, struct task_zone *out,
                   u32 cap); // how many there are; t is current, or its space is held otherwise
