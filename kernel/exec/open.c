// Opening programs with the checks that exec makes.
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
