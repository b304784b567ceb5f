// Private to channels and local sockets, which hold handles in queues: what keeps them from holding
// themselves.
#pragma once
#include <ipc/carried.h>
#include <lib/list.h>

struct carry_walk;
// Part of an object in whose queues messages with handles may lie. All constant but the last.
struct carrier {
    struct object *object; // that it is part of
    const void *queue;     // what a message for it is put into: its identity for walks
    // Tells the walk of everything that lies in its queues, with carry_note. false: it had no room
    // for all, and will ask again.
    bool (*note)(struct carry_walk *w, struct object *o);
    // --- carry.c's locks ---
    u64 seen; // number of the last walk that came by
    u32 puts; // references to drop, while on a list of such
    struct list link;
};
void carrier_init(struct carrier *c, struct object *o, const void *queue,
                  bool (*note)(struct carry_walk *w, struct object *o));
// Each kind's own: NULL if o is another kind of object.
struct carrier *channel_carrier(struct object *o);
struct carrier *socket_carrier(struct object *o);

struct carry_walk {
    struct object **found; // counted
    u32 count, cap;
    bool locked;
};
bool carried_has_carriers(const struct carried *c, u32 n);
// Makes sure that putting a message with these handles into `queue` closes no circle, and that it
// stays so until carry_walk_end, which must follow in any case. -E_DEADLK: it would; -E_NOMEM. May
// sleep; no lock held.
[[nodiscard]] int carry_walk_begin(struct carry_walk *w, const void *queue, const struct carried *c,
                                   u32 n);
void carry_walk_end(struct carry_walk *w); // may sleep
// For carrier.note. Under spinlocks. false: no room.
bool carry_note(struct carry_walk *w, struct object *o);
bool carry_note_all(struct carry_walk *w, const struct carried *c, u32 n);
