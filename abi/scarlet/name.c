// Native calls on names. No state.
#include "scarlet.h"
#include "scarlet_handlers.h"
#include <lib/string.h>
#include <mem/slab.h>
#include <vfs/watch.h>

int base_of(i32 directory, const struct sys_name *name, u32 rights, struct path *out, u32 *lookup,
            u32 *rights_had)
{
    *out = BASE_CWD;
    *lookup = 0;
    if (rights_had)
        *rights_had = RIGHTS_ALL;
    if (directory == SCARLET_HERE || (name->len && name->str[0] == '/'))
        return 0;
    struct href h;
    int err = get_handle(&h, directory, rights);
    if (err)
        return err;
    const struct path *p = object_path(h.object);
    if (!p) {
        err = -E_NOTDIR;
    } else if (!node_is_dir(path_node(p)) && name->len) {
        err = -E_NOTDIR;
    } else {
        *out = *p;
        path_get(out);
        if (!(h.rights & RIGHT_REOPEN))
            *lookup = LOOKUP_BENEATH;
        if (rights_had)
            *rights_had = h.rights;
    }
    href_put(&h);
    return err;
}

// --- opening ---
static int translate(u32 flags, u32 mode, struct open_request *r)
{
    u32 access = flags & (SCARLET_OPEN_READ | SCARLET_OPEN_WRITE);
    if (!access && !(flags & (SCARLET_OPEN_PLACE | SCARLET_OPEN_EXECUTE)))
        access = SCARLET_OPEN_READ;
    *r = (struct open_request){
        .access = (access & SCARLET_OPEN_READ ? FILE_READ : 0u) |
                  (access & SCARLET_OPEN_WRITE ? FILE_WRITE : 0u) |
                  (flags & SCARLET_OPEN_EXECUTE ? FILE_READ | FILE_EXEC : 0u),
        .create = flags & SCARLET_OPEN_CREATE,
        .exclusive = flags & SCARLET_OPEN_EXCLUSIVE,
        .truncate = flags & SCARLET_OPEN_TRUNCATE,
        .append = flags & SCARLET_OPEN_APPEND,
        .directory = flags & SCARLET_OPEN_DIRECTORY,
        .nofollow = flags & SCARLET_OPEN_NO_FOLLOW,
        .nonblock = flags & SCARLET_OPEN_NONBLOCK,
        .path_only = flags & SCARLET_OPEN_PLACE,
        .tmpfile = flags & SCARLET_OPEN_TEMPORARY,
        .noctty = true, // terminals are adopted by a control operation
        .mode = mode & 07777,
        .lookup = (flags & SCARLET_OPEN_BENEATH ? LOOKUP_BENEATH : 0u) |
                  (flags & SCARLET_OPEN_NO_LINKS ? LOOKUP_NO_SYMLINKS | LOOKUP_NO_MAGICLINKS : 0u) |
                  (flags & SCARLET_OPEN_SAME_FS ? LOOKUP_NO_XDEV : 0u),
    };
    bool changes = r->create || r->truncate || r->append || r->tmpfile || r->exclusive;
    if (changes && !(r->access & FILE_WRITE))
        return -E_INVAL;
    if ((r->exclusive && !r->create) || (r->directory && r->create) ||
        (r->path_only && (changes || access)))
        return -E_INVAL;
    return 0;
}

i64 scarlet_open_at(i32 directory, const struct sys_name *path, u32 flags, u32 mode)
{
    struct open_request r;
    struct path base;
    struct object *o;
    u32 rights, lookup, had;
    int err = translate(flags, mode, &r);
    if (err)
        return err;
    bool changes = r.create || r.tmpfile || r.access & FILE_WRITE;
    i32 slot = handle_reserve(current_handles(), 0, handle_limit());
    if (slot < 0)
        return slot;
    err = base_of(directory, path, RIGHT_ENUMERATE | (changes ? RIGHT_CREATE : 0u), &base, &lookup,
                  &had);
    if (!err) {
        r.lookup |= lookup;
        err = vfs_open(&base, pathname_of(path), &r, &o, &rights);
        path_put(&base);
    }
    if (err) {
        handle_unreserve(current_handles(), slot);
        return err;
    }
    handle_publish(current_handles(), slot, o, rights_through(rights, had),
                   flags & SCARLET_OPEN_CLOSE_ON_EXEC ? HANDLE_CLOEXEC : 0);
    return slot;
}

i64 scarlet_open(const struct sys_name *path, u32 flags, u32 mode)
{
    return scarlet_open_at(SCARLET_HERE, path, flags, mode);
}

// --- making ---
int parent_of(i32 directory, const struct sys_name *path, u32 rights, struct path *base,
              struct pathname *name, struct parent_lookup *pl)
{
    u32 lookup;
    int err = base_of(directory, path, rights, base, &lookup, NULL);
    *name = pathname_of(path);
    pl->parent = (struct path){0};
    if (err || !lookup)
        return err;
    err = path_lookup_parent(base, *name, lookup, pl);
    path_put(base);
    *base = BASE_CWD;
    if (err)
        return err;
    if (pl->type != LAST_NORMAL) {
        parent_lookup_done(pl);
        pl->parent = (struct path){0};
        return pl->type == LAST_DOTDOT ? -E_XDEV : -E_INVAL;
    }
    *base = pl->parent;
    path_get(base);
    *name =
        pl->last; // up to the end of the string or slashes, which the vfs takes as part of the name
    return 0;
}

void parent_done(struct path *base, struct parent_lookup *pl)
{
    path_put(base);
    if (pl->parent.mount)
        parent_lookup_done(pl);
}

#define WITH_PARENT(directory, path, rights, call)                                                 \
    do {                                                                                           \
        struct path base;                                                                          \
        struct pathname name;                                                                      \
        struct parent_lookup pl;                                                                   \
        int err = parent_of(directory, path, rights, &base, &name, &pl);                           \
        if (err)                                                                                   \
            return err;                                                                            \
        err = (call);                                                                              \
        parent_done(&base, &pl);                                                                   \
        return err;                                                                                \
    } while (0)

i64 scarlet_create_directory_at(i32 directory, const struct sys_name *path, u32 mode)
{
    WITH_PARENT(directory, path, RIGHT_CREATE, vfs_mkdir(&base, name, mode & 07777));
}
i64 scarlet_create_directory(const struct sys_name *path, u32 mode)
{
    return scarlet_create_directory_at(SCARLET_HERE, path, mode);
}
i64 scarlet_create_fifo(i32 directory, const struct sys_name *path, u32 mode)
{
    WITH_PARENT(directory, path, RIGHT_CREATE,
                vfs_mknod(&base, name, MODE_FIFO | (mode & 07777), 0));
}
i64 scarlet_create_symlink_at(const struct sys_name *target, i32 directory,
                              const struct sys_name *path)
{
    if (target->len == 0)
        return -E_NOENT;
    WITH_PARENT(directory, path, RIGHT_CREATE, vfs_symlink(pathname_of(target), &base, name));
}
i64 scarlet_create_symlink(const struct sys_name *target, const struct sys_name *path)
{
    return scarlet_create_symlink_at(target, SCARLET_HERE, path);
}
i64 scarlet_create_file(const struct sys_name *path, u32 mode)
{
    struct path base = BASE_CWD;
    return vfs_mknod(&base, pathname_of(path), MODE_REG | (mode & 07777), 0);
}

// --- removing and moving ---
static int remove_name(const struct path *base, struct pathname name, u32 flags)
{
    if (flags == SCARLET_REMOVE_DIRECTORY)
        return vfs_rmdir(base, name);
    int err = vfs_unlink(base, name);
    return err == -E_ISDIR && flags != SCARLET_REMOVE_FILE ? vfs_rmdir(base, name) : err;
}

i64 scarlet_remove_at(i32 directory, const struct sys_name *path, u32 flags)
{
    WITH_PARENT(directory, path, RIGHT_REMOVE, remove_name(&base, name, flags));
}
i64 scarlet_remove(const struct sys_name *path)
{
    return scarlet_remove_at(SCARLET_HERE, path, 0);
}

i64 scarlet_rename(i32 from_directory, const struct sys_name *from, i32 to_directory,
                   const struct sys_name *to, u32 flags)
{
    struct path b1, b2;
    struct pathname n1, n2;
    struct parent_lookup p1, p2;
    u32 f = (flags & SCARLET_RENAME_NO_REPLACE ? RENAME_NOREPLACE : 0u) |
            (flags & SCARLET_RENAME_EXCHANGE ? RENAME_EXCHANGE : 0u);
    // Elsewhere it could be opened with rights that the directory it comes from does not give.
    u32 leave = from_directory == to_directory ? 0u : RIGHT_REOPEN;
    int err = parent_of(from_directory, from, RIGHT_REMOVE | leave, &b1, &n1, &p1);
    if (err)
        return err;
    err = parent_of(to_directory, to, RIGHT_CREATE, &b2, &n2, &p2);
    if (!err) {
        err = vfs_rename(&b1, n1, &b2, n2, f);
        parent_done(&b2, &p2);
    }
    parent_done(&b1, &p1);
    return err;
}

i64 scarlet_link(i32 from_directory, const struct sys_name *from, i32 to_directory,
                 const struct sys_name *to, u32 flags)
{
    struct path b1, b2;
    struct pathname n2;
    struct parent_lookup p2;
    u32 lookup;
    int err = base_of(from_directory, from, RIGHT_METADATA | RIGHT_REOPEN, &b1, &lookup, NULL);
    if (err)
        return err;
    err = parent_of(to_directory, to, RIGHT_CREATE, &b2, &n2, &p2);
    if (!err) {
        err = vfs_link(&b1, pathname_of(from), &b2, n2,
                       lookup | (flags & SCARLET_NO_FOLLOW ? 0u : LOOKUP_FOLLOW) |
                           (flags & SCARLET_EMPTY_PATH ? LOOKUP_EMPTY : 0u));
        parent_done(&b2, &p2);
    }
    path_put(&b1);
    return err;
}

// --- facts by name ---
static u32 lookup_of(u32 flags)
{
    return (flags & SCARLET_NO_FOLLOW ? 0u : LOOKUP_FOLLOW) |
           (flags & SCARLET_EMPTY_PATH ? LOOKUP_EMPTY : 0u);
}

// The place of a name, counted; rights: of the directory it is looked for in, as for base_of.
static int place_of(i32 directory, const struct sys_name *path, u32 rights, u32 lookup,
                    struct path *out)
{
    struct path base;
    u32 more;
    int err = base_of(directory, path, rights, &base, &more, NULL);
    if (err)
        return err;
    err = path_lookup(&base, pathname_of(path), lookup | more, out);
    path_put(&base);
    return err;
}

i64 scarlet_metadata_at(i32 directory, const struct sys_name *path, u32 flags,
                        struct scarlet_metadata *data)
{
    struct path base;
    struct attr a;
    u32 lookup;
    int err = base_of(directory, path, RIGHT_METADATA, &base, &lookup, NULL);
    if (err)
        return err;
    err = vfs_stat(&base, pathname_of(path), lookup | lookup_of(flags), &a);
    path_put(&base);
    if (!err)
        metadata_encode(&a, data);
    return err;
}

// All parts are checked by the vfs one after the other; the first that is refused stops the rest.
static int change_place(const struct path *p, const struct scarlet_metadata_change *c)
{
    int err = 0;
    if (c->which & SCARLET_SET_MODE)
        err = vfs_chmod(p, c->mode & 07777);
    if (!err && c->which & (SCARLET_SET_OWNER | SCARLET_SET_GROUP))
        err = vfs_chown(p, c->which & SCARLET_SET_OWNER ? c->owner : 0xffffffff,
                        c->which & SCARLET_SET_GROUP ? c->group : 0xffffffff);
    if (!err && c->which & SCARLET_SET_TIMES_NOW)
        err = vfs_utimens(p, NULL);
    else if (!err && c->which & (SCARLET_SET_ACCESSED | SCARLET_SET_MODIFIED)) {
        struct set_times t = {.atime = timestamp_from_ns(c->accessed),
                              .mtime = timestamp_from_ns(c->modified),
                              .atime_how = c->which & SCARLET_SET_ACCESSED ? 0 : TIME_OMIT,
                              .mtime_how = c->which & SCARLET_SET_MODIFIED ? 0 : TIME_OMIT};
        err = vfs_utimens(p, &t);
    }
    return err;
}

i64 scarlet_metadata_set(struct href *handle, const struct scarlet_metadata_change *change)
{
    const struct path *p = object_path(handle->object);
    return p ? change_place(p, change) : -E_INVAL;
}

i64 scarlet_metadata_set_at(i32 directory, const struct sys_name *path, u32 flags,
                            const struct scarlet_metadata_change *change)
{
    struct path p;
    int err = place_of(directory, path, RIGHT_METADATA | RIGHT_CREATE, lookup_of(flags), &p);
    if (err)
        return err;
    err = change_place(&p, change);
    path_put(&p);
    return err;
}

i64 scarlet_access_at(i32 directory, const struct sys_name *path, u32 want)
{
    struct path base;
    u32 lookup;
    int err = base_of(directory, path, 0, &base, &lookup, NULL);
    if (err)
        return err;
    static_assert(SCARLET_ACCESS_EXECUTE == (int)WANT_EXEC &&
                  SCARLET_ACCESS_WRITE == (int)WANT_WRITE && SCARLET_ACCESS_READ == (int)WANT_READ);
    err = vfs_access(&base, pathname_of(path), want, lookup | LOOKUP_FOLLOW, false);
    path_put(&base);
    return err;
}

i64 scarlet_truncate_path(const struct sys_name *path, u64 size)
{
    struct path base = BASE_CWD;
    return vfs_truncate(&base, pathname_of(path), size);
}

// --- texts ---
static i64 put_text(struct iobuf *out, const char *text, i64 n)
{
    return n > 0 && iobuf_put(out, text, (usize)n) != (usize)n ? -E_FAULT : n;
}

i64 scarlet_readlink_at(i32 directory, const struct sys_name *path, struct iobuf *buffer,
                        usize size)
{
    struct path p;
    if (size == 0)
        return -E_INVAL;
    int err = place_of(directory, path, 0, LOOKUP_EMPTY, &p);
    if (err)
        return err;
    char *text = kmalloc(size, ALLOC_USER);
    i64 n = text ? vfs_readlink_path(&p, text, size) : -E_NOMEM;
    path_put(&p);
    n = put_text(buffer, text, n);
    kfree(text);
    return n;
}

i64 scarlet_readlink(const struct sys_name *path, struct iobuf *buffer, usize size)
{
    return scarlet_readlink_at(SCARLET_HERE, path, buffer, size);
}

i64 scarlet_get_directory(struct iobuf *buffer, usize size)
{
    char *text = kmalloc(MAX(size, 1ul), ALLOC_USER);
    i64 n = text ? vfs_getcwd(text, size) : -E_NOMEM;
    n = put_text(buffer, text, n);
    kfree(text);
    return n;
}

i64 scarlet_path_of(struct href *handle, struct iobuf *buffer, usize size)
{
    const struct path *p = object_path(handle->object);
    if (!p)
        return -E_NOTTY;
    char *text = kmalloc(PATH_MAX_LEN, ALLOC_USER), *at;
    i64 n = text ? path_text(p, NULL, PATH_TEXT_DELETED | PATH_TEXT_UNREACHABLE, text, PATH_MAX_LEN,
                             &at)
                 : -E_NOMEM;
    if (n > 0)
        n = (usize)n > size ? -E_RANGE : put_text(buffer, at, n);
    kfree(text);
    return n;
}

// --- watching ---
static_assert(sizeof(struct watch_note) == sizeof(struct scarlet_watch_record) &&
              offsetof(struct watch_note, inode) == offsetof(struct scarlet_watch_record, inode) &&
              offsetof(struct watch_note, name) == offsetof(struct scarlet_watch_record, name) &&
              SCARLET_WATCH_MOVED == (int)WATCH_MOVED);

i64 scarlet_watch(i32 directory, const struct sys_name *path, u32 flags)
{
    struct path p;
    struct object *o;
    int err = place_of(directory, path, RIGHT_ENUMERATE, lookup_of(flags), &p);
    if (err)
        return err;
    err = watch_create(&p, &o);
    path_put(&p);
    return err ? err : install(o, anonymous_rights(RIGHT_READ) & ~(u32)RIGHT_MAP, false);
}

// --- working directory ---
i64 scarlet_change_directory(const struct sys_name *path)
{
    struct path base = BASE_CWD;
    return vfs_chdir(&base, pathname_of(path));
}

i64 scarlet_change_directory_to(i32 directory)
{
    struct href h;
    int err = get_handle(&h, directory, RIGHT_ENUMERATE | RIGHT_REOPEN);
    if (err)
        return err;
    const struct path *p = object_path(h.object);
    err = p ? vfs_chdir_path(p) : -E_NOTDIR;
    href_put(&h);
    return err;
}
