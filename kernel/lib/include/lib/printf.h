// Formatted text: every conversion of C except the floating-point ones and %n.
#pragma once
#include <lib/types.h>
#include <stdarg.h>

// Conversions d i u o x X b B c s p %, flags - + space # 0, width and precision (also *), lengths
// hh h l ll j z t. A conversion that is not known is written out as it stands, and the arguments
// after it are not looked at.

// Writes at most cap-1 characters and a NUL (nothing if cap is 0). Returns the length of the whole
// text.
int ksnprintf(char *buf, usize cap, const char *fmt, ...) PRINTF_LIKE(3, 4);
int kvsnprintf(char *buf, usize cap, const char *fmt, va_list args) PRINTF_LIKE(3, 0);
// The same, but returns what is in buf: at most cap-1. For appending piece by piece: at +=
// kscnprintf(buf + at, cap - at, ...).
usize kscnprintf(char *buf, usize cap, const char *fmt, ...) PRINTF_LIKE(3, 4);

// Hands the text to put() in pieces, none of them empty. Returns its length.
typedef void (*printf_put_fn)(void *arg, const char *s, usize n);
usize kvformat(printf_put_fn put, void *arg, const char *fmt, va_list args) PRINTF_LIKE(3, 0);
usize kformat(printf_put_fn put, void *arg, const char *fmt, ...) PRINTF_LIKE(3, 4);

// Decimal digits of v at out (room for 20, no NUL); returns how many.
usize format_u64(char *out, u64 v);
