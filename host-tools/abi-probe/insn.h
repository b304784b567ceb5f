// One machine instruction reduced to what the analysis follows: calls, jumps, constants, moves,
// loads and stores. LLVM's disassembler does the decoding
// (https://llvm.org/doxygen/group__LLVMCDisassembler.html); what it prints is read here.
#pragma once
#include "util.h"

enum insn_op {
    OP_OTHER, // writes rd (and rd2), nothing that is followed
    OP_SYSCALL,
    OP_CALL,     // to target
    OP_CALL_REG, // to rs + imm
    OP_CALL_MEM, // to what stands at target (absolute), or nobody knows where
    OP_JUMP,
    OP_JUMP_REG,
    OP_JUMP_MEM,
    OP_BRANCH, // perhaps to target
    OP_RET,
    OP_STOP,   // traps, never goes on
    OP_LI,     // rd = imm
    OP_ADDR,   // rd = target
    OP_MOVE,   // rd = rs
    OP_ADDI,   // rd = rs + imm
    OP_SELECT, // rd = rs, or rs2 + imm
    OP_LOAD,   // rd = [rs + imm], or [target] if absolute; rd < 0: only reads there
    OP_STORE,  // [rs + imm] = rs2, or = value if rs2 < 0; or [target]
    OP_PUSH,   // rs, or value if rs < 0
    OP_POP,    // rd
    OP_INVALID,
    OP_CALL_END, // a call that does not come back; only the interpreter knows
};

enum { REG_NONE = -1, REG_COUNT = 33 };

struct insn {
    u64 addr, target;
    i64 imm, value;
    u8 len, op;
    bool absolute, writes_back; // writes_back: base rs changes too
    i8 rd, rd2, rs, rs2;
};

// What differs between machines.
struct machine {
    u16 elf; // e_machine
    const char *name, *triple, *features, *tuple;
    u8 step;           // bytes to go on by when an instruction cannot be decoded
    i8 sp, gp, number; // registers: stack pointer, global pointer or none, call number
    i8 result;         // clobbered by a call
    i8 args[8];        // argument registers, then REG_NONE
    u32 kept;          // bit per register that a call preserves
    u16 glob, jump, relative, irelative, absolute, copy; // relocation types
};
const struct machine *machine_find(u16 elf, u8 class, bool big);

struct decoder;
// One decoder per thread. NULL if LLVM lacks the machine.
struct decoder *decoder_open(const struct machine *m);
void decoder_close(struct decoder *d);
// Decodes at code.p[at]; addr is its address. Always fills *i; len is at least 1 and stays within
// code.
void decode(struct decoder *d, struct bytes code, u64 at, u64 addr, struct insn *i);
// The instruction as text, for evidence; "" if it cannot be decoded.
void decode_text(struct decoder *d, struct bytes code, u64 at, u64 addr, char *text, usize cap);
