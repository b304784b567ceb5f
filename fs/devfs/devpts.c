// devpts: the slaves of pseudo-terminals as they come and go, and ptmx.
//
// Owns a small record per mount. Entries are not stored: they are asked of the terminal layer each
// time, so a node is only good while the pair it was made for exists. Owner and permission bits are
// kept with the pair.
#include <device/chardev.h>
#include <lib/parse.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <tty/tty.h>
#include <vfs/fs.h>

enum : u64 { DEVPTS_MAGIC = 0x1cd1, INO_ROOT = 1, INO_PTMX = 2, INO_FIRST = 3 };
enum : u64 { COOKIE_PTMX = 2, COOKIE_FIRST = 3 };

struct devpts {
    u32 ptmx_mode, mode, gid;
    bool has_gid;
};

struct pts_node {
    struct node node; // first
    i64 created_ns;   // of the pair, so that a number used again is told apart
};

static void pts_free(struct node *n)
{
    kfree(n);
}

static bool pts_revalidate(struct node *dir, const struct pathname *name, struct node *n)
{
    (void)dir, (void)name;
    struct pty_info info;
    return n->ino < INO_FIRST || (!pty_info((u32)(n->ino - INO_FIRST), &info) &&
                                  info.created_ns == ((struct pts_node *)n)->created_ns);
}

static int pts_setattr(struct node *n, const struct setattr *s)
{
    node_apply_setattr(n, s);
    if (n->ino >= INO_FIRST)
        pty_set_owner((u32)(n->ino - INO_FIRST), n->uid, n->gid, n->mode);
    return 0;
}

static const struct node_ops pts_ops = {
    .setattr = pts_setattr, .revalidate = pts_revalidate, .free = pts_free};

static struct node *make_node(struct superblock *sb, const struct node_ops *ops, u64 ino, u32 mode,
                              u64 rdev)
{
    struct pts_node *p = kzalloc(sizeof(*p), ALLOC_USER);
    if (!p)
        return NULL;
    node_init(&p->node, sb, ops, mode);
    p->node.ino = ino;
    p->node.rdev = rdev;
    return &p->node;
}

static int lookup_number(struct node *dir, u32 number, struct node **out)
{
    struct devpts *fs = dir->sb->private;
    struct pty_info info;
    int err = pty_info(number, &info);
    if (err)
        return err;
    struct node *n = make_node(dir->sb, &pts_ops, INO_FIRST + number,
                               MODE_CHR | (info.mode & 07777), dev_make(PTY_MAJOR, number));
    if (!n)
        return -E_NOMEM;
    ((struct pts_node *)n)->created_ns = info.created_ns;
    n->uid = info.uid;
    n->gid = fs->has_gid && info.gid == 5 ? fs->gid : info.gid;
    n->flags |= NODE_REVALIDATE;
    *out = n;
    return 0;
}

static int pts_lookup(struct node *dir, const struct pathname *name, struct node **out)
{
    u64 number;
    if (name->len == 4 && !memcmp(name->str, "ptmx", 4)) {
        struct devpts *fs = dir->sb->private;
        *out = make_node(dir->sb, &pts_ops, INO_PTMX, MODE_CHR | fs->ptmx_mode,
                         dev_make(TTY_MAJOR_AUX, TTY_MINOR_PTMX));
        return *out ? 0 : -E_NOMEM;
    }
    // Only the one spelling that readdir shows.
    if (name->len > 7 || (name->str[0] == '0' && name->len > 1) ||
        parse_u64(name->str, name->len, 10, &number))
        return -E_NOENT;
    return lookup_number(dir, (u32)number, out);
}

struct listing {
    struct dir_sink *sink;
    u64 *cookie;
};

static int list_one(const struct pty_info *i, void *arg)
{
    struct listing *l = arg;
    char name[12];
    usize len = kscnprintf(name, sizeof(name), "%u", i->number);
    u64 next = COOKIE_FIRST + i->number + 1;
    if (!l->sink->emit(l->sink, name, len, INO_FIRST + i->number, MODE_CHR >> 12, next))
        return 1;
    *l->cookie = next;
    return 0;
}

static int pts_readdir(struct node *dir, u64 *cookie, struct dir_sink *sink)
{
    (void)dir;
    if (*cookie <= COOKIE_PTMX) {
        if (!sink->emit(sink, "ptmx", 4, INO_PTMX, MODE_CHR >> 12, COOKIE_FIRST))
            return 0;
        *cookie = COOKIE_FIRST;
    }
    struct listing l = {sink, cookie};
    if (*cookie - COOKIE_FIRST < UINT32_MAX)
        (void)pty_for_each((u32)(*cookie - COOKIE_FIRST), list_one, &l);
    return 0;
}

static const struct node_ops root_ops = {
    .lookup = pts_lookup, .readdir = pts_readdir, .free = pts_free};

// --- mounting ---

static bool octal(const struct fs_option *o, u32 *out)
{
    u64 v;
    if (!o->has_val || parse_u64(o->val, strlen(o->val), 8, &v) || v > 07777)
        return false;
    *out = (u32)v;
    return true;
}

static int parse_options(struct devpts *fs, const char *data)
{
    struct fs_option o;
    while (data && fs_next_option(&data, &o)) {
        u64 v;
        bool good = !o.bad;
        if (!good)
            return -E_INVAL;
        if (!strcmp(o.key, "gid")) {
            good = o.has_val && !parse_u64(o.val, strlen(o.val), 10, &v) && v < UINT32_MAX;
            if (good) {
                fs->gid = (u32)v;
                fs->has_gid = true;
            }
        } else if (!strcmp(o.key, "mode")) {
            good = octal(&o, &fs->mode);
        } else if (!strcmp(o.key, "ptmxmode")) {
            good = octal(&o, &fs->ptmx_mode);
        } else if (strcmp(o.key, "newinstance") && strcmp(o.key, "max")) {
            good = false;
        }
        if (!good)
            return -E_INVAL;
    }
    return 0;
}

static void devpts_destroy(struct superblock *sb)
{
    kfree(sb->private);
}

static usize devpts_options(struct superblock *sb, char *buf, usize cap)
{
    const struct devpts *fs = sb->private;
    usize n = fs->has_gid ? kscnprintf(buf, cap, ",gid=%u", fs->gid) : 0;
    return n + kscnprintf(buf + n, cap - n, ",mode=%03o,ptmxmode=%03o", fs->mode, fs->ptmx_mode);
}

static int devpts_remount(struct superblock *sb, const char *data)
{
    struct devpts fs = *(struct devpts *)sb->private;
    int err = parse_options(&fs, data);
    if (!err)
        *(struct devpts *)sb->private = fs;
    return err;
}

static const struct superblock_ops devpts_ops = {
    .destroy = devpts_destroy,
    .show_options = devpts_options,
    .remount = devpts_remount,
};

static int devpts_mount(const struct filesystem_type *t, const struct fs_source *src,
                        struct superblock **out)
{
    struct devpts *fs = kzalloc(sizeof(*fs), ALLOC_USER);
    if (!fs)
        return -E_NOMEM;
    fs->mode = 0600;
    int err = parse_options(fs, src->data);
    struct superblock *sb = err ? NULL : superblock_create(t, &devpts_ops, DEVPTS_MAGIC, fs);
    if (!sb) {
        kfree(fs);
        return err ? err : -E_NOMEM;
    }
    struct node *root = make_node(sb, &root_ops, INO_ROOT, MODE_DIR | 0755, 0);
    if (root) {
        root->nlink = 2;
        root->flags |= NODE_NO_NEGATIVE;
    }
    err = root ? fs_make_root(sb, root) : -E_NOMEM;
    if (err) {
        superblock_put(sb);
        return err;
    }
    *out = sb;
    return 0;
}

static const struct filesystem_type devpts = {"devpts", FS_NODEV, devpts_mount};
FILESYSTEM_TYPE(devpts);
