// Between the side of a program whose console is a socket (socket.c) and the terminal attached to
// it (attach.c): frames, a head and its bytes. A terminal's first frame is its size.
#pragma once
#include "host.h"

enum frame_kind {
    FRAME_DATA,   // typed or printed
    FRAME_SIZE,   // struct frame_size
    FRAME_END,    // to the program: it is to end, as with control-A x
    FRAME_DETACH, // the terminal leaves; the answer is the same, behind all that is shown there
    FRAME_TAKEN,  // to the terminal: another one is attached now
    FRAME_STATUS, // to the terminal: i32, the program ended with it
    FRAME_KILLED, // likewise: i32, a signal ended it
};
enum { FRAME_MAX = 4096 };
struct frame_size {
    u16 rows, cols, xpixel, ypixel;
};
struct frame {
    u16 kind, len;
    u8 body[FRAME_MAX];
};
struct frame_reader { // of one connection; starts as zeroes
    u32 have;
    struct frame frame;
};

// What has come for a frame: 1: it is whole, in r->frame until the next call; 0: not yet; -1: the
// other side is gone, or sends nonsense. Never waits.
int frame_take(struct frame_reader *r, int fd);
// Sends a whole frame; false: the other side is gone, or took nothing for this long.
bool frame_put(int fd, enum frame_kind kind, const void *body, u16 len, int patience_ms);
