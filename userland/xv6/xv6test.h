// Tests of the xv6 ABI: what docs/xv6.md promises, statement by statement. Each test runs in a
// process of its own, in a directory that holds our programs and can be written.
#pragma once
#include "ulib.h"

struct test {
    const char *name;
    void (*fn)(void);
};
extern const struct test file_tests[], dir_tests[], process_tests[], memory_tests[],
    pointer_tests[], stress_tests[];

[[noreturn]] void fail(const char *file, int line, const char *what);
#define CHECK(cond) ((cond) ? (void)0 : fail(__FILE__, __LINE__, #cond))

// Runs fn in a child and gives its status, as wait tells it.
int child_status(void (*fn)(void));
// A file with this text.
void make_file(const char *name, const char *text);
// Addresses that no program may reach.
extern const uint64_t foreign[];
extern const int foreign_count;
// Where the program begins in memory (user.ld).
extern char program_start[];
// --- MACHINE/calls.S ---
char *jumping_sbrklazy(int n); // sbrk_how(n, 2) by a jump to a stub of its own
// --- MACHINE/xv6test_machine.c ---
void registers_survive(void);
long call_by_number(long number); // with 0 as its argument
long gib_with_leftover(void);     // sbrk(1 GiB) of a program that passes no second argument
