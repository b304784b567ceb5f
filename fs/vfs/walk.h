// Between the parts of path walking. Private to fs/vfs.
#pragma once
#include <vfs/path.h>

// Access times of symlinks that are followed, files that are read, directories that are listed: by
// the rules of the mount.
void path_touch_atime(const struct mount *m, struct node *n);

enum { WALK_SLOW = 1 }; // the fast walk's answer: do it with references
struct fast_result {
    struct mount *mount;
    struct dentry *dentry;
    u32 seq;              // vfs_tree_seq that the result is valid for
    struct pathname last; // parent walks: the last component (not terminated)
    enum last_type type;
    bool trailing_slash;
};
// The walk without references, under RCU. 0, WALK_SLOW or an error; all of them hold only if
// walk_fast_valid says so afterwards.
int walk_fast(const struct path *base, const char *name, u32 flags, bool want_parent,
              struct fast_result *res);
static inline bool walk_fast_valid(const struct fast_result *res)
{
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&vfs_tree_seq, memory_order_relaxed) == res->seq;
}

// Text of a symlink node of either kind: its length, cut at cap; -E_INVAL.
i64 vfs_readlink_node(struct node *n, char *buf, usize cap);

// The walk with references. Parent walks start at out->parent if it is set (path_parent_follow).
int walk_ref(const struct path *base, const char *name, u32 flags, struct path *out);
int walk_ref_parent(const struct path *base, const char *name, u32 flags,
                    struct parent_lookup *out);

// One component, up to '/' or the end: its length (more than NAME_MAX_LEN: too long), words and
// hash_len.
static inline usize scan_component(const char *s, u64 words[NAME_WORDS], u64 *hash_len)
{
    const u8 *p = (const u8 *)s;
    u64 h = dentry_hash_seed, w;
    usize n = 0, i;
    for (;;) {
        w = 0;
#pragma clang loop unroll(full)
        for (i = 0; i < 8; i++) {
            u64 c = p[i];
            if (UNLIKELY(c == '/'))
                goto end;
            if (UNLIKELY(!c))
                goto end;
            w |= c << (8 * i);
        }
        words[n++] = w;
        h = dentry_hash_word(h, w);
        p += 8;
        if (UNLIKELY(n == NAME_WORDS))
            return NAME_MAX_LEN + 1;
    }
end:
    words[n] = w;
    if (i)
        h = dentry_hash_word(h, w);
    n = n * 8 + i;
    *hash_len = dentry_hash_done(h, n);
    return n;
}
static inline enum last_type component_type(const char *s, usize len)
{
    if (LIKELY(s[0] != '.' || len > 2))
        return LAST_NORMAL;
    return len == 1 ? LAST_DOT : s[1] == '.' ? LAST_DOTDOT : LAST_NORMAL;
}
