// Channels that whoever started the machine gave it, and what it asks of the first program.
#pragma once
#include <object/object.h>

// Channel n (0 to arch_stream_count - 1) as an object with the rights that its handle has. A
// regular file's can do less than others (hostfs/channel.h). -E_NODEV: not of kind STREAM_BYTES.
// -E_NOMEM.
[[nodiscard]] int stream_open(u32 n, struct object **out, u32 *rights);
// fn gets what comes, a set of 1 << REQUEST_* (arch/firmware.h), in thread context. Once, boot.
void firmware_on_request(void (*fn)(u32 requests));
