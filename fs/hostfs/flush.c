// Stores through shared mappings: which files may have any, and when they reach the host: when
// somebody asks, and by themselves some seconds later.
//
// Owns the instance's list of such files. Guarded by its lock; a reference to the instance keeps it
// while the timer or the work is to come (`flushing`).
#include "hostfs_private.h"
#include <arch/time.h>
#include <device/host_job.h>
#include <sync/log.h>

enum : u64 { FLUSH_AFTER = 3 * NS_PER_SEC };

i64 hostfs_sync(struct hostfs_node *n, enum host_job_kind kind)
{
    struct host_job job = {.kind = kind, .file = n->handle};
    return host_job_run(&job);
}

static void set_storing(struct hostfs_node *n, bool on)
{
    mutex_lock(&n->io);
    n->storing = on;
    mutex_unlock(&n->io);
}

// One at a time, so that what another one is about to write is there as well when this is done.
static int store_pages(struct hostfs_node *n)
{
    mutex_lock(&n->store);
    set_storing(n, true);
    int err = memobj_sync(&n->data);
    set_storing(n, false);
    mutex_unlock(&n->store);
    return err;
}

int hostfs_store(struct hostfs_node *n)
{
    struct hostfs *h = hostfs_of(&n->node);
    spin_lock(&h->lock);
    bool any = !list_empty(&n->stored_link);
    spin_unlock(&h->lock);
    return any ? store_pages(n) : 0;
}

void hostfs_store_or_say(struct hostfs_node *n)
{
    int err = hostfs_store(n);
    if (err)
        klog(LOG_ERR, "hostfs: what was stored in a mapping of file %lu is not written back: %s",
             n->node.ino, kerr_name((enum kerr) - err));
}

static int store_all(struct hostfs *h)
{
    int ret = 0;
    spin_lock(&h->lock);
    u64 left = h->stored_count;
    for (struct list *l; left && (l = list_first(&h->stored)) != NULL; left--) {
        struct hostfs_node *n = list_entry(l, struct hostfs_node, stored_link);
        list_del(l);
        list_add_tail(&h->stored, l);
        if (!refcount_inc_not_zero(&n->node.refs))
            continue;
        spin_unlock(&h->lock);
        int err = store_pages(n);
        if (err)
            ret = err;
        node_put(&n->node);
        spin_lock(&h->lock);
    }
    spin_unlock(&h->lock);
    return ret;
}

// The root has to be open for that.
static int sync_host(struct superblock *sb)
{
    struct hostfs_node *n = hostfs_node(dentry_node(sb->root));
    int err = hostfs_live_open(n, node_is_dir(&n->node) ? HOST_LIST : HOST_READ);
    if (err)
        return err;
    err = (int)hostfs_sync(n, HOST_JOB_SYNC_ALL);
    hostfs_live_close(n);
    return err;
}

int hostfs_live_sync(struct superblock *sb, bool disk)
{
    struct hostfs *h = sb->private;
    int err = store_all(h);
    return err || !disk || !h->writable ? err : sync_host(sb);
}

// --- by themselves ---

static void flush_due(struct timer *t)
{
    work_queue(&container_of(t, struct hostfs, flush_timer)->flush_work);
}

// What cannot be written stays dirty and is tried again; the last one who closes the file says it.
static void flush(struct work *w)
{
    struct hostfs *h = container_of(w, struct hostfs, flush_work);
    (void)!store_all(h);
    spin_lock(&h->lock);
    bool on = h->stored_count != 0;
    h->flushing = on;
    if (on)
        timer_arm(&h->flush_timer, arch_time_ns() + FLUSH_AFTER);
    spin_unlock(&h->lock);
    if (!on)
        superblock_put(h->sb);
}

void hostfs_flush_init(struct hostfs *h, struct superblock *sb)
{
    h->sb = sb;
    list_init(&h->stored);
    timer_init(&h->flush_timer, flush_due);
    work_init(&h->flush_work, flush);
}

void hostfs_stored_add(struct hostfs_node *n)
{
    struct hostfs *h = hostfs_of(&n->node);
    spin_lock(&h->lock);
    if (list_empty(&n->stored_link)) {
        list_add_tail(&h->stored, &n->stored_link);
        h->stored_count++;
    }
    if (!h->flushing) {
        h->flushing = true;
        superblock_get(h->sb);
        timer_arm(&h->flush_timer, arch_time_ns() + FLUSH_AFTER);
    }
    spin_unlock(&h->lock);
}

void hostfs_stored_del(struct hostfs_node *n)
{
    struct hostfs *h = hostfs_of(&n->node);
    spin_lock(&h->lock);
    if (!list_empty(&n->stored_link)) {
        list_del(&n->stored_link);
        h->stored_count--;
    }
    spin_unlock(&h->lock);
}
