// Regular files among the channels that whoever started the machine gave it (arch/stream.h), as
// opened files that can do what others can.
#pragma once
#include <object/object.h>

// stream: what channel n is as a plain channel (consumed on success); the position stays its.
// Channels of one file share its pages. *rights: what a handle should get.
// -E_NODEV: no regular file; -E_NOMEM; errors of the system underneath. Boot.
[[nodiscard]] int hostfs_open_channel(u32 n, struct object *stream, struct object **out,
                                      u32 *rights);
// Writes back what was stored through mappings of all of them.
void hostfs_sync_channels(void);
