// Mounts and views. A view object holds a view that its owner prepares, enters, passes on or spawns
// into.
//
// Mount operations work on the namespace of the view that the calling thread sees; to prepare
// another one it looks through that for the length of one operation (vfs/view.h).
#include "scarlet.h"
#include "scarlet_handlers.h"
#include <lib/printf.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <object/attr.h>

// --- the object ---
struct view_object {
    struct object obj; // first
    struct view *view; // counted
};
static const struct object_type view_type;

bool object_is_view(const struct object *o)
{
    return o->type == &view_type;
}

struct view *view_of_object(struct object *o)
{
    return ((struct view_object *)(void *)o)->view;
}

static void view_object_free(struct object *o)
{
    kfree(o);
}
static void view_release(struct object *o)
{
    view_put(view_of_object(o));
    object_free(o, view_object_free);
}
static int view_getattr(struct object *o, struct attr *a)
{
    (void)o;
    attr_anon(a, 0600, 1, ANON_DEV_INODE);
    return 0;
}
static i64 view_describe(struct object *o, char *buf, usize cap)
{
    return ksnprintf(buf, cap, "view:[%lu]", view_of_object(o)->ns->id);
}
static const struct object_type view_type = {
    .name = "view",
    .release = view_release,
    .getattr = view_getattr,
    .describe = view_describe,
};

i64 install_view(struct view *v, u32 rights)
{
    struct view_object *o = kzalloc(sizeof(*o), ALLOC_USER);
    if (!o) {
        view_put(v);
        return -E_NOMEM;
    }
    object_init(&o->obj, &view_type, 0);
    o->view = v;
    return install(
        &o->obj, RIGHT_EXECUTE | RIGHT_DUPLICATE | RIGHT_TRANSFER | RIGHT_METADATA | rights, false);
}

i64 scarlet_view_create(u32 flags)
{
    struct view *v;
    int err = view_fork(current_task()->view, &v);
    if (err)
        return err;
    if (!(flags & SCARLET_VIEW_SHARE_MOUNTS)) {
        struct mount_ns *ns;
        err = capable(CAP_SYS_ADMIN) ? mount_ns_copy(v->ns, &v->root, &v->cwd, &ns) : -E_PERM;
        if (err) {
            view_put(v);
            return err;
        }
        mount_ns_put(v->ns);
        v->ns = ns;
    }
    return install_view(v, RIGHT_ADMIN);
}

i64 scarlet_view_self(void)
{
    struct view *v = current_task()->view;
    view_get(v);
    return install_view(v, 0);
}

struct view *exchange_view(struct view *v)
{
    struct task *t = current_task();
    spin_lock(&t->lock);
    struct view *old = t->view;
    t->view = v;
    spin_unlock(&t->lock);
    return old;
}

static int check_view(struct href *h)
{
    if (!object_is_view(h->object))
        return -E_NOTTY;
    href_keep(h);
    return 0;
}

i64 scarlet_view_enter(struct href *view)
{
    struct view *own;
    int err = check_view(view);
    if (!err && !task_is_single(current_task())) // others may be looking at the old one
        err = -E_BUSY;
    if (!err)
        err = view_fork(view_of_object(view->object), &own);
    if (err)
        return err;
    struct view *old = exchange_view(own);
    err = confine_to_view();
    view_put(err ? exchange_view(old) : old);
    return err;
}

// --- mounting in the current view ---
static int place(const struct sys_name *name, struct path *out)
{
    struct path base = BASE_CWD;
    return path_lookup(&base, pathname_of(name), LOOKUP_FOLLOW, out);
}

static u32 kernel_flags(u32 f)
{
    return (f & SCARLET_MOUNT_READ_ONLY ? MOUNT_RDONLY : 0u) |
           (f & SCARLET_MOUNT_NO_SETID ? MOUNT_NOSUID : 0u) |
           (f & SCARLET_MOUNT_NO_DEVICES ? MOUNT_NODEV : 0u) |
           (f & SCARLET_MOUNT_NO_EXECUTE ? MOUNT_NOEXEC : 0u) | MOUNT_RELATIME;
}

static int mount_tree(const struct path *at, const struct sys_name *source, u32 flags)
{
    struct path from;
    int err = source ? place(source, &from) : -E_INVAL;
    if (err)
        return err;
    err = flags & SCARLET_MOUNT_MOVE ? vfs_mount_move(&from, at)
                                     : vfs_mount_bind(&from, at, flags & SCARLET_MOUNT_RECURSIVE);
    path_put(&from);
    if (!err && flags & SCARLET_MOUNT_BIND &&
        flags & (SCARLET_MOUNT_READ_ONLY | SCARLET_MOUNT_NO_SETID | SCARLET_MOUNT_NO_DEVICES |
                 SCARLET_MOUNT_NO_EXECUTE)) {
        struct path top = *at; // flags belong to the new mount, which lies on top of `at`
        path_get(&top);
        path_down_mounts(&top);
        err = vfs_remount(&top, kernel_flags(flags), true, NULL);
        if (err)
            (void)!vfs_umount(&top, UMOUNT_DETACH);
        path_put(&top);
    }
    return err;
}

static int mount_here(const struct sys_name *source, const struct sys_name *target,
                      const struct sys_name *type, u32 flags, const struct sys_name *data)
{
    u32 what = flags & (SCARLET_MOUNT_BIND | SCARLET_MOUNT_MOVE | SCARLET_MOUNT_CHANGE |
                        SCARLET_MOUNT_SHARED | SCARLET_MOUNT_PRIVATE);
    struct path at;
    if (what & (what - 1))
        return -E_INVAL;
    int err = place(target, &at);
    if (err)
        return err;
    if (what == SCARLET_MOUNT_BIND || what == SCARLET_MOUNT_MOVE) {
        err = mount_tree(&at, source, flags);
    } else if (what == SCARLET_MOUNT_CHANGE) {
        err = vfs_remount(&at, kernel_flags(flags), true, NULL);
    } else if (what) {
        err = vfs_mount_propagation(&at, what == SCARLET_MOUNT_SHARED ? PROP_SHARED : PROP_PRIVATE,
                                    flags & SCARLET_MOUNT_RECURSIVE);
    } else {
        const struct mount_request r = {.source = source ? source->str : "none",
                                        .type = type ? type->str : NULL,
                                        .data = data ? data->str : NULL,
                                        .flags = kernel_flags(flags)};
        err = vfs_mount_new(&at, &r);
    }
    path_put(&at);
    return err;
}

static int umount_here(const struct sys_name *target, u32 flags)
{
    struct path at;
    int err = place(target, &at);
    if (err)
        return err;
    err = vfs_umount(&at, flags & SCARLET_UMOUNT_DETACH ? UMOUNT_DETACH : 0);
    path_put(&at);
    return err;
}

i64 scarlet_mount(const struct sys_name *source, const struct sys_name *target,
                  const struct sys_name *type, u32 flags, const struct sys_name *data)
{
    return mount_here(source, target, type, flags, data);
}

i64 scarlet_umount(const struct sys_name *target, u32 flags)
{
    return umount_here(target, flags);
}

i64 scarlet_pivot_root(const struct sys_name *root, const struct sys_name *old)
{
    struct path a, b;
    int err = place(root, &a);
    if (err)
        return err;
    err = place(old, &b);
    if (!err) {
        err = vfs_pivot_root(&a, &b);
        path_put(&b);
    }
    path_put(&a);
    return err;
}

// --- the same inside a view that one holds ---
i64 scarlet_view_mount(struct href *view, const struct sys_name *source,
                       const struct sys_name *target, const struct sys_name *type, u32 flags,
                       const struct sys_name *data)
{
    int err = check_view(view);
    if (err)
        return err;
    view_look_through(view_of_object(view->object));
    err = mount_here(source, target, type, flags, data);
    view_look_through(NULL);
    return err;
}

i64 scarlet_view_umount(struct href *view, const struct sys_name *target, u32 flags)
{
    int err = check_view(view);
    if (err)
        return err;
    view_look_through(view_of_object(view->object));
    err = umount_here(target, flags);
    view_look_through(NULL);
    return err;
}

i64 scarlet_view_set_root(struct href *view, const struct sys_name *path)
{
    struct path p;
    int err = check_view(view);
    if (!err && !capable(CAP_SYS_CHROOT)) // programs with set-id bits trust the names they know
        err = -E_PERM;
    if (err)
        return err;
    struct view *v = view_of_object(view->object);
    view_look_through(v);
    err = place(path, &p);
    view_look_through(NULL);
    if (err)
        return err;
    if (node_is_dir(path_node(&p))) {
        view_set_root(v, &p);
        view_set_cwd(v, &p);
    } else {
        err = -E_NOTDIR;
    }
    path_put(&p);
    return err;
}

// --- facts ---
i64 scarlet_fs_info(i32 directory, const struct sys_name *path, struct scarlet_fs_info *info)
{
    struct path base, p;
    struct statfs_info s;
    u32 lookup;
    int err = base_of(directory, path, RIGHT_METADATA, &base, &lookup, NULL);
    if (err)
        return err;
    err = path_lookup(&base, pathname_of(path), lookup | LOOKUP_FOLLOW | LOOKUP_EMPTY, &p);
    path_put(&base);
    if (err)
        return err;
    err = vfs_statfs(&p, &s);
    if (!err) {
        *info = (struct scarlet_fs_info){.magic = s.magic,
                                         .block_size = s.block_size,
                                         .blocks = s.blocks,
                                         .free = s.blocks_free,
                                         .available = s.blocks_avail,
                                         .files = s.files,
                                         .files_free = s.files_free,
                                         .name_max = s.name_max,
                                         .flags = mount_flags(p.mount)};
        strlcpy(info->type, p.mount->sb->type->name, sizeof(info->type));
    }
    path_put(&p);
    return err;
}

struct mount_search {
    u64 from;
    struct path root;
    struct scarlet_mount_info *out;
    char *buf;
    bool found;
};

static u32 native_flags(u32 f)
{
    return (f & MOUNT_RDONLY ? SCARLET_MOUNT_READ_ONLY : 0u) |
           (f & MOUNT_NOSUID ? SCARLET_MOUNT_NO_SETID : 0u) |
           (f & MOUNT_NODEV ? SCARLET_MOUNT_NO_DEVICES : 0u) |
           (f & MOUNT_NOEXEC ? SCARLET_MOUNT_NO_EXECUTE : 0u);
}

static int look_at_mount(struct mount *m, void *arg)
{
    struct mount_search *s = arg;
    const struct path top = {m, m->root};
    char *at;
    if (m->id < s->from || (s->found && m->id >= s->out->id) || !path_reachable(&top, &s->root))
        return 0;
    i64 n = path_text(&top, &s->root, 0, s->buf, PATH_MAX_LEN, &at);
    if (n < 0 || (usize)n >= sizeof(s->out->target))
        return 0;
    *s->out = (struct scarlet_mount_info){
        .id = m->id, .parent = m->parent->id, .flags = native_flags(mount_flags(m))};
    strlcpy(s->out->type, m->sb->type->name, sizeof(s->out->type));
    strlcpy(s->out->source, m->source ? m->source : "none", sizeof(s->out->source));
    memcpy(s->out->target, at, (usize)n);
    s->found = true;
    return 0;
}

i64 scarlet_mount_list(u64 from, struct scarlet_mount_info *info)
{
    struct view *v = current_view();
    struct mount_search s = {.from = from, .out = info, .buf = kmalloc(PATH_MAX_LEN, ALLOC_USER)};
    if (!s.buf)
        return -E_NOMEM;
    view_root(v, &s.root);
    (void)!mount_ns_for_each(v->ns, look_at_mount, &s);
    path_put(&s.root);
    kfree(s.buf);
    return s.found ? (i64)info->id : 0;
}
