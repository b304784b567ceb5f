// Files that are assigned an ABI: by the extended attribute user.scarlet.abi, or by the boot image,
// whose list /etc/scarlet/abi (scarlet-pack(5): lines of ABI, tab, name) becomes attributes at
// boot.
#include "private.h"
#include <kerr.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <sync/log.h>
#include <vfs/ops.h>

static const char attribute[] = "user.scarlet.abi";
static const char list_path[] = "/etc/scarlet/abi";
enum { LIST_MAX = 1 << 20 };

bool exec_assigned_abi(struct object *file, char *buf, usize cap)
{
    const struct path *p = object_path(file);
    struct node *n = p ? path_node(p) : NULL;
    i64 len = n && n->ops->xattr_get ? n->ops->xattr_get(n, attribute, buf, cap - 1) : 0;
    if (len == -E_RANGE) {
        len = (i64)strlcpy(buf, "(a name that is too long)", cap);
        len = MIN(len, (i64)cap - 1);
    }
    if (len <= 0)
        return false;
    buf[len] = '\0';
    return true;
}

static void assign(struct view *root, const char *abi, usize abi_len, const char *name, u32 line)
{
    struct path p;
    int err = abi_find(abi, abi_len) ? view_lookup(root, name, LOOKUP_FOLLOW, &p) : -E_NOEXEC;
    if (!err) {
        err = vfs_xattr_set(&p, attribute, abi, abi_len, 0);
        path_put(&p);
    }
    if (err)
        klog(LOG_WARN, "%s:%u: %s: %s", list_path, line, name,
             err == -E_NOEXEC ? "this kernel does not have the ABI" : kerr_name((enum kerr) - err));
}

// text has room for a NUL behind its end.
static void assign_all(struct view *root, char *text, usize len)
{
    u32 line = 0;
    for (usize at = 0; at < len; at++) {
        char *start = text + at;
        while (at < len && text[at] != '\n')
            at++;
        text[at] = '\0';
        const char *tab = strchr(start, '\t');
        line++;
        if (tab && tab > start && tab[1] == '/')
            assign(root, start, (usize)(tab - start), tab + 1, line);
        else if (*start)
            klog(LOG_WARN, "%s:%u: not an ABI, a tab and a name", list_path, line);
    }
}

void exec_assign_listed(struct view *root)
{
    struct open_request q = {.access = FILE_READ};
    struct object *file = NULL;
    struct path p;
    struct attr a;
    u32 rights;
    if (view_lookup(root, list_path, LOOKUP_FOLLOW, &p))
        return; // most images assign nothing
    int err = vfs_stat_path(&p, &a);
    if (!err && ((a.mode & MODE_FMT) != MODE_REG || a.size > LIST_MAX))
        err = -E_FBIG;
    char *text = err ? NULL : kmalloc(a.size + 1, 0);
    if (!err)
        err = text ? vfs_open_path(&p, &q, false, &file, &rights) : -E_NOMEM;
    if (!err) {
        i64 n = file_read_kernel(object_file(file), 0, text, a.size);
        if (n >= 0)
            assign_all(root, text, (usize)n);
        else
            err = (int)n;
        object_put(file);
    }
    if (err)
        klog(LOG_WARN, "%s: not used: %s", list_path, kerr_name((enum kerr) - err));
    kfree(text);
    path_put(&p);
}
