// Private to the ELF reader.
#pragma once
#include "elf.h"

void elf_read_dynamic(struct elf *e, u64 addr, u64 size);
void elf_read_frames(struct elf *e, struct bytes frames, u64 addr);
