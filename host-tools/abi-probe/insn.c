// Owns: LLVM decoders and the reading of what they print. A decoder belongs to one thread.
#include "insn_text.h"
#include <llvm-c/Disassembler.h>
#include <llvm-c/Target.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// riscv64: ra 1, sp 2, gp 3, saved s0-s1 8-9, s2-s11 18-27. x86-64: rax rcx rdx rbx rsp rbp rsi rdi
// r8..r15.
static const struct machine machines[] = {
    {ELF_MACHINE_RISCV,
     "riscv64",
     "riscv64",
     "+m,+a,+f,+d,+c,+v,+zba,+zbb,+zbc,+zbs,+zfh,+zicbom,+zicboz,+zicbop,+zicond,+zihintpause",
     "riscv64-linux-gnu",
     2,
     2,
     3,
     17,
     10,
     {10, 11, 12, 13, 14, 15, 16, 17},
     0x0ffc0300 | 1 << 2 | 1 << 3 | 1 << 4,
     2,
     5,
     3,
     58,
     2,
     4},
    {ELF_MACHINE_X86_64,
     "x86-64",
     "x86_64",
     "",
     "x86_64-linux-gnu",
     1,
     4,
     REG_NONE,
     0,
     0,
     {7, 6, 2, 1, 8, 9, REG_NONE, REG_NONE},
     1 << 3 | 1 << 4 | 1 << 5 | 0xf000,
     6,
     7,
     8,
     37,
     1,
     5},
    {ELF_MACHINE_AARCH64,
     "aarch64",
     "aarch64",
     "+all",
     "aarch64-linux-gnu",
     4,
     31,
     REG_NONE,
     8,
     0,
     {0, 1, 2, 3, 4, 5, 6, 7},
     0x3ff80000u | 1u << 31,
     1025,
     1026,
     1027,
     1032,
     257,
     1024},
};

struct decoder {
    const struct machine *m;
    LLVMDisasmContextRef context;
};

const struct machine *machine_find(u16 elf, u8 class, bool big)
{
    for (usize i = 0; i < ARRAY_LEN(machines); i++)
        if (machines[i].elf == elf && class == ELF_CLASS64 && !big)
            return &machines[i];
    return NULL;
}

static void initialise(void)
{
    LLVMInitializeRISCVTargetInfo();
    LLVMInitializeRISCVTargetMC();
    LLVMInitializeRISCVDisassembler();
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86Disassembler();
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64Disassembler();
    insn_text_init();
}

struct decoder *decoder_open(const struct machine *m)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, initialise);
    LLVMDisasmContextRef context =
        LLVMCreateDisasmCPUFeatures(m->triple, "", m->features, NULL, 0, NULL, NULL);
    if (!context)
        return NULL;
    if (m->elf == ELF_MACHINE_X86_64)
        LLVMSetDisasmOptions(context, LLVMDisassembler_Option_AsmPrinterVariant);
    struct decoder *d = xalloc(1, sizeof(*d));
    *d = (struct decoder){m, context};
    return d;
}

void decoder_close(struct decoder *d)
{
    if (d)
        LLVMDisasmDispose(d->context);
    free(d);
}

void decode(struct decoder *d, struct bytes code, u64 at, u64 addr, struct insn *i)
{
    char text[256];
    u64 left = code.n - at;
    usize n = LLVMDisasmInstruction(d->context, (u8 *)code.p + at, left < 16 ? left : 16, addr,
                                    text, sizeof(text));
    *i = (struct insn){
        .addr = addr, .rd = REG_NONE, .rd2 = REG_NONE, .rs = REG_NONE, .rs2 = REG_NONE};
    if (n == 0) {
        i->op = OP_INVALID;
        i->len = (u8)(left < d->m->step ? left : d->m->step);
        return;
    }
    i->len = (u8)n;
    if (d->m->elf == ELF_MACHINE_RISCV)
        insn_riscv(text, i);
    else if (d->m->elf == ELF_MACHINE_X86_64)
        insn_x86(text, i);
    else
        insn_aarch64(text, i);
}

void decode_text(struct decoder *d, struct bytes code, u64 at, u64 addr, char *text, usize cap)
{
    u64 left = code.n - at;
    text[0] = 0;
    if (!LLVMDisasmInstruction(d->context, (u8 *)code.p + at, left < 16 ? left : 16, addr, text,
                               cap))
        text[0] = 0;
    for (char *p = text; *p; p++)
        if (*p == '\t')
            *p = ' ';
}
