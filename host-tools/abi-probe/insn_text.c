// Reads what LLVM prints. No state but the tables of register names, which are constant after
// insn_text_init.
#include "insn_text.h"
#include <stdlib.h>
#include <string.h>

int insn_split(char *text, char **name, char *operand[MAX_OPERANDS])
{
    while (*text == '\t' || *text == ' ')
        text++;
    *name = text;
    while (*text && *text != '\t' && *text != ' ')
        text++;
    if (*text)
        *text++ = 0;
    int n = 0, depth = 0;
    while (*text && n < MAX_OPERANDS) {
        while (*text == ' ' || *text == '\t')
            text++;
        operand[n++] = text;
        for (; *text && (*text != ',' || depth); text++)
            depth += (*text == '[' || *text == '{') - (*text == ']' || *text == '}');
        if (*text)
            *text++ = 0;
    }
    return n;
}

i64 insn_number(const char *s, bool *ok)
{
    if (*s == '#')
        s++;
    char *end;
    i64 v = *s == '-' ? strtoll(s, &end, 0) : (i64)strtoull(s, &end, 0);
    if (end == s || *end)
        *ok = false;
    return v;
}

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static const char riscv_names[32][5] = {"zero", "ra", "sp",  "gp",  "tp", "t0", "t1", "t2",
                                        "s0",   "s1", "a0",  "a1",  "a2", "a3", "a4", "a5",
                                        "a6",   "a7", "s2",  "s3",  "s4", "s5", "s6", "s7",
                                        "s8",   "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
static i8 riscv_index[128][128]; // first letter, second letter (s10, s11: handled apart)

void insn_text_init(void)
{
    memset(riscv_index, REG_NONE, sizeof(riscv_index));
    for (i8 r = 0; r < 32; r++)
        if (strlen(riscv_names[r]) == 2 || r == 0)
            riscv_index[(u8)riscv_names[r][0]][(u8)riscv_names[r][1]] = r;
}

static i8 riscv_reg(const char *s)
{
    if (!s[0] || !s[1] || (u8)s[0] > 127 || (u8)s[1] > 127)
        return REG_NONE;
    if (s[2] == 0)
        return riscv_index[(u8)s[0]][(u8)s[1]];
    if (s[0] == 's' && s[1] == '1' && (s[2] == '0' || s[2] == '1') && s[3] == 0)
        return (i8)(26 + (s[2] - '0'));
    return is(s, "zero") ? 0 : REG_NONE;
}

// "imm(reg)" or "(reg)" or "reg"
static bool riscv_mem(char *s, struct insn *i)
{
    char *open = strchr(s, '(');
    i->imm = 0;
    if (!open) {
        i->rs = riscv_reg(s);
        return i->rs >= 0;
    }
    char *close = strchr(open, ')');
    if (!close)
        return false;
    *open = *close = 0;
    bool ok = true;
    if (*s)
        i->imm = insn_number(s, &ok);
    i->rs = riscv_reg(open + 1);
    return ok && i->rs >= 0;
}

void insn_riscv(char *text, struct insn *i)
{
    char *m, *o[MAX_OPERANDS];
    int n = insn_split(text, &m, o);
    bool ok = true;
    i->op = OP_OTHER;
    i->rd = n ? riscv_reg(o[0]) : REG_NONE;
    switch (m[0]) {
    case 'a':
        if ((is(m, "addi") || is(m, "addiw")) && n == 3) {
            i->rs = riscv_reg(o[1]);
            i->imm = insn_number(o[2], &ok);
            i->op = OP_ADDI;
        } else if (is(m, "auipc") && n == 2) {
            i64 v = insn_number(o[1], &ok);
            i->target = i->addr + (u64)(i64)(i32)((u32)v << 12);
            i->op = OP_ADDR;
        }
        break;
    case 'b':
        if (n && (is(m, "beq") || is(m, "bne") || is(m, "blt") || is(m, "bge") || is(m, "bltu") ||
                  is(m, "bgeu") || is(m, "beqz") || is(m, "bnez") || is(m, "blez") ||
                  is(m, "bgez") || is(m, "bltz") || is(m, "bgtz") || is(m, "bgt") || is(m, "ble") ||
                  is(m, "bgtu") || is(m, "bleu"))) {
            i->target = i->addr + (u64)insn_number(o[n - 1], &ok);
            i->rd = REG_NONE;
            i->op = OP_BRANCH;
        }
        break;
    case 'e':
        if (is(m, "ecall"))
            i->op = OP_SYSCALL;
        else if (is(m, "ebreak"))
            i->op = OP_OTHER;
        break;
    case 'j':
        if ((is(m, "jal") || is(m, "j")) && n) {
            i->target = i->addr + (u64)insn_number(o[n - 1], &ok);
            i->op = m[1] ? OP_CALL : OP_JUMP;
            i->rd = REG_NONE;
        } else if ((is(m, "jalr") || is(m, "jr")) && n) {
            i->rd = m[1] == 'a' && n == 2 ? i->rd : REG_NONE;
            ok = riscv_mem(o[n - 1], i);
            i->op = m[1] == 'a' ? OP_CALL_REG : OP_JUMP_REG;
        }
        break;
    case 'l':
        if (is(m, "li") && n == 2) {
            i->imm = insn_number(o[1], &ok);
            i->op = OP_LI;
        } else if (is(m, "lui") && n == 2) {
            i->imm = (i64)(i32)((u32)insn_number(o[1], &ok) << 12);
            i->op = OP_LI;
        } else if (n == 2 && strchr(o[1], '(')) {
            ok = riscv_mem(o[1], i); // ld lw lwu lh lhu lb lbu lr.*
            i->op = OP_LOAD;
        }
        break;
    case 'f':
        if ((is(m, "fld") || is(m, "flw")) && n == 2) {
            ok = riscv_mem(o[1], i);
            i->rd = REG_NONE;
            i->op = OP_LOAD;
        } else if ((is(m, "fsd") || is(m, "fsw")) && n == 2) {
            ok = riscv_mem(o[1], i);
            i->rd = REG_NONE;
            i->op = OP_OTHER;
        }
        break;
    case 'm':
        if (is(m, "mv") && n == 2) {
            i->rs = riscv_reg(o[1]);
            i->op = OP_MOVE;
        }
        break;
    case 'r':
        if (is(m, "ret"))
            i->op = OP_RET;
        break;
    case 's':
        if (is(m, "sext.w") && n == 2) {
            i->rs = riscv_reg(o[1]);
            i->op = OP_MOVE;
        } else if ((is(m, "sd") || is(m, "sw") || is(m, "sh") || is(m, "sb")) && n == 2) {
            i->rs2 = i->rd;
            i->rd = REG_NONE;
            ok = riscv_mem(o[1], i);
            i->op = OP_STORE;
            if (i->rs2 == 0)
                i->rs2 = REG_NONE;
        }
        break;
    case 'u':
        if (is(m, "unimp"))
            i->op = OP_STOP;
        break;
    default:
        break;
    }
    if ((i->op == OP_MOVE || i->op == OP_ADDI) && i->rs < 0)
        ok = false;
    if (!ok)
        i->op = OP_OTHER;
    if (i->rd == 0) // x0
        i->rd = REG_NONE;
    if ((i->op == OP_MOVE || i->op == OP_ADDI) && i->rs == 0) {
        i->imm = i->op == OP_MOVE ? 0 : i->imm;
        i->op = OP_LI;
    }
    if ((i->op == OP_LI || i->op == OP_MOVE || i->op == OP_ADDI || i->op == OP_ADDR) && i->rd < 0)
        i->op = OP_OTHER;
}

// x0..x30, w0..w30, sp; 32: zero register
static i8 arm_reg(const char *s)
{
    if (is(s, "sp") || is(s, "wsp"))
        return 31;
    if (is(s, "xzr") || is(s, "wzr"))
        return 32;
    if ((s[0] != 'x' && s[0] != 'w') || s[1] < '0' || s[1] > '9')
        return REG_NONE;
    int v = atoi(s + 1);
    return v <= 30 ? (i8)v : REG_NONE;
}

// "[reg]", "[reg, #imm]", with "!" or a further operand behind for write-back
static bool arm_mem(char *s, struct insn *i)
{
    if (*s != '[')
        return false;
    char *close = strchr(s, ']');
    if (!close)
        return false;
    i->writes_back = close[1] == '!';
    *close = 0;
    char *comma = strchr(s, ',');
    bool ok = true;
    i->imm = 0;
    if (comma) {
        *comma++ = 0;
        comma += *comma == ' ';
        i->imm = insn_number(comma, &ok);
    }
    i->rs = arm_reg(s + 1);
    return ok && i->rs >= 0;
}

static void arm_memory(const char *m, int n, char *o[], struct insn *i)
{
    bool load = m[0] == 'l', pair = n >= 3 && o[2][0] == '[';
    char *mem = pair ? o[2] : n >= 2 ? o[1] : NULL;
    i8 first = arm_reg(o[0]), second = pair ? arm_reg(o[1]) : REG_NONE;
    bool ok = true;
    if (load && n == 2 && o[1][0] == '#') { // literal
        i->target = i->addr + (u64)insn_number(o[1], &ok);
        i->absolute = ok;
        i->op = ok ? OP_LOAD : OP_OTHER;
        i->rd = first;
        return;
    }
    ok = mem && arm_mem(mem, i);
    if (n > (pair ? 3 : 2))
        i->writes_back = true;
    if (load) {
        i->op = ok && !pair ? OP_LOAD : OP_OTHER;
        i->rd = first;
        i->rd2 = second;
    } else {
        i->op = ok && !pair && !i->writes_back ? OP_STORE : OP_OTHER;
        i->rs2 = first == 32 ? REG_NONE : first;
        i->rd = REG_NONE;
    }
    if (i->writes_back && i->op == OP_OTHER && i->rd2 < 0 && i->rs >= 0)
        i->rd2 = i->rs;
}

void insn_aarch64(char *text, struct insn *i)
{
    char *m, *o[MAX_OPERANDS];
    int n = insn_split(text, &m, o);
    bool ok = true;
    i->op = OP_OTHER;
    if (is(m, "svc"))
        i->op = OP_SYSCALL;
    else if ((is(m, "bl") || is(m, "b")) && n == 1) {
        i->target = i->addr + (u64)insn_number(o[0], &ok);
        i->op = m[1] ? OP_CALL : OP_JUMP;
    } else if ((strncmp(m, "b.", 2) == 0 || strncmp(m, "cb", 2) == 0 || strncmp(m, "tb", 2) == 0) &&
               n && o[n - 1][0] == '#') {
        i->target = i->addr + (u64)insn_number(o[n - 1], &ok);
        i->op = OP_BRANCH;
    } else if (strncmp(m, "blr", 3) == 0 && n) {
        i->rs = arm_reg(o[0]);
        i->op = OP_CALL_REG;
    } else if ((is(m, "br") || strncmp(m, "bra", 3) == 0) && n) {
        i->rs = arm_reg(o[0]);
        i->op = OP_JUMP_REG;
    } else if (strncmp(m, "ret", 3) == 0)
        i->op = OP_RET;
    else if (is(m, "udf"))
        i->op = OP_STOP;
    else if (is(m, "brk"))
        i->op = OP_STOP;
    else if (n && (strncmp(m, "ld", 2) == 0 || strncmp(m, "st", 2) == 0)) {
        arm_memory(m, n, o, i);
    } else if (n) {
        i->rd = arm_reg(o[0]);
        if (is(m, "adrp") && n == 2) {
            i->target = (i->addr & ~4095ull) + (u64)insn_number(o[1], &ok);
            i->op = OP_ADDR;
        } else if (is(m, "adr") && n == 2) {
            i->target = i->addr + (u64)insn_number(o[1], &ok);
            i->op = OP_ADDR;
        } else if (is(m, "mov") && n == 2) {
            i->rs = arm_reg(o[1]);
            if (i->rs >= 0)
                i->op = OP_MOVE;
            else {
                i->imm = insn_number(o[1], &ok);
                i->op = OP_LI;
            }
        } else if ((is(m, "add") || is(m, "sub")) && (n == 3 || n == 4) && o[2][0] == '#') {
            i->rs = arm_reg(o[1]);
            i->imm = insn_number(o[2], &ok) << (n == 4 && is(o[3], "lsl #12") ? 12 : 0);
            i->imm = m[0] == 's' ? -i->imm : i->imm;
            i->op = i->rs >= 0 ? OP_ADDI : OP_OTHER;
        } else if ((is(m, "csel") || is(m, "csinc")) && n == 4) {
            i->rs = arm_reg(o[1]);
            i->rs2 = arm_reg(o[2]);
            i->imm = m[2] == 'i';
            bool zero = i->rs == 32 || i->rs2 == 32;
            i->op = i->rs >= 0 && i->rs2 >= 0 && !zero ? OP_SELECT : OP_OTHER;
        } else if (is(m, "cinc") && n == 3 && arm_reg(o[1]) < 32) {
            i->rs = i->rs2 = arm_reg(o[1]);
            i->imm = 1;
            i->op = i->rs >= 0 ? OP_SELECT : OP_OTHER;
        } else if (strncmp(m, "cmp", 3) == 0 || strncmp(m, "tst", 3) == 0 ||
                   strncmp(m, "ccmp", 4) == 0)
            i->rd = REG_NONE;
    }
    if (!ok)
        i->op = OP_OTHER;
    if (i->op == OP_MOVE && i->rs == 32) {
        i->op = OP_LI;
        i->imm = 0;
    }
    if (i->rd == 32)
        i->rd = REG_NONE;
    if ((i->op == OP_LI || i->op == OP_MOVE || i->op == OP_ADDI || i->op == OP_ADDR) && i->rd < 0)
        i->op = OP_OTHER;
}
