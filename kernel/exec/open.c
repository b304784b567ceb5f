// Opening programs: through current's view, with the checks that exec makes.
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

int exec_open(const char *path, struct object **out, struct attr *attr)
{
    struct path base = BASE_CWD;
    struct pathname name = {path, strlen(path)};
    struct open_request r = {.access = FILE_READ | FILE_EXEC};
    u32 rights;
    int err = vfs_open(&base, name, &r, out, &rights);
    if (err)
        return err;
    err = exec_check_file(*out, attr);
    if (err)
        object_put(*out);
    return err;
}
