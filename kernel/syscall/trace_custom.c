// Printers for the few values that no general rule covers, by the name the tables give them. They
// know fields by name, not by offset, so a table that lays a struct out differently changes nothing
// here.
#include "trace_value.h"

static u64 member(const struct trace_struct *st, const char *name, const u8 *mem)
{
    const struct trace_field *f = trace_find_field(st, name);
    return f != NULL ? trace_load(mem + f->offset, f->type.size) : 0;
}

static void show(struct trace_state *s, const struct trace_struct *st, const char *name,
                 const char *before, const u8 *mem)
{
    const struct trace_field *f = trace_find_field(st, name);
    if (f == NULL)
        return;
    text_str(&s->out, before);
    trace_field_value(s, f, mem);
}

// stat: the mode, then the device number of a device or the size of anything else.
static void print_stat(struct trace_state *s, const struct trace_struct *st, const u8 *mem)
{
    const u64 type = member(st, "st_mode", mem) >> 12 & 15;
    show(s, st, "st_mode", "{", mem);
    show(s, st, type == 2 || type == 6 ? "st_rdev" : "st_size", ", ", mem);
    text_str(&s->out, ", ...}");
}

// sigaction: the handler's field is named by the flags, and a restorer counts only when a flag says
// so.
static void print_sigaction(struct trace_state *s, const struct trace_struct *st, const u8 *mem)
{
    const u64 flags = member(st, "sa_flags", mem), handler = member(st, "sa_handler", mem);
    const struct trace_field *f = trace_find_field(st, "sa_handler");
    text_str(&s->out, flags & 4 && handler > 1 ? "{sa_sigaction=" : "{sa_handler=");
    if (f != NULL)
        trace_register(s, &f->type, handler);
    show(s, st, "sa_mask", ", ", mem);
    show(s, st, "sa_flags", ", ", mem);
    if (flags & 0x04000000)
        show(s, st, "sa_restorer", ", ", mem);
    text_char(&s->out, '}');
}

static const char *signal_code(u64 signal, i64 code)
{
    static const char *const from[] = {"SI_USER",    "SI_QUEUE", "SI_TIMER", "SI_MESGQ",
                                       "SI_ASYNCIO", "SI_SIGIO", "SI_TKILL"};
    static const char *const child[] = {"CLD_EXITED",  "CLD_KILLED",  "CLD_DUMPED",
                                        "CLD_TRAPPED", "CLD_STOPPED", "CLD_CONTINUED"};
    static const char *const segv[] = {"SEGV_MAPERR", "SEGV_ACCERR"};
    static const char *const bus[] = {"BUS_ADRALN", "BUS_ADRERR", "BUS_OBJERR"};
    static const char *const ill[] = {"ILL_ILLOPC", "ILL_ILLOPN", "ILL_ILLADR",
                                      "ILL_ILLTRP", "ILL_PRVOPC", "ILL_PRVREG"};
    static const char *const fpe[] = {"FPE_INTDIV", "FPE_INTOVF", "FPE_FLTDIV", "FPE_FLTOVF",
                                      "FPE_FLTUND", "FPE_FLTRES", "FPE_FLTINV"};
    static const char *const trap[] = {"TRAP_BRKPT", "TRAP_TRACE"};
    if (code <= 0)
        return -code < (i64)ARRAY_LEN(from) ? from[-code] : NULL;
    if (code == 0x80)
        return "SI_KERNEL";
    switch (signal) {
#define NAMED(list) return code <= (i64)ARRAY_LEN(list) ? (list)[code - 1] : NULL
    case 17:
        NAMED(child);
    case 11:
        NAMED(segv);
    case 7:
        NAMED(bus);
    case 4:
        NAMED(ill);
    case 8:
        NAMED(fpe);
    case 5:
        NAMED(trap);
#undef NAMED
    default:
        return NULL;
    }
}

static void ticks(struct trace_state *s, const struct trace_struct *st, const char *name,
                  const u8 *mem)
{
    const u64 n = member(st, name, mem);
    show(s, st, name, ", ", mem);
    if (n == 0 || n >> 63)
        return;
    text_str(&s->out, " /* ");
    text_dec(&s->out, n / 100, false);
    text_char(&s->out, '.');
    text_char(&s->out, (char)('0' + n / 10 % 10));
    text_char(&s->out, (char)('0' + n % 10));
    text_str(&s->out, " s */");
}

static const struct trace_struct *choice(const struct trace_struct *u, const char *name,
                                         u32 *offset)
{
    const struct trace_field *f = trace_find_field(u, name);
    if (f == NULL || (f->type.kind != TRACE_STRUCT && f->type.kind != TRACE_UNION))
        return NULL;
    *offset = f->offset;
    return f->type.ref;
}

// siginfo: which member of the union counts depends on the signal and its code.
static void print_siginfo(struct trace_state *s, const struct trace_struct *st, const u8 *mem)
{
    const u64 signal = member(st, "si_signo", mem);
    const i64 code = (i32)member(st, "si_code", mem);
    const char *name = signal_code(signal, code);
    const struct trace_field *u = trace_find_field(st, "u");
    show(s, st, "si_signo", "{", mem);
    text_str(&s->out, ", si_code=");
    if (name != NULL)
        text_str(&s->out, name);
    else
        text_dec(&s->out, (u64)code, code < 0);
    if (member(st, "si_errno", mem) != 0)
        show(s, st, "si_errno", ", ", mem);
    if (u != NULL && u->type.kind == TRACE_UNION) {
        const bool fault =
            code > 0 && code != 0x80 &&
            (signal == 4 || signal == 5 || signal == 7 || signal == 8 || signal == 11);
        const bool child = code > 0 && signal == 17;
        const char *which = fault        ? "fault"
                            : child      ? "chld"
                            : code == -2 ? "timer"
                            : code == -1 ? "rt"
                                         : "kill";
        u32 at = 0;
        const struct trace_struct *part = choice(u->type.ref, which, &at);
        const u8 *inner = mem + u->offset + at;
        if (part == NULL) {
            text_char(&s->out, '}');
            return;
        }
        if (fault) {
            show(s, part, "si_addr", ", ", inner);
        } else if (code == -2) {
            text_str(&s->out, ", si_timerid=");
            text_dec(&s->out, member(part, "si_tid", inner), false);
            show(s, part, "si_overrun", ", ", inner);
        } else if (code != 0x80) {
            show(s, part, "si_pid", ", ", inner);
            show(s, part, "si_uid", ", ", inner);
        }
        if (child) {
            const struct trace_field *status = trace_find_field(part, "si_status");
            text_str(&s->out, ", si_status=");
            if (status != NULL)
                trace_register(s,
                               code == 1 ? &status->type
                                         : &(struct trace_type){.kind = TRACE_SIGNAL, .size = 4},
                               member(part, "si_status", inner));
            ticks(s, part, "si_utime", inner);
            ticks(s, part, "si_stime", inner);
        }
    }
    text_char(&s->out, '}');
}

// One time of utimensat: now, unchanged, or the time with its date.
static void print_utimes(struct trace_state *s, const struct trace_struct *st, const u8 *mem)
{
    const u64 nsec = member(st, "tv_nsec", mem);
    const i64 sec = (i64)member(st, "tv_sec", mem);
    if (nsec == 0x3fffffff || nsec == 0x3ffffffe) {
        text_str(&s->out, nsec == 0x3fffffff ? "UTIME_NOW" : "UTIME_OMIT");
        return;
    }
    show(s, st, "tv_sec", "{", mem);
    show(s, st, "tv_nsec", ", ", mem);
    text_char(&s->out, '}');
    trace_date(s, sec, nsec);
}

// termios: the four sets of flags.
static void print_termios(struct trace_state *s, const struct trace_struct *st, const u8 *mem)
{
    show(s, st, "c_iflag", "{", mem);
    show(s, st, "c_oflag", ", ", mem);
    show(s, st, "c_cflag", ", ", mem);
    show(s, st, "c_lflag", ", ", mem);
    text_str(&s->out, ", ...}");
}

static void print_sched_param(struct trace_state *s, const struct trace_struct *st, const u8 *mem)
{
    const i32 priority = (i32)member(st, "sched_priority", mem);
    text_char(&s->out, '[');
    text_dec(&s->out, (u64)(i64)priority, priority < 0);
    text_char(&s->out, ']');
}

static const struct {
    const char *name;
    void (*print)(struct trace_state *s, const struct trace_struct *st, const u8 *mem);
} structs[] = {
    {"stat", print_stat},     {"sigaction", print_sigaction}, {"siginfo", print_siginfo},
    {"utimes", print_utimes}, {"termios", print_termios},     {"sched_param", print_sched_param},
};

bool trace_custom_struct(struct trace_state *s, const char *name, const struct trace_struct *st,
                         const u8 *mem)
{
    for (usize i = 0; i < ARRAY_LEN(structs); i++) {
        if (trace_same(structs[i].name, name)) {
            structs[i].print(s, st, mem);
            return true;
        }
    }
    return false;
}

bool trace_custom_value(struct trace_state *s, const char *name, u64 value)
{
    if (!trace_same(name, "epoll_data"))
        return false;
    text_str(&s->out, "{u32=");
    text_dec(&s->out, (u32)value, false);
    text_str(&s->out, ", u64=");
    text_dec(&s->out, value, false);
    text_char(&s->out, '}');
    return true;
}

// The numbers whose bits are set among the first n.
static void handle_set(struct trace_state *s, u64 addr, u64 n)
{
    bool any = false;
    u64 word = 0;
    text_char(&s->out, '[');
    for (u64 i = 0; i < MIN(n, 1024u); i++) {
        if (i % 64 == 0 && !trace_read(s, &word, addr + i / 8, 8))
            break;
        if ((word >> i % 64 & 1) == 0)
            continue;
        if (any)
            text_char(&s->out, ' ');
        any = true;
        text_dec(&s->out, i, false);
    }
    text_char(&s->out, ']');
}

// The address of a local socket; the next argument is its length. Others are not looked into.
static bool socket_address(struct trace_state *s, u64 addr, u64 len)
{
    enum : u32 { LOCAL = 1, HEAD = 2, PATH_MAX_ = 108 };
    u8 bytes[HEAD + PATH_MAX_];
    if (len < HEAD || len > sizeof(bytes) || !trace_read(s, bytes, addr, len))
        return false;
    u16 family = (u16)(bytes[0] | bytes[1] << 8);
    if (family != LOCAL)
        return false;
    text_str(&s->out, "{sa_family=AF_UNIX");
    if (len > HEAD) {
        bool abstract = !bytes[HEAD];
        const u8 *name = bytes + HEAD + abstract;
        usize room = len - HEAD - abstract, n = 0;
        while (n < room && (abstract || name[n]))
            n++;
        text_str(&s->out, abstract ? ", sun_path=@" : ", sun_path=");
        text_quoted(&s->out, name, n, false);
    }
    text_char(&s->out, '}');
    return true;
}

bool trace_custom_arg(struct trace_state *s, const struct trace_arg *arg)
{
    u64 value = s->args[arg->reg];
    bool set = trace_same(arg->custom, "fd_set");
    if (!set && !trace_same(arg->custom, "sockaddr"))
        return false;
    if (value == 0)
        text_str(&s->out, "NULL");
    else if (!set)
        return socket_address(s, value, (u32)s->args[arg->reg + 1]);
    else
        handle_set(s, value, (u32)s->args[0]);
    return true;
}

// select: the sets that have members, and the time left.
static void select_result(struct trace_state *s, const struct syscall_desc *d)
{
    static const char *const names[] = {"in ", "out ", "except "};
    bool any = false;
    if (s->ret == 0) {
        text_str(&s->out, " (Timeout)");
        return;
    }
    text_str(&s->out, " (");
    for (u32 i = 0; i < d->count && i < 4; i++) {
        const struct trace_arg *arg = &d->args[i];
        u64 word = 0, set = 0;
        if (arg->custom == NULL || s->args[arg->reg] == 0 || arg->reg < 1 || arg->reg > 3)
            continue;
        for (u64 at = 0; at < ((u32)s->args[0] + 63u) / 64 &&
                         trace_read(s, &word, s->args[arg->reg] + 8 * at, 8);
             at++)
            set |= word;
        if (set == 0)
            continue;
        text_str(&s->out, any ? ", " : "");
        any = true;
        text_str(&s->out, names[arg->reg - 1]);
        handle_set(s, s->args[arg->reg], (u32)s->args[0]);
    }
    trace_time_left(s, d, any ? ", " : "");
    text_char(&s->out, ')');
}

bool trace_custom_result(struct trace_state *s, const struct syscall_desc *d)
{
    if (!trace_same(d->custom_result, "select"))
        return false;
    select_result(s, d);
    return true;
}
