// Printing of single values for the tracer. Works on copies in kernel memory; no locks, no
// allocation.
#include "trace_value.h"

bool trace_same(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b)
        a++, b++;
    return *a == *b;
}

bool trace_read(struct trace_state *s, void *dst, u64 addr, usize n)
{
    return s->rd->read(s->rd->ctx, dst, addr, n) == 0;
}

void trace_address(struct trace_state *s, u64 address)
{
    if (address == 0)
        text_str(&s->out, "NULL");
    else
        text_hex(&s->out, address);
}

static const char *const signals[] = {
    "?",    "HUP",  "INT",  "QUIT", "ILL",    "TRAP",   "ABRT",  "BUS",  "FPE",  "KILL", "USR1",
    "SEGV", "USR2", "PIPE", "ALRM", "TERM",   "STKFLT", "CHLD",  "CONT", "STOP", "TSTP", "TTIN",
    "TTOU", "URG",  "XCPU", "XFSZ", "VTALRM", "PROF",   "WINCH", "IO",   "PWR",  "SYS",
};

static void signal_name(struct trace_state *s, u64 nr)
{
    if (nr < ARRAY_LEN(signals)) {
        text_str(&s->out, signals[nr]);
    } else if (nr == 32) {
        text_str(&s->out, "RTMIN");
    } else {
        text_str(&s->out, "RT_");
        text_dec(&s->out, nr - 32, false);
    }
}

static void signal_value(struct trace_state *s, i64 nr)
{
    if (nr >= 1 && nr <= 64) {
        text_str(&s->out, "SIG");
        signal_name(s, (u64)nr);
    } else {
        text_dec(&s->out, (u64)nr, nr < 0);
    }
}

static void signal_set(struct trace_state *s, u64 set)
{
    bool first = true;
    if (__builtin_popcountll(set) >= 64 * 2 / 3) {
        text_char(&s->out, '~');
        set = ~set;
    }
    text_char(&s->out, '[');
    for (u64 nr = 1; nr <= 64; nr++) {
        if ((set >> (nr - 1) & 1) == 0)
            continue;
        if (!first)
            text_char(&s->out, ' ');
        first = false;
        signal_name(s, nr);
    }
    text_char(&s->out, ']');
}

static void mode_value(struct trace_state *s, u64 mode)
{
    static const char *const types[] = {NULL,       "S_IFIFO", "S_IFCHR", NULL, "S_IFDIR", NULL,
                                        "S_IFBLK",  NULL,      "S_IFREG", NULL, "S_IFLNK", NULL,
                                        "S_IFSOCK", NULL,      NULL,      NULL};
    const char *type = types[mode >> 12 & 15];
    if (type != NULL) {
        text_str(&s->out, type);
        text_char(&s->out, '|');
        if (mode & 04000)
            text_str(&s->out, "S_ISUID|");
        if (mode & 02000)
            text_str(&s->out, "S_ISGID|");
        if (mode & 01000)
            text_str(&s->out, "S_ISVTX|");
        mode &= 0777;
    }
    text_oct(&s->out, mode, 3);
}

static void device_value(struct trace_state *s, u64 dev)
{
    text_str(&s->out, "makedev(");
    text_hex(&s->out, (dev >> 8 & 0xfff) | (dev >> 32 & 0xfffff000));
    text_str(&s->out, ", ");
    text_hex(&s->out, (dev & 0xff) | (dev >> 12 & 0xffffff00));
    text_char(&s->out, ')');
}

static void limit_value(struct trace_state *s, u64 value)
{
    if (value == ~0ull) {
        text_str(&s->out, "RLIM64_INFINITY");
    } else if (value > 1024 && value % 1024 == 0) {
        text_dec(&s->out, value / 1024, false);
        text_str(&s->out, "*1024");
    } else {
        text_dec(&s->out, value, false);
    }
}

static void wait_status(struct trace_state *s, u32 status)
{
    const u32 low = status & 0x7f;
    if (low == 0) {
        text_str(&s->out, "{WIFEXITED(s) && WEXITSTATUS(s) == ");
        text_dec(&s->out, status >> 8 & 0xff, false);
    } else if (low == 0x7f && (status & 0x80) == 0 && status != 0xffff) {
        text_str(&s->out, "{WIFSTOPPED(s) && WSTOPSIG(s) == ");
        signal_value(s, status >> 8 & 0xff);
    } else if (status == 0xffff) {
        text_str(&s->out, "{WIFCONTINUED(s)");
    } else {
        text_str(&s->out, "{WIFSIGNALED(s) && WTERMSIG(s) == ");
        signal_value(s, low);
        if (status & 0x80)
            text_str(&s->out, " && WCOREDUMP(s)");
    }
    text_char(&s->out, '}');
}

static void two(struct trace_state *s, u64 n)
{
    text_char(&s->out, (char)('0' + n / 10 % 10));
    text_char(&s->out, (char)('0' + n % 10));
}

// A time since 1970 as a comment.
void trace_date(struct trace_state *s, i64 sec, u64 nsec)
{
    if (sec <= 0 || sec > 253402300799 || nsec >= NS_PER_SEC)
        return;
    // Days to a date by the civil calendar: years begin in March, eras have 400 years.
    const u64 z = (u64)sec / 86400 + 719468, rest = (u64)sec % 86400;
    const u64 era = z / 146097, doe = z - era * 146097;
    const u64 yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    const u64 doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    const u64 month = mp < 10 ? mp + 3 : mp - 9, year = yoe + era * 400 + (month <= 2);
    text_str(&s->out, " /* ");
    two(s, year / 100);
    two(s, year % 100);
    text_char(&s->out, '-');
    two(s, month);
    text_char(&s->out, '-');
    two(s, doy - (153 * mp + 2) / 5 + 1);
    text_char(&s->out, 'T');
    two(s, rest / 3600);
    text_char(&s->out, ':');
    two(s, rest / 60 % 60);
    text_char(&s->out, ':');
    two(s, rest % 60);
    if (nsec != 0) {
        text_char(&s->out, '.');
        for (u64 unit = NS_PER_SEC / 10; unit != 0; unit /= 10)
            text_char(&s->out, (char)('0' + nsec / unit % 10));
    }
    text_str(&s->out, "+0000 */");
}

static void unknown_comment(struct trace_state *s, const struct trace_set *set)
{
    if (set->unknown == NULL || set->unknown[0] == '\0')
        return;
    text_str(&s->out, " /* ");
    text_str(&s->out, set->unknown);
    text_str(&s->out, " */");
}

// Names of the bits in table order, the rest as one number. Values of a field are compared under
// its mask.
void trace_flags(struct trace_state *s, const struct trace_set *set, u64 value)
{
    const u64 signal = set->low_signal ? value & 0xff : 0;
    u64 rest = value & ~signal, decided = 0;
    const char *zero = NULL;
    bool any = false;
    for (u32 i = 0; i < set->count; i++) {
        const struct trace_value *v = &set->values[i];
        const bool hit = v->mask != 0 ? (decided & v->mask) == 0 && (value & v->mask) == v->value
                                      : v->value != 0 && (rest & v->value) == v->value;
        if (v->mask == 0 && v->value == 0)
            zero = v->name;
        if (!hit)
            continue;
        decided |= v->mask;
        rest &= ~(v->mask | v->value);
        if (any)
            text_char(&s->out, '|');
        text_str(&s->out, v->name);
        any = true;
    }
    if (rest != 0) {
        if (any)
            text_char(&s->out, '|');
        text_hex(&s->out, rest);
        if (!any && signal == 0)
            unknown_comment(s, set);
        any = true;
    }
    if (signal != 0) {
        if (any)
            text_char(&s->out, '|');
        signal_value(s, (i64)signal);
        any = true;
    }
    if (!any)
        text_str(&s->out, zero != NULL ? zero : "0");
}

static const struct trace_value *value_named(const struct trace_set *set, u64 value, u64 mask)
{
    for (u32 i = 0; i < set->count; i++)
        if (set->values[i].mask == mask && set->values[i].value == value)
            return &set->values[i];
    return NULL;
}

// A value of an enum; with modifiers, the longest name that fits and the remaining modifiers after
// it.
static void enum_value(struct trace_state *s, const struct trace_set *set, u64 value, u64 bits,
                       bool sign)
{
    const u64 modifiers = set->modifiers & value;
    for (u64 taken = 0;; taken = (taken - modifiers) & modifiers) {
        const struct trace_value *v = value_named(set, value & ~taken, 0);
        if (v != NULL) {
            text_str(&s->out, v->name);
            for (u64 left = taken; left != 0; left &= left - 1) {
                const u64 bit = left & -left;
                const struct trace_value *m = value_named(set, bit, 1);
                text_char(&s->out, '|');
                if (m != NULL)
                    text_str(&s->out, m->name);
                else
                    text_hex(&s->out, bit);
            }
            return;
        }
        if (taken == modifiers)
            break;
    }
    if (set->unknown == NULL) {
        const bool negative = sign && value >> (bits - 1) & 1;
        text_dec(&s->out, negative && bits < 64 ? value | ~0ull << bits : value, negative);
        return;
    }
    text_hex(&s->out, value);
    unknown_comment(s, set);
}

u64 trace_load(const u8 *mem, u32 size)
{
    u64 value = 0;
    for (u32 i = 0; i < size; i++)
        value |= (u64)mem[i] << (8 * i);
    return value;
}

static u64 cut(u64 value, u32 size)
{
    return size >= 8 || size == 0 ? value : value & ((1ull << (8 * size)) - 1);
}

static u64 extend(u64 value, u32 size)
{
    const u32 shift = size >= 8 || size == 0 ? 0 : 64 - 8 * size;
    return (u64)((i64)(value << shift) >> shift);
}

void trace_register(struct trace_state *s, const struct trace_type *type, u64 value)
{
    const u32 bits = type->size == 0 ? 64 : type->size * 8u;
    const u64 wide = extend(value, type->size);
    value = cut(value, type->size);
    switch ((enum trace_kind)type->kind) {
    case TRACE_HEX:
        return text_hex(&s->out, value);
    case TRACE_OCT:
        return text_oct(&s->out, value, 3);
    case TRACE_ADDR:
        return trace_address(s, value);
    case TRACE_MODE:
        return mode_value(s, value & 0xffff);
    case TRACE_SIGNAL:
        return signal_value(s, (i64)wide);
    case TRACE_SIGSET:
        return signal_set(s, value);
    case TRACE_SIGHANDLER:
        if (value == 0)
            return text_str(&s->out, "SIG_DFL");
        if (value == 1)
            return text_str(&s->out, "SIG_IGN");
        return text_hex(&s->out, value);
    case TRACE_FD:
        return text_dec(&s->out, wide, (i64)wide < 0);
    case TRACE_DIRFD:
        if ((i64)wide == -100)
            return text_str(&s->out, "AT_FDCWD");
        return text_dec(&s->out, wide, (i64)wide < 0);
    case TRACE_ID:
        if (value == cut(~0ull, type->size))
            return text_str(&s->out, "-1");
        return text_dec(&s->out, value, false);
    case TRACE_DEV:
        return device_value(s, value);
    case TRACE_TIME:
        text_dec(&s->out, wide, (i64)wide < 0);
        return trace_date(s, (i64)wide, 0);
    case TRACE_RLIM:
        return limit_value(s, value);
    case TRACE_WSTATUS:
        return wait_status(s, (u32)value);
    case TRACE_FLAGS:
        return trace_flags(s, type->ref, value);
    case TRACE_ENUM:
        return enum_value(s, type->ref, value, bits, type->sign);
    default:
        return text_dec(&s->out, type->sign ? wide : value, type->sign && (i64)wide < 0);
    }
}

const struct trace_field *trace_find_field(const struct trace_struct *st, const char *name)
{
    for (u32 i = 0; i < st->count; i++)
        if (trace_same(st->fields[i].name, name))
            return &st->fields[i];
    return NULL;
}

void trace_field_value(struct trace_state *s, const struct trace_field *f, const u8 *mem)
{
    text_str(&s->out, f->name);
    text_char(&s->out, '=');
    if (f->custom != NULL &&
        trace_custom_value(s, f->custom, trace_load(mem + f->offset, f->type.size)))
        return;
    trace_value(s, &f->type, mem + f->offset);
}

static void struct_value(struct trace_state *s, const struct trace_struct *st, const u8 *mem,
                         u32 fields)
{
    if (st->custom != NULL && trace_custom_struct(s, st->custom, st, mem))
        return;
    text_char(&s->out, '{');
    for (u32 i = 0; i < MIN(st->count, fields); i++) {
        if (i != 0)
            text_str(&s->out, ", ");
        trace_field_value(s, &st->fields[i], mem);
    }
    if (st->abbrev)
        text_str(&s->out, ", ...");
    text_char(&s->out, '}');
}

static usize chars_used(const u8 *mem, u32 count)
{
    usize n = 0;
    while (n < count && mem[n] != 0)
        n++;
    return n;
}

static usize one_size(const struct trace_type *type)
{
    if (type->kind == TRACE_STRUCT || type->kind == TRACE_UNION)
        return ((const struct trace_struct *)type->ref)->size;
    return type->size;
}

usize trace_size(const struct trace_type *type)
{
    return one_size(type) * (type->count != 0 ? type->count : 1);
}

void trace_value(struct trace_state *s, const struct trace_type *type, const u8 *mem)
{
    if (type->kind == TRACE_CHARS || type->kind == TRACE_RAW) {
        const u32 count = type->count != 0 ? type->count : 1;
        text_quoted(&s->out, mem, type->kind == TRACE_CHARS ? chars_used(mem, count) : count,
                    false);
        return;
    }
    if (type->count != 0) {
        struct trace_type one = *type;
        one.count = 0;
        text_char(&s->out, '[');
        for (u32 i = 0; i < type->count; i++) {
            if (i != 0)
                text_str(&s->out, ", ");
            if (i == TRACE_LIST_MAX) {
                text_str(&s->out, "...");
                break;
            }
            trace_value(s, &one, mem + i * one_size(type));
        }
        text_char(&s->out, ']');
        return;
    }
    if (type->kind == TRACE_STRUCT)
        return struct_value(s, type->ref, mem, ~0u);
    if (type->kind == TRACE_UNION)
        return struct_value(s, type->ref, mem, 1);
    trace_register(s, type, trace_load(mem, type->size));
}
