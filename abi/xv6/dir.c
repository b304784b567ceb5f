// Directories read as files: 16-byte records of a 16-bit inode number and a name of 14 bytes.
//
// The names come from the directory object itself, whose position moves entry by entry. A number is
// that of the file behind the name, as fstat gives it: mounts, symbolic links and layers make it
// differ from what the directory says. Records are made after the directory was let go.
#include "xv6.h"
#include "xv6_types.h"
#include <lib/string.h>
#include <mem/slab.h>

enum { BATCH = 16 };

struct batch {
    struct dir_sink sink;
    u32 want, count;
    struct entry {
        u64 ino;
        u32 type;
        u8 len;
        char name[NAME_MAX_LEN + 1];
    } at[BATCH];
};

static bool collect(struct dir_sink *sink, const char *name, usize len, u64 ino, u32 type,
                    u64 cookie)
{
    struct batch *b = container_of(sink, struct batch, sink);
    (void)cookie;
    if (b->count == b->want)
        return false;
    struct entry *e = &b->at[b->count++];
    e->ino = ino;
    e->type = type;
    e->len = (u8)len;
    memcpy(e->name, name, len);
    e->name[len] = 0;
    return true;
}

static void make_record(struct object *dir, const struct entry *e, struct xv6_dirent *out)
{
    const struct path *p = object_path(dir);
    struct attr a;
    if (p && (vfs_stat(p, (struct pathname){e->name, e->len}, LOOKUP_FOLLOW, &a) == 0 ||
              vfs_stat(p, (struct pathname){e->name, e->len}, 0, &a) == 0)) {
        out->inum = xv6_inum(current_xv6()->machine, a.dev, a.ino);
    } else {
        a.dev = object_getattr(dir, &a) ? 0 : a.dev;
        out->inum = xv6_inum(current_xv6()->machine, a.dev, e->ino);
    }
    memset(out->name, 0, sizeof(out->name));
    memcpy(out->name, e->name, MIN((usize)e->len, sizeof(out->name)));
}

// Up to `want` records from the directory's position on; how many, or an error.
static i64 next_records(struct object *dir, struct batch *b, u32 want, struct xv6_dirent *out)
{
    b->sink.emit = collect;
    b->want = MIN(want, (u32)BATCH);
    b->count = 0;
    int err = object_readdir(dir, &b->sink);
    for (u32 i = 0; i < b->count; i++)
        make_record(dir, &b->at[i], &out[i]);
    return b->count ? b->count : err;
}

// What is left of a record that an earlier read took a part of, if the directory was not moved
// since.
static usize take_part(struct object *dir, u8 *dst, usize n)
{
    struct xv6_task *x = current_xv6();
    if (!x->part.left || x->part.dir != dir ||
        x->part.cookie != (u64)object_seek(dir, 0, OBJ_SEEK_CUR)) {
        x->part.left = 0;
        return 0;
    }
    n = MIN(n, (usize)x->part.left);
    memcpy(dst, x->part.bytes + sizeof(x->part.bytes) - x->part.left, n);
    x->part.left -= (u32)n;
    return n;
}

static i64 read_records(struct object *dir, uaddr_t buf, usize n)
{
    struct xv6_dirent records[BATCH];
    usize done = take_part(dir, (u8 *)records, n);
    if (done && user_copy_out(buf, records, done))
        return -E_FAULT;
    struct batch *b = done < n ? kmalloc(sizeof(*b), 0) : NULL;
    if (done < n && !b)
        return -E_NOMEM;
    i64 r = 0;
    while (done < n) {
        usize left = n - done, whole = left / sizeof(records[0]);
        r = next_records(dir, b, whole ? (u32)MIN(whole, (usize)BATCH) : 1, records);
        if (r <= 0)
            break;
        usize bytes = (usize)r * sizeof(records[0]);
        if (!whole) { // a part of one record: the rest waits for the next read
            struct xv6_task *x = current_xv6();
            x->part.dir = dir;
            x->part.cookie = (u64)object_seek(dir, 0, OBJ_SEEK_CUR);
            x->part.left = (u32)(bytes - left);
            memcpy(x->part.bytes, records, sizeof(x->part.bytes));
            bytes = left;
        }
        r = user_copy_out(uaddr_add(buf, done), records, bytes);
        if (r)
            break;
        done += bytes;
    }
    kfree(b);
    return r < 0 && (!done || r == -E_FAULT) ? r : (i64)done;
}

i64 xv6_read_dir(struct object *dir, uaddr_t buf, usize n)
{
    struct xv6_task *x = current_xv6();
    const typeof(x->part) before = x->part;
    i64 start = object_seek(dir, 0, OBJ_SEEK_CUR), r = read_records(dir, buf, n);
    if (r == -E_FAULT) { // then nothing was read
        (void)object_seek(dir, start, OBJ_SEEK_SET);
        x->part = before;
    }
    return r;
}

struct counter {
    struct dir_sink sink;
    u64 count;
};

static bool count_entry(struct dir_sink *sink, const char *name, usize len, u64 ino, u32 type,
                        u64 cookie)
{
    (void)name;
    (void)len;
    (void)ino;
    (void)type;
    (void)cookie;
    container_of(sink, struct counter, sink)->count++;
    return true;
}

u64 xv6_dir_size(const struct path *p)
{
    struct counter c = {.sink.emit = count_entry, .count = 2};
    struct node *n = path_node(p);
    u64 cookie = 2;
    mutex_lock(&n->mutex);
    if (n->ops->readdir && !node_has(n, NODE_DEAD))
        (void)!n->ops->readdir(n, &cookie, &c.sink);
    mutex_unlock(&n->mutex);
    return c.count * sizeof(struct xv6_dirent);
}
