// Advisory locks: POSIX byte ranges (owned by a handle table), open-file ranges (owned by the file)
// and whole-file flock. Others than our tasks may lock the same files (node_ops.lock): they and
// ours exclude each other as much.
#pragma once
#include <vfs/file.h>

enum lock_kind {
    LOCK_KIND_READ = 0,
    LOCK_KIND_WRITE = 1,
    LOCK_KIND_NONE = 2
}; // F_RDLCK, F_WRLCK, F_UNLCK

struct range_lock {
    enum lock_kind kind;
    u64 start, end; // inclusive; UINT64_MAX >> 1: to the end of the file
    u32 pid;        // answer of lock_query; 0xffffffff for open-file locks, 0: no task of ours
};
// owner_is_file: open-file lock (OFD), else POSIX lock of the current handle table. wait: sleeps
// until free (-E_RESTART, -E_DEADLK); else -E_AGAIN. -E_NOLCK: no memory. -E_BADF: wrong access
// mode.
[[nodiscard]] int lock_range(struct file *f, const struct range_lock *l, bool owner_is_file,
                             bool wait);
// First lock in the way of *l, or kind NONE.
[[nodiscard]] int lock_query(struct file *f, struct range_lock *l, bool owner_is_file);
[[nodiscard]] int lock_flock(struct file *f, enum lock_kind kind,
                             bool wait); // -E_AGAIN, -E_RESTART
// A handle of `owner` (handle table) was closed: its POSIX locks on the node go. The last handle
// went: OFD locks and flock go.
void lock_release_owner(struct file *f, void *owner);
void lock_release_file(struct file *f);
void lock_free_node(struct node *n);
// Lines of /proc/locks: calls fn for each lock.
struct lock_info {
    const char *style; // "POSIX", "OFDLCK", "FLOCK"
    bool write, waiting;
    u32 pid;
    u64 dev, ino, start, end;
};
int lock_for_each(int (*fn)(const struct lock_info *i, void *arg), void *arg);
