// Event channels: named places where tasks publish small records; each subscription receives its
// own copy, in order.
#pragma once
#include <object/object.h>

enum { EVENT_CHANNEL_NAME_MAX = 63, EVENT_NOTE_MAX = 216, SUBSCRIPTION_QUEUE_MAX = 256 };

struct event_note {
    u32 id, type, sender,
        handler; // handler: number of the handler whose filter let it through, 0 without handlers
    u64 time_ns, value;
    u32 lost; // how many were dropped before this one because nobody read
    u32 length;
    u8 data[EVENT_NOTE_MAX];
};

// The channel of this name: one reference. It lives as long as somebody holds it or subscribes.
// -E_NOENT.
[[nodiscard]] int event_channel_find(const char *name, usize len, struct object **out);
// The same, made if there is none; then it belongs to owner (a user's number). -E_NOMEM.
[[nodiscard]] int event_channel_open(const char *name, usize len, u32 owner, struct object **out);
u32 event_channel_owner(struct object *channel);
bool object_is_event_channel(const struct object *o);
// Copies note (time is set here) to every subscription. Returns how many kept it. A full one drops
// its oldest.
[[nodiscard]] i64
event_channel_publish(struct object *channel,
                      const struct event_note *note); // -E_NOMEM: some have not got it
// A subscription to a channel; keeps the channel alive. -E_NOMEM.
[[nodiscard]] int subscription_create(struct object *channel, struct object **out);
bool object_is_subscription(const struct object *o);
// The next note. Waits (-E_AGAIN with OBJ_NONBLOCK). -E_RESTART.
[[nodiscard]] int subscription_next(struct object *s, struct event_note *out);

// Handlers: with at least one, only what a handler's filter lets through is kept. Registering a
// number again replaces it.
enum note_filter { NOTE_ALL, NOTE_SENDER, NOTE_ID, NOTE_TYPE };
[[nodiscard]] int subscription_add_handler(struct object *s, u32 handler, enum note_filter f,
                                           u64 parameter);                    // -E_NOMEM
[[nodiscard]] int subscription_remove_handler(struct object *s, u32 handler); // -E_NOENT
