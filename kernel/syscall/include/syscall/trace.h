// The tracer's interpreter: one call and its result as a line of text, from the generated
// descriptors. The text is that of strace 6.13 with its default options.
#pragma once
#include <lib/types.h>
#include <syscall/trace_desc.h>

// How the tracer looks at the traced program and at its ABI.
struct trace_reader {
    // Copies n bytes at user address addr to dst. 0, or anything else if they cannot all be read.
    // May sleep if the caller may.
    int (*read)(void *ctx, void *dst, u64 addr, usize n);
    void *ctx;
    const struct trace_errors *errors; // names of the ABI's errors; NULL: numbers
    u32 column; // characters already on the line (a "[pid 12] " in front); for the column of "="
    u32 string_max; // longest piece of a string shown, 0: 32
    bool in_parts;  // TRACE_NEXT between arguments, TRACE_RESULT before the result, instead of what
                    // strace prints there
};
enum : char { TRACE_NEXT = '\x1f', TRACE_RESULT = '\x1e' }; // appear nowhere else

// Writes the call as text into buf, always ended by NUL, without a newline. args: the raw argument
// registers. exiting: the call is over and ret is its result as the program sees it (>= 0, or
// -errno of the ABI); otherwise what is known at entry: "read(3, ". Answers the length of the whole
// text, which may exceed cap - 1: then the text was cut. Takes no lock; sleeps only in rd->read.
usize trace_format(char *buf, usize cap, const struct syscall_desc *d, const u64 *args,
                   bool exiting, i64 ret, const struct trace_reader *rd);
// Goes on where trace_format(exiting false) stopped with length len in the same buffer, after the
// call: what the call wrote, and its result. The two together show arguments that the call changes
// as they were before it (ppoll's time, execve's strings).
usize trace_finish(char *buf, usize cap, usize len, const struct syscall_desc *d, const u64 *args,
                   i64 ret, const struct trace_reader *rd);
// The same for a call without a table entry: syscall_0x102(0x1, 0, ...) as strace prints it. name:
// NULL if there is none.
usize trace_format_unknown(char *buf, usize cap, const char *name, u64 number, const u64 *args,
                           i64 ret, const struct trace_reader *rd);
