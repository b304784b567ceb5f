// Watches: objects that are told what happens to a file or a directory through the vfs, by whatever
// system's program. Changes through shared mappings are not told, and of a file with several names
// a directory hears only of what happens through the name it holds.
#pragma once
#include <object/object.h>
#include <vfs/path.h>

enum watch_what {
    WATCH_CREATED = 1, // these four: a name in the watched directory
    WATCH_REMOVED = 2,
    WATCH_MOVED_FROM = 4, // both halves of one move carry the same `pair`
    WATCH_MOVED_TO = 8,
    WATCH_CONTENTS = 16,   // written or cut; of a name, or (without name) of what is watched itself
    WATCH_ATTRIBUTES = 32, // mode, owner, times or number of names
    WATCH_GONE = 64,       // the last name of what is watched was removed
    WATCH_MOVED = 128,     // what is watched has another name
};
enum { WATCH_QUEUE_MAX = 256 };

struct watch_note {
    u32 what; // one of WATCH_*
    u32 lost; // how many were dropped before this one because nobody read
    u32 pair;
    u32 type; // of what the name stands for: MODE_FMT bits >> 12
    u64 inode;
    u32 length; // of the name, 0: the watched thing itself
    char name[NAME_MAX_LEN + 5];
};

// A watch on a place. Reading gives whole notes; a full queue loses its oldest. A note that says
// the same as the last one that waits is left out. It keeps the place in use, as an open file does.
// -E_ACCES: the caller may not read it. -E_NOMEM.
[[nodiscard]] int watch_create(const struct path *p, struct object **out);
bool object_is_watch(const struct object *o);
