// Reading and writing.
#include "xv6.h"
#include "xv6_handlers.h"
#include <ipc/pipe.h>
#include <object/poll.h>

// A call on an object could not go on: waits out what another system's O_NONBLOCK would have
// answered, stops if asked to. 0: again.
static int wait_ready(struct object *o, i64 r, u32 events)
{
    if (r == -E_RESTART)
        return xv6_interrupted();
    if (r != -E_AGAIN)
        return (int)r;
    struct poll_entry e = {.object = o, .events = events};
    i64 n = poll_objects(&e, 1, 0);
    return n == -E_RESTART ? xv6_interrupted() : n < 0 ? (int)n : 0;
}

// A file read that came out short: was that its end, or the end of the caller's memory?
static bool cut_by_fault(struct object *o, uaddr_t buf, i64 got)
{
    u8 byte;
    struct attr a;
    if (!(o->type->kinds & OBJ_KIND_FILE) || !user_copy_in(&byte, uaddr_add(buf, (u64)got), 1))
        return false;
    return !object_getattr(o, &a) && (u64)object_seek(o, 0, OBJ_SEEK_CUR) < a.size;
}

i64 xv6_read(i32 fd, uaddr_t buf, i32 n)
{
    struct href h;
    i64 r = xv6_href(&h, fd, RIGHT_READ);
    if (r)
        return r;
    href_keep(&h);
    struct object *o = h.object;
    struct iobuf b;
    if (n < 0) {
        r = -E_INVAL;
    } else if (o->type->readdir) {
        r = xv6_read_dir(o, buf, (usize)n);
    } else {
        do {
            struct xv6_listener l;
            r = iobuf_user(&b, buf, (usize)n, IOBUF_TO_USER);
            bool listens = !r && o->type->kinds & OBJ_KIND_TTY && xv6_listen(o, &l);
            if (!r)
                r = object_read(o, &b, NULL);
            if (listens)
                xv6_unlisten(o, &l);
        } while (r < 0 && !(r = wait_ready(o, r, POLL_IN)));
        if (r >= 0 && r < n && cut_by_fault(o, buf, r))
            r = -E_FAULT;
    }
    href_put(&h);
    return r;
}

// How much of n bytes the believed machine's largest file has room for: nothing behind the end of a
// file that somebody made shorter, as xv6 has no holes.
static usize clip(struct object *o, usize n)
{
    struct attr a;
    u64 limit = current_xv6()->machine->limits.file_size;
    if (!(o->type->kinds & OBJ_KIND_FILE))
        return n;
    u64 pos = (u64)object_seek(o, 0, OBJ_SEEK_CUR); // first: others may be writing
    if (object_getattr(o, &a))
        return n;
    if (atomic_load_explicit(&o->status, memory_order_relaxed) & OBJ_APPEND)
        pos = a.size;
    return pos > a.size || pos >= limit ? 0 : MIN(n, limit - pos);
}

i64 xv6_write(i32 fd, uaddr_t buf, i32 n)
{
    struct href h;
    i64 r = xv6_href(&h, fd, RIGHT_WRITE);
    if (r)
        return r;
    href_keep(&h);
    struct object *o = h.object;
    struct iobuf b;
    usize done = 0, room = n < 0 ? 0 : clip(o, (usize)n);
    if (n < 0)
        r = -E_INVAL;
    while (!r && done < room) {
        r = iobuf_user(&b, uaddr_add(buf, done), room - done, IOBUF_FROM_USER);
        if (!r)
            r = object_write(o, &b, NULL);
        if (r > 0) {
            done += (usize)r;
            r = 0;
        } else if (r == 0) {
            r = -E_IO; // nothing moved and no reason given
        } else {
            r = wait_ready(o, r, POLL_OUT);
        }
    }
    if (!r && done < (usize)n)
        r = -E_FBIG;
    href_put(&h);
    return r ? r : n;
}
