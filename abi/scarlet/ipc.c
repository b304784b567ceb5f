// Native calls between tasks: pipes, channels, event channels, futexes, sets of waits, counters. No
// state: the objects are the kernel's.
#include "scarlet.h"
#include "scarlet_handlers.h"
#include <ipc/channel.h>
#include <ipc/counter.h>
#include <ipc/event_channel.h>
#include <ipc/futex.h>
#include <ipc/pipe.h>
#include <ipc/poll_set.h>
#include <lib/string.h>
#include <mem/slab.h>

i64 install_pair(struct object *a, u32 rights_a, struct object *b, u32 rights_b, bool cloexec,
                 i32 *ends)
{
    return handle_install_pair(current_handles(), a, rights_a, b, rights_b,
                               cloexec ? HANDLE_CLOEXEC : 0, handle_limit(), ends);
}

i64 scarlet_pipe(i32 *ends, u32 flags)
{
    struct object *r, *w;
    int err = pipe_create(&r, &w,
                          (flags & SCARLET_PIPE_NONBLOCK ? OBJ_NONBLOCK : 0u) |
                              (flags & SCARLET_PIPE_PACKETS ? OBJ_DIRECT : 0u));
    if (err)
        return err;
    (void)object_set_status(r, 0, OBJ_DIRECT); // packets are made by the writer
    return install_pair(r, anonymous_rights(RIGHT_READ), w, anonymous_rights(RIGHT_WRITE),
                        flags & SCARLET_PIPE_CLOSE_ON_EXEC, ends);
}

void scarlet_pipe_undo(i32 *ends, u32 flags)
{
    (void)flags;
    handle_close_pair(current_handles(), ends);
}

// --- channels ---
i64 scarlet_channel_create(i32 *ends, u32 flags)
{
    struct object *a, *b;
    int err = channel_create(&a, &b, flags & SCARLET_CHANNEL_NONBLOCK ? OBJ_NONBLOCK : 0);
    if (err)
        return err;
    u32 rights = anonymous_rights(RIGHT_READ | RIGHT_WRITE) & ~(u32)RIGHT_MAP;
    return install_pair(a, rights, b, rights, flags & SCARLET_CHANNEL_CLOSE_ON_EXEC, ends);
}

void scarlet_channel_create_undo(i32 *ends, u32 flags)
{
    (void)flags;
    handle_close_pair(current_handles(), ends);
}

static int attach_handles(struct channel_message *m, const i32 *handles, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        struct href h;
        for (u32 k = 0; k < i; k++)
            if (handles[k] == handles[i]) // it cannot move twice
                return -E_INVAL;
        int err = get_handle(&h, handles[i], RIGHT_TRANSFER);
        if (err)
            return err;
        href_keep(&h);
        m->handle[i] = (struct carried){h.object, h.rights};
    }
    return 0;
}

i64 scarlet_channel_send(struct href *channel, struct iobuf *data, usize size, const i32 *handles,
                         u32 count)
{
    struct channel_message *m;
    if (!object_is_channel(channel->object))
        return -E_NOTTY;
    int err = channel_message_create((u32)size, count, &m);
    if (err)
        return err;
    if (iobuf_take(data, m->data, size) != size)
        err = -E_FAULT;
    if (!err)
        err = attach_handles(m, handles, count);
    href_keep(channel);
    if (!err)
        err = channel_send(channel->object, m);
    if (err) {
        channel_message_free(m);
        return err;
    }
    for (u32 i = 0; i < count; i++)
        (void)!handle_close(current_handles(), handles[i]);
    return 0;
}

// Slots for all handles of a message, or none.
static int reserve_slots(i32 *slots, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        slots[i] = handle_reserve(current_handles(), 0, handle_limit());
        if (slots[i] < 0) {
            int err = slots[i];
            while (i-- > 0)
                handle_unreserve(current_handles(), slots[i]);
            return err;
        }
    }
    return 0;
}

i64 scarlet_channel_receive(struct href *channel, struct iobuf *data, usize size, i32 *handles,
                            u32 count, struct scarlet_channel_result *result)
{
    struct channel_message *m;
    struct channel_need need;
    struct object *o = channel->object;
    if (!object_is_channel(o))
        return -E_NOTTY;
    href_keep(channel);
    int err = channel_receive(o, (u32)size, count, &need, &m);
    *result = (struct scarlet_channel_result){need.bytes, need.handles};
    if (err)
        return err;
    err = reserve_slots(handles, m->handles);
    if (err) {
        channel_unreceive(o, m);
        return err;
    }
    if (iobuf_put(data, m->data, m->bytes) != m->bytes) {
        for (u32 i = 0; i < m->handles; i++)
            handle_unreserve(current_handles(), handles[i]);
        channel_unreceive(o, m);
        return -E_FAULT;
    }
    for (u32 i = 0; i < m->handles; i++) {
        handle_publish(current_handles(), handles[i], m->handle[i].object, m->handle[i].rights, 0);
        m->handle[i].object = NULL;
    }
    channel_message_free(m);
    return 0;
}

// --- event channels ---
static int check_channel_name(const struct sys_name *name)
{
    return name->len == 0 || name->len > EVENT_CHANNEL_NAME_MAX ? -E_INVAL : 0;
}

i64 scarlet_event_channel_create(const struct sys_name *name)
{
    struct object *o;
    int err = check_channel_name(name);
    if (!err)
        err = event_channel_open(name->str, name->len, current_cred()->euid, &o);
    if (err)
        return err;
    if (event_channel_owner(o) != current_cred()->euid && !capable(CAP_SYS_ADMIN)) {
        object_put(o);
        return -E_PERM;
    }
    return install(
        o, RIGHT_WRITE | RIGHT_METADATA | RIGHT_DUPLICATE | RIGHT_TRANSFER | RIGHT_CONTROL, false);
}

i64 scarlet_subscribe(const struct sys_name *name)
{
    struct object *channel, *o;
    int err = check_channel_name(name);
    if (!err)
        err = event_channel_find(name->str, name->len, &channel);
    if (err)
        return err;
    err = subscription_create(channel, &o);
    object_put(channel);
    return err ? err : install(o, anonymous_rights(RIGHT_READ) & ~(u32)RIGHT_MAP, false);
}

i64 scarlet_unsubscribe(i32 handle)
{
    struct href h;
    int err = get_handle(&h, handle, 0);
    if (err)
        return err;
    bool mine = object_is_subscription(h.object);
    href_put(&h);
    return mine ? handle_close(current_handles(), handle) : -E_NOTTY;
}

static_assert(sizeof(struct event_note) == sizeof(struct scarlet_event_record) &&
              offsetof(struct event_note, value) == offsetof(struct scarlet_event_record, value) &&
              offsetof(struct event_note, data) == offsetof(struct scarlet_event_record, data));

i64 scarlet_publish(struct href *channel, u32 id, struct iobuf *payload, usize size, u64 value,
                    u32 type)
{
    struct event_note note = {
        .id = id, .type = type, .sender = current_task()->pid, .value = value};
    if (!object_is_event_channel(channel->object))
        return -E_NOTTY;
    if (payload) {
        note.length = (u32)size;
        if (iobuf_take(payload, note.data, size) != size)
            return -E_FAULT;
    } else if (size) {
        return -E_INVAL;
    }
    href_keep(channel);
    return event_channel_publish(channel->object, &note);
}

i64 scarlet_handler_register(struct href *subscription, u32 handler, u32 filter, u64 parameter)
{
    if (!object_is_subscription(subscription->object))
        return -E_NOTTY;
    return subscription_add_handler(subscription->object, handler, (enum note_filter)filter,
                                    parameter);
}

i64 scarlet_handler_remove(struct href *subscription, u32 handler)
{
    if (!object_is_subscription(subscription->object))
        return -E_NOTTY;
    return subscription_remove_handler(subscription->object, handler);
}

// --- futexes ---
i64 scarlet_futex_wait(uaddr_t word, u32 value, u64 deadline, u32 flags)
{
    return futex_wait(word, value, FUTEX_ANY_BITS, !(flags & SCARLET_FUTEX_SHARED),
                      deadline_of(deadline));
}
i64 scarlet_futex_wake(uaddr_t word, u32 count, u32 flags)
{
    return futex_wake(word, count, FUTEX_ANY_BITS, !(flags & SCARLET_FUTEX_SHARED));
}
i64 scarlet_futex_move(uaddr_t word, u32 value, u32 count, uaddr_t other, u32 move, u32 flags)
{
    return futex_requeue(word, other, count, move, true, value, !(flags & SCARLET_FUTEX_SHARED));
}

// --- sets of waits ---
i64 scarlet_set_create(void)
{
    struct object *o;
    int err = poll_set_create(0, &o);
    return err ? err
               : install(o,
                         RIGHT_READ | RIGHT_CONTROL | RIGHT_WAIT | RIGHT_METADATA | RIGHT_DUPLICATE,
                         false);
}

static int change_set(struct href *set, i32 handle, const struct scarlet_set_item *item, u32 rights,
                      int (*fn)(struct object *, i32, struct object *, const struct poll_item *))
{
    struct href h;
    if (!object_is_poll_set(set->object))
        return -E_NOTTY;
    int err = get_handle(&h, handle, rights);
    if (err)
        return err;
    static_assert((u32)SCARLET_SET_ONCE == (u32)POLL_SET_ONESHOT &&
                  (u32)SCARLET_SET_EDGE == (u32)POLL_SET_EDGE);
    const struct poll_item i = {
        .events = item->events & ~(u32)(POLL_SET_EXCLUSIVE | POLL_SET_WAKEUP), .data = item->data};
    err = h.object->type->poll ? fn(set->object, handle, h.object, &i) : -E_NOTTY;
    href_put(&h);
    return err == -E_LOOP || err == -E_INVAL ? -E_DEADLK : err;
}

i64 scarlet_set_add(struct href *set, i32 handle, const struct scarlet_set_item *item)
{
    return change_set(set, handle, item, RIGHT_WAIT, poll_set_add);
}
i64 scarlet_set_change(struct href *set, i32 handle, const struct scarlet_set_item *item)
{
    return change_set(set, handle, item, RIGHT_WAIT, poll_set_modify);
}
i64 scarlet_set_remove(struct href *set, i32 handle)
{
    struct href h;
    if (!object_is_poll_set(set->object))
        return -E_NOTTY;
    int err = get_handle(&h, handle, 0);
    if (err)
        return err;
    err = poll_set_remove(set->object, handle, h.object);
    href_put(&h);
    return err;
}

i64 scarlet_set_wait(struct href *set, struct iobuf *items, u32 count, u64 deadline)
{
    if (!object_is_poll_set(set->object))
        return -E_NOTTY;
    if (count == 0)
        return -E_INVAL;
    struct poll_item *got = kmalloc_array(count, sizeof(*got), ALLOC_USER);
    if (!got)
        return -E_NOMEM;
    href_keep(set);
    i64 n = poll_set_wait(set->object, got, count, deadline_of(deadline));
    for (i64 i = 0; i < n; i++) {
        struct scarlet_set_item out;
        memset(&out, 0, sizeof(out));
        out.events = got[i].events;
        out.data = got[i].data;
        if (iobuf_put(items, &out, sizeof(out)) != sizeof(out)) {
            n = i ? i : -E_FAULT;
            break;
        }
    }
    kfree(got);
    return n;
}

i64 scarlet_counter_create(u64 value, u32 flags)
{
    struct object *o;
    int err = counter_create(value, flags & SCARLET_COUNTER_ONE_BY_ONE,
                             flags & SCARLET_COUNTER_NONBLOCK ? OBJ_NONBLOCK : 0, &o);
    return err ? err
               : install(o, anonymous_rights(RIGHT_READ | RIGHT_WRITE) & ~(u32)RIGHT_MAP, false);
}
