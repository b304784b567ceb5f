// Private to the analysis of a module.
#pragma once
#include "module.h"

enum ref_kind {
    REF_CALL,
    REF_BRANCH,
    REF_FALL,
    REF_ADDR,
    REF_LOAD,
    REF_SYSCALL,
    REF_STUB,
    REF_CONST,   // a small number: an address only if a function begins there
    REF_END,     // nothing runs on from here to target, the next instruction
    REF_INDIRECT // goes on where nobody sees: a table of targets
};
struct ref {
    u64 site, target;
    u32 kind;
};

// Working state while one module is analysed.
struct work {
    const struct elf *e;
    const struct machine *m;
    struct decoder *d;
    struct module *out;
    const struct watch *watch;
    usize watch_n;
    VEC(u64) stub_targets; // sorted call targets, and beside them the import each goes to or -1
    i32 *stub_imports;
    VEC(struct ref) refs;
    u64 gp;
    // slot -> relocation: sorted by address
    struct elf_reloc *relocs;
    usize reloc_n;
    // dynamic symbol index -> import index, -1 if it is defined here
    i32 *import_of;
    // flow budget: instructions that may still be interpreted
    u64 budget;
    u8 *comes_back; // per function: 0 not known yet, 1 may return, 2 never returns
};

// Reads all code once: w->refs in order of site.
void sweep(struct work *w);
// The import that the stub at addr (a PLT entry) goes to, or -1.
i32 stub_import(struct work *w, u64 addr);
const struct elf_reloc *reloc_at(const struct work *w, u64 addr);
i32 reloc_import(const struct work *w, const struct elf_reloc *r);
// The same for a call target of the sweep, from memory.
i32 stub_known(const struct work *w, u64 addr);
// Pointers in data; groups of them, once out->starts is known; functions.
void find_slots(struct work *w);
void group_slots(struct work *w);
void find_functions(struct work *w);
usize unique_addresses(u64 *p, usize n); // sorts, drops doubles; returns how many are left
int compare_addresses(const void *a, const void *b);
// Finds call numbers: fills calls and wrappers. has_call[f]: function f holds a call instruction.
void find_numbers(struct work *w, const bool *has_call);
// The place in which import takes a call number, or -1.
int watched_place(const struct work *w, u32 import);

enum { PLACE_STACK = 64, PLACES = 96 }; // 64 + n: n-th 8 bytes at the stack pointer on entry
// May a call to the function at target come back?
bool comes_back(struct work *w, u64 target);
// Interprets function f; for each value that a call number may have, found() is told: kind 'c' a
// constant, 'p' a place of f's caller,
// '?' unknown. wrapper(to, place): does function `to` take a call number there?
struct flow_client {
    void *of;
    bool (*wrapper)(void *of, u32 to, u32 place);
    void (*found)(void *of, u64 site, char kind, i64 value);
};
void flow(struct work *w, u32 f, const struct flow_client *client);
