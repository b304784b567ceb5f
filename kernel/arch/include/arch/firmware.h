// Devices that a platform reaches by calls and not by registers: a console, a wall clock. Used by
// kernel/device/firmware; a platform without one gives nothing. Output is arch_early_write.
#pragma once
#include <lib/types.h>

// Takes up to n bytes that have come in; an external interrupt says so. Any context.
usize arch_console_read(void *buf, usize n);
// Nanoseconds since 1970 as the firmware knows them, 0: it does not.
u64 arch_firmware_realtime_ns(void);
// Leaves the machine with a status for whoever started it, where the platform has one (else as
// arch_poweroff).
[[noreturn]] void arch_poweroff_status(u32 status);
// The same after a program that a signal of this number ended: whoever started the machine sees it
// end so.
[[noreturn]] void arch_poweroff_killed(u32 number);
// The first program runs: whoever started the machine may go on to something else.
void arch_program_started(void);
// The machine stands still as a job of whoever started it, until he continues it. Returns at once
// where there is no such thing. Thread context.
void arch_suspend(void);
// The size of the window that the console is shown in. False: not known.
bool arch_console_size(u16 *rows, u16 *cols, u16 *xpixel, u16 *ypixel);
// Lines about the calls that traced programs make, for whoever started the machine. LOG: he does
// not take them, they belong to the kernel's log.
enum arch_trace { ARCH_TRACE_LOG, ARCH_TRACE_TEXT, ARCH_TRACE_JSON };
enum arch_trace arch_trace_kind(void);
void arch_trace_write(const char *line, usize n); // a whole line with its newline. Any context
// What whoever started the machine wants of the first program; an external interrupt says that
// there is something. Returns and forgets a set of 1 << REQUEST_*.
enum arch_request {
    REQUEST_INTERRUPT, // to the program's group when it came from a keyboard
    REQUEST_QUIT,
    REQUEST_HANGUP,
    REQUEST_TERMINATE,
    REQUEST_USER1,
    REQUEST_USER2,
    REQUEST_WINDOW,   // the console's window changed
    REQUEST_KEYBOARD, // interrupt or quit came from a keyboard
};
u32 arch_requests_take(void);
