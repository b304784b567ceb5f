// Where the machine layer reports to: provided by kernel/sync (log and symbols), declared here
// because arch is below it.
#pragma once
#include <lib/types.h>
void report_line(const char *fmt, ...) PRINTF_LIKE(1, 2); // one log line at the highest level
void report_frame(u64 return_address);                    // one symbolised backtrace line
struct trapframe;
u64 arch_frame_fp(const struct trapframe *tf); // frame pointer at the trap, for arch_backtrace
