// Moving bytes into and out of pipes past a user's buffer: from pipe to pipe, between a pipe and
// another object, and whole pages of a user's memory.
//
// Nothing is lost: bytes leave a pipe only when somebody has them, and what is read from elsewhere
// has its place in the pipe beforehand. Common errors: -E_PIPE: nobody reads the pipe that is
// written to; -E_AGAIN: nonblock, and it would have to wait; -E_RESTART: an event came while it
// waited. Thread context; o, in and out are ends of pipes with the access that is used.
#pragma once
#include <ipc/pipe.h>

// Up to n bytes (not 0) from the front of one pipe to the end of another: what is there and has
// room. Waits for the first of them. 0: the first pipe is at its end. keep: they stay there as
// well. The two are different. -E_NOMEM.
[[nodiscard]] i64 pipe_to_pipe(struct object *in, struct object *out, u64 n, bool keep,
                               bool nonblock);

// A user's memory to the end of a pipe, a page to each page of the pipe, as far as there is room;
// waits until there is some. -E_FAULT, -E_NOMEM.
[[nodiscard]] i64 pipe_from_pages(struct object *o, struct iobuf *buf, bool nonblock);
// What is there into a user's memory, never a part of a page of the pipe because of a fault, and
// across the ends of packets; waits for the first. 0: at its end. -E_FAULT.
[[nodiscard]] i64 pipe_to_pages(struct object *o, struct iobuf *buf, bool nonblock);

// Writing a pipe's bytes elsewhere, which may take long, and not all of them: they are claimed and
// lie in `data`; meanwhile others find the pipe empty, though not at its end, and may write to it.
enum { PIPE_CLAIM_PARTS = 16 };
struct pipe_claim {
    struct iobuf data;
    struct iobuf_seg parts[PIPE_CLAIM_PARTS];
};
// Claims at most n bytes (not 0) of those that are there; waits for the first. Returns their
// number, which pipe_claim_end must follow, or 0: at its end; or an error.
[[nodiscard]] i64 pipe_claim(struct object *o, struct pipe_claim *c, u64 n, bool nonblock);
void pipe_claim_end(struct object *o, u64 gone); // so many of them leave the pipe

// Reading from elsewhere into a pipe: pages that are filled by the caller, with room for each.
struct pipe_page {
    u8 *data;
    u32 len; // set by the caller: 0 to PAGE_SIZE
};
struct pipe_fill {
    struct object *pipe;
    u32 room, count; // pages that would go in, and those made so far
    struct pipe_page *pages;
};
// Sets room aside for at most `pages` (not 0) of them; waits until there is for one. 0, and
// pipe_fill_end must follow; or an error, -E_NOMEM too.
[[nodiscard]] int pipe_fill_begin(struct object *o, u64 pages, bool nonblock, struct pipe_fill *f);
struct pipe_page *pipe_fill_page(struct pipe_fill *f); // one more; NULL: no room, or no memory
void pipe_fill_end(struct pipe_fill *f);               // those with bytes go in, in their order
