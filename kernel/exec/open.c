// Opening programs with the checks that exec makes, and keeping writers from those that run
// (ETXTBSY, Linux 6.12 fs/exec.c).
#include "private.h"
#include <kerr.h>
#include <lib/string.h>
#include <vfs/ops.h>

int exec_check_file(struct object *file, struct attr *attr)
{
    int err = file->type->getattr ? file->type->getattr(file, attr) : -E_ACCES;
    if (!err && (attr->mode & MODE_FMT) != MODE_REG)
        err = -E_ACCES;
    return err;
}

int exec_open_in(struct view *v, const char *path, struct object **out, struct attr *attr)
{
    struct path base = BASE_CWD;
    struct pathname name = {path, strlen(path)};
    struct open_request r = {.access = FILE_READ | FILE_EXEC};
    u32 rights;
    if (v) {
        r.lookup = LOOKUP_IN_ROOT;
        view_root(v, &base);
    }
    int err = vfs_open(&base, name, &r, out, &rights);
    path_put(&base);
    if (err)
        return err;
    err = exec_check_file(*out, attr);
    if (err)
        object_put(*out);
    return err;
}

int exec_open(const char *path, struct object **out, struct attr *attr)
{
    return exec_open_in(NULL, path, out, attr);
}

int exec_open_for(const struct exec_build *b, const char *path, struct object **out,
                  struct attr *attr)
{
    return exec_open_in(b->view, path, out, attr);
}

static struct node *node_of(struct object *file)
{
    const struct path *p = object_path(file);
    return p ? path_node(p) : NULL;
}

int exec_hold_file(struct exec_build *b)
{
    struct node *n = node_of(b->file);
    int err = n ? node_deny_writers(n) : 0;
    b->held = !err;
    return err;
}

void exec_release_file(struct exec_build *b)
{
    struct node *n = b->held ? node_of(b->file) : NULL;
    if (n)
        node_allow_writers(n);
    b->held = false;
    object_put(b->file);
}

static void exe_get(void *file)
{
    object_get(file);
    struct node *n = node_of(file);
    if (n)
        (void)!node_deny_writers(n); // the space this one is copied from holds them off already
}

static void exe_put(void *file)
{
    struct node *n = node_of(file);
    if (n)
        node_allow_writers(n);
    object_put(file);
}

void exec_set_exe(struct exec_build *b)
{
    exe_get(b->file);
    b->as->exe = b->file;
    b->as->exe_get = exe_get;
    b->as->exe_put = exe_put;
}
