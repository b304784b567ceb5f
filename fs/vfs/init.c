// Start of the file layer, the root of the first namespace, and files that have no name.
#include "file_private.h"
#include "names.h"
#include <lib/printf.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <sync/log.h>
#include <task/task.h>
#include <vfs/memfs.h>

static struct mount *memory_mount; // holds files of memfd_create; made at boot

static int no_mount(const struct filesystem_type *t, const struct fs_source *src,
                    struct superblock **out)
{
    (void)t;
    (void)src;
    (void)out;
    return -E_NODEV;
}

static const struct filesystem_type memory_type = {
    .name = "memfd", .flags = FS_NODEV | FS_KERNEL_ONLY | FS_ALIAS, .mount = no_mount};

static void task_exits(struct task *t)
{
    spin_lock(&t->lock);
    struct view *v = t->view;
    t->view = NULL;
    spin_unlock(&t->lock);
    view_put(v);
}

static struct task_exit_hook exit_hook = {.exit = task_exits};

void vfs_init(void)
{
    dentry_init_cache();
    mount_init_table();
    task_add_exit_hook(&exit_hook);
    struct memfs *fs = kzalloc(sizeof(*fs), 0);
    struct superblock *sb;
    int r = -E_NOMEM;
    if (fs) {
        fs->root_mode = 0700;
        r = memfs_mount(&memory_type, fs, 0x01021994, NULL, &sb);
    }
    if (!r) {
        r = mount_kernel(sb, &memory_mount);
        superblock_put(sb);
    }
    if (r)
        panic("vfs: no memory for the file system of unnamed files");
}

int vfs_mount_root(const char *type, const char *source, const char *data, struct view **out)
{
    const struct filesystem_type *t = fs_type_find(type, strlen(type));
    const struct fs_source src = {.source = source, .data = data};
    struct superblock *sb;
    struct mount_ns *ns;
    if (!t)
        return -E_NODEV;
    int r = t->mount(t, &src, &sb);
    if (r)
        return r;
    r = mount_ns_create(sb, 0, source, &ns);
    superblock_put(sb);
    if (r)
        return r;
    r = view_create(ns, out);
    mount_ns_put(ns);
    if (!r)
        vfs_set_kernel_view(*out);
    return r;
}

const char *vfs_number_name(char text[24], u64 ino)
{
    ksnprintf(text, 24, "#%lu", (unsigned long)ino);
    return text;
}

int vfs_open_memory(const char *name, struct object **out, u32 *rights)
{
    char text[8 + NAME_MAX_LEN];
    struct node *n;
    const struct cred *c = current_cred();
    const struct create_args a = {.mode = MODE_REG | 0777, .uid = c->fsuid, .gid = c->fsgid};
    ksnprintf(text, sizeof(text), "/memfd:%s", name);
    int r = memfs_node_create(memory_mount->sb, &a, &n);
    if (r)
        return r;
    struct path p = {memory_mount, dentry_create_anon(n->sb, n, text)};
    if (!p.dentry)
        return -E_NOMEM;
    const struct open_request q = {.access = FILE_READ | FILE_WRITE};
    r = vfs_open_path(&p, &q, false, out, rights);
    dentry_put(p.dentry);
    return r;
}
