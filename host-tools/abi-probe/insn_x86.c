// Reads LLVM's Intel syntax for x86-64. No state.
#include "insn_text.h"
#include <string.h>

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static bool starts(const char *a, const char *b)
{
    return strncmp(a, b, strlen(b)) == 0;
}

// Any width of a general register: rax eax ax al; r8 r8d r8w r8b.
static i8 reg(const char *s)
{
    static const char names[8][3] = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
    if (s[0] == 'r' && s[1] >= '0' && s[1] <= '9') {
        int v = s[1] - '0';
        const char *p = s + 2;
        if (*p >= '0' && *p <= '9')
            v = v * 10 + (*p++ - '0');
        bool plain = *p == 0 || ((*p == 'd' || *p == 'w' || *p == 'b') && p[1] == 0);
        return plain && v >= 8 && v <= 15 ? (i8)v : REG_NONE;
    }
    const char *p = (s[0] == 'r' || s[0] == 'e') && s[1] ? s + 1 : s;
    for (i8 i = 0; i < 8; i++)
        if (is(p, names[i]))
            return i;
    if (s[0] && (s[1] == 'l' || s[1] == 'h') && s[2] == 0) {
        const char *at = strchr("acdb", s[0]);
        return at ? (i8)(at - "acdb") : REG_NONE;
    }
    return is(s, "spl") ? 4 : is(s, "bpl") ? 5 : is(s, "sil") ? 6 : is(s, "dil") ? 7 : REG_NONE;
}

// Is it the whole register, or a half whose write clears the rest?
static bool wide(const char *s)
{
    usize n = strlen(s);
    return (s[0] == 'r' && s[1] >= '0' && s[1] <= '9')
               ? s[n - 1] == 'd' || (s[n - 1] >= '0' && s[n - 1] <= '9')
               : s[0] == 'r' || s[0] == 'e';
}

// "qword ptr [base + disp]": base register and displacement, or absolute (rip-relative or no
// register).
static bool memory(char *s, struct insn *i, bool *plain)
{
    char *open = strchr(s, '['), *close = open ? strchr(open, ']') : NULL;
    *plain = false;
    if (!close)
        return false;
    if (open > s && open[-1] == ':') // a segment: thread-local
        return true;
    *close = 0;
    char *base = open + 1, *rest = strstr(base, " + "), *less = strstr(base, " - ");
    bool minus = less && (!rest || less < rest);
    if (minus)
        rest = less;
    bool ok = true;
    i64 disp = 0;
    if (rest) {
        *rest = 0;
        disp = insn_number(rest + 3, &ok);
        if (minus)
            disp = -disp;
    }
    if (!ok)
        return true; // indexed
    if (is(base, "rip")) {
        i->target = i->addr + i->len + (u64)disp;
        i->absolute = *plain = true;
        return true;
    }
    i->rs = reg(base);
    if (i->rs >= 0) {
        i->imm = disp;
        *plain = true;
        return true;
    }
    i64 v = insn_number(base, &ok);
    if (ok && !rest) {
        i->target = (u64)v;
        i->absolute = *plain = true;
    }
    return true;
}

static void flow(bool call, char *operand, struct insn *i)
{
    bool plain, ok = true;
    if (strchr(operand, '[')) {
        memory(operand, i, &plain);
        i->op = call ? OP_CALL_MEM : OP_JUMP_MEM;
        return;
    }
    i->rs = reg(operand);
    if (i->rs >= 0) {
        i->op = call ? OP_CALL_REG : OP_JUMP_REG;
        return;
    }
    i->target = i->addr + i->len + (u64)insn_number(operand, &ok);
    i->op = !ok ? OP_OTHER : call ? OP_CALL : OP_JUMP;
}

static void move(char *dst, char *src, struct insn *i)
{
    bool plain, ok = true;
    if (strchr(dst, '[')) {
        memory(dst, i, &plain);
        i->rs2 = reg(src);
        if (i->rs2 < 0)
            i->value = insn_number(src, &ok);
        i->op = plain && ok ? OP_STORE : OP_OTHER;
        return;
    }
    i->rd = reg(dst);
    if (strchr(src, '[')) {
        memory(src, i, &plain);
        i->op = plain ? OP_LOAD : OP_OTHER;
        return;
    }
    i->rs = reg(src);
    i->op = i->rs >= 0 && i->rd >= 0 && wide(dst) ? OP_MOVE : OP_OTHER;
    if (i->op == OP_MOVE || i->rd < 0 || !wide(dst))
        return;
    i->imm = insn_number(src, &ok);
    if (ok && i->rs < 0)
        i->op = OP_LI;
}

void insn_x86(char *text, struct insn *i)
{
    char *m, *o[MAX_OPERANDS];
    bool plain, ok = true;
    for (;;) { // prefixes stand as words before the mnemonic
        while (*text == '\t' || *text == ' ')
            text++;
        usize n = strcspn(text, "\t ");
        static const char *const prefixes[] = {
            "notrack", "bnd",   "lock",     "rep",      "repe", "repne", "repz", "repnz",
            "data16",  "rex64", "xacquire", "xrelease", "cs",   "ds",    "es",   "ss"};
        bool skipped = false;
        for (usize k = 0; k < ARRAY_LEN(prefixes) && text[n]; k++)
            if (strlen(prefixes[k]) == n && strncmp(text, prefixes[k], n) == 0)
                skipped = true;
        if (!skipped)
            break;
        text += n + 1;
    }
    int n = insn_split(text, &m, o);
    i->op = OP_OTHER;
    if (is(m, "syscall"))
        i->op = OP_SYSCALL;
    else if (starts(m, "call") && n == 1)
        flow(true, o[0], i);
    else if (is(m, "jmp") && n == 1)
        flow(false, o[0], i);
    else if ((m[0] == 'j' || starts(m, "loop")) && n == 1) {
        i->target = i->addr + i->len + (u64)insn_number(o[0], &ok);
        i->op = ok ? OP_BRANCH : OP_OTHER;
    } else if (starts(m, "ret") || is(m, "iretq"))
        i->op = OP_RET;
    else if (is(m, "ud2") || is(m, "hlt") || is(m, "int3"))
        i->op = OP_STOP;
    else if ((is(m, "mov") || is(m, "movabs")) && n == 2)
        move(o[0], o[1], i);
    else if (is(m, "lea") && n == 2) {
        i->rd = reg(o[0]);
        memory(o[1], i, &plain);
        i->op = !plain || i->rd < 0 ? OP_OTHER : i->absolute ? OP_ADDR : OP_ADDI;
    } else if ((is(m, "movsxd") || is(m, "movzx") || is(m, "movsx")) && n == 2) {
        i->rd = reg(o[0]);
        i->rs = is(m, "movsxd") ? reg(o[1]) : REG_NONE;
        if (i->rs >= 0 && i->rd >= 0)
            i->op = OP_MOVE;
        else if (strchr(o[1], '[')) {
            memory(o[1], i, &plain);
            i->op = plain ? OP_LOAD : OP_OTHER;
        }
    } else if (is(m, "xor") && n == 2 && is(o[0], o[1]) && reg(o[0]) >= 0) {
        i->rd = reg(o[0]);
        i->op = OP_LI;
    } else if (is(m, "or") && n == 2 && is(o[1], "-1") && reg(o[0]) >= 0) {
        i->rd = reg(o[0]);
        i->imm = -1;
        i->op = OP_LI;
    } else if ((is(m, "add") || is(m, "sub")) && n == 2 && reg(o[0]) >= 0 && reg(o[1]) < 0 &&
               !strchr(o[1], '[')) {
        i->rd = i->rs = reg(o[0]);
        i->imm = insn_number(o[1], &ok);
        i->imm = m[0] == 's' ? -i->imm : i->imm;
        i->op = ok ? OP_ADDI : OP_OTHER;
    } else if (is(m, "push") && n == 1) {
        i->rs = strchr(o[0], '[') ? REG_NONE : reg(o[0]);
        if (i->rs < 0) {
            i->value = insn_number(o[0], &ok);
            if (!ok)
                i->rd2 = 16; // something else
        }
        i->op = OP_PUSH;
    } else if (is(m, "pop") && n == 1) {
        i->rd = reg(o[0]);
        i->op = OP_POP;
    } else if (starts(m, "nop") || starts(m, "endbr") || starts(m, "prefetch") || is(m, "pause") ||
               is(m, "lfence") || is(m, "mfence") || is(m, "sfence")) {
        i->op = OP_OTHER; // writes no register
    } else if (starts(m, "cmov") && n == 2 && reg(o[1]) >= 0 && wide(o[0])) {
        i->rd = i->rs = reg(o[0]);
        i->rs2 = reg(o[1]);
        i->op = OP_SELECT;
    } else if (is(m, "cmp") || is(m, "test")) {
        for (int k = 0; k < n; k++)
            if (strchr(o[k], '[')) {
                memory(o[k], i, &plain);
                i->op = plain ? OP_LOAD : OP_OTHER;
            }
    } else {
        i->rd = n ? reg(o[0]) : REG_NONE;
        if (is(m, "xchg") || is(m, "xadd"))
            i->rd2 = n == 2 ? reg(o[1]) : REG_NONE;
        else if (n <= 1 || starts(m, "cmpxchg") || starts(m, "stos") || starts(m, "lods") ||
                 starts(m, "movs")) { // implicit registers
            bool plain_one =
                is(m, "inc") || is(m, "dec") || is(m, "neg") || is(m, "not") || starts(m, "set");
            if (!plain_one) { // rax and rdx
                i->rd = 0;
                i->rd2 = 2;
            }
        }
        for (int k = 0; k < n; k++)
            if (strchr(o[k], '[')) {
                memory(o[k], i, &plain);
                if (plain && i->absolute && i->rd2 < 0)
                    i->op = OP_LOAD; // rd becomes unknown either way, the address counts
                else
                    i->rs = REG_NONE;
                if (i->op == OP_LOAD)
                    i->value = 1; // not a plain load: rd is not what stands there
            }
    }
}
