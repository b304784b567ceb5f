// devtmpfs: one tree of device nodes for the whole system, writable like any memory file system.
//
// Owns the one instance. Guarded by instance_lock while it is being made; afterwards memfs's own
// locks.
#include <device/chardev.h>
#include <device/serial.h>
#include <lib/printf.h>
#include <mem/slab.h>
#include <sched/lock.h>
#include <sync/log.h>
#include <tty/tty.h>
#include <vfs/memfs.h>

enum : u64 { TMPFS_MAGIC = 0x0102'1994 };

static const struct {
    const char *name;
    u32 major, minor, mode;
} nodes[] = {
    {"null", 1, 3, 0666},
    {"zero", 1, 5, 0666},
    {"full", 1, 7, 0666},
    {"random", 1, 8, 0666},
    {"urandom", 1, 9, 0666},
    {"kmsg", 1, 11, 0644},
    {"tty", TTY_MAJOR_AUX, TTY_MINOR_CURRENT, 0666},
    {"console", TTY_MAJOR_AUX, TTY_MINOR_CONSOLE, 0600},
    {"ptmx", TTY_MAJOR_AUX, TTY_MINOR_PTMX, 0666},
};
static const struct {
    const char *name;
    u32 mode;
} dirs[] = {{"pts", 0755}, {"shm", 01777}};
static const struct {
    const char *name, *target;
    usize len;
} links[] = {
    {"fd", "/proc/self/fd", 13},
    {"stdin", "/proc/self/fd/0", 15},
    {"stdout", "/proc/self/fd/1", 15},
    {"stderr", "/proc/self/fd/2", 15},
};

static struct mutex instance_lock = MUTEX_INIT(instance_lock, &lock_class_mount_sleep);
static struct superblock *instance;

static int make_serial(struct node *root)
{
    struct serial_port *p;
    list_for_each_entry (p, &serial_ports, link) {
        char name[16];
        (void)ksnprintf(name, sizeof(name), "ttyS%u", p->index);
        struct create_args a = {.mode = MODE_CHR | 0600,
                                .rdev = dev_make(TTY_MAJOR_SERIAL, TTY_MINOR_SERIAL + p->index)};
        int err = memfs_make(root, name, &a, NULL);
        if (err)
            return err;
    }
    return 0;
}

static int populate(struct node *root)
{
    int err = make_serial(root);
    for (usize i = 0; !err && i < ARRAY_LEN(nodes); i++) {
        struct create_args a = {.mode = MODE_CHR | nodes[i].mode,
                                .rdev = dev_make(nodes[i].major, nodes[i].minor)};
        err = memfs_make(root, nodes[i].name, &a, NULL);
    }
    for (usize i = 0; !err && i < ARRAY_LEN(dirs); i++) {
        struct create_args a = {.mode = MODE_DIR | dirs[i].mode};
        err = memfs_make(root, dirs[i].name, &a, NULL);
    }
    for (usize i = 0; !err && i < ARRAY_LEN(links); i++) {
        struct create_args a = {
            .mode = MODE_LNK | 0777, .link = links[i].target, .link_len = links[i].len};
        err = memfs_make(root, links[i].name, &a, NULL);
    }
    return err;
}

static const struct filesystem_type devtmpfs;

static int make_instance(void)
{
    struct memfs *fs = kzalloc(sizeof(*fs), 0);
    if (!fs)
        return -E_NOMEM;
    fs->root_mode = 0755;
    struct superblock *sb;
    int err = memfs_mount(&devtmpfs, fs, TMPFS_MAGIC, NULL, &sb);
    if (err)
        return err;
    atomic_fetch_or_explicit(&sb->flags, SB_KEEP, memory_order_relaxed);
    err = populate(memfs_root(sb));
    if (err) {
        superblock_shutdown(sb);
        superblock_put(sb);
        return err;
    }
    instance = sb;
    return 0;
}

static int devtmpfs_mount(const struct filesystem_type *t, const struct fs_source *src,
                          struct superblock **out)
{
    (void)t, (void)src; // options concern an instance, and this one is shared
    mutex_lock(&instance_lock);
    int err = instance ? 0 : make_instance();
    if (!err) {
        superblock_get(instance);
        *out = instance;
    }
    mutex_unlock(&instance_lock);
    return err;
}

static const struct filesystem_type devtmpfs = {"devtmpfs", FS_NODEV, devtmpfs_mount};
FILESYSTEM_TYPE(devtmpfs);
static const struct filesystem_type devfs_alias = {"devfs", FS_NODEV | FS_ALIAS, devtmpfs_mount};
FILESYSTEM_TYPE(devfs_alias);
