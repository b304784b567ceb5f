// What the tables say about the arguments of a call, as data for the tracer. Generated NS_trace.c
// fills these records; kernel/syscall/trace.c reads them. Everything here is constant and needs no
// lock.
#pragma once
#include <lib/types.h>

// How one value is printed. `ref` of trace_type is the record named in brackets.
enum trace_kind {
    TRACE_DEC, // by size and sign
    TRACE_HEX,
    TRACE_OCT,        // at least three digits: 022
    TRACE_ADDR,       // NULL or hex
    TRACE_MODE,       // S_IFREG|0644; without a file type 0644
    TRACE_SIGNAL,     // SIGINT
    TRACE_SIGSET,     // [INT QUIT] or ~[CHLD]
    TRACE_SIGHANDLER, // SIG_DFL, SIG_IGN or an address
    TRACE_FD,
    TRACE_DIRFD,      // AT_FDCWD or a number
    TRACE_ID,         // user or group: all ones is -1
    TRACE_DEV,        // makedev(0x8, 0x1)
    TRACE_TIME,       // seconds; a comment with the date where asked for
    TRACE_RLIM,       // 8192*1024, RLIM64_INFINITY
    TRACE_WSTATUS,    // {WIFEXITED(s) && WEXITSTATUS(s) == 0}
    TRACE_FLAGS,      // [trace_set]
    TRACE_ENUM,       // [trace_set]
    TRACE_STRUCT,     // [trace_struct]
    TRACE_UNION,      // [trace_struct]; only the first field
    TRACE_CHARS,      // array of char ended by NUL
    TRACE_RAW,        // array of bytes printed as a string of its full length
    TRACE_STRING,     // user address of a string, cut after 32 bytes
    TRACE_PATH,       // user address of a string, whole
    TRACE_STRV,       // user address of an array of strings
    TRACE_STRV_COUNT, // the same, as address and number
    TRACE_BUFFER,     // user address of bytes, as long as `len` says
    TRACE_BUFFER_HEX, // the same, every byte as \x..
    TRACE_IOVEC,      // user address of an array of iovec
    TRACE_PTR,        // user address of one value [trace_type]
    TRACE_SEQ,        // user address of an array of values [trace_type]
    TRACE_SUMMARY,    // user address of records: address and number of entries [trace_struct]
};

struct trace_value {
    u64 mask; // a value of the bits in mask; 0: a flag, or a value of an enum
    u64 value;
    const char *name;
};

struct trace_set {
    const struct trace_value *values; // in print order
    u16 count;
    const char *unknown; // "O_???"; NULL: other numbers are decimal, "": hexadecimal
    u64 modifiers;       // enum: bits that may be added to a value and have names of their own
    bool low_signal;     // flags: the low byte is a signal number
};

struct trace_type {
    u8 kind; // enum trace_kind
    u8 size; // of one value in memory or register: 1, 2, 4 or 8
    bool sign;
    u32 count; // array of so many values; 0: a single value
    const void *ref;
};

enum trace_field_flags { TRACE_FIELD_LEN_SELF = 1 };

struct trace_field {
    const char *name;
    u16 offset;
    u8 flags;
    struct trace_type type;
    const char *custom; // name of a printer of its own, or NULL
};

struct trace_struct {
    const char *name;
    const struct trace_field *fields; // in print order
    u16 count;
    u16 size;
    bool abbrev;        // ends with ", ..."
    const char *custom; // name of a printer of its own, or NULL
    u16 len_offset;     // records of variable size: where the u16 length is; 0xffff: fixed size
};

enum trace_len_kind {
    TRACE_LEN_NONE,
    TRACE_LEN_CONST,
    TRACE_LEN_REG,
    TRACE_LEN_DEREF,
    TRACE_LEN_EXPR
};
enum trace_dir { TRACE_VALUE, TRACE_IN, TRACE_OUT, TRACE_INOUT };
enum trace_arg_flags {
    TRACE_FILLED_RET = 1,   // the result says how much of the buffer is valid
    TRACE_FILLED_REG = 2,   // the register `filled` does
    TRACE_LEN_BYTES = 4,    // `len` counts bytes, not elements
    TRACE_STORED_ERROR = 8, // written on errors too
};

struct trace_arg {
    const char *name; // printed as name=, or NULL
    u8 reg;
    u8 dir;      // enum trace_dir
    u8 flags;    // enum trace_arg_flags
    u8 len_kind; // enum trace_len_kind
    u8 filled;   // register
    u64 len;     // constant or register number
    struct trace_type type;
    bool (*when)(const u64 *a);  // NULL: always there
    u64 (*length)(const u64 *a); // TRACE_LEN_EXPR
    const char *custom;          // name of a printer of its own, or NULL
};

enum trace_result {
    TRACE_RET_DEC,
    TRACE_RET_HEX,
    TRACE_RET_OCT,
    TRACE_RET_FLAGS, // 0x1 (flags FD_CLOEXEC) [trace_set]
    TRACE_RET_ENUM,  // 0x1 (NAME) [trace_set]
    TRACE_RET_NONE,  // does not return: ?
    TRACE_RET_POLL,  // 1 ([{fd=3, revents=POLLIN}])
    TRACE_RET_CUSTOM,
};

struct trace_variant {
    u64 value; // of the selector, modifiers removed
    const struct syscall_desc *desc;
};

struct syscall_desc {
    const char *name;
    const struct trace_arg *args; // in print order
    u8 count;
    u8 result; // enum trace_result
    const struct trace_set *result_set;
    const char *custom_result; // TRACE_RET_CUSTOM: name of the printer
    // Calls that select: the register, its size in bytes (0: no selector), bits to ignore, and the
    // variants.
    u8 selector;
    u8 selector_size;
    u16 variant_count;
    u64 modifiers;
    const struct trace_variant *variants;
};

// Errors of an ABI by number, for the text after "-1".
struct trace_error {
    const char *name; // "ENOENT"; NULL: no such error
    const char *text; // "No such file or directory"
};
struct trace_errors {
    const struct trace_error *errors; // by number
    u32 count;
};
