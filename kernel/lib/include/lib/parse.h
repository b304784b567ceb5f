// Strict parsing of numbers and of the kernel command line. Nothing is guessed: the whole text must
// be a number.
#pragma once
#include <lib/types.h>

// Text of len bytes (no NUL needed). base 0: 0x, 0o, 0b or decimal by prefix; else 2..36 without
// prefix. -E_INVAL: empty, sign, space or anything else that is no digit; -E_RANGE: does not fit.
[[nodiscard]] int parse_u64(const char *s, usize len, u32 base, u64 *out);
[[nodiscard]] int parse_i64(const char *s, usize len, u32 base,
                            i64 *out); // may have one leading '-' or '+'
// A size: decimal or 0x number with an optional suffix K M G T (powers of 1024, either case).
[[nodiscard]] int parse_size(const char *s, usize len, u64 *out);
// yes/no, on/off, true/false, 1/0.
[[nodiscard]] int parse_bool(const char *s, usize len, bool *out);

// One word of the command line: name, or name=value. Double quotes around the whole word or around
// the value keep blanks in it, and are taken off. Pointers go into the line; nothing is
// NUL-terminated.
struct cmdline_word {
    const char *name;
    usize name_len;
    const char *value; // NULL: no '='
    usize value_len;
};
// Takes the next word from *line (NUL-terminated) and moves it on; false at the end.
bool cmdline_next(const char **line, struct cmdline_word *word);
// The last word called name, as later words overrule earlier ones; false if there is none.
bool cmdline_find(const char *line, const char *name, struct cmdline_word *word);
