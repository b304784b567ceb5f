// One traced call as a JSON object on a line. Private to the tracer.
#pragma once
#include <syscall/trace.h>

struct trace_head {
    i64 wall_ns;     // since 1970, when the call was made
    u64 begun_ns;    // arch_time_ns then
    u64 ended_ns;    // 0: it does not end
    u32 pid, tid;    // task, thread
    const char *abi; // whose call
    bool cut;        // the text did not fit
};
// text: "name(argument TRACE_NEXT argument TRACE_RESULT result". Memory for kfree with *len bytes,
// the newline among them; NULL: none.
[[nodiscard]] char *trace_json(const struct trace_head *h, const char *text, i64 result,
                               const struct trace_errors *errors, usize *len);
