// What detection looks at, and what it finds. Pure functions of their input: the kernel and the offline probe compile the same sources
// (kernel/exec/detect and each ABI's probe), so they always agree.
#pragma once
#include <exec/elf_format.h>

// Everything a probe may look at. head: the first bytes of the file (at least the first 4096, or all of it).
struct exec_probe {
    const u8 *head;
    usize head_len;
    u64 size;           // of the whole file
    const char *path;   // as the caller gave it
    const char *caller; // name of the calling task's ABI, NULL if none
    u32 machine;        // ELF machine this kernel executes
    // Copies up to n bytes from offset off of the file to dst; returns how many. NULL: only head is known.
    usize (*read)(void *ctx, u64 off, void *dst, usize n);
    void *ctx;
};

// A validated view of an ELF file's start. Filled by elf_summarise.
enum elf_verdict { ELF_OK, ELF_NOT_ELF, ELF_DAMAGED };
struct elf_summary {
    struct elf64_header header; // valid for 64-bit little-endian files
    u8 class, data, osabi;
    u16 type, machine;
    bool has_interp, has_load, head_has_segments; // segments lie within head
    bool unpageable; // a segment's address and file offset differ within the page: it can be read into memory, not mapped
    u64 lowest_load;                              // lowest load address
    const char *problem;                          // ELF_DAMAGED: what and why
    u64 problem_offset;
};
enum elf_verdict elf_summarise(const u8 *head, usize len, u64 size, struct elf_summary *out);
// Program header i of a summary whose segments lie in head.
struct elf64_segment elf_segment(const u8 *head, const struct elf_summary *s, u32 i);

// "#!": interpreter and optional single argument. 1 found, 0 not a script, -1 damaged (no interpreter, line too long).
struct script_line {
    char interpreter[256];
    char argument[256];
    bool has_argument;
};
int script_parse(const u8 *head, usize len, struct script_line *out);
