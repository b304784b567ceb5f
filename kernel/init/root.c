// The root file system: a tmpfs filled from the boot image.
#include "init.h"
#include <device/fdt.h>
#include <kerr.h>
#include <vfs/ops.h>

int root_mount(struct view **out)
{
    return vfs_mount_root("tmpfs", NULL, out);
}
