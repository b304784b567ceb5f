// Private to the Linux ABI: what the calls that make or copy handles share.
#pragma once
#include <object/handle.h>
#include <task/task.h>

// Rights of a handle to an object that comes from no name. access: RIGHT_READ | RIGHT_WRITE.
static inline u32 anonymous_rights(u32 access)
{
    return access | RIGHT_MAP | RIGHT_CONTROL | RIGHT_METADATA | RIGHT_DUPLICATE | RIGHT_TRANSFER |
           RIGHT_WAIT | RIGHT_SIGNAL;
}
// One above the largest handle number the task may use now.
static inline u32 handle_limit(void)
{
    return (u32)MIN(task_limit_soft(LIMIT_NOFILE), 1ul << 30);
}
// A handle that only names a place (O_PATH): most calls answer -E_BADF.
static inline bool path_only(const struct href *h)
{
    return atomic_load_explicit(&h->object->status, memory_order_relaxed) & OBJ_PATH_ONLY;
}
// Has the handle these rights? -E_ACCES; of a place -E_BADF.
[[nodiscard]] static inline int fd_needs(const struct href *h, u32 rights)
{
    return !(rights & ~h->rights) ? 0 : path_only(h) ? -E_BADF : -E_ACCES;
}
enum : u32 { RIGHTS_TO_CHANGE = RIGHT_METADATA | RIGHT_CONTROL }; // attributes of what is open
// Puts a fresh object into the current table, at the lowest free number; consumes the reference in
// any case. -E_MFILE, -E_NOMEM.
[[nodiscard]] i64 fd_install(struct object *o, u32 access, bool cloexec);
// The same with all rights given.
[[nodiscard]] i64 fd_install_rights(struct object *o, u32 rights, bool cloexec);
// Two of them; the numbers go to fds. Consumes both references in any case; all or nothing.
[[nodiscard]] i64 fd_install_pair(struct object *a, u32 rights_a, struct object *b, u32 rights_b,
                                  bool cloexec, i32 *fds);
// Gives the current task a handle table of its own. -E_NOMEM; -E_OPNOTSUPP in a task of several
// threads, which share theirs for good.
[[nodiscard]] int fd_unshare(void);
