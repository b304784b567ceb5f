// Regular files among the channels that whoever started the machine gave it (arch/stream.h), as
// objects that can be mapped like any file.
#pragma once
#include <object/object.h>

// stream: what channel n is as a plain channel (consumed on success); reads, writes and the
// position stay its, as long as nobody has mapped the file. Channels of one file share its pages.
// -E_NODEV: no regular file; -E_NOMEM; errors of the system underneath. Boot.
[[nodiscard]] int hostfs_open_channel(u32 n, struct object *stream, struct object **out);
// Writes back what was stored through mappings of all of them.
void hostfs_sync_channels(void);
