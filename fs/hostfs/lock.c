// Locks of live instances' files, of which the host's processes see those of all our tasks
// together, as one. Guarded by: io, as descriptors are opened; vfs makes one call for a node at a
// time.
#include "hostfs_private.h"
#include <sync/log.h>
#include <vfs/lock.h>

int hostfs_live_lock(struct node *node, bool whole, const struct range_lock *l)
{
    static_assert(LOCK_KIND_READ == 0 && LOCK_KIND_WRITE == 1 && LOCK_KIND_NONE == 2);
    struct hostfs_node *n = hostfs_node(node);
    const struct host_lock h = {.kind = l->kind, .start = l->start, .end = l->end};
    u32 tries = 0;
    int err;
    mutex_lock(&n->io);
    do
        err = (int)arch_host_lock(n->handle, whole, hostfs_of(node)->writable, &h);
    while (hostfs_again(err, &tries));
    mutex_unlock(&n->io);
    if (err && l->kind == LOCK_KIND_NONE)
        klog(LOG_ERR, "hostfs: the host keeps a lock of file %lu: %s", node->ino,
             kerr_name((enum kerr) - err));
    return err;
}

int hostfs_live_lock_query(struct node *node, struct range_lock *l)
{
    struct hostfs_node *n = hostfs_node(node);
    struct host_lock h = {.kind = l->kind, .start = l->start, .end = l->end};
    u32 tries = 0;
    int err;
    mutex_lock(&n->io);
    do
        err = (int)arch_host_lock_query(n->handle, hostfs_of(node)->writable, &h);
    while (hostfs_again(err, &tries));
    mutex_unlock(&n->io);
    if (!err)
        *l = (struct range_lock){
            .kind = (enum lock_kind)h.kind, .start = h.start, .end = h.end, .pid = h.pid};
    return err;
}
