// Printing of single values for the tracer: numbers, names, structs. Private to the tracer.
#pragma once
#include "trace_text.h"
#include <syscall/trace.h>

enum {
    TRACE_OBJECT_MAX = 512,
    TRACE_LIST_MAX = 32
}; // largest object copied to the stack; longest list shown

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
void trace_field_value(struct trace_state *s, const struct trace_field *f,
                       const u8 *mem); // name=value
u64 trace_load(const u8 *mem, u32 size);
bool trace_same(const char *a, const char *b);
void trace_date(struct trace_state *s, i64 sec, u64 nsec); // " /* 2026-11-21T05:36:46+0000 */"
void trace_time_left(struct trace_state *s, const struct syscall_desc *d,
                     const char *before); // "left {...}" of a wait

// Printers of their own, by name; false: there is none of this name, the general rule applies.
bool trace_custom_struct(struct trace_state *s, const char *name, const struct trace_struct *st,
                         const u8 *mem);
bool trace_custom_value(struct trace_state *s, const char *name, u64 value);
bool trace_custom_arg(struct trace_state *s, const struct trace_arg *arg);
bool trace_custom_result(struct trace_state *s, const struct syscall_desc *d);
