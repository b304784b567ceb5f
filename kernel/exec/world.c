// The world that a program finds when it belongs to another ABI than its caller: another root, the
// same working directory where it can be seen there, environment variables in the other's words.
// All of it is prepared aside; the commit only exchanges a pointer.
#include "private.h"
#include <kerr.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <vfs/ops.h>

static bool is_root(struct view *v, const struct path *p)
{
    struct path root;
    view_root(v, &root);
    bool same = root.mount == p->mount && root.dentry == p->dentry;
    path_put(&root);
    return same;
}

// The view that e already has for an ABI (counted), without composing one.
static struct view *slot_view(struct environment *e, const struct abi_module *abi)
{
    struct view *v;
    return abi && environment_composed(e, abi, &v) ? v : NULL;
}

bool exec_in_own_world(void)
{
    struct environment *e = environment_current();
    struct task *t = current_task();
    struct path root;
    view_root(current_view(), &root);
    bool known = is_root(environment_base(e), &root);
    struct view *v = known ? NULL : slot_view(e, t->abi);
    if (v) {
        known = is_root(v, &root);
        view_put(v);
    }
    path_put(&root);
    return !known;
}

struct view *environment_reachable_base(void)
{
    return exec_in_own_world() ? current_view() : environment_base(environment_current());
}

const struct abi_module *exec_tree_of(const struct path *p)
{
    static const char *const parts[] = {"/system/", "/data/config/"};
    struct view *base = environment_base(environment_current());
    SET_FOREACH(m, abi, const struct abi_module)
    for (usize i = 0; i < ARRAY_LEN(parts); i++) {
        char name[80];
        struct path tree;
        kscnprintf(name, sizeof(name), "%s%s", parts[i], (*m)->name);
        if (view_lookup(base, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &tree))
            continue;
        rcu_read_lock();
        bool in = p->mount->sb == tree.mount->sb && dentry_is_below(p->dentry, tree.dentry);
        rcu_read_unlock();
        path_put(&tree);
        if (in)
            return *m;
    }
    return NULL;
}

// Is a shell opened, not asked to read a file?
static bool opens_shell(const struct exec_build *b)
{
    char first[2];
    if (!b->rebuild || b->argv->count < 2)
        return b->rebuild;
    arg_copy_string(b->argv, arg_string_size(b->argv, 0), first, sizeof(first));
    return first[0] == '-';
}

// A system whose programs are found in the root, and by no PATH, starts its own there: from a
// caller's root, and its shell also from a place that only /scarlet leads to.
static bool leave_cwd(const struct exec_build *b, struct view *now, const struct path *cwd,
                      const char *name)
{
    static const char base[] = "/scarlet";
    const struct path *file = object_path(b->file);
    if (!b->abi->names_in_root || !file || exec_tree_of(file) != b->abi)
        return false;
    return is_root(now, cwd) || (opens_shell(b) && !strncmp(name, base, sizeof(base) - 1) &&
                                 (!name[sizeof(base) - 1] || name[sizeof(base) - 1] == '/'));
}

static void place_cwd(struct exec_build *b, struct view *v)
{
    struct task *t = current_task();
    struct view *now = current_view();
    struct path cwd, p;
    char *buf = kmalloc(PATH_MAX_LEN, 0);
    view_cwd(now, &cwd);
    bool kept = false;
    if (buf &&
        !environment_translate(environment_current(), now, t->abi, v, b->abi, &cwd, buf,
                               PATH_MAX_LEN) &&
        !leave_cwd(b, now, &cwd, buf) &&
        !view_lookup(v, buf, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p)) {
        kept = p.dentry == cwd.dentry;
        if (kept)
            view_set_cwd(v, &p);
        path_put(&p);
    }
    if (!kept && !view_lookup(v, b->abi->default_cwd ? b->abi->default_cwd : "/",
                              LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p)) {
        view_set_cwd(v, &p);
        path_put(&p);
    }
    path_put(&cwd);
    kfree(buf);
}

int exec_prepare_world(struct exec_build *b, struct arg_block *envp)
{
    struct task *t = current_task();
    struct environment *e = environment_current();
    int err = exec_step(b, STEP_VIEW);
    if (err || ((!t->abi || t->abi == b->abi) && !b->rebuild) || exec_in_own_world())
        return err;
    struct view *v;
    struct path root;
    err = environment_view(e, b->abi, &v);
    if (err)
        return err;
    view_root(current_view(), &root);
    if (is_root(v, &root)) { // both live in the same tree
        path_put(&root);
        view_put(v);
        return 0;
    }
    bool from_base = is_root(environment_base(e), &root);
    path_put(&root);
    err = view_fork(v, &b->view);
    bool to_base = v == environment_base(e);
    view_put(v);
    if (err)
        return err;
    place_cwd(b, b->view);
    arg_block_init(envp, b->envp->limit);
    err = exec_convert_variables(b, !from_base, !to_base, envp);
    if (err)
        arg_block_free(envp);
    else
        b->envp = envp;
    return err;
}
