// Where directory reading puts its entries: the ABI provides emit and lays the record out.
#pragma once
#include <lib/types.h>
struct dir_sink {
    // false: no room, stop; the entry will come again. cookie: position *after* this entry. type:
    // MODE_FMT >> 12 values (DT_*).
    bool (*emit)(struct dir_sink *s, const char *name, usize len, u64 ino, u32 type, u64 cookie);
};
