// Basic types of the whole kernel. Knows nothing above it.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t i8;
typedef int16_t i16;
typedef int32_t i32;
typedef int64_t i64;
typedef size_t usize;
typedef ptrdiff_t isize;

// A user-space address. A struct so that it can be neither dereferenced nor mixed up with kernel
// pointers.
typedef struct {
    u64 v;
} uaddr_t;

static inline uaddr_t uaddr(u64 v)
{
    return (uaddr_t){v};
}
static inline uaddr_t uaddr_add(uaddr_t a, u64 n)
{
    return (uaddr_t){a.v + n};
}

// A physical address.
typedef u64 paddr_t;

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr) - offsetof(type, member)))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define ALIGN_UP(x, a) (((x) + ((a) - 1)) & ~((typeof(x))(a) - 1))
#define ALIGN_DOWN(x, a) ((x) & ~((typeof(x))(a) - 1))
#define IS_ALIGNED(x, a) (((x) & ((a) - 1)) == 0)
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define PACKED __attribute__((packed))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define NS_PER_SEC 1'000'000'000ull
#define NS_PER_MS 1'000'000ull

// A linker set: records of one type that any file may contribute and one room iterates.
// SET_ENTRY places a *pointer* to the record into section "set_NAME"; SET_DECLARE in a header names
// the bounds.
#define SET_ENTRY(set, record)                                                                     \
    [[gnu::used, gnu::section("set_" #set),                                                        \
      gnu::aligned(8)]] static const void *const set_##set##_##record = &record
#define SET_DECLARE(set, type)                                                                     \
    extern type *const __start_set_##set[];                                                        \
    extern type *const __stop_set_##set[]
#define SET_FOREACH(var, set, type)                                                                \
    for (type *const *var = __start_set_##set; var < __stop_set_##set; var++)
