// Environments and the composing of views:
//
//   /                overlay: /data/config/ABI over /system/ABI over the shared places'
//   mountpoints;
//                    without /system/ABI over those mountpoints over the base tree, where the ABI's
//                    programs then are
//   /home /data/shared /dev /tmp /proc /sys   of the base tree
//   /scarlet         the base tree itself
//   /names           programs of every ABI, as ABI_PROGRAM
//
// An environment's slots are guarded by its mutex, which is held while one is composed: two tasks
// that need the same view get the same one.
#include "private.h"
#include <abinames/names.h>
#include <exec/environment.h>
#include <kerr.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <overlayfs/mount.h>
#include <sync/log.h>
#include <vfs/memfs.h>
#include <vfs/ops.h>

struct slot {
    struct slot *next;
    const struct abi_module *abi;
    struct view
        *view; // counted; never used as it is: tasks get copies with their own working directory
};

struct environment {
    struct task_env task_env; // first: what tasks refer to
    struct view *base;        // counted
    struct mutex mutex;       // class exec
    // --- guarded by mutex ---
    struct slot *slots;
    bool sealed;
};

static struct environment *root_environment; // made at boot, never freed

static void environment_free(struct task_env *te)
{
    struct environment *e = (struct environment *)(void *)te;
    while (e->slots) {
        struct slot *s = e->slots;
        e->slots = s->next;
        view_put(s->view);
        kfree(s);
    }
    view_put(e->base);
    kfree(e);
}

int environment_create(struct view *base, struct environment **out)
{
    struct environment *e = kzalloc(sizeof(*e), 0);
    if (!e)
        return -E_NOMEM;
    refcount_set(&e->task_env.refs, 1);
    e->task_env.free = environment_free;
    mutex_init(&e->mutex, &lock_class_exec);
    view_get(base);
    e->base = base;
    *out = e;
    return 0;
}

struct environment *environment_current(void)
{
    struct task *t = current_task();
    return t && t->env ? (struct environment *)(void *)t->env : root_environment;
}

void environment_seal(struct environment *e)
{
    mutex_lock(&e->mutex);
    e->sealed = true;
    mutex_unlock(&e->mutex);
}

void environment_get(struct environment *e)
{
    refcount_inc(&e->task_env.refs);
}

void environment_put(struct environment *e)
{
    if (e)
        task_env_put(&e->task_env);
}

void environment_set_current(struct environment *e)
{
    task_set_env(&e->task_env);
}

struct view *environment_base(struct environment *e)
{
    return e->base;
}

static struct slot *find_slot(struct environment *e, const struct abi_module *abi)
{
    struct slot *s = e->slots;
    while (s && s->abi != abi)
        s = s->next;
    return s;
}

bool environment_composed(struct environment *e, const struct abi_module *abi, struct view **out)
{
    mutex_lock(&e->mutex);
    struct slot *s = find_slot(e, abi);
    if (s) {
        view_get(s->view);
        *out = s->view;
    }
    mutex_unlock(&e->mutex);
    return s;
}

static int add_slot(struct environment *e, const struct abi_module *abi, struct view *v)
{
    struct slot *s = kmalloc(sizeof(*s), 0);
    if (!s)
        return -E_NOMEM;
    view_get(v);
    *s = (struct slot){e->slots, abi, v};
    e->slots = s;
    return 0;
}

int environment_add(struct environment *e, const struct abi_module *abi, struct view *v)
{
    mutex_lock(&e->mutex);
    int err = e->sealed ? -E_PERM : find_slot(e, abi) ? -E_EXIST : add_slot(e, abi, v);
    mutex_unlock(&e->mutex);
    return err;
}

// --- places ----------------------------------------------------------------------------------

int view_lookup(struct view *v, const char *name, u32 flags, struct path *out)
{
    struct path root;
    view_root(v, &root);
    int err =
        path_lookup(&root, (struct pathname){name, strlen(name)}, flags | LOOKUP_IN_ROOT, out);
    path_put(&root);
    return err;
}

// What is called `name` (counted), made if it is absent. Not the caller's doing, so not the
// caller's rights.
static int make_entry(const struct path *parent, const char *name, const struct create_args *a,
                      struct dentry **out)
{
    struct node *dir = path_node(parent), *n;
    struct pathname text = {name, strlen(name)};
    struct dentry *d;
    mutex_lock(&dir->mutex);
    int err = dentry_lookup_locked(parent->dentry, &text, &d);
    if (!err && dentry_negative(d)) {
        err = mount_want_write(parent->mount);
        if (!err)
            err = dir->ops->create
                      ? dir->ops->create(dir, &(struct pathname){d->name, text.len}, a, &n)
                      : -E_PERM;
        if (!err)
            dentry_instantiate(d, n);
        else
            dentry_put(d);
    }
    mutex_unlock(&dir->mutex);
    *out = d;
    return err;
}

static int make_dir(const struct path *parent, const char *name, u32 mode, struct path *out)
{
    const struct create_args a = {.mode = MODE_DIR | mode};
    struct dentry *d;
    int err = make_entry(parent, name, &a, &d);
    if (err)
        return err;
    *out = (struct path){parent->mount, d};
    mount_get(out->mount);
    path_down_mounts(out);
    if (node_is_dir(path_node(out)))
        return 0;
    path_put(out);
    return -E_NOTDIR;
}

// A chain of directories below `from`.
static int make_dirs(const struct path *from, const char *const *names, struct path *out)
{
    struct path at = *from;
    path_get(&at);
    for (; *names; names++) {
        struct path next;
        int err = make_dir(&at, *names, 0755, &next);
        path_put(&at);
        if (err)
            return err;
        at = next;
    }
    *out = at;
    return 0;
}

// --- composing -------------------------------------------------------------------------------

struct shared {
    const char *from, *at; // in the base tree; in the new view
};
static const struct shared shared_places[] = {{"/home", "/home"}, {"/data/shared", "/data/shared"},
                                              {"/dev", "/dev"},   {"/tmp", "/tmp"},
                                              {"/proc", "/proc"}, {"/sys", "/sys"},
                                              {"/", "/scarlet"}};

// A small read-only layer that has the mountpoints, so that composing leaves no trace in the
// system's own directories.
static int make_skeleton(struct path *out)
{
    static const char *const dirs[] = {"home", "data", "dev",     "tmp",
                                       "proc", "sys",  "scarlet", "names"};
    const struct filesystem_type *t = fs_type_find("tmpfs", 5);
    const struct fs_source src = {.source = "mountpoints", .data = "mode=755"};
    const struct create_args a = {.mode = MODE_DIR | 0755};
    struct superblock *sb;
    if (!t)
        return -E_NODEV;
    int err = t->mount(t, &src, &sb);
    if (err)
        return err;
    struct node *root = memfs_root(sb), *data = NULL;
    for (usize i = 0; i < ARRAY_LEN(dirs) && !err; i++)
        err = memfs_make(root, dirs[i], &a, strcmp(dirs[i], "data") ? NULL : &data);
    if (!err)
        err = memfs_make(data, "shared", &a, NULL);
    node_put(data);
    out->mount = NULL;
    if (!err)
        err = mount_kernel(sb, &out->mount);
    if (!err) {
        out->dentry = sb->root;
        dentry_get(out->dentry);
    } else {
        superblock_shutdown(sb);
    }
    superblock_put(sb);
    return err;
}

static int bind_shared(struct environment *e, struct view *v)
{
    for (usize i = 0; i < ARRAY_LEN(shared_places); i++) {
        struct path from, at;
        int err =
            view_lookup(e->base, shared_places[i].from, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &from);
        if (err == -E_NOENT)
            continue; // this machine has no such place to share
        if (err)
            return err;
        err = view_lookup(v, shared_places[i].at, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &at);
        if (!err) {
            err = view_bind(v, &from, &at);
            path_put(&at);
        }
        path_put(&from);
        if (err)
            return err;
    }
    return 0;
}

static int bind_names(struct view *v)
{
    struct path names, at;
    int err = abinames_root(&names);
    if (err)
        return err == -E_NODEV ? 0 : err;
    err = view_lookup(v, "/names", LOOKUP_DIRECTORY, &at);
    if (!err) {
        err = view_bind(v, &names, &at);
        path_put(&at);
    }
    path_put(&names);
    return err;
}

struct composing {
    struct path system, upper, work, skeleton, names;
    bool in_base; // system is the base tree itself
};

static void composing_end(struct composing *c)
{
    path_put(&c->system);
    path_put(&c->upper);
    path_put(&c->work);
    path_put(&c->skeleton);
    path_put(&c->names);
}

static int find_layers(struct environment *e, const struct abi_module *abi, struct composing *c,
                       bool *writable)
{
    struct path root;
    view_root(e->base, &root);
    const char *const config[] = {"data", "config", abi->name, NULL}, *const work[] = {
                                                                          "data", "config", ".work",
                                                                          abi->name, NULL};
    int err = make_dirs(&root, config, &c->upper);
    if (!err)
        err = make_dirs(&root, work, &c->work);
    path_put(&root);
    *writable = !err;
    if (err == -E_ROFS) // the base cannot be written, so nothing can be changed there anyway
        err = 0;
    if (err)
        klog(LOG_ERR, "view of %s: cannot use /data/config/%s: %s", abi->name, abi->name,
             kerr_name((enum kerr) - err));
    if (!err)
        err = make_skeleton(&c->skeleton);
    if (!err && abi->names_in_root) {
        err = abinames_root(&c->names);
        if (err == -E_NODEV)
            err = 0;
    }
    return err;
}

static int compose(struct environment *e, const struct abi_module *abi, struct composing *c,
                   struct view **out)
{
    char options[224];
    bool writable;
    struct superblock *sb;
    struct view *v;
    int err = find_layers(e, abi, c, &writable);
    if (err)
        return err;
    // Mountpoints hide what the base tree has in their place, its own /scarlet too.
    struct path lower[] = {c->in_base ? c->skeleton : c->system,
                           c->in_base ? c->system : c->skeleton, c->names};
    struct overlay_layers l = {
        .lower = lower, .nlower = c->names.mount ? 3 : 2, .live = c->in_base, .options = options};
    usize n = kscnprintf(options, sizeof(options), ",lowerdir=%s%s", c->in_base ? "/" : "/system/",
                         c->in_base ? "" : abi->name);
    if (writable) {
        l.upper = c->upper;
        l.work = c->work;
        kscnprintf(options + n, sizeof(options) - n,
                   ",upperdir=/data/config/%s,workdir=/data/config/.work/%s", abi->name, abi->name);
    }
    err = overlay_mount_layers(&l, &sb);
    if (err)
        return err;
    err = view_of_superblock(sb, abi->name, &v);
    if (err)
        superblock_shutdown(sb);
    superblock_put(sb);
    if (err)
        return err;
    err = bind_shared(e, v);
    if (!err)
        err = bind_names(v);
    if (!err && abi->setup_view)
        err = abi->setup_view(v, e->base);
    if (err)
        view_put(v);
    else
        *out = v;
    return err;
}

// The tree with the ABI's programs. -E_NOENT: the image has no trees of several systems at all.
static int find_system(struct environment *e, const struct abi_module *abi, struct composing *c)
{
    char name[80];
    kscnprintf(name, sizeof(name), "/system/%s", abi->name);
    int err = view_lookup(e->base, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &c->system);
    if (err != -E_NOENT)
        return err;
    err = view_lookup(e->base, "/system", LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &c->system);
    if (err)
        return err;
    path_put(&c->system);
    view_root(e->base, &c->system);
    c->in_base = true;
    return 0;
}

int environment_view(struct environment *e, const struct abi_module *abi, struct view **out)
{
    struct composing c = {0};
    int err = 0;
    mutex_lock(&e->mutex);
    struct slot *s = find_slot(e, abi);
    if (s) {
        view_get(s->view);
        *out = s->view;
        goto done;
    }
    if (e->sealed) {
        err = -E_PERM;
        goto done;
    }
    err = find_system(e, abi, &c);
    if (err == -E_NOENT) { // an image of one system's tree: everybody lives in the base
        view_get(e->base);
        *out = e->base;
        err = 0;
    } else if (!err) {
        err = compose(e, abi, &c, out);
        if (!err) {
            err = add_slot(e, abi, *out);
            if (err)
                view_put(*out);
        }
        if (err)
            klog(LOG_ERR, "view of %s: cannot be composed: %s", abi->name,
                 kerr_name((enum kerr) - err));
    }
    composing_end(&c);
done:
    mutex_unlock(&e->mutex);
    return err;
}

// --- names of places -------------------------------------------------------------------------

static bool shows(struct view *v, const char *text, const struct path *place)
{
    struct path p;
    if (view_lookup(v, text, 0, &p))
        return false;
    bool same = p.dentry == place->dentry || path_node(&p) == path_node(place);
    path_put(&p);
    return same;
}

static bool exists(struct view *v, const char *text)
{
    struct path p;
    if (view_lookup(v, text, 0, &p))
        return false;
    path_put(&p);
    return true;
}

// The text as it stands, below /scarlet, out of /scarlet, out of a system's tree: whichever shows
// the same thing. Else the layer it comes from.
static int find_text(struct view *to, const struct abi_module *from_abi,
                     const struct abi_module *to_abi, const struct path *place, const char *text,
                     char *buf, usize cap)
{
    char system[80];
    usize len = kscnprintf(system, sizeof(system), "/system/%s", to_abi->name);
    const char *bare = !strncmp(text, "/scarlet/", 9) ? text + 8 : text;
    if (kscnprintf(buf, cap, "%s", text) < cap - 1 && shows(to, buf, place))
        return 0;
    if (!strncmp(bare, system, len) && bare[len] == '/' &&
        kscnprintf(buf, cap, "%s", bare + len) < cap - 1 && exists(to, buf))
        return 0;
    if (kscnprintf(buf, cap, "/scarlet%s", text) < cap - 1 && shows(to, buf, place))
        return 0;
    if (bare != text && kscnprintf(buf, cap, "%s", bare) < cap - 1 && shows(to, buf, place))
        return 0;
    for (u32 i = 0; from_abi && i < 4; i++) {
        usize n = kscnprintf(buf, cap, "%s%s%s%s", i < 2 ? "/scarlet" : "",
                             i % 2 ? "/system/" : "/data/config/", from_abi->name, text);
        if (n < cap - 1 && exists(to, buf))
            return 0;
    }
    return -E_NOENT;
}

// Text of a place as seen from a view, at the end of buf (PATH_MAX_LEN bytes). -E_NOENT: the view
// does not show it.
static int text_in(struct view *v, const struct path *place, char *buf, char **at)
{
    struct path root;
    view_root(v, &root);
    i64 n = path_text(place, &root, PATH_TEXT_UNREACHABLE, buf, PATH_MAX_LEN - 1, at);
    path_put(&root);
    if (n < 0)
        return (int)n;
    (*at)[n] = 0;
    return **at == '/' ? 0 : -E_NOENT;
}

int environment_translate(struct environment *e, struct view *from,
                          const struct abi_module *from_abi, struct view *to,
                          const struct abi_module *to_abi, const struct path *place, char *buf,
                          usize cap)
{
    char *at, *text = kmalloc(PATH_MAX_LEN, 0);
    if (!text)
        return -E_NOMEM;
    int err = text_in(from, place, text, &at);
    if (err == -E_NOENT && from != e->base) {
        err = text_in(e->base, place, text, &at);
        from_abi = NULL;
    }
    if (!err)
        err = find_text(to, from == e->base ? NULL : from_abi, to_abi, place, at, buf, cap);
    kfree(text);
    return err;
}

// --- ABIs by name ----------------------------------------------------------------------------

usize abi_short_length(const struct abi_module *abi)
{
    const char *dash = strchr(abi->name, '-');
    return dash ? (usize)(dash - abi->name) : strlen(abi->name);
}

const struct abi_module *abi_find(const char *name, usize len)
{
    SET_FOREACH(m, abi, const struct abi_module)
    {
        usize whole = strlen((*m)->name), part = abi_short_length(*m);
        if ((len == whole || len == part) && !memcmp((*m)->name, name, len))
            return *m;
    }
    return NULL;
}

const char *abi_bin_path(const struct abi_module *abi)
{
    return abi->bin_path ? abi->bin_path : "/bin:/usr/bin:/sbin:/usr/sbin";
}

// --- what the file system of names asks ---------------------------------------------------------

static const char *names_abi(u32 index, usize *len)
{
    u32 i = 0;
    SET_FOREACH(m, abi, const struct abi_module)
    if (i++ == index) {
        *len = abi_short_length(*m);
        return (*m)->name;
    }
    return NULL;
}

static const struct abi_module *abi_number(u32 index)
{
    usize len;
    const char *name = names_abi(index, &len);
    return name ? abi_find(name, strlen(name)) : NULL;
}

// Does the tree's root show generated names itself?
static bool shows_names(struct view *v)
{
    struct path root;
    view_root(v, &root);
    u32 flags = atomic_load_explicit(&root.mount->sb->flags, memory_order_relaxed);
    path_put(&root);
    return flags & SB_ACROSS;
}

// Programs are looked for in the layers, not in the composed view: a view may itself show these
// names, and must not wait for itself. If the base does, they lead nowhere.
static int names_place(u32 index, u32 i, char dir[ABINAMES_DIR_MAX], struct path *root)
{
    const struct abi_module *abi = abi_number(index);
    struct view *base = environment_current()->base;
    const char *list = abi_bin_path(abi);
    char name[80];
    if (shows_names(base))
        return -E_RANGE;
    for (u32 k = i / 2; k; k--) {
        list = strchr(list, ':');
        if (!list)
            return -E_RANGE;
        list++;
    }
    usize len = (usize)(strchr(list, ':') ? strchr(list, ':') - list : (isize)strlen(list));
    if (len >= ABINAMES_DIR_MAX)
        return -E_NAMETOOLONG;
    memcpy(dir, list, len);
    dir[len] = 0;
    kscnprintf(name, sizeof(name), "/%s/%s", i % 2 ? "system" : "data/config", abi->name);
    int err = view_lookup(base, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, root);
    if (err == -E_NOENT && i % 2 && strcmp(dir, "/")) { // its programs are in the base tree
        view_root(base, root);
        return 0;
    }
    return err ? -E_NOENT : 0;
}

static const struct abinames_source names_source = {.abi = names_abi, .place = names_place};

static void leave_environment(struct task *t)
{
    spin_lock(&t->lock);
    struct task_env *e = t->env;
    t->env = NULL;
    spin_unlock(&t->lock);
    task_env_put(e);
}

static struct task_exit_hook exit_hook = {.exit = leave_environment};

void exec_init(void)
{
    exec_fail_init();
    task_add_exit_hook(&exit_hook);
    struct path system, root, at, names;
    struct view *base = vfs_kernel_view();
    if (environment_create(base, &root_environment))
        panic("no memory for the first environment");
    abinames_set_source(&names_source);
    if (view_lookup(base, "/system", LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &system))
        return; // an image of one system's tree: no generated names in it
    path_put(&system);
    view_root(base, &root);
    int err = abinames_root(&names);
    if (!err) {
        err = make_dir(&root, "names", 0755, &at);
        if (!err) {
            err = view_bind(base, &names, &at);
            path_put(&at);
        }
        path_put(&names);
    }
    // A name below /scarlet is good in every view, also for programs that live in the base tree.
    struct dentry *self;
    const struct create_args link = {.mode = MODE_LNK | 0777, .link = "/", .link_len = 1};
    if (!err && !make_entry(&root, "scarlet", &link, &self))
        dentry_put(self);
    path_put(&root);
    if (err)
        klog(LOG_WARN, "no directory of names: %s", kerr_name((enum kerr) - err));
}
