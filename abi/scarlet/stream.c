// Native calls on streams and open files. No state.
#include "scarlet.h"
#include "scarlet_handlers.h"
#include <lib/string.h>
#include <vfs/lock.h>

i64 scarlet_read(struct href *handle, struct iobuf *buffer, usize count)
{
    (void)count;
    return object_read(handle->object, buffer, NULL);
}
i64 scarlet_write(struct href *handle, struct iobuf *buffer, usize count)
{
    (void)count;
    return object_write(handle->object, buffer, NULL);
}
i64 scarlet_read_at(struct href *handle, struct iobuf *buffer, usize count, u64 position)
{
    (void)count;
    return position > INT64_MAX ? -E_INVAL : object_read(handle->object, buffer, &position);
}
i64 scarlet_write_at(struct href *handle, struct iobuf *buffer, usize count, u64 position)
{
    (void)count;
    return position > INT64_MAX ? -E_INVAL : object_write(handle->object, buffer, &position);
}
i64 scarlet_read_vector(struct href *handle, struct iobuf *parts, usize count)
{
    return scarlet_read(handle, parts, count);
}
i64 scarlet_write_vector(struct href *handle, struct iobuf *parts, usize count)
{
    return scarlet_write(handle, parts, count);
}
i64 scarlet_transfer(struct href *from, struct href *to, usize count)
{
    return file_splice(from->object, NULL, to->object, NULL, count);
}

// One byte through the program's own handles.
i64 scarlet_putchar(i32 c)
{
    struct href h;
    struct iobuf buf;
    u8 byte = (u8)c;
    int err = get_handle(&h, 1, RIGHT_WRITE);
    if (err)
        return err;
    iobuf_kernel(&buf, &byte, 1);
    i64 n = object_write(h.object, &buf, NULL);
    href_put(&h);
    return n < 0 ? n : byte;
}

i64 scarlet_getchar(void)
{
    struct href h;
    struct iobuf buf;
    u8 byte;
    int err = get_handle(&h, 0, RIGHT_READ);
    if (err)
        return err;
    iobuf_kernel(&buf, &byte, 1);
    i64 n = object_read(h.object, &buf, NULL);
    href_put(&h);
    return n < 0 ? n : n == 0 ? -E_PIPE : byte;
}

// --- files ---
i64 scarlet_seek(struct href *handle, i64 offset, u32 from)
{
    return object_seek(handle->object, offset, from); // the values of `from` are the kernel's
}

i64 scarlet_truncate(struct href *handle, u64 size)
{
    return object_truncate(handle->object, size);
}

static i64 time_encode(struct timestamp t)
{
    return timestamp_to_ns(t);
}

void metadata_encode(const struct attr *a, struct scarlet_metadata *out)
{
    *out = (struct scarlet_metadata){.inode = a->ino,
                                     .device = a->dev,
                                     .special = a->rdev,
                                     .size = a->size,
                                     .allocated = a->blocks * 512,
                                     .accessed = time_encode(a->atime),
                                     .modified = time_encode(a->mtime),
                                     .changed = time_encode(a->ctime),
                                     .created = time_encode(a->btime),
                                     .type = (a->mode & MODE_FMT) >> 12,
                                     .mode = a->mode & 07777,
                                     .links = a->nlink,
                                     .owner = a->uid,
                                     .group = a->gid,
                                     .block_size = a->blksize};
}

i64 scarlet_metadata_get(struct href *handle, struct scarlet_metadata *data)
{
    struct attr a;
    int err = object_getattr(handle->object, &a);
    if (!err)
        metadata_encode(&a, data);
    return err;
}

i64 scarlet_sync(struct href *handle, u32 flags)
{
    const struct path *p = object_path(handle->object);
    if (flags & SCARLET_SYNC_FILE_SYSTEM)
        return p ? vfs_sync_path(p) : -E_INVAL;
    return object_sync(handle->object, flags & SCARLET_SYNC_DATA_ONLY);
}

i64 scarlet_advise(struct href *handle, u64 offset, u64 length, u32 advice)
{
    if (!handle->object->type->seekable)
        return -E_SPIPE;
    struct file *f = object_file(handle->object);
    if (advice != SCARLET_ADVICE_SOON || !f || !(handle->rights & RIGHT_READ))
        return 0;
    href_keep(handle);
    file_read_ahead(f, offset, length ? length : UINT64_MAX);
    return 0;
}

i64 scarlet_lock(struct href *handle, u32 kind, u64 start, u64 length, u32 flags)
{
    struct file *f = object_file(handle->object);
    if (!f || !(handle->object->type->kinds & OBJ_KIND_FILE))
        return -E_NOTTY;
    if (start > INT64_MAX || length > INT64_MAX - start)
        return -E_INVAL;
    static_assert(SCARLET_LOCK_SHARED == (int)LOCK_KIND_READ &&
                  SCARLET_LOCK_EXCLUSIVE == (int)LOCK_KIND_WRITE &&
                  SCARLET_LOCK_NONE == (int)LOCK_KIND_NONE);
    href_keep(handle);
    const struct range_lock l = {.kind = (enum lock_kind)kind,
                                 .start = start,
                                 .end = length ? start + length - 1 : INT64_MAX};
    return lock_range(f, &l, true, flags & SCARLET_LOCK_WAIT);
}

// --- directories ---
struct listing {
    struct dir_sink sink;
    struct iobuf *out;
    u64 room;
    i64 written;
    int err;
};
enum { ENTRY_HEAD = 11 }; // inode u64, length u16, type u8

static bool emit_entry(struct dir_sink *s, const char *name, usize len, u64 ino, u32 type,
                       u64 cookie)
{
    struct listing *l = container_of(s, struct listing, sink);
    u8 rec[ENTRY_HEAD + NAME_MAX_LEN + 1 + 8];
    usize size = ALIGN_UP(ENTRY_HEAD + len + 1, 8ul);
    (void)cookie;
    if (size > l->room) {
        if (l->written == 0)
            l->err = -E_INVAL;
        return false;
    }
    u16 length = (u16)size;
    memset(rec, 0, size);
    memcpy(rec, &ino, 8);
    memcpy(rec + 8, &length, 2);
    rec[10] = (u8)type;
    memcpy(rec + ENTRY_HEAD, name, len);
    if (iobuf_put(l->out, rec, size) != size) {
        l->err = -E_FAULT;
        return false;
    }
    l->room -= size;
    l->written += (i64)size;
    return true;
}

i64 scarlet_read_directory(struct href *handle, struct iobuf *entries, usize size)
{
    struct listing l = {.sink.emit = emit_entry, .out = entries, .room = size};
    int err = object_readdir(handle->object, &l.sink);
    return l.written ? l.written : err ? err : l.err;
}
