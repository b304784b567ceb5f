// ELF as the generic ABI defines it (System V ABI, chapters 4 and 5): the parts a loader and a
// probe need.
#pragma once
#include <arch/elf_machines.h>
#include <lib/types.h>

struct elf64_header {
    u8 ident[16];
    u16 type, machine;
    u32 version;
    u64 entry, phoff, shoff;
    u32 flags;
    u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
struct elf64_segment {
    u32 type, flags;
    u64 offset, vaddr, paddr, filesz, memsz, align;
};
static_assert(sizeof(struct elf64_header) == 64 && sizeof(struct elf64_segment) == 56);

enum { ELF_CLASS = 4, ELF_DATA = 5, ELF_VERSION = 6, ELF_OSABI = 7 };
enum { ELF_CLASS32 = 1, ELF_CLASS64 = 2, ELF_LITTLE = 1, ELF_BIG = 2 };
enum { ELF_TYPE_REL = 1, ELF_TYPE_EXEC = 2, ELF_TYPE_DYN = 3, ELF_TYPE_CORE = 4 };
enum { ELF_OSABI_NONE = 0, ELF_OSABI_GNU = 3, ELF_OSABI_SCARLET = 83 };
enum {
    ELF_SEG_LOAD = 1,
    ELF_SEG_DYNAMIC = 2,
    ELF_SEG_INTERP = 3,
    ELF_SEG_NOTE = 4,
    ELF_SEG_PHDR = 6,
    ELF_SEG_TLS = 7,
    ELF_SEG_GNU_STACK = 0x6474e551,
    ELF_SEG_GNU_PROPERTY = 0x6474e553
};
enum { ELF_FLAG_X = 1, ELF_FLAG_W = 2, ELF_FLAG_R = 4 };
