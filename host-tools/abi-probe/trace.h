// strace logs (strace -f, with or without times, -y, -v) against the tables.
#pragma once
#include "tables.h"

// One whole call: a line, or an unfinished line and the one that resumed it.
enum { TRACE_ARGS = 8 };
struct trace_call {
    u64 line;   // where it began
    char *name; // pieces of text, changed in place
    char *arg[TRACE_ARGS];
    char *label[TRACE_ARGS]; // "flags" of flags=…, NULL if it has none
    int args;
    const char *result; // behind "= ", "" if none came
    char *text;         // the call as it was written, owned; the pieces above point into copy
    char *copy;
};
struct trace_reader;
// Hands every whole call to take(), in the order in which they ended.
struct trace_reader *trace_open(void (*take)(void *of, const struct trace_call *c), void *of);
void trace_line(struct trace_reader *t, const char *line, u64 number); // without its newline
void trace_flush(struct trace_reader *t); // hands over what never ended, without a result
void trace_close(struct trace_reader *t);
u64 trace_calls(const struct trace_reader *t);
u64 trace_not_understood(const struct trace_reader *t);

// What is not as on Linux in this call.
struct finding {
    enum level level;  // LEVEL_NONE: refused; LEVEL_STUB: answered with error; LEVEL_PARTIAL: a
                       // value is refused; LEVEL_UNKNOWN: not in the tables
    char what[96];     // "openat flags O_DIRECT"
    const char *why;   // may be NULL
    const char *error; // what the call would answer, NULL: not known
};
enum { MAX_FINDINGS = 8 };
int trace_match(const struct tables *t, const struct trace_call *c,
                struct finding out[MAX_FINDINGS]);

// The value of an argument's text ("O_RDONLY|0x4", "-1"), names looked up in all sets of the
// tables.
bool trace_value(const struct tables *t, const char *text, i64 *value);
// A rule of the tables with the call's arguments put in. False if it cannot be computed.
bool trace_rule(const struct tables *t, const struct json_node *args, const struct trace_call *c,
                const char *rule, bool *holds);
// The text of a call's argument by the name it has in the tables, NULL if the line does not have
// it.
const char *trace_argument(const struct json_node *args, const struct trace_call *c,
                           const char *name);
