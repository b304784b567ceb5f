// Operations on names, for the handlers of ABIs. Names are kernel strings; credentials and view are
// those of the current task. base: where relative names start; {NULL} is the working directory.
// Errors are those of POSIX, in Linux's order of precedence.
#pragma once
#include <vfs/file.h>
#include <vfs/view.h>

#define BASE_CWD ((struct path){NULL, NULL})
enum { DIRFD_CWD = -100 };
// Base for name from a directory handle: counted (path_put when done; BASE_CWD holds nothing).
// DIRFD_CWD and absolute names need no handle. -E_BADF; -E_NOTDIR unless name is empty; -E_ACCES:
// the handle lost rights, and what is done to names below it could give them back.
[[nodiscard]] int base_from_fd(i32 dirfd, struct pathname name, struct path *out);
// The same for calls that look or open: a handle that lost rights will do if it has `needs`. Then
// *lookup gets LOOKUP_BENEATH, and what is opened keeps rights_through(its rights, *had).
[[nodiscard]] int base_narrow_from_fd(i32 dirfd, struct pathname name, u32 needs, struct path *out,
                                      u32 *lookup, u32 *had);
u32 rights_through(u32 rights, u32 directory_had);

enum stat_flags { STAT_NOFOLLOW = 1, STAT_EMPTY = 2 };
// Attributes by name. The usual case takes no lock and no reference.
[[nodiscard]] int vfs_stat(const struct path *base, struct pathname name, u32 lookup,
                           struct attr *out); // LOOKUP_*
// The same from a directory handle; with STAT_EMPTY and "" also of handles that are no files.
[[nodiscard]] int vfs_stat_at(i32 dirfd, struct pathname name, u32 flags, struct attr *out);
[[nodiscard]] int vfs_stat_path(const struct path *p, struct attr *out);

// umask of the current task is applied to mode (0777 bits and, for mknod, the type).
[[nodiscard]] int vfs_mkdir(const struct path *base, struct pathname name, u32 mode);
[[nodiscard]] int vfs_mknod(const struct path *base, struct pathname name, u32 mode,
                            u64 rdev); // -E_PERM without CAP_MKNOD for devices
// Makes a node and gives its place (bind of local sockets). *out counted.
[[nodiscard]] int vfs_mknod_path(const struct path *base, struct pathname name, u32 mode, u64 rdev,
                                 struct path *out);
// Gives a local socket a name: makes the node, which the socket keeps while it is bound. label:
// what others are told. Nothing is left of the name where that fails: also -E_INVAL (it has a
// name), -E_NAMETOOLONG (label), -E_NOMEM.
[[nodiscard]] int vfs_bind_socket(const struct path *base, struct pathname name, u32 mode,
                                  struct object *socket, struct pathname label);
// The place of a socket that the caller may write to; *out counted, its node is the key of the
// socket's address. -E_CONNREFUSED: a name of something else.
[[nodiscard]] int vfs_find_socket(const struct path *base, struct pathname name, u32 lookup,
                                  struct path *out);
[[nodiscard]] int vfs_symlink(struct pathname target, const struct path *base,
                              struct pathname name);
[[nodiscard]] int vfs_link(const struct path *old_base, struct pathname old_name,
                           const struct path *new_base, struct pathname new_name,
                           u32 lookup); // LOOKUP_FOLLOW, LOOKUP_EMPTY
[[nodiscard]] int vfs_unlink(const struct path *base, struct pathname name);
[[nodiscard]] int vfs_rmdir(const struct path *base, struct pathname name);
[[nodiscard]] int vfs_rename(const struct path *old_base, struct pathname old_name,
                             const struct path *new_base, struct pathname new_name,
                             u32 flags); // RENAME_*
// Text of a symlink: its length, cut at cap. -E_INVAL: not one (-E_NOENT if that is the base
// itself, by an empty name).
[[nodiscard]] i64 vfs_readlink(const struct path *base, struct pathname name, char *buf, usize cap);
[[nodiscard]] i64 vfs_readlink_path(const struct path *p, char *buf, usize cap);

// Changes of attributes at a place; check mount, ownership and capabilities, clear set-id bits as
// POSIX has it.
[[nodiscard]] int vfs_chmod(const struct path *p, u32 mode);
[[nodiscard]] int vfs_chown(const struct path *p, u32 uid, u32 gid); // 0xffffffff: leave
enum { TIME_NOW = -1, TIME_OMIT = -2 };
struct set_times {
    struct timestamp atime, mtime;
    int atime_how, mtime_how; // 0, TIME_NOW, TIME_OMIT
};
[[nodiscard]] int vfs_utimens(const struct path *p, const struct set_times *t); // NULL: both now
[[nodiscard]] int vfs_truncate(const struct path *base, struct pathname name, u64 size);
// access(2): want = WANT_* or 0 (exists). real: with real instead of effective ids.
[[nodiscard]] int vfs_access(const struct path *base, struct pathname name, u32 want, u32 lookup,
                             bool real);

[[nodiscard]] int vfs_statfs(const struct path *p, struct statfs_info *out);
[[nodiscard]] int vfs_sync_path(const struct path *p); // syncfs
void vfs_sync(bool disk); // all that the view shows; superblock_ops.sync

// Working directory and root.
[[nodiscard]] int vfs_chdir(const struct path *base, struct pathname name);
[[nodiscard]] int vfs_chdir_path(const struct path *p);
[[nodiscard]] int vfs_chroot(const struct path *base, struct pathname name);
// Text of the working directory with NUL: length including the NUL, -E_RANGE, -E_NOENT (removed).
[[nodiscard]] i64 vfs_getcwd(char *buf, usize cap);

// Extended attributes at a place. Buffers are kernel memory. Lengths or errors as the Linux calls.
enum { XATTR_NAME_MAX = 255, XATTR_SIZE_MAX = 65536 };
[[nodiscard]] i64 vfs_xattr_get(const struct path *p, const char *name, void *buf, usize cap);
[[nodiscard]] int vfs_xattr_set(const struct path *p, const char *name, const void *val, usize len,
                                u32 flags);
[[nodiscard]] i64 vfs_xattr_list(const struct path *p, char *buf, usize cap);
[[nodiscard]] int vfs_xattr_remove(const struct path *p, const char *name);

// Mounting. All need CAP_SYS_ADMIN (-E_PERM).
struct mount_request {
    const char *source, *type, *data; // may be NULL where the operation needs none
    u32 flags;                        // MOUNT_*
};
[[nodiscard]] int vfs_mount_new(const struct path *at, const struct mount_request *r);
[[nodiscard]] int vfs_mount_bind(const struct path *from, const struct path *at, bool recursive);
[[nodiscard]] int vfs_mount_move(const struct path *from, const struct path *at);
[[nodiscard]] int vfs_remount(const struct path *at, u32 flags, bool bind_only, const char *data);
[[nodiscard]] int vfs_mount_propagation(const struct path *at, enum mount_propagation p,
                                        bool recursive);
enum umount_flags { UMOUNT_FORCE = 1, UMOUNT_DETACH = 2, UMOUNT_EXPIRE = 4, UMOUNT_NOFOLLOW = 8 };
[[nodiscard]] int vfs_umount(const struct path *at, u32 flags);
[[nodiscard]] int vfs_pivot_root(const struct path *new_root, const struct path *put_old);

// --- boot (kernel/init) ---
void vfs_init(void); // caches, registry; frames, slabs and sched must work
// Mounts `type` as the root of a new namespace and makes a view of it, which becomes that of kernel
// threads.
[[nodiscard]] int vfs_mount_root(const char *type, const char *source, const char *data,
                                 struct view **out);
