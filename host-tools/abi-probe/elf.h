// A whole ELF file, read with distrust: nothing in it is used before it was found to lie inside the
// file.
#pragma once
#include "util.h"

struct elf_range {
    u64 start, end; // addresses
};
struct elf_map {
    u64 vaddr, offset, filesz, memsz;
    u32 flags;
};
struct elf_symbol {
    const char *name;    // inside the file
    const char *version; // NULL: none
    u64 value, size;
    u8 type, bind; // STT_, STB_
    bool defined, hidden_version;
};
struct elf_reloc {
    u64 at, addend; // addend: for relative relocations the target
    u32 type, symbol;
};
struct elf_need {
    const char *file, *version; // a version that this file wants from file
    bool weak;
};

struct elf {
    struct bytes data;
    u8 class, osabi;
    bool big;
    u16 type, machine;
    u32 flags;
    u64 entry;
    const char *interp, *soname, *rpath, *runpath;
    bool dynamic, static_pie;
    const char
        *problem; // of the parts beyond what detection checks; the file is used as far as it goes
    VEC(struct elf_map) maps;
    VEC(const char *) needed;
    VEC(struct elf_symbol) symbols; // .dynsym, then .symtab from symtab_start on
    usize symtab_start;
    VEC(struct elf_reloc) relocs;
    VEC(struct elf_need) needs;
    VEC(const char *) defines;                    // versions defined
    VEC(u64) roots;                               // entry, init and fini functions, as addresses
    VEC(u64) pieces;                              // frames that begin inside a function
    VEC(struct elf_range) code, plt, got, frames; // frames: functions in .eh_frame, sorted
};

enum { SYM_FUNC = 2, SYM_OBJECT = 1, SYM_IFUNC = 10, BIND_LOCAL = 0, BIND_WEAK = 2 };

// Reads headers, dynamic section, symbols, relocations, frames. For 64-bit little-endian files all
// of it, for others the headers and the interpreter. Always succeeds; what is wrong ends up in
// problem.
void elf_read(struct bytes data, struct elf *e);
void elf_free(struct elf *e);
// The n bytes at address addr, empty if the file does not hold them all. elf_at_most: as many as it
// holds, up to n.
struct bytes elf_at(const struct elf *e, u64 addr, u64 n);
struct bytes elf_at_most(const struct elf *e, u64 addr, u64 n);
bool elf_is_code(const struct elf *e, u64 addr);
bool elf_in(const struct elf_range *r, usize n, u64 addr); // sorted ranges
