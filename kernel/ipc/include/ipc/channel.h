// Channels: two ends; what one sends the other receives, whole messages of bytes and handles in
// order.
#pragma once
#include <ipc/carried.h>
#include <lib/list.h>

enum { CHANNEL_MAX_BYTES = 65536, CHANNEL_MAX_HANDLES = 64 };

// A message outside of any queue belongs to whoever holds it; free drops the handles' references
// too.
struct channel_message {
    struct list link;
    u32 bytes, handles;
    struct carried *handle; // `handles` of them; object NULL: not filled yet, or taken out
    u8 *data;
};
// -E_NOMEM. Sizes within the limits above.
[[nodiscard]] int channel_message_create(u32 bytes, u32 handles, struct channel_message **out);
void channel_message_free(struct channel_message *m);

// Both ends, one reference each. status: OBJ_NONBLOCK for both. -E_NOMEM.
[[nodiscard]] int channel_create(struct object **a, struct object **b, u32 status);
bool object_is_channel(const struct object *o);
// Sends; consumes m on success only. Waits while the other end's queue is full (-E_AGAIN with
// OBJ_NONBLOCK). -E_PIPE: the other end is closed. -E_DEADLK: m carries an end of this very
// channel, or ends through whose queues the one that would receive m can be reached: it would keep
// itself alive. -E_NOMEM, -E_RESTART.
[[nodiscard]] int channel_send(struct object *end, struct channel_message *m);
// Takes the next message if it has at most so many bytes and handles; the caller owns it then.
// *need: the sizes of what is next, also with -E_MSGSIZE (it does not fit and stays). Waits for one
// (-E_AGAIN with OBJ_NONBLOCK). -E_PIPE: empty, and the other end is closed.
struct channel_need {
    u32 bytes, handles;
};
[[nodiscard]] int channel_receive(struct object *end, u32 bytes, u32 handles,
                                  struct channel_need *need, struct channel_message **out);
// Puts a message back to the front, e.g. when its handles found no room. Cannot fail; consumes m.
void channel_unreceive(struct object *end, struct channel_message *m);
