// Native calls on handles: facts, copies with fewer rights, flags, waiting, control operations. The
// handle table guards itself.
#include "scarlet.h"
#include "scarlet_handlers.h"
#include <ipc/channel.h>
#include <ipc/counter.h>
#include <ipc/event_channel.h>
#include <ipc/pipe.h>
#include <ipc/poll_set.h>
#include <mem/slab.h>
#include <task/task_object.h>
#include <tty/tty.h>
#include <vfs/watch.h>

i64 install(struct object *o, u32 rights, bool cloexec)
{
    i32 slot = handle_install(current_handles(), o, rights, cloexec ? HANDLE_CLOEXEC : 0, 0,
                              handle_limit());
    if (slot < 0)
        object_put(o);
    return slot;
}

int get_handle(struct href *h, i32 slot, u32 rights)
{
    int err = href_get(h, slot, 0);
    if (err)
        return err;
    if ((h->rights & rights) == rights)
        return 0;
    href_put(h);
    return -E_RIGHTS;
}

// --- facts ---
static u32 type_of_file(u32 mode)
{
    switch (mode & MODE_FMT) {
    case MODE_DIR:
        return SCARLET_OBJECT_DIRECTORY;
    case MODE_CHR:
        return SCARLET_OBJECT_CHARACTER;
    case MODE_BLK:
        return SCARLET_OBJECT_BLOCK;
    case MODE_SOCK:
        return SCARLET_OBJECT_SOCKET;
    case MODE_FIFO:
        return SCARLET_OBJECT_PIPE;
    default:
        return SCARLET_OBJECT_FILE;
    }
}

static u32 type_of(struct object *o)
{
    struct attr a;
    if (atomic_load_explicit(&o->status, memory_order_relaxed) & OBJ_PATH_ONLY)
        return SCARLET_OBJECT_PLACE;
    if (object_is_tty(o))
        return SCARLET_OBJECT_TERMINAL;
    if (object_is_pipe(o))
        return SCARLET_OBJECT_PIPE;
    if (object_is_channel(o))
        return SCARLET_OBJECT_CHANNEL;
    if (object_is_event_channel(o))
        return SCARLET_OBJECT_EVENT_CHANNEL;
    if (object_is_subscription(o))
        return SCARLET_OBJECT_SUBSCRIPTION;
    if (object_is_task(o))
        return SCARLET_OBJECT_TASK;
    if (object_is_view(o))
        return SCARLET_OBJECT_VIEW;
    if (object_is_environment(o))
        return SCARLET_OBJECT_ENVIRONMENT;
    if (object_is_timer(o))
        return SCARLET_OBJECT_TIMER;
    if (object_is_poll_set(o))
        return SCARLET_OBJECT_EVENT_SET;
    if (object_is_watch(o))
        return SCARLET_OBJECT_WATCH;
    if (o->type->kinds & OBJ_KIND_SOCKET)
        return SCARLET_OBJECT_SOCKET;
    if (object_path(o) && !object_getattr(o, &a))
        return type_of_file(a.mode);
    return o->type->kinds & OBJ_KIND_EVENT ? SCARLET_OBJECT_COUNTER : SCARLET_OBJECT_UNKNOWN;
}

static u32 capabilities_of(struct object *o, u32 type)
{
    const struct object_type *t = o->type;
    return (t->read || t->write ? SCARLET_CAN_STREAM : 0u) | (t->truncate ? SCARLET_CAN_FILE : 0u) |
           (type == SCARLET_OBJECT_PIPE ? SCARLET_CAN_PIPE : 0u) |
           (t->kinds & OBJ_KIND_EVENT ? SCARLET_CAN_EVENT : 0u) | SCARLET_CAN_CLONE |
           (t->map ? SCARLET_CAN_MAP : 0u) |
           (type == SCARLET_OBJECT_TERMINAL || type == SCARLET_OBJECT_PIPE ? SCARLET_CAN_CONTROL
                                                                           : 0u) |
           (t->poll ? SCARLET_CAN_WAIT : 0u) | (t->readdir ? SCARLET_CAN_LIST : 0u);
}

i64 scarlet_query(struct href *handle, struct scarlet_handle_info *info)
{
    struct object *o = handle->object;
    u32 status = atomic_load_explicit(&o->status, memory_order_relaxed);
    info->type = type_of(o);
    info->capabilities = capabilities_of(o, info->type);
    info->rights = handle->rights;
    info->role = handle->flags >> HANDLE_ROLE_SHIFT;
    info->flags = (handle->flags & HANDLE_CLOEXEC ? SCARLET_HANDLE_CLOSE_ON_EXEC : 0u) |
                  (status & OBJ_NONBLOCK ? SCARLET_HANDLE_NONBLOCK : 0u) |
                  (status & OBJ_APPEND ? SCARLET_HANDLE_APPEND : 0u);
    if (info->type == SCARLET_OBJECT_TERMINAL) {
        i64 n = tty_input_pending(o);
        info->pending = n > 0 ? (u64)n : 0;
    } else if (object_is_pipe(o)) {
        info->pending = pipe_pending(o);
        info->capacity = pipe_capacity(o);
    }
    return 0;
}

i64 scarlet_set_role(i32 handle, u32 role)
{
    return handle_set_flags(current_handles(), handle, role << HANDLE_ROLE_SHIFT,
                            0xffu << HANDLE_ROLE_SHIFT);
}

// --- copies and ends ---
i64 scarlet_close(i32 handle)
{
    int err = handle_close(current_handles(), handle);
    return err == -E_RESTART ? -E_INTR : err;
}

i64 scarlet_close_range(u32 first, u32 last)
{
    if (first > last)
        return -E_INVAL;
    handle_close_range(current_handles(), first, last, false);
    return 0;
}

// Those flags that belong to the object, as its status bits.
static u32 status_bits(u32 flags)
{
    return (flags & SCARLET_HANDLE_NONBLOCK ? OBJ_NONBLOCK : 0u) |
           (flags & SCARLET_HANDLE_APPEND ? OBJ_APPEND : 0u);
}

i64 scarlet_duplicate(struct href *handle)
{
    return scarlet_duplicate_to(handle, SCARLET_SAME_RIGHTS, SCARLET_HERE, 0);
}

i64 scarlet_duplicate_to(struct href *handle, u32 rights, i32 slot, u32 flags)
{
    u32 keep = handle->flags & ~(u32)HANDLE_CLOEXEC,
        f = keep | (flags & SCARLET_HANDLE_CLOSE_ON_EXEC ? HANDLE_CLOEXEC : 0u);
    if (rights == SCARLET_SAME_RIGHTS)
        rights = handle->rights;
    u32 status = status_bits(flags);
    if (rights & ~handle->rights || (status && !(handle->rights & RIGHT_CONTROL)))
        return -E_RIGHTS;
    rights = rights_shrink(handle->rights, rights);
    href_keep(handle);
    object_get(handle->object);
    i64 r =
        slot == SCARLET_HERE
            ? handle_install(current_handles(), handle->object, rights, f, 0, handle_limit())
            : handle_replace(current_handles(), slot, handle->object, rights, f, handle_limit());
    if (r < 0) {
        object_put(handle->object);
        return r;
    }
    if (status)
        (void)object_set_status(handle->object, status, status);
    return slot == SCARLET_HERE ? r : slot;
}

i64 scarlet_handle_restrict(i32 handle, u32 rights)
{
    struct href h;
    int err = href_get(&h, handle, 0);
    if (err)
        return err;
    if (rights & ~h.rights) {
        href_put(&h);
        return -E_RIGHTS;
    }
    href_keep(&h);
    err = handle_replace(current_handles(), handle, h.object, rights_shrink(h.rights, rights),
                         h.flags, handle_limit());
    if (err)
        href_put(&h);
    return err;
}

i64 scarlet_set_flags(i32 handle, u32 flags, u32 mask)
{
    struct href h;
    u32 bits = status_bits(flags), which = status_bits(mask);
    int err = get_handle(&h, handle, which ? RIGHT_CONTROL : 0);
    if (err)
        return err;
    if (which)
        (void)object_set_status(h.object, bits & which, which);
    href_put(&h);
    if (mask & SCARLET_HANDLE_CLOSE_ON_EXEC)
        return handle_set_flags(current_handles(), handle,
                                flags & SCARLET_HANDLE_CLOSE_ON_EXEC ? HANDLE_CLOEXEC : 0,
                                HANDLE_CLOEXEC);
    return 0;
}

// --- waiting ---
enum { WAIT_INLINE = 16 };

i64 scarlet_wait(struct scarlet_wait_item *items, u32 count, u64 deadline)
{
    struct poll_entry few[WAIT_INLINE], *entries = few;
    struct href few_refs[WAIT_INLINE], *refs = few_refs;
    u8 *both = NULL;
    i64 bad = 0;
    if (count > WAIT_INLINE) {
        both = kmalloc(count * (sizeof(*entries) + sizeof(*refs)), ALLOC_USER);
        if (!both)
            return -E_NOMEM;
        refs = (struct href *)(void *)both;
        entries = (struct poll_entry *)(void *)(both + count * sizeof(*refs));
    }
    for (u32 i = 0; i < count; i++) {
        refs[i].object = NULL;
        entries[i] = (struct poll_entry){.events = items[i].wanted};
        items[i].got = 0;
        if (items[i].handle == SCARLET_NO_HANDLE)
            continue;
        if (get_handle(&refs[i], items[i].handle, RIGHT_WAIT)) {
            refs[i].object = NULL;
            items[i].got = SCARLET_READY_BAD;
            bad++;
        } else {
            entries[i].object = refs[i].object;
        }
    }
    i64 n = poll_objects(entries, count, bad ? 1 : deadline_of(deadline));
    for (u32 i = 0; i < count; i++) {
        if (!refs[i].object)
            continue;
        items[i].got = entries[i].revents & (SCARLET_READY_READ | SCARLET_READY_WRITE |
                                             SCARLET_READY_ERROR | SCARLET_READY_CLOSED);
        href_put(&refs[i]);
    }
    kfree(both);
    return n < 0 ? n : n + bad;
}

// --- control: terminals ---
i64 scarlet_control_CONTROL_TERMINAL_SIZE(struct href *handle, struct scarlet_terminal_size *size)
{
    struct kwinsize w;
    int err = tty_get_winsize(handle->object, &w);
    if (!err)
        *size = (struct scarlet_terminal_size){w.rows, w.cols, w.xpixel, w.ypixel};
    return err;
}

i64 scarlet_control_CONTROL_TERMINAL_SET_SIZE(struct href *handle,
                                              const struct scarlet_terminal_size *size)
{
    const struct kwinsize w = {.rows = size->rows,
                               .cols = size->columns,
                               .xpixel = size->pixel_width,
                               .ypixel = size->pixel_height};
    return tty_set_winsize(handle->object, &w);
}

i64 scarlet_control_CONTROL_TERMINAL_MODE(struct href *handle)
{
    struct ktermios k;
    int err = tty_get_termios(handle->object, &k);
    if (err)
        return err;
    return (k.lflag & KT_ICANON ? SCARLET_TERMINAL_LINES : 0) |
           (k.lflag & KT_ECHO ? SCARLET_TERMINAL_ECHO : 0) |
           (k.lflag & KT_ISIG ? SCARLET_TERMINAL_KEYS : 0) |
           (k.oflag & KT_OPOST ? SCARLET_TERMINAL_NEWLINE : 0);
}

i64 scarlet_control_CONTROL_TERMINAL_SET_MODE(struct href *handle, u32 mode)
{
    struct ktermios k;
    int err = tty_get_termios(handle->object, &k);
    if (err)
        return err;
    k.lflag &= ~(u32)(KT_ICANON | KT_ECHO | KT_ECHOE | KT_ECHOK | KT_ECHOCTL | KT_ECHOKE | KT_ISIG |
                      KT_IEXTEN);
    k.oflag &= ~(u32)(KT_OPOST | KT_ONLCR);
    k.iflag &= ~(u32)(KT_ICRNL | KT_IXON);
    k.cc[KT_VMIN] = 1;
    k.cc[KT_VTIME] = 0;
    if (mode & SCARLET_TERMINAL_LINES) {
        k.lflag |= KT_ICANON | KT_IEXTEN;
        k.iflag |= KT_ICRNL | KT_IXON;
    }
    if (mode & SCARLET_TERMINAL_ECHO)
        k.lflag |= KT_ECHO | KT_ECHOE | KT_ECHOK | KT_ECHOCTL | KT_ECHOKE;
    if (mode & SCARLET_TERMINAL_KEYS)
        k.lflag |= KT_ISIG;
    if (mode & SCARLET_TERMINAL_NEWLINE)
        k.oflag |= KT_OPOST | KT_ONLCR;
    return tty_set_termios(handle->object, &k, TTY_DRAIN);
}

i64 scarlet_control_CONTROL_TERMINAL_GROUP(struct href *handle)
{
    u32 id;
    int err = tty_get_pgrp(handle->object, &id);
    return err ? err : (i64)id;
}

i64 scarlet_control_CONTROL_TERMINAL_SET_GROUP(struct href *handle, i32 group)
{
    return group > 0 ? tty_set_pgrp(handle->object, (u32)group) : -E_INVAL;
}

i64 scarlet_control_CONTROL_TERMINAL_ADOPT(struct href *handle)
{
    return tty_set_controlling(handle->object, false);
}

// --- control: pipes ---
enum : u32 { PIPE_MAX_UNPRIVILEGED = 1 << 20 };

i64 scarlet_control_CONTROL_PIPE_CAPACITY(struct href *handle)
{
    return object_is_pipe(handle->object) ? (i64)pipe_capacity(handle->object) : -E_NOTTY;
}

i64 scarlet_control_CONTROL_PIPE_SET_CAPACITY(struct href *handle, u32 size)
{
    if (!object_is_pipe(handle->object))
        return -E_NOTTY;
    if (size > PIPE_MAX_UNPRIVILEGED && !capable(CAP_SYS_RESOURCE))
        return -E_PERM;
    return pipe_set_capacity(handle->object, MAX(size, 1u));
}
