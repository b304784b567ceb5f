// Machines that binaries are told apart by, as ELF headers number them. Self-contained: the offline
// probe has no other header of this room.
#pragma once

enum { ELF_MACHINE_X86_64 = 62, ELF_MACHINE_AARCH64 = 183, ELF_MACHINE_RISCV = 243 };
