// What a file is: format, machine, kind, which ABI would take it and why.
#pragma once
#include "detect.h"
#include "util.h"

enum format {
    FORMAT_EMPTY,
    FORMAT_DATA,
    FORMAT_TEXT,
    FORMAT_ELF,
    FORMAT_SCRIPT,
    FORMAT_PE,
    FORMAT_NE,
    FORMAT_MACHO,
    FORMAT_WASM,
    FORMAT_JAVA,
    FORMAT_MZ,
    FORMAT_COM,
    FORMAT_AOUT,
    FORMAT_ARCHIVE,
    FORMATS
};
const char *format_name(enum format f);

enum { MAX_ABIS = 16 };
struct description {
    enum format format;
    char machine[32]; // "riscv64", "x86-64", "any"
    char kind[64];    // "dynamic program", "shared library", "object"
    u8 bits;
    bool big;
    int score;       // of the format's recognition for foreign formats, of the chosen ABI for ELF
    const char *abi; // chosen by the kernel's probes, or the ABI that the format belongs to; NULL:
                     // none known
    bool runs_here;  // an ABI of this kernel takes it
    struct detect_score scores[MAX_ABIS];
    unsigned score_n;
    u16 elf_machine;
    enum elf_verdict elf;
    char reason[4][160]; // in words
    unsigned reasons;
    const char *problem; // damaged: why, where
    u64 problem_offset;
    struct script_line script;
};

// path is used for its suffix only. machine: the ELF machine that the kernel would execute.
void describe(struct bytes data, const char *path, u16 machine, struct description *d);
// The name of an ELF machine: "riscv64"; "machine 77" for one that is not known. Returns out.
const char *elf_machine_name(u16 machine, u8 class, bool big, char out[32]);
