// Channels that are regular files: opened files of an instance of live hostfs that no view shows,
// whose own position is the channel's, which other processes of the system underneath may share.
// What moves that goes through the plain channel, in one step of theirs; while the file is mapped,
// through its pages (contents.c).
//
// Guarded by: the instance is made at boot, by one thread; the opened file's pos_lock is held
// whenever its own position is used.
#include "hostfs_private.h"
#include <arch/stream.h>
#include <hostfs/channel.h>
#include <sync/log.h>
#include <vfs/dentry.h>
#include <vfs/mount.h>

struct channel { // file.private; constant
    u32 n;
    bool append;           // as it was opened by whoever gave it
    struct object *stream; // the plain channel; counted
};

static struct mount *instance; // NULL: no channel was a regular file yet

// --- what is different from other files of live instances ---

// Does the plain channel do what is asked for at the file's own position?
static bool is_plain(const struct file *f, const u64 *pos)
{
    return pos == &f->pos && !hostfs_node(f->node)->mapped;
}

static i64 through_pages(struct file *f, struct iobuf *buf, u64 *pos,
                         i64 (*move)(struct file *f, struct iobuf *buf, u64 *pos))
{
    const struct channel *c = f->private;
    if (pos != &f->pos)
        return move(f, buf, pos);
    i64 at = arch_stream_seek(c->n, 0, OBJ_SEEK_CUR);
    if (at < 0)
        return at;
    *pos = (u64)at;
    i64 r = move(f, buf, pos);
    if (r > 0)
        at = arch_stream_seek(c->n, (i64)*pos, OBJ_SEEK_SET);
    return r > 0 && at < 0 ? at : r;
}

static i64 channel_read(struct file *f, struct iobuf *buf, u64 *pos)
{
    const struct channel *c = f->private;
    return is_plain(f, pos) ? object_read(c->stream, buf, NULL)
                            : through_pages(f, buf, pos, hostfs_live_file_ops.read);
}

static i64 channel_write(struct file *f, struct iobuf *buf, u64 *pos)
{
    const struct channel *c = f->private;
    bool append = atomic_load_explicit(&f->obj.status, memory_order_relaxed) & OBJ_APPEND;
    return is_plain(f, pos) && append == c->append
               ? object_write(c->stream, buf, NULL)
               : through_pages(f, buf, pos, hostfs_live_file_ops.write);
}

static i64 channel_seek(struct file *f, i64 off, u32 whence, u64 *pos)
{
    const struct channel *c = f->private;
    (void)pos;
    return arch_stream_seek(c->n, off, whence);
}

static void channel_release(struct file *f)
{
    struct channel *c = f->private;
    hostfs_live_file_ops.release(f);
    object_put(c->stream);
    kfree(c);
}

static struct file_ops channel_ops; // constant once there is an instance

// --- making them ---

// The dentry of the channel's file, which it is called by in lists of mappings.
static int file_of(u32 n, struct superblock *sb, struct dentry **out)
{
    char name[NAME_MAX_LEN + 1] = "";
    struct host_attr a;
    struct hostfs_node *node = hostfs_node_alloc();
    i64 handle = node ? arch_host_stream(n, &a) : -E_NOMEM;
    if (handle < 0) {
        kfree(node);
        return (int)handle;
    }
    if (arch_stream_name(n, name, sizeof(name)) <= 0)
        strlcpy(name, "stream", sizeof(name));
    *out = dentry_create_anon(sb, hostfs_live_start(sb, node, handle, &a), name);
    return *out ? 0 : -E_NOMEM;
}

static int open_file(u32 n, struct object **out, u32 *rights)
{
    u32 access;
    struct path p = {instance, NULL};
    int err = file_of(n, instance->sb, &p.dentry);
    if (err)
        return err;
    (void)arch_stream_kind(n, &access);
    const struct open_request q = {.access = (access & STREAM_READ ? (u32)FILE_READ : 0u) |
                                             (access & STREAM_WRITE ? (u32)FILE_WRITE : 0u),
                                   .append = access & STREAM_APPEND};
    err = vfs_open_path(&p, &q, false, out, rights);
    dentry_put(p.dentry);
    return err;
}

static int make_instance(u32 n)
{
    struct superblock *sb;
    int err = hostfs_instance_live(&sb);
    if (err)
        return err;
    channel_ops = hostfs_live_file_ops;
    channel_ops.release = channel_release;
    channel_ops.read = channel_read;
    channel_ops.write = channel_write;
    channel_ops.seek = channel_seek;
    err = file_of(n, sb, &sb->root);
    if (!err)
        err = mount_kernel(sb, &instance);
    if (err)
        superblock_shutdown(sb);
    superblock_put(sb);
    return err;
}

int hostfs_open_channel(u32 n, struct object *stream, struct object **out, u32 *rights)
{
    struct host_attr a;
    i64 r = arch_stream_attr(n, &a);
    if (r || (a.mode & MODE_FMT) != MODE_REG)
        return r ? (int)r : -E_NODEV;
    struct channel *c = kzalloc(sizeof(*c), 0);
    struct object *o;
    int err = !c ? -E_NOMEM : instance ? 0 : make_instance(n);
    if (!err)
        err = open_file(n, &o, rights);
    if (err) {
        kfree(c);
        return err;
    }
    *c = (struct channel){n, stream->status & OBJ_APPEND, stream};
    struct file *f = object_file(o);
    f->private = c;
    f->ops = &channel_ops;
    *out = o;
    return 0;
}

void hostfs_sync_channels(void)
{
    if (instance && hostfs_live_sync(instance->sb, false))
        klog(LOG_ERR, "hostfs: not all that was stored in mapped channels is written back");
}
