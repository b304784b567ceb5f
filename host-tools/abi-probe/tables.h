// What the syscall tables say: names, numbers, support. Built in, or read from a folder of
// generated tables (--tables). Constant once loaded.
#pragma once
#include "json_read.h"
#include "strmap.h"

enum level { LEVEL_FULL, LEVEL_PARTIAL, LEVEL_STUB, LEVEL_NONE, LEVEL_UNKNOWN, LEVELS };
const char *level_name(enum level l);

struct call_info {
    i32 number;
    const char *name;
    enum level level;
    const char *note;              // NULL: none
    const struct json_node *entry; // of the support list, NULL: the tables have only the name
};
struct tables {
    const char *abi, *arch, *pin;
    VEC(struct call_info) calls; // sorted by number
    struct json_tree support, decode;
    char *constant_names;
    struct {
        struct json_node node, value;
    } *constants;
    struct strmap names, entries, values,
        sets; // call_info, decode entry, set value, set, each by name
};

// The tables of an ABI on a machine (ELF number); NULL if there are none.
const struct tables *tables_for(const char *abi, u16 machine);
// Reads DIR/ABI_support.json, ABI_decode.json and, if it is there, ABI_consts.h of each ABI that
// the folder has, in place of the built-in ones of their machine. False: a failure is recorded.
bool tables_load(const char *folder);
const struct call_info *tables_call(const struct tables *t, i32 number); // NULL: not a call
const struct call_info *tables_named(const struct tables *t, const char *name);
void tables_unload(void);
