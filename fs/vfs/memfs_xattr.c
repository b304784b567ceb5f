// Extended attributes of in-memory files: a list per node, guarded by node.lock; values are
// copied in and out in one piece. Their size is bounded per node, so that they cannot fill the
// kernel's memory.
#include "memfs_private.h"
#include <lib/string.h>
#include <mem/slab.h>

enum { XATTR_BYTES_PER_NODE = 128 * 1024 };

struct memfs_xattr {
    struct list link;
    usize name_len, len;
    char data[]; // name, NUL, value
};

static struct memfs_xattr *find(struct memfs_node *n, const char *name)
{
    struct memfs_xattr *x;
    list_for_each_entry (x, &n->xattrs, link)
        if (!strcmp(x->data, name))
            return x;
    return NULL;
}

i64 memfs_xattr_get(struct node *node, const char *name, void *buf, usize cap)
{
    struct memfs_node *n = memfs_node(node);
    i64 r = -E_NODATA;
    spin_lock(&node->lock);
    struct memfs_xattr *x = find(n, name);
    if (x) {
        r = (i64)x->len;
        if (cap && cap < x->len)
            r = -E_RANGE;
        else if (cap)
            memcpy(buf, x->data + x->name_len + 1, x->len);
    }
    spin_unlock(&node->lock);
    return r;
}

int memfs_xattr_set(struct node *node, const char *name, const void *val, usize len, u32 flags)
{
    struct memfs_node *n = memfs_node(node);
    usize name_len = strlen(name);
    struct memfs_xattr *fresh = kmalloc(sizeof(*fresh) + name_len + 1 + len, 0);
    if (!fresh)
        return -E_NOMEM;
    fresh->name_len = name_len;
    fresh->len = len;
    memcpy(fresh->data, name, name_len + 1);
    memcpy(fresh->data + name_len + 1, val, len);
    int r = 0;
    spin_lock(&node->lock);
    struct memfs_xattr *old = find(n, name);
    u64 total = n->xattr_bytes + name_len + len - (old ? old->name_len + old->len : 0);
    if (old && (flags & XATTR_CREATE))
        r = -E_EXIST;
    else if (!old && (flags & XATTR_REPLACE))
        r = -E_NODATA;
    else if (total > XATTR_BYTES_PER_NODE)
        r = -E_NOSPC;
    if (!r) {
        n->xattr_bytes = (u32)total;
        if (old)
            list_del(&old->link);
        list_add_head(&n->xattrs, &fresh->link);
    }
    spin_unlock(&node->lock);
    kfree(r ? fresh : old);
    if (!r)
        node_touch(node, SET_CTIME);
    return r;
}

i64 memfs_xattr_list(struct node *node, char *buf, usize cap)
{
    struct memfs_node *n = memfs_node(node);
    usize total = 0;
    i64 r = 0;
    spin_lock(&node->lock);
    struct memfs_xattr *x;
    list_for_each_entry (x, &n->xattrs, link) {
        usize len = x->name_len + 1;
        if (cap && cap - total < len) {
            r = -E_RANGE;
            break;
        }
        if (cap)
            memcpy(buf + total, x->data, len);
        total += len;
    }
    spin_unlock(&node->lock);
    return r ? r : (i64)total;
}

int memfs_xattr_remove(struct node *node, const char *name)
{
    struct memfs_node *n = memfs_node(node);
    spin_lock(&node->lock);
    struct memfs_xattr *x = find(n, name);
    if (x) {
        list_del(&x->link);
        n->xattr_bytes -= (u32)(x->name_len + x->len);
    }
    spin_unlock(&node->lock);
    if (!x)
        return -E_NODATA;
    kfree(x);
    node_touch(node, SET_CTIME);
    return 0;
}

void memfs_xattr_free(struct memfs_node *n)
{
    struct list *l;
    while ((l = list_pop(&n->xattrs)))
        kfree(list_entry(l, struct memfs_xattr, link));
}
