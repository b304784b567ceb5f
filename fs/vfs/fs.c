// File system types (a linker set) and superblocks. Also the option texts that mount(2) brings.
#include <arch/page.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <vfs/dentry.h>
#include <vfs/fs.h>

static _Atomic u32 next_anon_minor = 1;

const struct filesystem_type *fs_type_find(const char *name, usize len)
{
    SET_FOREACH(t, filesystems, const struct filesystem_type)
    {
        if (strlen((*t)->name) == len && !memcmp((*t)->name, name, len))
            return *t;
    }
    return NULL;
}

u64 fs_anon_dev(void)
{
    return dev_make(0, atomic_fetch_add_explicit(&next_anon_minor, 1, memory_order_relaxed));
}

struct superblock *superblock_create(const struct filesystem_type *t,
                                     const struct superblock_ops *ops, u64 magic, void *private)
{
    struct superblock *sb = kzalloc(sizeof(*sb), 0);
    if (!sb)
        return NULL;
    sb->type = t;
    sb->ops = ops;
    sb->magic = magic;
    sb->private = private;
    sb->dev = fs_anon_dev();
    sb->block_size = PAGE_SIZE;
    refcount_set(&sb->refs, 1);
    atomic_init(&sb->next_ino, 1);
    mutex_init(&sb->rename_mutex, &lock_class_rename);
    return sb;
}

void superblock_get(struct superblock *sb)
{
    refcount_inc(&sb->refs);
}

void superblock_put(struct superblock *sb)
{
    if (!sb || !refcount_dec_and_test(&sb->refs))
        return;
    if (sb->ops->destroy)
        sb->ops->destroy(sb);
    kfree(sb);
}

int fs_make_root(struct superblock *sb, struct node *root)
{
    sb->root = dentry_create_root(sb, root);
    return sb->root ? 0 : -E_NOMEM;
}

void superblock_shutdown(struct superblock *sb)
{
    struct dentry *root = sb->root;
    if (!root)
        return;
    if (sb->ops->sync)
        (void)sb->ops->sync(sb, false);
    dentry_shrink(sb);
    dentry_prune_children(root);
    if (sb->ops->kill)
        sb->ops->kill(sb);
    sb->root = NULL;
    dentry_unhash(root);
    dentry_put(root);
}

bool fs_next_option(const char **cursor, struct fs_option *out)
{
    const char *p = *cursor;
    if (!p)
        return false;
    while (*p == ',')
        p++;
    if (!*p)
        return false;
    usize len = 0;
    while (p[len] && p[len] != ',')
        len++;
    usize key = 0;
    while (key < len && p[key] != '=')
        key++;
    *out = (struct fs_option){.has_val = key < len};
    usize val = out->has_val ? len - key - 1 : 0;
    out->bad = key >= sizeof(out->key) || val >= sizeof(out->val);
    if (!out->bad) {
        memcpy(out->key, p, key);
        if (val)
            memcpy(out->val, p + key + 1, val);
    }
    *cursor = p + len;
    return true;
}

bool fs_parse_size(const char *s, u64 percent_of, u64 *out)
{
    u64 v = 0;
    u32 base = 10;
    const char *p = s;
    if (*p == '0' && p[1]) {
        base = 8;
        if (p[1] == 'x' || p[1] == 'X') {
            base = 16;
            p += 2;
        }
    }
    const char *first = p;
    for (;; p++) {
        u32 digit = *p >= '0' && *p <= '9'   ? (u32)(*p - '0')
                    : *p >= 'a' && *p <= 'f' ? (u32)(*p - 'a') + 10
                    : *p >= 'A' && *p <= 'F' ? (u32)(*p - 'A') + 10
                                             : 99;
        if (digit >= base)
            break;
        if (__builtin_mul_overflow(v, (u64)base, &v) || __builtin_add_overflow(v, (u64)digit, &v))
            return false;
    }
    if (p == first)
        return false;
    u32 shift = 0;
    switch (*p) {
    case 'k':
    case 'K':
        shift = 10;
        break;
    case 'm':
    case 'M':
        shift = 20;
        break;
    case 'g':
    case 'G':
        shift = 30;
        break;
    case 't':
    case 'T':
        shift = 40;
        break;
    case '%':
        if (!percent_of || p[1] || __builtin_mul_overflow(v, percent_of, &v))
            return false;
        *out = v / 100;
        return true;
    case '\0':
        *out = v;
        return true;
    default:
        return false;
    }
    if (p[1] || (v << shift) >> shift != v)
        return false;
    *out = v << shift;
    return true;
}
