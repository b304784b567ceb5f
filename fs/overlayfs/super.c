// Mounting: options as mount(8) of Linux takes them, the layers, the work directory.
#include "ovl.h"
#include <lib/printf.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <overlayfs/mount.h>
#include <sync/log.h>

struct wanted {
    char *lower, *upper, *work; // one text each, allocated; lower ones separated by ':'
    bool user_xattr;
};

static void wanted_free(struct wanted *w)
{
    kfree(w->lower);
    kfree(w->upper);
    kfree(w->work);
}

// --- options ---------------------------------------------------------------------------------

// Length of the option at s: up to a comma that no backslash stands before.
static usize option_length(const char *s)
{
    usize n = 0;
    while (s[n] && s[n] != ',')
        n += s[n] == '\\' && s[n + 1] ? 2 : 1;
    return n;
}

static bool key_is(const char *s, usize len, const char *key)
{
    return strlen(key) == len && !memcmp(s, key, len);
}

static int take_path(char **slot, const char *val, usize len, bool append)
{
    usize had = append && *slot ? strlen(*slot) + 1 : 0;
    char *text = kmalloc(had + len + 1, 0);
    if (!text)
        return -E_NOMEM;
    if (had) {
        memcpy(text, *slot, had - 1);
        text[had - 1] = ':';
    }
    memcpy(text + had, val, len);
    text[had + len] = 0;
    kfree(*slot);
    *slot = text;
    return 0;
}

// Features that are off, and words that change nothing here.
static bool accepted(const char *s, usize len)
{
    static const char *const words[] = {"default_permissions",
                                        "volatile",
                                        "redirect_dir=off",
                                        "redirect_dir=nofollow",
                                        "index=off",
                                        "nfs_export=off",
                                        "xino=off",
                                        "xino=auto",
                                        "xino=on",
                                        "metacopy=off",
                                        "verity=off",
                                        "uuid=auto",
                                        "uuid=on",
                                        "uuid=off",
                                        "uuid=null"};
    for (usize i = 0; i < ARRAY_LEN(words); i++)
        if (key_is(s, len, words[i]))
            return true;
    return false;
}

static int parse(const char *s, struct wanted *w)
{
    if (!s)
        return 0;
    while (*s) {
        usize len = option_length(s), key = 0;
        while (key < len && s[key] != '=')
            key++;
        const char *val = s + key + 1;
        usize vlen = key < len ? len - key - 1 : 0;
        int r = 0;
        if (!len)
            ;
        else if (key_is(s, key, "lowerdir"))
            r = vlen ? take_path(&w->lower, val, vlen, false) : -E_INVAL;
        else if (key_is(s, key, "lowerdir+"))
            r = vlen ? take_path(&w->lower, val, vlen, true) : -E_INVAL;
        else if (key_is(s, key, "upperdir"))
            r = vlen ? take_path(&w->upper, val, vlen, false) : -E_INVAL;
        else if (key_is(s, key, "workdir"))
            r = vlen ? take_path(&w->work, val, vlen, false) : -E_INVAL;
        else if (key_is(s, len, "userxattr"))
            w->user_xattr = true;
        else if (!accepted(s, len)) {
            klog(LOG_ERR, "overlay: option \"%.*s\" is not supported", (int)MIN(len, 64ul), s);
            r = -E_INVAL;
        }
        if (r)
            return r;
        s += len;
        while (*s == ',')
            s++;
    }
    return 0;
}

// Looks up the path at text[0, len), taking backslashes out.
static int find_dir(const char *text, usize len, struct path *out)
{
    char *name = kmalloc(len + 1, 0);
    usize n = 0;
    if (!name)
        return -E_NOMEM;
    for (usize i = 0; i < len; i++) {
        if (text[i] == '\\' && i + 1 < len)
            i++;
        name[n++] = text[i];
    }
    name[n] = 0;
    struct path base = BASE_CWD;
    int r =
        n ? path_lookup(&base, (struct pathname){name, n}, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, out)
          : -E_INVAL;
    kfree(name);
    return r;
}

// --- layers ----------------------------------------------------------------------------------

static u32 depth_of(const struct superblock *sb)
{
    return sb->magic == OVL_MAGIC ? ((const struct ovl *)sb->private)->depth : 0;
}

// One that looks into other file systems may meet an overlay of the first level there.
static u32 level_of(const struct superblock *sb)
{
    if (sb->magic == OVL_MAGIC)
        return ((const struct ovl *)sb->private)->level;
    return atomic_load_explicit(&sb->flags, memory_order_relaxed) & SB_ACROSS ? 1 : 0;
}

static int set_layer(struct ovl *o, u32 index, const struct path *p)
{
    struct ovl_layer *l = &o->layers[index];
    int r = mount_kernel(p->mount->sb, &l->mount);
    if (r)
        return r;
    u32 flags = mount_flags(p->mount) & (MOUNT_NODEV | MOUNT_NOEXEC | MOUNT_NOSUID);
    atomic_store_explicit(&l->mount->flags,
                          flags | (index == OVL_UPPER ? MOUNT_RELATIME : MOUNT_NOATIME),
                          memory_order_relaxed);
    l->root = p->dentry;
    dentry_get(l->root);
    u32 fs = 0, next = 0;
    for (u32 i = 0; i < o->nlayers; i++) {
        if (i == index || !o->layers[i].mount)
            continue;
        next = MAX(next, o->layers[i].fs + 1);
        if (o->layers[i].mount->sb == p->mount->sb) {
            l->fs = o->layers[i].fs;
            return 0;
        }
    }
    fs = next;
    l->fs = fs;
    o->one_fs = fs == 0;
    o->depth = MAX(o->depth, depth_of(p->mount->sb) + 1);
    o->level = MAX(o->level, level_of(p->mount->sb) + 1);
    o->across |= atomic_load_explicit(&p->mount->sb->flags, memory_order_relaxed) & SB_ACROSS;
    return 0;
}

static bool below(struct dentry *d, struct dentry *top)
{
    rcu_read_lock();
    bool r = dentry_is_below(d, top);
    rcu_read_unlock();
    return r;
}

// workdir/work, made if it is not there; what an earlier mount left in it goes.
static int open_work(struct ovl *o, struct dentry *dir)
{
    static const struct pathname name = {"work", 4};
    struct dentry *d;
    int r = layer_lookup(dir, &name, &d);
    if (!r && d && !node_is_dir(dentry_node(d)))
        r = -E_NOTDIR;
    if (!r && d)
        layer_remove_tree(d);
    if (r) {
        dentry_put(d);
        return r;
    }
    if (d && dentry_unhashed(d)) {
        dentry_put(d);
        d = NULL;
    }
    if (!d) {
        const struct create_args a = {.mode = MODE_DIR};
        r = layer_create(dir, &name, &a, &d);
    }
    if (!r)
        o->work = d;
    return r;
}

static int add_upper(struct ovl *o, const struct path *up, const struct path *work)
{
    if (up->mount->sb != work->mount->sb || up->mount != work->mount ||
        below(up->dentry, work->dentry) || below(work->dentry, up->dentry) ||
        mount_want_write(up->mount) || depth_of(up->mount->sb)) {
        klog(LOG_ERR,
             "overlay: upperdir and workdir must be separate directories of one writable mount");
        return -E_INVAL;
    }
    int r = set_layer(o, OVL_UPPER, up);
    return r ? r : open_work(o, work->dentry);
}

static u32 count_lowers(const char *s)
{
    u32 n = 1;
    for (; *s; s++) {
        if (*s == '\\' && s[1])
            s++;
        else if (*s == ':')
            n++;
    }
    return n;
}

// --- superblock ------------------------------------------------------------------------------

static void ovl_free_all(struct ovl *o)
{
    dentry_put(o->work);
    for (u32 i = 0; o->layers && i < o->nlayers; i++) {
        dentry_put(o->layers[i].root);
        mount_put(o->layers[i].mount);
    }
    kfree(o->layers);
    kfree(o->options);
    kfree(o);
}

static void ovl_kill(struct superblock *sb)
{
    struct ovl *o = sb->private;
    for (;;) {
        spin_lock(&o->table_lock);
        struct list *l = list_first(&o->pinned);
        struct ovl_node *n = l ? list_entry(l, struct ovl_node, pin_link) : NULL;
        spin_unlock(&o->table_lock);
        if (!n)
            return;
        ovl_node_unpin(n); // nobody else changes the list any more
    }
}

static void ovl_destroy_sb(struct superblock *sb)
{
    ovl_free_all(sb->private);
}

static int ovl_statfs(struct superblock *sb, struct statfs_info *out)
{
    struct ovl *o = sb->private;
    struct path p = {o->work ? o->layers[OVL_UPPER].mount : o->layers[1].mount, NULL};
    int r = vfs_statfs(&p, out);
    out->magic = OVL_MAGIC;
    out->fsid = sb->dev;
    return r;
}

static int ovl_sync_sb(struct superblock *sb, bool disk)
{
    struct ovl *o = sb->private;
    struct superblock *up = o->work ? o->layers[OVL_UPPER].mount->sb : NULL;
    return up && up->ops->sync ? up->ops->sync(up, disk) : 0;
}

static int ovl_remount(struct superblock *sb, const char *data)
{
    (void)sb;
    (void)data; // the layers stay what they are
    return 0;
}

static usize ovl_show_options(struct superblock *sb, char *buf, usize cap)
{
    return kscnprintf(buf, cap, "%s", ((struct ovl *)sb->private)->options);
}

static const struct superblock_ops ovl_superblock_ops = {
    .kill = ovl_kill,
    .destroy = ovl_destroy_sb,
    .statfs = ovl_statfs,
    .sync = ovl_sync_sb,
    .remount = ovl_remount,
    .show_options = ovl_show_options,
};

static int make_options(const struct wanted *w, char **out)
{
    usize cap = strlen(w->lower) + (w->upper ? strlen(w->upper) + strlen(w->work) : 0) + 64;
    char *text = kmalloc(cap, 0);
    if (!text)
        return -E_NOMEM;
    usize n = kscnprintf(text, cap, ",lowerdir=%s", w->lower);
    if (w->upper)
        n += kscnprintf(text + n, cap - n, ",upperdir=%s,workdir=%s", w->upper, w->work);
    if (w->user_xattr)
        kscnprintf(text + n, cap - n, ",userxattr");
    *out = text;
    return 0;
}

static int make_root(struct superblock *sb)
{
    struct ovl *o = sb->private;
    struct node *root;
    struct ovl_entry *e = ovl_entry_new(o, NULL, NULL, o->nlayers - 1);
    if (!e)
        return -E_NOMEM;
    for (u32 i = 1; i < o->nlayers; i++) {
        e->lower[e->nlower++] = (struct ovl_real){o->layers[i].root, i};
        dentry_get(o->layers[i].root);
    }
    if (o->work) {
        dentry_get(o->layers[OVL_UPPER].root);
        atomic_init(&e->upper, o->layers[OVL_UPPER].root);
    }
    int r = ovl_node_get(sb, e, &root);
    return r ? r : fs_make_root(sb, root);
}

static const struct filesystem_type overlay_type;

static int build(struct ovl *o, const struct overlay_layers *l)
{
    usize len = strlen(l->options) + 1;
    o->nlayers = l->nlower + 1;
    o->one_fs = true;
    o->layers = kzalloc(o->nlayers * sizeof(*o->layers), 0);
    o->options = kmalloc(len, 0);
    if (!o->layers || !o->options)
        return -E_NOMEM;
    memcpy(o->options, l->options, len);
    int r = l->upper.mount ? add_upper(o, &l->upper, &l->work) : 0;
    for (u32 i = 0; i < l->nlower && !r; i++)
        r = set_layer(o, i + 1, &l->lower[i]);
    if (!r && o->depth > OVL_MAX_DEPTH)
        r = -E_INVAL;
    return r;
}

static int mount_layers(const struct overlay_layers *l, bool user_xattr, struct superblock **out)
{
    struct superblock *sb;
    if (!l->nlower || l->nlower > OVL_MAX_LOWER || (!l->upper.mount && l->nlower < 2)) {
        klog(LOG_ERR, "overlay: needs lowerdir=, and upperdir= with workdir= or at least two lower "
                      "directories");
        return -E_INVAL;
    }
    struct ovl *o = kzalloc(sizeof(*o), 0);
    if (!o)
        return -E_NOMEM;
    spin_init(&o->table_lock, &lock_class_node);
    for (u32 i = 0; i < OVL_TABLE; i++) {
        list_init(&o->by_upper[i]);
        list_init(&o->by_lower[i]);
    }
    list_init(&o->pinned);
    o->user_xattr = user_xattr;
    o->live = l->live;
    int r = build(o, l);
    sb = r ? NULL : superblock_create(&overlay_type, &ovl_superblock_ops, OVL_MAGIC, o);
    if (!sb) {
        ovl_free_all(o);
        return r ? r : -E_NOMEM;
    }
    atomic_store_explicit(&sb->flags, (o->work ? 0 : SB_RDONLY) | (o->across ? SB_ACROSS : 0),
                          memory_order_relaxed);
    mutex_init(&sb->rename_mutex, ovl_rename_class(o));
    r = make_root(sb);
    if (r)
        superblock_put(sb);
    else
        *out = sb;
    return r;
}

int overlay_mount_layers(const struct overlay_layers *l, struct superblock **out)
{
    return mount_layers(l, false, out);
}

// From a text of options to places.
static int find_layers(const struct wanted *w, struct overlay_layers *l, struct path *lower)
{
    const char *text = w->lower;
    int r = 0;
    if (w->upper) {
        r = find_dir(w->upper, strlen(w->upper), &l->upper);
        if (!r)
            r = find_dir(w->work, strlen(w->work), &l->work);
    }
    for (u32 n = count_lowers(text); !r && l->nlower < n;) {
        usize len = 0;
        while (text[len] && text[len] != ':')
            len += text[len] == '\\' && text[len + 1] ? 2 : 1;
        r = find_dir(text, len, &lower[l->nlower]);
        if (!r)
            l->nlower++;
        text += len + (text[len] == ':');
    }
    l->lower = lower;
    return r;
}

static int mount_wanted(const struct wanted *w, struct superblock **out)
{
    struct overlay_layers l = {0};
    char *options = NULL;
    u32 lowers = w->lower ? count_lowers(w->lower) : 0;
    struct path *lower = kzalloc(MAX(lowers, 1u) * sizeof(*lower), 0);
    int r = !lower                                                        ? -E_NOMEM
            : !lowers || lowers > OVL_MAX_LOWER || (w->upper && !w->work) ? -E_INVAL
                                                                          : 0;
    if (!r)
        r = find_layers(w, &l, lower);
    if (!r)
        r = make_options(w, &options);
    l.options = options;
    if (!r)
        r = mount_layers(&l, w->user_xattr, out);
    for (u32 i = 0; i < l.nlower; i++)
        path_put(&lower[i]);
    path_put(&l.upper);
    path_put(&l.work);
    kfree(lower);
    kfree(options);
    return r;
}

static int ovl_mount(const struct filesystem_type *t, const struct fs_source *src,
                     struct superblock **out)
{
    struct wanted w = {0};
    (void)t;
    int r = parse(src->data, &w);
    if (!r)
        r = mount_wanted(&w, out);
    wanted_free(&w);
    return r;
}

static const struct filesystem_type overlay_type = {
    .name = "overlay", .flags = FS_NODEV, .mount = ovl_mount};
FILESYSTEM_TYPE(overlay_type);
