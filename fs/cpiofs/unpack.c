// Fills an in-memory file system from archives. Entries that cannot be used are reported with their
// place in the image and skipped; after damage that hides where the next one starts, what was
// unpacked so far remains and unpacking ends.
#include "archive.h"
#include "stream.h"
#include <lib/hash.h>
#include <mem/slab.h>
#include <sync/log.h>
#include <vfs/dentry.h>
#include <vfs/memfs.h>

enum { LINK_BUCKETS = 64, LINKS_MAX = 40 };

struct hard_link { // a file with several names, within one archive
    struct hard_link *next;
    u32 ino, major, minor, type;
    struct node *node; // counted
};

struct unpack {
    struct superblock *sb;
    struct cpiofs_result *res;
    struct source *s;
    u64 image_offset;   // of the compressed data that s comes from; 0 for plain archives
    const char *inside; // "" or name of the compression, for messages
    struct cpio_entry e;
    struct node *parent; // of the entry before: names mostly come directory by directory
    usize parent_len;
    char parent_name[CPIO_NAME_MAX];
    struct hard_link *links[LINK_BUCKETS];
};

static void report(struct unpack *u, u64 offset, const char *what, const char *name)
{
    if (!u->res->errors++)
        u->res->first_error = u->image_offset + (u->inside[0] ? 0 : offset);
    if (u->inside[0])
        klog(LOG_ERR, "cpio: %s%s%s at offset %lu of the %s data at offset %lu", name ? name : "",
             name ? ": " : "", what, (unsigned long)offset, u->inside,
             (unsigned long)u->image_offset);
    else
        klog(LOG_ERR, "cpio: %s%s%s at offset %lu", name ? name : "", name ? ": " : "", what,
             (unsigned long)offset);
}

static const char *error_text(int r)
{
    switch (r) {
    case -E_NOMEM:
        return "out of memory";
    case -E_NOSPC:
        return "no room in the file system";
    case -E_LOOP:
        return "too many symbolic links in the way";
    case -E_NOTDIR:
        return "a part of the name is no directory";
    case -E_NAMETOOLONG:
        return "the name becomes too long";
    case -E_IO:
        return "the data end too early or are damaged";
    default:
        return "cannot be made";
    }
}

// --- names -----------------------------------------------------------------------------------

// The directory that `name` (len bytes) leads to from the root, symbolic links followed; missing
// ones are made. Not counted.
static int find_dir(struct unpack *u, const char *name, usize len, struct node **out)
{
    enum { WORK = 2 * CPIO_NAME_MAX };
    struct node *at = memfs_root(u->sb);
    if (!len) {
        *out = at;
        return 0;
    }
    char *work = kmalloc(2 * WORK, 0);
    u32 links = 0;
    int r = 0;
    if (!work)
        return -E_NOMEM;
    char *spare = work + WORK;
    memcpy(work, name, len);
    work[len] = '\0';
    char *p = work;
    while (!r) {
        while (*p == '/')
            p++;
        if (!*p)
            break;
        usize n = 0;
        while (p[n] && p[n] != '/')
            n++;
        if (!node_is_dir(at)) {
            r = -E_NOTDIR;
        } else if (n == 2 && p[0] == '.' && p[1] == '.') {
            at = memfs_node(at)->parent ? memfs_node(at)->parent : at;
            p += n;
        } else if (n == 1 && p[0] == '.') {
            p += n;
        } else if (n > NAME_MAX_LEN) {
            r = -E_NAMETOOLONG;
        } else {
            const struct pathname part = {p, n};
            struct node *next = memfs_find(at, &part);
            if (!next) {
                const struct create_args a = {.mode = MODE_DIR | 0755};
                r = memfs_node_create(u->sb, &a, &next);
                if (!r) {
                    r = memfs_add(at, &part, next);
                    node_put(next);
                }
            }
            if (!r && node_type(next) == MODE_LNK) {
                usize text = strlen(next->link), rest = strlen(p + n);
                if (++links > LINKS_MAX) {
                    r = -E_LOOP;
                } else if (text + rest + 1 > WORK) {
                    r = -E_NAMETOOLONG;
                } else {
                    memcpy(spare, next->link, text);
                    memcpy(spare + text, p + n, rest + 1);
                    memcpy(work, spare, text + rest + 1);
                    p = work;
                    if (*p == '/')
                        at = memfs_root(u->sb);
                }
            } else if (!r) {
                at = next;
                p += n;
            }
        }
    }
    kfree(work);
    if (!r && !node_is_dir(at))
        r = -E_NOTDIR;
    *out = at;
    return r;
}

// Directory and last part of the entry's name.
static int find_place(struct unpack *u, struct node **dir, struct pathname *last)
{
    const struct cpio_entry *e = &u->e;
    usize cut = e->name_len;
    while (cut && e->name[cut - 1] != '/')
        cut--;
    *last = (struct pathname){e->name + cut, e->name_len - cut};
    usize len = cut ? cut - 1 : 0;
    if (u->parent && len == u->parent_len && !memcmp(e->name, u->parent_name, len)) {
        *dir = u->parent;
        return 0;
    }
    int r = find_dir(u, e->name, len, dir);
    if (r)
        return r;
    u->parent = *dir;
    u->parent_len = len;
    memcpy(u->parent_name, e->name, len);
    return 0;
}

// --- hard links ------------------------------------------------------------------------------

static struct hard_link **link_bucket(struct unpack *u)
{
    return &u->links[hash_pair((u64)u->e.dev_major << 32 | u->e.dev_minor, u->e.ino) >> 58];
}

static struct node *find_link(struct unpack *u)
{
    for (struct hard_link *l = *link_bucket(u); l; l = l->next)
        if (l->ino == u->e.ino && l->major == u->e.dev_major && l->minor == u->e.dev_minor &&
            l->type == (u->e.mode & MODE_FMT))
            return l->node;
    return NULL;
}

static int remember_link(struct unpack *u, struct node *n)
{
    struct hard_link *l = kmalloc(sizeof(*l), 0), **b = link_bucket(u);
    if (!l)
        return -E_NOMEM;
    *l = (struct hard_link){*b, u->e.ino, u->e.dev_major, u->e.dev_minor, u->e.mode & MODE_FMT, n};
    node_get(n);
    *b = l;
    return 0;
}

static void forget_links(struct unpack *u)
{
    for (u32 i = 0; i < LINK_BUCKETS; i++)
        while (u->links[i]) {
            struct hard_link *l = u->links[i];
            u->links[i] = l->next;
            node_put(l->node);
            kfree(l);
        }
}

// --- entries ---------------------------------------------------------------------------------

static void set_attributes(struct unpack *u, struct node *n)
{
    const i64 time = (i64)u->e.mtime * (i64)NS_PER_SEC;
    const struct setattr s = {.valid = SET_MODE | SET_UID | SET_GID | SET_ATIME | SET_MTIME,
                              .mode = u->e.mode & 07777,
                              .uid = u->e.uid,
                              .gid = u->e.gid,
                              .atime = time,
                              .mtime = time};
    node_apply_setattr(n, &s);
}

static bool sum_is_right(const struct cpio_entry *e, const u8 *data)
{
    u32 sum = 0;
    for (u32 i = 0; i < e->file_size; i++)
        sum += data[i];
    return sum == e->check;
}

// Content of a regular file: in place if it may stay there, else copied into the page cache.
static int fill_file(struct unpack *u, struct node *n)
{
    struct source *s = u->s;
    u64 size = u->e.file_size;
    if (s->in_place) {
        if (size > s->left)
            return -E_IO;
        if (u->e.has_check && !sum_is_right(&u->e, s->at))
            report(u, u->e.offset, "the checksum of the content is wrong", u->e.name);
        memfs_set_image(n, s->at, size);
        u->res->in_place += size; // what does not start on a page is copied when first used
        source_advance(s, size);
        return 0;
    }
    u64 pos = 0;
    u32 sum = 0;
    while (pos < size) {
        int more = source_more(s);
        if (more <= 0)
            return more ? more : -E_IO;
        usize part = (usize)MIN((u64)s->left, size - pos);
        struct iobuf b;
        iobuf_kernel(&b, (void *)(uintptr_t)s->at, part);
        i64 w = memobj_write(n->data, pos, &b);
        if (w <= 0)
            return w ? (int)w : -E_NOMEM;
        for (usize i = 0; u->e.has_check && i < (usize)w; i++)
            sum += s->at[i];
        source_advance(s, (usize)w);
        pos += (u64)w;
        atomic_store_explicit(&n->data->size, pos, memory_order_release);
    }
    if (u->e.has_check && sum != u->e.check)
        report(u, u->e.offset, "the checksum of the content is wrong", u->e.name);
    u->res->copied += size;
    return 0;
}

static int make_node(struct unpack *u, struct node **out)
{
    struct create_args a = {.mode = u->e.mode,
                            .uid = u->e.uid,
                            .gid = u->e.gid,
                            .rdev = dev_make(u->e.rdev_major, u->e.rdev_minor)};
    char *text = NULL;
    int r = 0;
    if ((u->e.mode & MODE_FMT) == MODE_LNK) {
        if (!u->e.file_size || u->e.file_size >= PATH_MAX_LEN)
            return -E_NAMETOOLONG;
        text = kmalloc(u->e.file_size + 1, 0);
        if (!text)
            return -E_NOMEM;
        r = source_take(u->s, text, u->e.file_size);
        text[u->e.file_size] = '\0';
        a.link = text;
        a.link_len = strnlen(text, u->e.file_size);
    }
    if (!r)
        r = memfs_node_create(u->sb, &a, out);
    kfree(text);
    return r;
}

// Makes one entry. What it consumed of its content is found out by offset.
static int make_entry(struct unpack *u)
{
    u32 type = u->e.mode & MODE_FMT;
    struct node *dir, *n = NULL, *had;
    struct pathname last;
    if (type != MODE_REG && type != MODE_DIR && type != MODE_LNK && type != MODE_CHR &&
        type != MODE_BLK && type != MODE_FIFO && type != MODE_SOCK)
        return -E_INVAL;
    if (!u->e.name_len) { // the root itself
        if (type != MODE_DIR)
            return -E_NOTDIR;
        set_attributes(u, memfs_root(u->sb));
        return 0;
    }
    int r = find_place(u, &dir, &last);
    if (r)
        return r;
    had = memfs_find(dir, &last);
    if (had && type == MODE_DIR && node_is_dir(had)) {
        set_attributes(u, had);
        return 0;
    }
    bool linked = type != MODE_DIR && u->e.nlink >= 2;
    if (linked && (n = find_link(u)))
        node_get(n);
    bool fresh = !n;
    if (fresh)
        r = make_node(u, &n);
    if (r)
        return r;
    if (n != had) {
        if (had) {
            memfs_remove(dir, &last);
            u->parent = NULL; // may have been below it
        }
        r = memfs_add(dir, &last, n);
    }
    if (!r && fresh && linked)
        r = remember_link(u, n);
    if (!r && type == MODE_REG && u->e.file_size && node_size(n) == 0)
        r = fill_file(u, n);
    if (!r)
        set_attributes(u, n);
    node_put(n);
    return r;
}

// One archive from its first header to its trailer. false: the rest of the stream is unusable.
static bool unpack_archive(struct unpack *u)
{
    u64 start = u->s->offset;
    bool good = false;
    for (;;) {
        const char *why = NULL;
        int r = cpio_read_header(u->s, &u->e, &why);
        if (r == 1) {
            good = true;
            break;
        }
        if (r && r != -E_BADMSG) {
            report(u, u->e.offset, r == -E_INVAL ? why : error_text(r), NULL);
            break;
        }
        bool skip = r;
        if (skip)
            report(u, u->e.offset, why, NULL);
        if (cpio_align(u->s, start)) {
            report(u, u->e.offset, error_text(-E_IO), NULL);
            break;
        }
        u64 body = u->s->offset;
        if (u->s->in_place && u->e.file_size > u->s->left) {
            report(u, u->e.offset, "the content is longer than the image", skip ? NULL : u->e.name);
            break;
        }
        r = skip ? 0 : make_entry(u);
        if (r)
            report(u, u->e.offset, error_text(r), u->e.name);
        else if (!skip)
            u->res->entries++;
        // Whatever of the content was not taken is skipped.
        if (source_take(u->s, NULL, body + u->e.file_size - u->s->offset) ||
            cpio_align(u->s, start)) {
            report(u, u->e.offset, error_text(-E_IO), u->e.name);
            break;
        }
    }
    forget_links(u);
    u->parent = NULL;
    return good;
}

static bool skip_zeros(struct source *s) // false: the stream ends, or fails
{
    for (;;) {
        if (source_more(s) <= 0)
            return false;
        usize n = 0;
        while (n < s->left && !s->at[n])
            n++;
        source_advance(s, n);
        if (s->left)
            return true;
    }
}

// Archives with zeroes between them, to the end of a stream without compression.
static void unpack_plain(struct unpack *u)
{
    while (skip_zeros(u->s))
        if (!unpack_archive(u))
            return;
}

static void unpack_compressed(struct unpack *u, struct source *outer)
{
    int err;
    u64 at = outer->offset;
    struct source *d = decompress_open(outer, &err);
    if (!d) {
        report(u, at,
               err == -E_NOMEM ? error_text(err) : "neither a cpio archive nor gzip nor zstd data",
               NULL);
        source_advance(outer, outer->left); // nothing behind it can be found
        return;
    }
    u->image_offset = at;
    u->inside = decompress_name(d);
    u->s = d;
    unpack_plain(u);
    int r = 1;
    while ((r = source_more(d)) >
           0) // to the end of the compressed data, wherever the archive ended
        source_advance(d, d->left);
    if (r < 0) {
        report(u, d->offset, error_text(r), NULL);
        source_advance(outer, outer->left); // nor here: where the data end is not known
    }
    decompress_close(d);
    u->s = outer;
    u->image_offset = 0;
    u->inside = "";
}

int cpio_unpack_source(struct superblock *sb, struct source *s, struct cpiofs_result *res)
{
    *res = (struct cpiofs_result){0};
    if (memfs_root(sb)->ops != &memfs_node_ops)
        return -E_INVAL;
    struct unpack *u = kzalloc(sizeof(*u), 0);
    if (!u)
        return -E_NOMEM;
    u->sb = sb;
    u->res = res;
    u->s = s;
    u->inside = "";
    while (skip_zeros(s)) {
        if (*s->at == '0') {
            if (!unpack_archive(u)) // where another archive would start is unknown
                break;
        } else {
            unpack_compressed(u, s);
        }
    }
    kfree(u);
    dentry_shrink(sb); // names that were asked for before they came
    return res->entries ? 0 : -E_INVAL;
}

int cpiofs_unpack(struct superblock *sb, const void *image, usize len, struct cpiofs_result *out)
{
    struct source s = {.at = image, .left = len, .in_place = true};
    return cpio_unpack_source(sb, &s, out);
}
