// Channels that are regular files: the plain channel, and beside it an opened file of an instance
// of live hostfs that no view shows, for those who map. While the file is mapped, reads and writes
// go through that (contents.c), at the channel's own position, which other processes of the system
// underneath may share.
//
// Guarded by: the instance is made at boot, by one thread; the opened file's pos_lock serialises
// reads and writes that move the position.
#include "hostfs_private.h"
#include <arch/stream.h>
#include <hostfs/channel.h>
#include <sync/log.h>
#include <vfs/dentry.h>
#include <vfs/mount.h>

struct channel {
    struct object obj; // first
    u32 n;
    struct object *stream; // counted
    struct file *file;     // counted
};

static struct mount *instance; // NULL: no channel was a regular file yet

static struct channel *channel(struct object *o)
{
    return (struct channel *)(void *)o;
}

// --- objects ---

static bool mapped(const struct channel *c)
{
    return hostfs_node(c->file->node)->mapped;
}

static i64 through_file(struct channel *c, struct iobuf *buf, u64 *pos,
                        i64 (*move)(struct object *o, struct iobuf *buf, u64 *pos))
{
    struct object *o = &c->file->obj;
    if (pos)
        return move(o, buf, pos);
    mutex_lock(&c->file->pos_lock);
    i64 at = arch_stream_seek(c->n, 0, OBJ_SEEK_CUR), r = at;
    if (at >= 0) {
        u64 place = (u64)at;
        r = move(o, buf, &place);
        if (r > 0) {
            at = arch_stream_seek(c->n, (i64)place, OBJ_SEEK_SET);
            r = at < 0 ? at : r;
        }
    }
    mutex_unlock(&c->file->pos_lock);
    return r;
}

static i64 read_file(struct object *o, struct iobuf *buf, u64 *pos)
{
    return object_read(o, buf, pos);
}

static i64 write_file(struct object *o, struct iobuf *buf, u64 *pos)
{
    return object_write(o, buf, pos);
}

static i64 channel_read(struct object *o, struct iobuf *buf, u64 *pos)
{
    struct channel *c = channel(o);
    return mapped(c) ? through_file(c, buf, pos, read_file) : object_read(c->stream, buf, pos);
}

static i64 channel_write(struct object *o, struct iobuf *buf, u64 *pos)
{
    struct channel *c = channel(o);
    return mapped(c) ? through_file(c, buf, pos, write_file) : object_write(c->stream, buf, pos);
}

static i64 channel_seek(struct object *o, i64 off, u32 whence)
{
    return object_seek(channel(o)->stream, off, whence);
}

static int channel_truncate(struct object *o, u64 size)
{
    struct channel *c = channel(o);
    struct object *to = mapped(c) ? &c->file->obj : c->stream;
    return to->type->truncate(to, size);
}

static int channel_sync(struct object *o, bool data_only)
{
    return object_sync(&channel(o)->file->obj, data_only);
}

static int channel_map(struct object *o, struct map_request *r)
{
    struct object *file = &channel(o)->file->obj;
    return file->type->map(file, r);
}

static u32 channel_poll(struct object *o, struct poll_table *pt)
{
    struct object *s = channel(o)->stream;
    return s->type->poll(s, pt);
}

static int channel_getattr(struct object *o, struct attr *a)
{
    struct object *s = channel(o)->stream;
    return s->type->getattr(s, a);
}

static i64 channel_describe(struct object *o, char *buf, usize cap)
{
    struct object *s = channel(o)->stream;
    return s->type->describe(s, buf, cap);
}

static int channel_closed(struct object *o, void *owner)
{
    struct channel *c = channel(o);
    (void)owner;
    if (mapped(c))
        c->file->ops->unmapped(c->file);
    return 0;
}

static void channel_free(struct object *o)
{
    kfree(o);
}

static void channel_release(struct object *o)
{
    object_put(channel(o)->stream);
    object_put(&channel(o)->file->obj);
    object_free(o, channel_free);
}

static const struct object_type channel_type = {.name = "stream",
                                                .kinds = OBJ_KIND_STREAM | OBJ_KIND_FILE,
                                                .seekable = true,
                                                .release = channel_release,
                                                .closed = channel_closed,
                                                .read = channel_read,
                                                .write = channel_write,
                                                .seek = channel_seek,
                                                .truncate = channel_truncate,
                                                .sync = channel_sync,
                                                .map = channel_map,
                                                .poll = channel_poll,
                                                .getattr = channel_getattr,
                                                .describe = channel_describe};

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

static int open_file(u32 n, struct file **out)
{
    u32 access, rights;
    struct path p = {instance, NULL};
    struct object *o;
    int err = file_of(n, instance->sb, &p.dentry);
    if (err)
        return err;
    (void)arch_stream_kind(n, &access);
    const struct open_request q = {.access = (access & STREAM_READ ? (u32)FILE_READ : 0u) |
                                             (access & STREAM_WRITE ? (u32)FILE_WRITE : 0u),
                                   .append = access & STREAM_APPEND};
    err = vfs_open_path(&p, &q, false, &o, &rights);
    dentry_put(p.dentry);
    *out = err ? NULL : object_file(o);
    return err;
}

static int make_instance(u32 n)
{
    struct superblock *sb;
    int err = hostfs_instance_live(&sb);
    if (err)
        return err;
    err = file_of(n, sb, &sb->root);
    if (!err)
        err = mount_kernel(sb, &instance);
    if (err)
        superblock_shutdown(sb);
    superblock_put(sb);
    return err;
}

int hostfs_open_channel(u32 n, struct object *stream, struct object **out)
{
    struct host_attr a;
    i64 r = arch_stream_attr(n, &a);
    if (r || (a.mode & MODE_FMT) != MODE_REG)
        return r ? (int)r : -E_NODEV;
    struct channel *c = kzalloc(sizeof(*c), 0);
    int err = !c ? -E_NOMEM : instance ? 0 : make_instance(n);
    if (!err)
        err = open_file(n, &c->file);
    if (err) {
        kfree(c);
        return err;
    }
    object_init(&c->obj, &channel_type, stream->status & OBJ_APPEND);
    c->n = n;
    c->stream = stream;
    *out = &c->obj;
    return 0;
}

void hostfs_sync_channels(void)
{
    if (instance && hostfs_live_sync(instance->sb, false))
        klog(LOG_ERR, "hostfs: not all that was stored in mapped channels is written back");
}
