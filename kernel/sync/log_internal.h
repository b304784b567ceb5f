// What the files of the log and of panics share.
#pragma once
#include <sync/log.h>

// From now on records go straight to the early console, without time stamps, whatever the level,
// and the log lock is taken by force if it does not come free: a panicking CPU is the only one
// left.
void log_enter_panic(void);
// Prints the last `count` records before `before` to the early console, with levels and time
// stamps.
void log_dump_tail(u64 before, u32 count);
// A record of the highest level with ready text.
void log_vadd(enum log_level level, const char *fmt, __builtin_va_list args);
