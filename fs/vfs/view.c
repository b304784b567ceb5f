// Views: root, working directory and mount namespace of tasks. Writers hold view->lock and make seq
// odd; walks read unlocked.
#include <mem/slab.h>
#include <task/task.h>
#include <vfs/view.h>

static struct view *kernel_view;

int view_create(struct mount_ns *ns, struct view **out)
{
    struct view *v = kzalloc(sizeof(*v), 0);
    if (!v)
        return -E_NOMEM;
    refcount_set(&v->refs, 1);
    spin_init(&v->lock, &lock_class_view);
    mount_ns_get(ns);
    v->ns = ns;
    v->root = (struct path){ns->root, ns->root->root};
    path_get(&v->root);
    v->cwd = v->root;
    path_get(&v->cwd);
    *out = v;
    return 0;
}

int view_fork(struct view *from, struct view **out)
{
    struct view *v = kzalloc(sizeof(*v), 0);
    if (!v)
        return -E_NOMEM;
    refcount_set(&v->refs, 1);
    spin_init(&v->lock, &lock_class_view);
    spin_lock(&from->lock);
    v->ns = from->ns;
    mount_ns_get(v->ns);
    v->root = from->root;
    v->cwd = from->cwd;
    path_get(&v->root);
    path_get(&v->cwd);
    spin_unlock(&from->lock);
    *out = v;
    return 0;
}

void view_get(struct view *v)
{
    refcount_inc(&v->refs);
}

void view_put(struct view *v)
{
    if (!v || !refcount_dec_and_test(&v->refs))
        return;
    path_put(&v->cwd);
    path_put(&v->root);
    mount_ns_put(v->ns);
    kfree(v);
}

struct view *current_view(void)
{
    struct task_thread *tt = current_task_thread();
    if (UNLIKELY(!tt))
        return kernel_view;
    struct view *v = tt->lens ? tt->lens : tt->task->view;
    return LIKELY(v) ? v : kernel_view;
}

void view_look_through(struct view *v)
{
    current_task_thread()->lens = v;
}

struct view *vfs_kernel_view(void)
{
    return kernel_view;
}

void vfs_set_kernel_view(struct view *v)
{
    if (v)
        view_get(v);
    struct view *old = kernel_view;
    kernel_view = v;
    view_put(old);
}

void view_root(struct view *v, struct path *out)
{
    spin_lock(&v->lock);
    *out = v->root;
    path_get(out);
    spin_unlock(&v->lock);
}

void view_cwd(struct view *v, struct path *out)
{
    spin_lock(&v->lock);
    *out = v->cwd;
    path_get(out);
    spin_unlock(&v->lock);
}

static void view_exchange(struct view *v, struct path *field, const struct path *p)
{
    struct path old;
    path_get(p);
    spin_lock(&v->lock);
    old = *field;
    atomic_fetch_add_explicit(&v->seq, 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    *field = *p;
    atomic_fetch_add_explicit(&v->seq, 1, memory_order_release);
    spin_unlock(&v->lock);
    path_put(&old);
}

void view_set_root(struct view *v, const struct path *p)
{
    view_exchange(v, &v->root, p);
}

void view_set_cwd(struct view *v, const struct path *p)
{
    view_exchange(v, &v->cwd, p);
}

void view_replace_current(struct view *v)
{
    struct task *t = current_task();
    spin_lock(&t->lock);
    struct view *old = t->view;
    t->view = v;
    spin_unlock(&t->lock);
    view_put(old);
}

int view_unshare(void)
{
    struct view *old = current_view(), *v;
    if (refcount_read(&old->refs) == 1)
        return 0;
    int r = view_fork(old, &v);
    if (!r)
        view_replace_current(v);
    return r;
}

int view_unshare_mounts(void)
{
    struct view *v;
    struct mount_ns *ns;
    if (!capable(CAP_SYS_ADMIN))
        return -E_PERM;
    int r = view_fork(current_view(), &v);
    if (r)
        return r;
    r = mount_ns_copy(v->ns, &v->root, &v->cwd, &ns);
    if (r) {
        view_put(v);
        return r;
    }
    mount_ns_put(v->ns);
    v->ns = ns;
    view_replace_current(v);
    return 0;
}
