// tmpfs and its relatives: the in-memory library of fs/vfs with the limits and options that
// mount(8) knows. rootfs is the tree that the boot image fills; ramfs has no limits.
#include <arch/page.h>
#include <mem/frame.h>
#include <mem/slab.h>
#include <vfs/memfs.h>

enum { TMPFS_MAGIC = 0x01021994 };
static const u64 ramfs_magic = 0x858458f6;

static int mount_memory(const struct filesystem_type *t, const struct fs_source *src,
                        struct superblock **out, bool limits, u64 magic)
{
    struct frame_stats ram;
    struct memfs *fs = kzalloc(sizeof(*fs), 0);
    if (!fs)
        return -E_NOMEM;
    frame_stats(&ram);
    fs->root_mode = limits ? 0777 | MODE_STICKY : 0755;
    fs->show_limits = limits;
    if (limits) // by default half of the memory, and as many files as that has pages
        fs->max_pages = fs->max_nodes = ram.total / 2;
    int r = memfs_parse_options(fs, src->data, false);
    if (r) {
        kfree(fs);
        return r;
    }
    return memfs_mount(t, fs, magic, NULL, out);
}

static int tmpfs_mount(const struct filesystem_type *t, const struct fs_source *src,
                       struct superblock **out)
{
    return mount_memory(t, src, out, true, TMPFS_MAGIC);
}

static int ramfs_mount(const struct filesystem_type *t, const struct fs_source *src,
                       struct superblock **out)
{
    return mount_memory(t, src, out, false, ramfs_magic);
}

static int rootfs_mount(const struct filesystem_type *t, const struct fs_source *src,
                        struct superblock **out)
{
    int r = mount_memory(t, src, out, true, TMPFS_MAGIC);
    if (!r) // a tree to be filled by the kernel, not by everybody
        atomic_store_explicit(&memfs_root(*out)->mode, MODE_DIR | 0755, memory_order_relaxed);
    return r;
}

static const struct filesystem_type tmpfs_type = {
    .name = "tmpfs", .flags = FS_NODEV, .mount = tmpfs_mount};
FILESYSTEM_TYPE(tmpfs_type);
static const struct filesystem_type ramfs_type = {
    .name = "ramfs", .flags = FS_NODEV, .mount = ramfs_mount};
FILESYSTEM_TYPE(ramfs_type);
static const struct filesystem_type rootfs_type = {
    .name = "rootfs", .flags = FS_NODEV | FS_KERNEL_ONLY | FS_ALIAS, .mount = rootfs_mount};
FILESYSTEM_TYPE(rootfs_type);
