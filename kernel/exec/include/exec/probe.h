// What detection looks at, and what it finds. Pure functions of their input: the kernel and the
// offline probe compile the same sources (kernel/exec/detect and each ABI's probe), so they always
// agree.
#pragma once
#include <exec/elf_format.h>

// Everything a probe may look at. head: the first bytes of the file (at least the first 4096, or
// all of it).
struct exec_probe {
    const u8 *head;
    usize head_len;
    u64 size;           // of the whole file
    const char *path;   // as the caller gave it
    const char *caller; // name of the calling task's ABI, NULL if none
    u32 machine;        // ELF machine this kernel executes
    // Copies up to n bytes from offset off of the file to dst; returns how many. NULL: only head is
    // known.
    usize (*read)(void *ctx, u64 off, void *dst, usize n);
    void *ctx;
};

// Which of two ABIs that both take a file gets it: the higher score; of equal ones the smaller
// order.
enum { PROBE_WHY = 88 }; // room for a reason, its NUL included
struct probe_verdict {
    int score; // 0: does not take it
    u32 order; // of the ABI
};
bool probe_better(struct probe_verdict a, struct probe_verdict b); // a is to be preferred to b

// A validated view of an ELF file's start. Filled by elf_summarise.
enum elf_verdict { ELF_OK, ELF_NOT_ELF, ELF_DAMAGED };
struct elf_summary {
    struct elf64_header header; // valid for 64-bit little-endian files
    u8 class, data, osabi;
    u16 type, machine;
    bool has_interp, has_load, head_has_segments; // segments lie within head
    bool unpageable; // a segment's address and file offset differ within the page: it can be read
                     // into memory, not mapped
    u64 lowest_load; // lowest load address
    const char *problem; // ELF_DAMAGED: what and why
    u64 problem_offset;
};
enum elf_verdict elf_summarise(const u8 *head, usize len, u64 size, struct elf_summary *out);
// Program header i of a summary whose segments lie in head.
struct elf64_segment elf_segment(const u8 *head, const struct elf_summary *s, u32 i);

// "#!": interpreter and optional single argument. 1 found, 0 not a script, -1 damaged (no
// interpreter, line too long).
struct script_line {
    char interpreter[256];
    char argument[256];
    bool has_argument;
};
int script_parse(const u8 *head, usize len, struct script_line *out);

// One line of the registry of runtimes, /system/etc/runtimes (docs/runtimes.md):
//     NAME MATCH[+MATCH]... ABI|auto PATH [ARGUMENT]...
enum { RUNTIME_MAGIC_MAX = 32, RUNTIME_OFFSET_MAX = 4096 - RUNTIME_MAGIC_MAX };
struct runtime_line {
    char name[32];
    u32 offset, magic_len;
    u8 magic[RUNTIME_MAGIC_MAX], mask[RUNTIME_MAGIC_MAX];
    bool has_machine;
    u32 machine;
    char suffix[32];
    char abi[32];     // empty: auto
    const char *path; // into the line
    usize path_len;
    const char *args; // into the line
    usize args_len;
};
// 1: a line, 0: empty or a comment, -1: wrong (*why).
int runtime_parse(const char *line, usize len, struct runtime_line *out, const char **why);
bool runtime_matches(const struct runtime_line *r, const u8 *head, usize len, u64 size,
                     const char *path);
// The next argument at *args; its length, 0 at the end. *args then stands at it.
usize runtime_argument(const char **args, usize *left);
