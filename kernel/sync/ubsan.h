// What clang's -fsanitize=undefined passes to its handlers (the layout is the compiler's; see
// UndefinedBehaviorSanitizer's runtime interface). Only what is printed is described.
#pragma once
#include <lib/types.h>

struct ubsan_place {
    const char *file;
    u32 line, column;
};
struct ubsan_type {
    u16 kind; // 0 integer, 1 float
    u16 info; // integer: bit 0 signed, the rest log2 of the width
    char name[];
};
struct ubsan_overflow {
    struct ubsan_place place;
    const struct ubsan_type *type;
};
struct ubsan_shift {
    struct ubsan_place place;
    const struct ubsan_type *left, *right;
};
struct ubsan_bounds {
    struct ubsan_place place;
    const struct ubsan_type *array, *index;
};
struct ubsan_mismatch {
    struct ubsan_place place;
    const struct ubsan_type *type;
    u8 log_align;
    u8 kind;
};
struct ubsan_value {
    struct ubsan_place place;
    const struct ubsan_type *type;
};
struct ubsan_conversion {
    struct ubsan_place place;
    const struct ubsan_type *from, *to;
    u8 kind;
};
struct ubsan_site { // only a place
    struct ubsan_place place;
};
struct ubsan_nonnull_arg {
    struct ubsan_place place, attr_place;
    i32 index;
};
