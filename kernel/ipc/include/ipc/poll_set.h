// Sets of waits (what Linux calls epoll): objects one is interested in, with a list of those that
// became ready.
#pragma once
#include <object/object.h>

enum poll_set_flags {              // bits of poll_item.events beyond POLL_*; Linux's values
    POLL_SET_EXCLUSIVE = 1u << 28, // wake one of the sets that watch it
    POLL_SET_WAKEUP = 1u << 29,    // accepted, without meaning here
    POLL_SET_ONESHOT = 1u << 30,   // disarmed after it was reported once
    POLL_SET_EDGE = 1u << 31,      // reported only when something new happened
};
struct poll_item {
    u32 events; // POLL_* | POLL_SET_*
    u64 data;   // the caller's
};

void poll_set_init(void); // boot, once
[[nodiscard]] int poll_set_create(u32 status, struct object **out);
bool object_is_poll_set(const struct object *o);
// Changes. (fd, object) together name an item, as closing and reusing an fd must not confuse them.
// -E_EXIST, -E_NOENT, -E_INVAL (set in itself; EXCLUSIVE rules), -E_LOOP (sets nested in circles or
// deeper than 5), -E_PERM (object cannot be waited for), -E_NOMEM.
[[nodiscard]] int poll_set_add(struct object *set, i32 fd, struct object *target,
                               const struct poll_item *item);
[[nodiscard]] int poll_set_modify(struct object *set, i32 fd, struct object *target,
                                  const struct poll_item *item);
[[nodiscard]] int poll_set_remove(struct object *set, i32 fd, struct object *target);
u32 poll_set_count(struct object *set); // objects in it; may be stale
// Waits until something is ready; fills up to max items (kernel memory). deadline: absolute ns, 0 =
// for ever, 1 = do not wait. Returns how many, 0 on timeout, -E_RESTART.
[[nodiscard]] i64 poll_set_wait(struct object *set, struct poll_item *items, u32 max, u64 deadline);
