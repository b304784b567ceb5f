// Private to the Linux ABI: names and places as the file calls use them.
#pragma once
#include "linux_consts.h"
#include "linux_handlers.h"
#include <kerr.h>
#include <syscall/dispatch.h>
#include <vfs/ops.h>

static inline struct pathname pathname_of(const struct sys_name *n)
{
    return n ? (struct pathname){n->str, n->len} : (struct pathname){"", 0};
}
// Resolves name relative to dir to a counted place. lookup: LOOKUP_*.
[[nodiscard]] int place_at(i32 dir, const struct sys_name *name, u32 lookup, struct path *out);
// The place of an open file (O_PATH handles too) that has the rights: counted. -E_BADF, -E_ACCES.
[[nodiscard]] int place_of_fd(i32 fd, u32 rights, struct path *out);
// The place inside a resolved handle: not counted. NULL if the object has none.
static inline const struct path *place_of(const struct href *h)
{
    return object_path(h->object);
}
// LOOKUP_* from AT_* flags. follow: what holds without AT_SYMLINK_(NO)FOLLOW.
static inline u32 lookup_of(u32 at, bool follow)
{
    u32 l = follow ? LOOKUP_FOLLOW : 0u;
    if (at & LINUX_AT_SYMLINK_NOFOLLOW)
        l = 0;
    if (at & LINUX_AT_SYMLINK_FOLLOW)
        l = LOOKUP_FOLLOW;
    return l | (at & LINUX_AT_EMPTY_PATH ? LOOKUP_EMPTY : 0u);
}
