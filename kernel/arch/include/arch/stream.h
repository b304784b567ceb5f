// Streams: byte channels that whoever started the machine gave it, numbered as a process's
// descriptors, the first three being the standard ones. kernel/device/firmware makes objects of
// them. A platform without has three consoles.
// Nothing here waits, reads more than is asked for, or changes what others see of the channel.
// Thread context; errors are negative kerr codes.
#pragma once
#include <lib/types.h>

struct host_attr;
enum arch_stream_kind {
    STREAM_NONE, // closed
    STREAM_CONSOLE,
    STREAM_BYTES,
    STREAM_PLACE, // a directory, or a file that is opened as a place only
};
enum {
    STREAM_READ = 1,
    STREAM_WRITE = 2,
    STREAM_SEEK = 4,
    STREAM_APPEND = 8,
    STREAM_PATH_ONLY = 16 // as a place only
};
enum { STREAM_POLL_IN = 1, STREAM_POLL_OUT = 4, STREAM_POLL_ERR = 8, STREAM_POLL_HUP = 16 };

u32 arch_stream_count(void); // behind the highest number; at least 3
// What channel n is; STREAM_BYTES and STREAM_PLACE: which of STREAM_READ... it offers goes to
// *access.
enum arch_stream_kind arch_stream_kind(u32 n, u32 *access);
// The absolute name that the file behind it has in the system underneath, with its NUL: the length,
// -E_NAMETOOLONG, -E_NOENT: it has none (any more).
[[nodiscard]] i64 arch_stream_name(u32 n, char *buf, usize cap);
[[nodiscard]] i64 arch_stream_attr(u32 n, struct host_attr *out);
// Bytes moved, 0 at the end, -E_AGAIN: nothing now, -E_PIPE: nobody reads. pos NULL: the channel's
// own position.
[[nodiscard]] i64 arch_stream_read(u32 n, void *buf, usize len, const u64 *pos);
[[nodiscard]] i64 arch_stream_write(u32 n, const void *buf, usize len, const u64 *pos);
[[nodiscard]] i64 arch_stream_seek(u32 n, i64 off, u32 whence); // as lseek
[[nodiscard]] i64 arch_stream_truncate(u32 n, u64 size);
[[nodiscard]] i64 arch_stream_sync(u32 n);
// STREAM_POLL_*: which of `wanted` are so, and trouble. If none is, an external interrupt comes
// when one may be.
u32 arch_stream_ready(u32 n, u32 wanted);
