// The root file system: a tmpfs filled from the boot image, whose file contents stay where the
// firmware put them.
#include "init.h"
#include <arch/page.h>
#include <cpiofs/unpack.h>
#include <device/device.h>
#include <device/fdt.h>
#include <exec/exec.h>
#include <kerr.h>
#include <lib/string.h>
#include <mem/frame.h>
#include <sync/log.h>
#include <vfs/mount.h>
#include <vfs/ops.h>
#include <vfs/path.h>

// What nobody uses in place goes to the allocator: everything, when the image was compressed.
static void release_unused(const struct cpiofs_result *r)
{
    if (r->in_place == 0)
        frame_release_range(boot_info.initrd.start, boot_info.initrd.len);
}

static int mount_at(const char *place, const char *type, const char *source, const char *data)
{
    struct path base = BASE_CWD, at;
    int err = path_lookup(&base, (struct pathname){place, strlen(place)},
                          LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &at);
    if (err)
        return err;
    const struct mount_request r = {.source = source, .type = type, .data = data};
    err = vfs_mount_new(&at, &r);
    path_put(&at);
    return err;
}

// A directory of the system underneath, an empty layer over it, and the kernel's own file systems
// in their usual places.
static int host_root_mount(const char *directory, struct view **out)
{
    static const char *const places[] = {"/lower", "/upper", "/work"};
    static const struct {
        const char *place, *type, *data;
    } own[] = {{"/proc", "proc", NULL},
               {"/dev", "devtmpfs", NULL},
               {"/dev/pts", "devpts", "gid=5,mode=620,ptmxmode=000"},
               {"/run", "tmpfs", "mode=755"}};
    struct view *first;
    struct path base = BASE_CWD;
    int err = vfs_mount_root("tmpfs", "rootfs", "mode=755", &first);
    for (usize i = 0; i < ARRAY_LEN(places) && !err; i++)
        err = vfs_mkdir(&base, (struct pathname){places[i], strlen(places[i])}, 0755);
    if (!err)
        err = mount_at("/lower", "hostfs", directory, NULL);
    if (!err)
        err = vfs_mount_root("overlay", "overlay", "lowerdir=/lower,upperdir=/upper,workdir=/work",
                             out);
    for (usize i = 0; i < ARRAY_LEN(own) && !err; i++) {
        int e = mount_at(own[i].place, own[i].type, own[i].type, own[i].data);
        if (e && e != -E_NOENT) // a tree need not have all of them
            klog(LOG_WARN, "host root: cannot mount %s: %s", own[i].place,
                 kerr_name((enum kerr) - e));
    }
    return err;
}

const char *root_host_directory(void)
{
    u32 len;
    const char *directory = device_chosen("scarlet,host-root", &len);
    return directory && len && !directory[len - 1] ? directory : NULL;
}

// On the root itself, not on something that was mounted there.
static bool is_on_root(const char *name)
{
    struct path root, base = BASE_CWD, p;
    if (path_lookup(&base, (struct pathname){name, strlen(name)}, LOOKUP_FOLLOW, &p))
        return false;
    view_root(current_view(), &root);
    bool same = p.mount == root.mount;
    path_put(&root);
    path_put(&p);
    return same;
}

void root_mount_changes(void)
{
    static const char *const places[] = {"/data", "/data/config"};
    struct path base = BASE_CWD, system;
    if (!root_host_directory() || path_lookup(&base, (struct pathname){"/system", 7},
                                              LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &system))
        return;
    path_put(&system);
    int err = 0;
    for (usize i = 0; i < ARRAY_LEN(places) && (!err || err == -E_EXIST); i++)
        err = vfs_mkdir(&base, (struct pathname){places[i], strlen(places[i])}, 0755);
    if ((!err || err == -E_EXIST) && is_on_root(places[1]))
        err = mount_at(places[1], "tmpfs", "tmpfs", "mode=755");
    if (err && err != -E_EXIST)
        klog(LOG_WARN, "host root: cannot mount %s: %s", places[1], kerr_name((enum kerr) - err));
}

int root_mount(struct view **out)
{
    const char *directory = root_host_directory();
    if (directory)
        return host_root_mount(directory, out);
    int err = vfs_mount_root("tmpfs", "rootfs", "mode=755", out);
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
    exec_assign_listed(*out);
    return 0;
}
