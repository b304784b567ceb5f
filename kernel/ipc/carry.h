// Private to channels and local sockets, which hold handles in queues: what keeps them from holding
// themselves.
#pragma once
#include <ipc/carried.h>
#include <lib/list.h>
#include <sched/lock.h>

struct carry_walk;
struct carrier_ops {
    // Tells the walk of everything that lies in its queues, with carry_note. false: it had no room
    // for all, and will ask again.
    bool (*note)(struct carry_walk *w, struct object *o);
    // Drops what lies in its queues: nobody can receive it any more. May sleep.
    void (*empty)(struct object *o);
};
// Part of an object in whose queues messages with handles may lie.
struct carrier {
    // --- constant ---
    const struct carrier_ops *ops;
    struct object *object; // that it is part of
    const void *queue;     // what a message for it is put into: its identity for walks
    // --- carry.c's locks ---
    u64 seen;      // number of the last walk that came by,
    u32 index;     // and its place there
    u32 in_flight; // references to it in queues; on a list of such
    struct list flying;
    u32 puts; // references to drop; on a list of such
    struct list doomed;
};
void carrier_init(struct carrier *c, const struct carrier_ops *ops, struct object *o,
                  const void *queue);
// Each kind's own: NULL if o is another kind of object.
struct carrier *channel_carrier(struct object *o);
struct carrier *socket_carrier(struct object *o);

struct carry_walk {
    struct object **found; // counted
    u32 count, cap;
    bool locked;
    struct carry_graph *graph; // of a collection (carry_collect.c); NULL: a walk
};
bool carried_has_carriers(const struct carried *c, u32 n);
// Makes sure that putting a message with these handles into `queue` closes no circle, and that it
// stays so until carry_walk_end, which must follow in any case. -E_DEADLK: it would; -E_NOMEM. May
// sleep; no lock held. carry_lock is held between them.
[[nodiscard]] int carry_walk_begin(struct carry_walk *w, const void *queue, const struct carried *c,
                                   u32 n);
void carry_walk_end(struct carry_walk *w); // may sleep
// For carrier.note. Under spinlocks. false: no room.
bool carry_note(struct carry_walk *w, struct object *o);
bool carry_note_all(struct carry_walk *w, const struct carried *c, u32 n);

// Held while a message with carriers is put into a queue.
void carry_lock(void);
void carry_unlock(void);
// What is in a message is put into a queue (carry_lock held; before it is seen there), or was taken
// out of one.
void carried_launch(const struct carried *c, u32 n);
void carried_land(const struct carried *c, u32 n);
// object_type.left of carriers: perhaps some can now only be received from each other.
void carry_left(void);

// --- shared by carry.c and carry_collect.c ---
extern u64 carry_walks;                       // guarded by carry_lock
struct carrier *carrier_of(struct object *o); // NULL: none, or o is NULL
[[nodiscard]] int carry_grow(struct carry_walk *w, u32 cap);
// Numbers o in the walk, if it is not yet. false: no room.
bool carry_add(struct carry_walk *w, struct carrier *c);
bool carry_add_edge(struct carry_walk *w, const struct carrier *c);
