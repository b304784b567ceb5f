// Printing of single values for the tracer: numbers, names, structs. Private to the tracer.
#pragma once
#include "trace_text.h"
#include <syscall/trace.h>

enum { TRACE_OBJECT_MAX = 512, TRACE_LIST_MAX = 32 }; // largest object copied to the stack; longest list shown

struct trace_state {
    struct trace_text out;
    const struct trace_reader *rd;
    const u64 *args;
    bool exiting;
    i64 ret;
};

// The value of `type` at mem, which holds trace_size(type) bytes of kernel memory.
void trace_value(struct trace_state *s, const struct trace_type *type, const u8 *mem);
// Bytes of one value (or array) of this type; 0 for a type that is itself an address.
usize trace_size(const struct trace_type *type);
// An integer that was in a register, cut to the type's size.
void trace_register(struct trace_state *s, const struct trace_type *type, u64 value);
void trace_address(struct trace_state *s, u64 address); // NULL or hex
void trace_flags(struct trace_state *s, const struct trace_set *set, u64 value);
bool trace_read(struct trace_state *s, void *dst, u64 addr, usize n);
const struct trace_field *trace_find_field(const struct trace_struct *st, const char *name);
