// Directories of in-memory file systems: entries in two trees, by name (hash first) and by cookie.
// dir->node.mutex guards both, except in a tree that nobody sees yet.
#include "memfs_private.h"
#include <lib/string.h>
#include <mem/slab.h>
#include <vfs/dentry.h>

static i32 compare(const struct memfs_entry *e, u64 hash, const char *name, usize len)
{
    if (hash != e->hash)
        return hash < e->hash ? -1 : 1;
    if (len != e->len)
        return len < e->len ? -1 : 1;
    return memcmp(name, e->name, len);
}

struct memfs_entry *memfs_entry_find(struct memfs_node *dir, const char *name, usize len)
{
    u64 hash = dentry_hash_name(name, len);
    struct rb_node *at = dir->by_name.node;
    while (at) {
        struct memfs_entry *e = rb_entry(at, struct memfs_entry, by_name);
        i32 c = compare(e, hash, name, len);
        if (!c)
            return e;
        at = c < 0 ? at->left : at->right;
    }
    return NULL;
}

static struct memfs_entry *entry_alloc(const struct pathname *name)
{
    struct memfs_entry *e = kmalloc(sizeof(*e) + name->len + 1, 0);
    if (!e)
        return NULL;
    e->hash = dentry_hash_name(name->str, name->len);
    e->len = (u32)name->len;
    memcpy(e->name, name->str, name->len);
    e->name[name->len] = '\0';
    return e;
}

// Enters e with its own reference to n. The name is absent.
static void entry_insert(struct memfs_node *dir, struct memfs_entry *e, struct node *n)
{
    struct rb_node **link = &dir->by_name.node, *parent = NULL;
    while (*link) {
        parent = *link;
        struct memfs_entry *at = rb_entry(parent, struct memfs_entry, by_name);
        link = compare(at, e->hash, e->name, e->len) < 0 ? &parent->left : &parent->right;
    }
    rb_link(&e->by_name, parent, link);
    rb_insert_color(&dir->by_name, &e->by_name);
    e->cookie = dir->next_cookie++;
    link = &dir->by_cookie.node;
    parent = rb_last(&dir->by_cookie); // cookies only grow
    if (parent)
        link = &parent->right;
    rb_link(&e->by_cookie, parent, link);
    rb_insert_color(&dir->by_cookie, &e->by_cookie);
    e->node = n;
    node_get(n);
    dir->entries++;
    atomic_fetch_add_explicit(&dir->node.size, MEMFS_ENTRY_SIZE, memory_order_relaxed);
}

void memfs_entry_remove(struct memfs_node *dir, struct memfs_entry *e)
{
    rb_erase(&dir->by_name, &e->by_name);
    rb_erase(&dir->by_cookie, &e->by_cookie);
    dir->entries--;
    atomic_fetch_sub_explicit(&dir->node.size, MEMFS_ENTRY_SIZE, memory_order_relaxed);
    kfree(e);
}

int memfs_add(struct node *dir, const struct pathname *name, struct node *n)
{
    struct memfs_node *d = memfs_node(dir);
    if (memfs_entry_find(d, name->str, name->len))
        return -E_EXIST;
    struct memfs_entry *e = entry_alloc(name);
    if (!e)
        return -E_NOMEM;
    entry_insert(d, e, n);
    node_inc_nlink(n);
    if (node_is_dir(n)) {
        node_inc_nlink(dir);
        memfs_node(n)->parent = dir;
    }
    return 0;
}

struct node *memfs_find(struct node *dir, const struct pathname *name)
{
    struct memfs_entry *e = memfs_entry_find(memfs_node(dir), name->str, name->len);
    return e ? e->node : NULL;
}

// One entry goes with what it counted for.
static void entry_drop(struct memfs_node *dir, struct memfs_entry *e)
{
    struct node *n = e->node;
    node_dec_nlink(n);
    if (node_is_dir(n)) {
        node_dec_nlink(n);
        node_dec_nlink(&dir->node);
        memfs_node(n)->parent = NULL;
    }
    memfs_entry_remove(dir, e);
    node_put(n);
}

void memfs_empty_tree(struct node *root)
{
    struct memfs_node *d = memfs_node(root);
    for (;;) { // leaves first, without recursion: trees may be deep
        struct rb_node *first = d->by_cookie.node;
        if (!first) {
            if (&d->node == root)
                return;
            d = memfs_node(d->parent);
            continue;
        }
        struct memfs_entry *e = rb_entry(first, struct memfs_entry, by_cookie);
        if (node_is_dir(e->node) && memfs_node(e->node)->entries) {
            d = memfs_node(e->node);
            continue;
        }
        entry_drop(d, e);
    }
}

void memfs_remove(struct node *dir, const struct pathname *name)
{
    struct memfs_entry *e = memfs_entry_find(memfs_node(dir), name->str, name->len);
    if (!e)
        return;
    if (node_is_dir(e->node))
        memfs_empty_tree(e->node);
    entry_drop(memfs_node(dir), e);
}

int memfs_make(struct node *dir, const char *name, const struct create_args *a, struct node **out)
{
    struct node *n;
    mutex_lock(&dir->mutex);
    int r = memfs_create(dir, &(struct pathname){name, strlen(name)}, a, &n);
    mutex_unlock(&dir->mutex);
    if (r)
        return r;
    if (out)
        *out = n;
    else
        node_put(n);
    return 0;
}

// --- operations ------------------------------------------------------------------------------

int memfs_lookup(struct node *dir, const struct pathname *name, struct node **out)
{
    struct node *n = memfs_find(dir, name);
    if (!n)
        return -E_NOENT;
    node_get(n);
    *out = n;
    return 0;
}

int memfs_create(struct node *dir, const struct pathname *name, const struct create_args *a,
                 struct node **out)
{
    struct node *n;
    int r = memfs_node_create(dir->sb, a, &n);
    if (r)
        return r;
    r = memfs_add(dir, name, n);
    if (r) {
        node_put(n);
        return r;
    }
    node_touch(dir, SET_MTIME | SET_CTIME);
    *out = n;
    return 0;
}

int memfs_link(struct node *dir, const struct pathname *name, struct node *n)
{
    int r = memfs_add(dir, name, n);
    if (!r) {
        node_touch(dir, SET_MTIME | SET_CTIME);
        node_touch(n, SET_CTIME);
    }
    return r;
}

int memfs_unlink(struct node *dir, const struct pathname *name, struct node *child)
{
    struct memfs_entry *e = memfs_entry_find(memfs_node(dir), name->str, name->len);
    if (!e || e->node != child)
        return -E_NOENT;
    if (node_is_dir(child) && memfs_node(child)->entries)
        return -E_NOTEMPTY;
    node_touch(child, SET_CTIME);
    node_touch(dir, SET_MTIME | SET_CTIME);
    entry_drop(memfs_node(dir), e);
    return 0;
}

static void move_links(struct node *from, struct node *to, struct node *child)
{
    if (!node_is_dir(child) || from == to)
        return;
    node_dec_nlink(from);
    node_inc_nlink(to);
    memfs_node(child)->parent = to;
}

int memfs_rename(struct node *old_dir, const struct pathname *old_name, struct node *child,
                 struct node *new_dir, const struct pathname *new_name, struct node *new_child,
                 u32 flags)
{
    struct memfs_entry *from = memfs_entry_find(memfs_node(old_dir), old_name->str, old_name->len);
    struct memfs_entry *to = memfs_entry_find(memfs_node(new_dir), new_name->str, new_name->len),
                       *fresh = NULL;
    struct node *white = NULL;
    if (!from || from->node != child || (new_child && (!to || to->node != new_child)))
        return -E_NOENT;
    if (flags & RENAME_EXCHANGE) {
        from->node = new_child;
        to->node = child;
        move_links(old_dir, new_dir, child);
        move_links(new_dir, old_dir, new_child);
        node_touch(new_child, SET_CTIME);
        goto done;
    }
    if (new_child && node_is_dir(new_child) && memfs_node(new_child)->entries)
        return -E_NOTEMPTY;
    if (flags & RENAME_WHITEOUT) {
        const struct create_args a = {.mode = MODE_CHR};
        int r = memfs_node_create(old_dir->sb, &a, &white);
        if (r)
            return r;
        node_inc_nlink(white);
    }
    if (!new_child) {
        fresh = entry_alloc(new_name);
        if (!fresh) {
            if (white)
                node_put(white);
            return -E_NOMEM;
        }
    }
    // Nothing fails from here on.
    move_links(old_dir, new_dir, child);
    if (fresh) {
        entry_insert(memfs_node(new_dir), fresh, child);
    } else {
        node_touch(new_child, SET_CTIME);
        node_dec_nlink(new_child);
        if (node_is_dir(new_child)) {
            node_dec_nlink(new_child);
            node_dec_nlink(new_dir);
            memfs_node(new_child)->parent = NULL;
        }
        to->node = child;
        node_get(child);
        node_put(new_child);
    }
    if (white)
        from->node = white; // takes over the reference
    else
        memfs_entry_remove(memfs_node(old_dir), from);
    node_put(child); // of the old entry
done:
    node_touch(child, SET_CTIME);
    node_touch(old_dir, SET_MTIME | SET_CTIME);
    node_touch(new_dir, SET_MTIME | SET_CTIME);
    return 0;
}

int memfs_readdir(struct node *dir, u64 *cookie, struct dir_sink *sink)
{
    struct memfs_node *d = memfs_node(dir);
    struct rb_node *at = d->by_cookie.node, *found = NULL;
    while (at) { // first entry at or after *cookie
        if (rb_entry(at, struct memfs_entry, by_cookie)->cookie >= *cookie) {
            found = at;
            at = at->left;
        } else {
            at = at->right;
        }
    }
    for (; found; found = rb_next(found)) {
        struct memfs_entry *e = rb_entry(found, struct memfs_entry, by_cookie);
        if (!sink->emit(sink, e->name, e->len, e->node->ino, node_type(e->node) >> 12,
                        e->cookie + 1))
            return 0;
        *cookie = e->cookie + 1;
    }
    return 0;
}
