// Extended attributes are the host's, each time anew; vfs has checked what a program may ask for,
// the host decides the rest. Owns nothing and needs no lock.
#include "hostfs_private.h"

i64 hostfs_xattr_get(struct node *n, const char *name, void *buf, usize cap)
{
    return arch_host_xattr_get(hostfs_node(n)->handle, name, buf, cap);
}

i64 hostfs_xattr_list(struct node *n, char *buf, usize cap)
{
    return arch_host_xattr_list(hostfs_node(n)->handle, buf, cap);
}

// Access lists change the mode.
static int changed(struct node *n, i64 r)
{
    return r < 0 ? (int)r : hostfs_live_refresh(hostfs_node(n));
}

int hostfs_live_xattr_set(struct node *n, const char *name, const void *val, usize len, u32 flags)
{
    static_assert(XATTR_CREATE == 1 && XATTR_REPLACE == 2);
    if (!hostfs_of(n)->writable)
        return -E_ROFS;
    return changed(n, arch_host_xattr_set(hostfs_node(n)->handle, name, val, len, flags));
}

int hostfs_live_xattr_remove(struct node *n, const char *name)
{
    if (!hostfs_of(n)->writable)
        return -E_ROFS;
    return changed(n, arch_host_xattr_remove(hostfs_node(n)->handle, name));
}
