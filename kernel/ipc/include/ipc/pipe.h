// Pipes and FIFOs: a ring of page slots between any number of readers and writers.
#pragma once
#include <object/object.h>

enum pipe_access { PIPE_READ = 1, PIPE_WRITE = 2 };
enum {
    PIPE_ATOMIC = 4096
}; // writes of up to this many bytes are never mixed with others (PIPE_BUF)

// Both ends of a new pipe, one reference each. status: enum object_status for both (OBJ_NONBLOCK,
// OBJ_DIRECT: packets). -E_NOMEM. A write without readers returns -E_PIPE; telling the task
// (EVENT_PIPE) is the calling ABI's part.
[[nodiscard]] int pipe_create(struct object **reader, struct object **writer, u32 status);

// Opens the FIFO whose pipe hangs at *slot (a pointer in the vfs node, NULL at first; this file
// guards it, and clears it when the last end closes). access: PIPE_READ, PIPE_WRITE or both (which
// never waits). Waits for the other side unless OBJ_NONBLOCK is in status: then reading succeeds at
// once and writing gives -E_NXIO without a reader. -E_RESTART, -E_NOMEM. The caller keeps the node
// alive while an end is open (object origin).
[[nodiscard]] int fifo_open(void **slot, u32 access, u32 status, struct object **out);

bool object_is_pipe(const struct object *o); // either end
bool pipe_same(const struct object *a, const struct object *b);
// Bytes waiting to be read (FIONREAD).
u64 pipe_pending(struct object *o);
// Capacity in bytes. Setting rounds up to a power of two of pages: returns the new size, -E_BUSY
// (more is in it), -E_INVAL, -E_NOMEM.
u64 pipe_capacity(struct object *o);
[[nodiscard]] i64 pipe_set_capacity(struct object *o, u64 bytes);
