// Text output of the tracer: a bounded buffer, numbers, quoted strings. Owns nothing; the caller
// gives the memory.
#pragma once
#include <lib/types.h>

struct trace_text {
    char *buf;
    usize cap;
    usize len; // of the whole text, also of what did not fit
};

void text_char(struct trace_text *t, char c);
void text_str(struct trace_text *t, const char *s);
void text_dec(struct trace_text *t, u64 value, bool negative); // negative: value is a negative i64
void text_hex(struct trace_text *t, u64 value);                // 0x1f; 0 is "0"
void text_oct(struct trace_text *t, u64 value,
              u32 digits); // leading 0, at least so many digits in all
// n bytes as strace quotes them, between quotation marks. all_hex: every byte as \xnn.
void text_quoted(struct trace_text *t, const u8 *bytes, usize n, bool all_hex);
