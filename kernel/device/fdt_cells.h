// Reading device tree properties safely; for this room.
#pragma once
#include <lib/types.h>

u64 cells_read(const u8 *p, u32 cells); // big-endian, 0..2 cells
// 0, -E_NOENT (no such property), -E_INVAL (wrong length).
[[nodiscard]] int fdt_prop_u32(const void *dtb, int node, const char *name, u32 *out);
// A NUL-terminated string property and its length, or NULL.
const char *fdt_prop_string(const void *dtb, int node, const char *name, usize *len);
bool fdt_node_enabled(const void *dtb, int node);
// #address-cells and #size-cells for the children of node; -E_INVAL when they are not 0..2.
[[nodiscard]] int fdt_cells(const void *dtb, int node, u32 *acells, u32 *scells);
