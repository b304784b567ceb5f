// Telling watches what has happened. Private to fs/vfs. Any thread context; no spinlock of class
// object or inner ones may be held. Callers ask watched() first, so that telling costs one load
// while nobody watches anything.
#pragma once
#include <vfs/node.h>
#include <vfs/watch.h>

extern _Atomic u32 watch_total; // watches there are

// What happened to the thing n itself.
void watch_tell_self(const struct node *n, u32 what);
// What happened to the name d, which stands (or stood) for n: to watchers of its directory.
void watch_tell_entry(const struct dentry *d, const struct node *n, u32 what, u32 pair);
// Both of them.
void watch_tell_change(const struct dentry *d, const struct node *n, u32 what);
// The name d of n was removed; d still knows its parent.
void watch_tell_removed(const struct dentry *d, const struct node *n);
// n has one name less.
void watch_tell_fewer(const struct node *n);
// A number for the two halves of a move, never 0 but after 4 thousand million of them.
u32 watch_pair(void);

static inline bool watched(void)
{
    return UNLIKELY(atomic_load_explicit(&watch_total, memory_order_relaxed));
}
