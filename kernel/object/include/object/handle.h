// Handles: a task's small integers that name objects with rights. Lookups take no lock and, in a
// table with one user, touch no shared counter.
#pragma once
#include <object/object.h>
#include <sched/rcu.h>

enum handle_rights {
    RIGHT_READ = 1,
    RIGHT_WRITE = 2,
    RIGHT_EXECUTE = 4,
    RIGHT_SEEK = 8,
    RIGHT_MAP = 16,
    RIGHT_CONTROL = 32,
    RIGHT_METADATA = 64,
    RIGHT_ENUMERATE = 128,
    RIGHT_CREATE = 256,
    RIGHT_REMOVE = 512,
    RIGHT_DUPLICATE = 1024,
    RIGHT_TRANSFER = 2048,
    RIGHT_WAIT = 4096,
    RIGHT_SIGNAL = 8192,
    RIGHT_ADMIN = 16384,
    RIGHT_REOPEN = 32768, // what it is open on may be opened anew, or given a name, through it
    RIGHTS_ALL = 0xffff,
};
enum handle_flags { HANDLE_CLOEXEC = 1, HANDLE_ROLE_SHIFT = 8 };

// What is left of `had` when only `keep` may stay. A handle that lost any right cannot be opened
// anew: that would give it back.
static inline u32 rights_shrink(u32 had, u32 keep)
{
    return (had & ~keep) ? had & keep & ~(u32)RIGHT_REOPEN : had;
}

struct handle_table;

// A resolved handle. counted: a reference was taken and href_put gives it back.
struct href {
    struct object *object;
    u32 rights;
    u32 flags;
    bool counted;
};
// Looks fd up in the current task. -E_BADF: no such handle; a missing right is `-E_BADF` too for
// READ and WRITE (as POSIX has it), else -E_ACCES.
[[nodiscard]] int href_get(struct href *h, i32 fd, u32 rights);
// Also checks that the object has (one of) `kind`; else -wrong_kind_err (a positive kerr).
[[nodiscard]] int href_get_kind(struct href *h, i32 fd, u32 rights, u32 kind, int wrong_kind_err);
static inline void href_put(struct href *h)
{
    if (UNLIKELY(h->counted))
        object_put(h->object);
}
// Makes h->object outlive the handle (for objects that are kept or slept on while other threads may
// appear): counted afterwards.
static inline void href_keep(struct href *h)
{
    if (!h->counted) {
        object_get(h->object);
        h->counted = true;
    }
}

[[nodiscard]] struct handle_table *handle_table_create(void);
[[nodiscard]] struct handle_table *
handle_table_fork(struct handle_table *t); // copies all slots; NULL: out of memory
// `users` counts every task AND every thread that works on the table: the task layer calls
// handle_table_get for each new thread of a task (and for each task made with a shared table) and
// handle_table_put when that thread or task ends. While it is one, lookups by that thread count
// nothing. Observers of another task's table (procfs) may get and put it as well.
void handle_table_get(struct handle_table *t);
void handle_table_put(struct handle_table *t); // last: closes all. May sleep
// Lookup in another task's table: returns a counted reference or -E_BADF.
[[nodiscard]] int handle_lookup(struct handle_table *t, i32 fd, struct href *out);

// Reserves the lowest free slot >= min (< limit: RLIMIT_NOFILE) without publishing: -E_MFILE,
// -E_NOMEM. Then handle_publish or handle_unreserve.
[[nodiscard]] i32 handle_reserve(struct handle_table *t, i32 min, u32 limit);
void handle_publish(struct handle_table *t, i32 fd, struct object *o, u32 rights,
                    u32 flags); // consumes the caller's reference to o
void handle_unreserve(struct handle_table *t, i32 fd);
// Reserve + publish. Consumes o's reference only on success.
[[nodiscard]] i32 handle_install(struct handle_table *t, struct object *o, u32 rights, u32 flags,
                                 i32 min, u32 limit);
// Two of them at the lowest free slots, numbers to fds. All or nothing; consumes both references in
// any case.
[[nodiscard]] int handle_install_pair(struct handle_table *t, struct object *a, u32 rights_a,
                                      struct object *b, u32 rights_b, u32 flags, u32 limit,
                                      i32 *fds);
void handle_close_pair(struct handle_table *t, const i32 *fds);
// Puts o at exactly fd, closing what was there (dup2). Consumes the reference on success. -E_BADF
// (fd out of range), -E_NOMEM, -E_BUSY.
[[nodiscard]] int handle_replace(struct handle_table *t, i32 fd, struct object *o, u32 rights,
                                 u32 flags, u32 limit);
[[nodiscard]] int handle_close(struct handle_table *t,
                               i32 fd); // -E_BADF or the object's `closed` error
[[nodiscard]] int handle_get_flags(struct handle_table *t, i32 fd); // flags or -E_BADF
[[nodiscard]] int handle_set_flags(struct handle_table *t, i32 fd, u32 flags, u32 mask);
void handle_close_range(struct handle_table *t, u32 first, u32 last, bool only_mark_cloexec);
void handle_close_on_exec(struct handle_table *t);
// Calls fn for each used slot in order (a snapshot; object referenced during the call); non-zero
// stops.
int handle_for_each(struct handle_table *t, i32 from,
                    int (*fn)(i32 fd, const struct href *h, void *arg), void *arg);
u32 handle_count(struct handle_table *t);
// The current thread's table, set by the task layer; NULL in kernel threads.
static inline struct handle_table *current_handles(void)
{
    return current()->handles;
}
