// The root file system: a tmpfs filled from the boot image, whose file contents stay where the
// firmware put them.
#include "init.h"
#include <arch/page.h>
#include <cpiofs/unpack.h>
#include <device/fdt.h>
#include <kerr.h>
#include <mem/frame.h>
#include <sync/log.h>
#include <vfs/ops.h>

// What nobody uses in place goes to the allocator: everything, when the image was compressed.
static void release_unused(const struct cpiofs_result *r)
{
    if (r->in_place == 0)
        frame_release_range(boot_info.initrd.start, boot_info.initrd.len);
}

int root_mount(struct view **out)
{
    int err = vfs_mount_root("tmpfs", "mode=755", out);
    if (err)
        return err;
    if (!boot_info.initrd.len) {
        klog(LOG_ERR, "no boot image: the firmware gave no initrd");
        return -E_NOENT;
    }
    struct path root;
    struct cpiofs_result r = {0};
    view_root(*out, &root);
    err = cpiofs_unpack(root.mount->sb, phys_to_virt(boot_info.initrd.start), boot_info.initrd.len,
                        &r);
    path_put(&root);
    if (err)
        return err;
    klog(LOG_INFO, "boot image: %lu entries, %lu KiB used in place, %lu KiB copied", r.entries,
         r.in_place / 1024, r.copied / 1024);
    if (r.errors)
        klog(LOG_ERR, "boot image: %lu problems, the first at offset %lu", r.errors, r.first_error);
    release_unused(&r);
    return 0;
}
