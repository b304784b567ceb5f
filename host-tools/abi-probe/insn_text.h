// Private to the decoder: from LLVM's text to struct insn, one function per machine. addr and len
// are set, the rest is filled.
#pragma once
#include "insn.h"

void insn_text_init(void);
void insn_riscv(char *text, struct insn *i);
void insn_x86(char *text, struct insn *i);
void insn_aarch64(char *text, struct insn *i);

// The operands of an instruction: text is cut at commas outside brackets. Returns how many; the
// mnemonic goes to *name.
enum { MAX_OPERANDS = 5 };
int insn_split(char *text, char **name, char *operand[MAX_OPERANDS]);
// A number as LLVM prints it, "#" before it or not; *ok = false if it is none.
i64 insn_number(const char *s, bool *ok);
