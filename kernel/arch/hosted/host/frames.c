// Frames on a stream socket (frames.h).
#include "frames.h"
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum { HEAD = 4 };
static_assert(offsetof(struct frame, body) == HEAD);

int frame_take(struct frame_reader *r, int fd)
{
    u8 *at = (u8 *)&r->frame;
    if (r->have >= HEAD && r->have == HEAD + (u32)r->frame.len) // the last one is used up
        r->have = 0;
    for (;;) {
        u32 want = r->have < HEAD ? HEAD : HEAD + (u32)r->frame.len;
        if (want > sizeof(r->frame))
            return -1;
        if (r->have >= HEAD && r->have == want)
            return 1;
        isize n = recv(fd, at + r->have, want - r->have, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 && errno == EAGAIN ? 0 : -1;
        r->have += (u32)n;
    }
}

bool frame_put(int fd, enum frame_kind kind, const void *body, u16 len, int patience_ms)
{
    struct frame f = {.kind = (u16)kind, .len = len};
    if (len)
        memcpy(f.body, body, len);
    const u8 *at = (const u8 *)&f;
    for (u32 left = HEAD + (u32)len; left;) {
        isize n = send(fd, at, left, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN) {
            struct pollfd p = {.fd = fd, .events = POLLOUT};
            int ready = poll(&p, 1, patience_ms);
            if (ready > 0 || (ready < 0 && errno == EINTR))
                continue;
        }
        if (n < 0)
            return false;
        at += n;
        left -= (u32)n;
    }
    return true;
}
