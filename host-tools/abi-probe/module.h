// What one ELF file contributes to coverage: its functions, what each of them reaches, and the
// calls it makes. Flat arrays without pointers, so that a module can be kept in the cache; names
// are offsets into text.
#pragma once
#include "elf.h"
#include "insn.h"

enum edge_kind {
    EDGE_CALL,   // to function `to`, with registers as they are (call, jump, fall-through)
    EDGE_TAKES,  // takes an address in function `to`: addr
    EDGE_IMPORT, // calls or takes the address of import `to`
    EDGE_DATA,   // takes the address of data at addr
    EDGE_SLOT,   // reads the data at addr, 8 bytes and no more
    EDGE_OPENS,  // names a library (text offset `to`)
    EDGE_NAMES,  // names something that dlsym may find (text offset `to`)
};
struct mod_edge {
    u64 addr;
    u32 kind, to;
};
enum func_flags {
    FUNC_ROOT = 1,
    FUNC_ORPHAN = 2,
    FUNC_WRAPPER_TAKEN = 4,
    FUNC_LOOKS_UP = 8 // calls dlsym, or a wrapper of it
};
struct mod_func {
    u64 start, end;
    u32 edge, edges; // into edges
    u32 flags;
    u32 name; // text offset, 0 if it has none
};
enum { CALL_UNRESOLVED = -1 };
struct mod_call {
    u64 site;
    u32 func;
    i32 number; // or CALL_UNRESOLVED
    u32 why;    // text offset: for what could not be resolved
    u32 pad;
};
// A function whose caller chooses the call number: in which place it stands (register, or 64 +
// index of 8 bytes above the return address).
struct mod_wrapper {
    u32 func, place;
};
struct mod_slot {
    u64 at, target;
    i32 import; // index, or -1: target is an address in this module
    u32 group;
};
struct mod_symbol {
    u64 value, size;
    u32 name, version; // text offsets, 0 none
    u32 flags;         // SYMBOL_
    u32 func;          // function at value, UINT32_MAX if none
};
enum {
    SYMBOL_WEAK = 1,
    SYMBOL_HIDDEN = 2,
    SYMBOL_FUNC = 4,
    SYMBOL_NEEDED = 8
}; // NEEDED: an import that must resolve

struct module {
    u16 machine;
    u64 sites;        // call instructions
    u64 instructions; // decoded
    u64 budget_hit;   // analysis was cut short
    VEC(struct mod_func) funcs;
    VEC(struct mod_edge) edges;
    VEC(struct mod_call) calls; // sorted by func
    VEC(struct mod_wrapper) wrappers;
    VEC(struct mod_slot) slots; // sorted by at; group numbers rise
    VEC(u64) starts;            // addresses of data objects, as far as known, sorted
    VEC(struct mod_symbol) imports, exports;
    VEC(char) text;
};

// An import whose caller chooses the call number in a place: a wrapper in another module.
struct watch {
    const char *name;
    u32 place;
};
// watch: further such imports (syscall(2)'s is known), n of them. Never fails: an ELF that cannot
// be analysed gives an empty module.
void module_analyse(const struct elf *e, const struct watch *watch, usize n, struct module *out);
void module_free(struct module *m);
// The function that holds addr, or UINT32_MAX.
u32 module_func_at(const struct module *m, u64 addr);
u32 module_text(struct module *m, const char *s); // adds a string, returns its offset
const char *module_name(const struct module *m, u32 offset);
