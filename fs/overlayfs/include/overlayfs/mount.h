// Overlays made by the kernel itself, from places instead of a text of options.
#pragma once
#include <vfs/path.h>

struct overlay_layers {
    struct path upper, work;  // upper.mount NULL: read only, with at least two lower layers
    const struct path *lower; // topmost first
    u32 nlower;
    bool live; // lower layers change while they are mounted: every name is asked for again
    const char *options; // as /proc/mounts shows them, each with a leading comma
};
// One counted reference in *out. The layers are kept alive by it. -E_INVAL, -E_NOMEM, errors of the
// upper layer's file system.
[[nodiscard]] int overlay_mount_layers(const struct overlay_layers *l, struct superblock **out);
