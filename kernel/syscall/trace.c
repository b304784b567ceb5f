// The tracer's interpreter: arguments behind addresses, the order of arguments, results. Text as
// strace prints it. Reads the program's memory only through the reader it is given; no locks, no
// allocation.
#include "trace_value.h"

static u64 length_of(struct trace_state *s, const struct trace_arg *arg)
{
    u32 value = 0;
    switch ((enum trace_len_kind)arg->len_kind) {
    case TRACE_LEN_CONST:
        return arg->len;
    case TRACE_LEN_REG:
        return s->args[arg->len];
    case TRACE_LEN_DEREF:
        return trace_read(s, &value, s->args[arg->len], sizeof(value)) ? value : 0;
    case TRACE_LEN_EXPR:
        return arg->length(s->args);
    case TRACE_LEN_NONE:
        break;
    }
    return 0;
}

// How much of an argument's memory is valid, in the unit of its length.
static u64 valid_length(struct trace_state *s, const struct trace_arg *arg)
{
    u64 n = length_of(s, arg);
    if (arg->dir == TRACE_IN || !s->exiting)
        return n;
    if (arg->flags & TRACE_FILLED_RET)
        n = MIN(n, s->ret > 0 ? (u64)s->ret : 0);
    else if (arg->flags & TRACE_FILLED_REG)
        n = MIN(n, s->args[arg->filled]);
    return n;
}

static u32 string_max(const struct trace_state *s)
{
    return s->rd->string_max != 0 ? s->rd->string_max : 32;
}

// Bytes at a user address as a string, cut after the limit; the address itself if they cannot be
// read.
static void buffer(struct trace_state *s, u64 addr, u64 n, bool all_hex)
{
    u8 bytes[TRACE_OBJECT_MAX];
    const usize shown = MIN(n, MIN((u64)string_max(s), sizeof(bytes)));
    if (addr == 0) {
        text_str(&s->out, "NULL");
        return;
    }
    if (shown != 0 && !trace_read(s, bytes, addr, shown)) {
        text_hex(&s->out, addr);
        return;
    }
    text_quoted(&s->out, bytes, shown, all_hex);
    if (shown < n)
        text_str(&s->out, "...");
}

// A NUL-terminated string of at most `most` bytes, in pieces so that its end may lie before an
// unreadable page.
static void string(struct trace_state *s, u64 addr, usize most)
{
    u8 bytes[TRACE_OBJECT_MAX + 1];
    usize n = 0;
    bool ended = false;
    if (addr == 0) {
        text_str(&s->out, "NULL");
        return;
    }
    most = MIN(most, (usize)TRACE_OBJECT_MAX);
    while (n <= most && !ended) {
        const usize piece = MIN((usize)(64 - (addr + n) % 64), most + 1 - n);
        if (!trace_read(s, bytes + n, addr + n, piece)) {
            text_hex(&s->out, addr);
            return;
        }
        for (usize i = 0; i < piece && !ended; i++) {
            ended = bytes[n] == 0;
            n += !ended;
        }
    }
    text_quoted(&s->out, bytes, MIN(n, most), false);
    if (!ended)
        text_str(&s->out, "...");
}

static void string_list(struct trace_state *s, u64 addr, bool count_only)
{
    u64 n = 0, item = 0;
    if (addr == 0) {
        text_str(&s->out, "NULL");
        return;
    }
    if (count_only) {
        while (trace_read(s, &item, addr + 8 * n, 8) && item != 0)
            n++;
        text_hex(&s->out, addr);
        text_str(&s->out, " /* ");
        text_dec(&s->out, n, false);
        text_str(&s->out, n == 1 ? " var */" : " vars */");
        return;
    }
    text_char(&s->out, '[');
    for (;; n++) {
        if (!trace_read(s, &item, addr + 8 * n, 8)) {
            text_str(&s->out, n != 0 ? ", " : "");
            text_str(&s->out, "... /* ");
            text_hex(&s->out, addr + 8 * n);
            text_str(&s->out, " */");
            break;
        }
        if (item == 0)
            break;
        text_str(&s->out, n != 0 ? ", " : "");
        if (n == TRACE_LIST_MAX) {
            text_str(&s->out, "...");
            break;
        }
        string(s, item, string_max(s));
    }
    text_char(&s->out, ']');
}

static void vector(struct trace_state *s, const struct trace_arg *arg, u64 addr, bool unwritten)
{
    const u64 count = length_of(s, arg);
    u64 left = arg->dir == TRACE_OUT && s->exiting ? (s->ret > 0 ? (u64)s->ret : 0) : ~0ull;
    if (addr == 0) {
        text_str(&s->out, "NULL");
        return;
    }
    text_char(&s->out, '[');
    for (u64 i = 0; i < count; i++) {
        u64 iov[2];
        text_str(&s->out, i != 0 ? ", " : "");
        if (i == TRACE_LIST_MAX || !trace_read(s, iov, addr + 16 * i, sizeof(iov))) {
            text_str(&s->out, "...");
            break;
        }
        text_str(&s->out, "{iov_base=");
        if (unwritten)
            trace_address(s, iov[0]);
        else
            buffer(s, iov[0], MIN(left, iov[1]), false);
        text_str(&s->out, ", iov_len=");
        text_dec(&s->out, iov[1], false);
        text_char(&s->out, '}');
        left -= left == ~0ull ? 0 : MIN(left, iov[1]);
    }
    text_char(&s->out, ']');
}

// One value behind an address. Plain numbers stand in brackets, as strace marks them.
static void pointer(struct trace_state *s, const struct trace_type *type, u64 addr)
{
    u8 mem[TRACE_OBJECT_MAX];
    const usize size = trace_size(type);
    const bool bare = type->count != 0 || type->kind == TRACE_STRUCT || type->kind == TRACE_UNION ||
                      type->kind == TRACE_SIGSET || type->kind == TRACE_CHARS ||
                      type->kind == TRACE_RAW;
    if (addr == 0) {
        text_str(&s->out, "NULL");
        return;
    }
    if (size == 0 || size > sizeof(mem) || !trace_read(s, mem, addr, size)) {
        text_hex(&s->out, addr);
        return;
    }
    if (!bare)
        text_char(&s->out, '[');
    trace_value(s, type, mem);
    if (!bare)
        text_char(&s->out, ']');
}

static void sequence(struct trace_state *s, const struct trace_arg *arg, u64 addr)
{
    const struct trace_type *type = arg->type.ref;
    const usize size = trace_size(type);
    u64 count = valid_length(s, arg);
    u8 mem[TRACE_OBJECT_MAX];
    if (addr == 0) {
        text_str(&s->out, "NULL");
        return;
    }
    if (size == 0 || size > sizeof(mem) || (count != 0 && !trace_read(s, mem, addr, size))) {
        text_hex(&s->out, addr);
        return;
    }
    if (arg->flags & TRACE_LEN_BYTES)
        count /= size;
    text_char(&s->out, '[');
    for (u64 i = 0; i < count; i++) {
        text_str(&s->out, i != 0 ? ", " : "");
        if (i == TRACE_LIST_MAX || !trace_read(s, mem, addr + i * size, size)) {
            text_str(&s->out, "...");
            break;
        }
        if (arg->custom == NULL || type->kind != TRACE_STRUCT ||
            !trace_custom_struct(s, arg->custom, type->ref, mem))
            trace_value(s, type, mem);
    }
    text_char(&s->out, ']');
}

// Records of variable size: only their number, by the length each holds of itself.
static void summary(struct trace_state *s, const struct trace_arg *arg, u64 addr)
{
    const struct trace_struct *st = arg->type.ref;
    const u64 n = valid_length(s, arg);
    u64 at = 0, entries = 0;
    trace_address(s, addr);
    if (st->len_offset == 0xffff) {
        entries = arg->flags & TRACE_LEN_BYTES ? n / MAX((u64)st->size, 1u) : n;
    } else {
        while (at < n) {
            u16 len = 0;
            if (!trace_read(s, &len, addr + at + st->len_offset, sizeof(len)) || len == 0)
                break;
            at += len;
            entries++;
        }
    }
    text_str(&s->out, " /* ");
    text_dec(&s->out, entries, false);
    text_str(&s->out, entries == 1 ? " entry */" : " entries */");
}

static void argument(struct trace_state *s, const struct trace_arg *arg)
{
    const u64 value = s->args[arg->reg];
    const bool written =
        arg->dir != TRACE_OUT || (s->exiting && (s->ret >= 0 || arg->flags & TRACE_STORED_ERROR));
    if (arg->name != NULL) {
        text_str(&s->out, arg->name);
        text_char(&s->out, '=');
    }
    if (arg->custom != NULL && written && trace_custom_arg(s, arg))
        return;
    switch ((enum trace_kind)arg->type.kind) {
    case TRACE_IOVEC:
        return vector(s, arg, value, !written);
    case TRACE_STRING:
    case TRACE_PATH:
    case TRACE_STRV:
    case TRACE_STRV_COUNT:
    case TRACE_BUFFER:
    case TRACE_BUFFER_HEX:
    case TRACE_PTR:
    case TRACE_SEQ:
    case TRACE_SUMMARY:
        if (!written)
            return trace_address(s, value);
        break;
    default:
        return trace_register(s, &arg->type, value);
    }
    switch ((enum trace_kind)arg->type.kind) {
    case TRACE_STRING:
        return string(s, value, string_max(s));
    case TRACE_PATH:
        return string(s, value, 4095);
    case TRACE_STRV:
    case TRACE_STRV_COUNT:
        return string_list(s, value, arg->type.kind == TRACE_STRV_COUNT);
    case TRACE_PTR:
        return pointer(s, arg->type.ref, value);
    case TRACE_SEQ:
        return sequence(s, arg, value);
    case TRACE_SUMMARY:
        return summary(s, arg, value);
    default:
        return buffer(s, value, valid_length(s, arg), arg->type.kind == TRACE_BUFFER_HEX);
    }
}

static const struct syscall_desc *variant(const struct syscall_desc *d, const u64 *args)
{
    if (d->selector_size == 0)
        return d;
    u64 value = args[d->selector] & ~d->modifiers;
    if (d->selector_size < 8)
        value &= (1ull << (8 * d->selector_size)) - 1;
    for (u32 i = 0; i < d->variant_count; i++)
        if (d->variants[i].value == value)
            return d->variants[i].desc;
    return d;
}

void trace_time_left(struct trace_state *s, const struct syscall_desc *d, const char *before)
{
    for (u32 i = 0; i < d->count; i++) {
        const struct trace_arg *arg = &d->args[i];
        if (arg->dir == TRACE_INOUT && arg->type.kind == TRACE_PTR && s->args[arg->reg] != 0) {
            text_str(&s->out, before);
            text_str(&s->out, "left ");
            pointer(s, arg->type.ref, s->args[arg->reg]);
        }
    }
}

// What poll found: descriptors with events, and the time left.
static void poll_result(struct trace_state *s, const struct syscall_desc *d)
{
    struct {
        i32 fd;
        u16 events, revents;
    } item;
    if (s->ret == 0) {
        text_str(&s->out, " (Timeout)");
        return;
    }
    if (d->count == 0 || d->args[0].type.kind != TRACE_SEQ)
        return;
    const struct trace_type *type = d->args[0].type.ref;
    const struct trace_field *events =
        type->kind == TRACE_STRUCT ? trace_find_field(type->ref, "events") : NULL;
    const u64 count = length_of(s, &d->args[0]), addr = s->args[d->args[0].reg];
    bool any = false;
    text_str(&s->out, " ([");
    for (u64 i = 0; i < count && trace_read(s, &item, addr + i * sizeof(item), sizeof(item)); i++) {
        if (item.revents == 0)
            continue;
        text_str(&s->out, any ? ", {fd=" : "{fd=");
        any = true;
        text_dec(&s->out, (u64)(i64)item.fd, item.fd < 0);
        text_str(&s->out, ", revents=");
        if (events != NULL)
            trace_register(s, &events->type, item.revents);
        else
            text_hex(&s->out, item.revents);
        text_char(&s->out, '}');
    }
    text_char(&s->out, ']');
    trace_time_left(s, d, ", ");
    text_char(&s->out, ')');
}

static bool restart_result(struct trace_state *s, i64 ret)
{
    static const struct {
        i64 code;
        const char *text;
    } known[] = {
        {-512, "? ERESTARTSYS (To be restarted if SA_RESTART is set)"},
        {-513, "? ERESTARTNOINTR (To be restarted)"},
        {-514, "? ERESTARTNOHAND (To be restarted if no handler)"},
        {-516, "? ERESTART_RESTARTBLOCK (Interrupted by signal)"},
    };
    for (usize i = 0; i < ARRAY_LEN(known); i++) {
        if (known[i].code == ret) {
            text_str(&s->out, known[i].text);
            return true;
        }
    }
    return false;
}

static void error_result(struct trace_state *s, i64 ret)
{
    const struct trace_errors *e = s->rd->errors;
    const u64 code = (u64)-ret;
    if (restart_result(s, ret))
        return;
    text_str(&s->out, "-1 ");
    if (e != NULL && code < e->count && e->errors[code].name != NULL) {
        text_str(&s->out, e->errors[code].name);
        text_str(&s->out, " (");
        text_str(&s->out, e->errors[code].text);
    } else {
        text_str(&s->out, "(errno ");
        text_dec(&s->out, code, false);
    }
    text_char(&s->out, ')');
}

static void named_result(struct trace_state *s, const struct syscall_desc *d)
{
    const struct trace_type type = {.kind = d->result == TRACE_RET_FLAGS ? TRACE_FLAGS : TRACE_ENUM,
                                    .size = 8,
                                    .ref = d->result_set};
    bool named = s->ret != 0;
    for (u32 i = 0; i < d->result_set->count && !named; i++)
        named = d->result_set->values[i].value == 0;
    text_hex(&s->out, (u64)s->ret);
    if (!named)
        return;
    text_str(&s->out, d->result == TRACE_RET_FLAGS ? " (flags " : " (");
    trace_register(s, &type, (u64)s->ret);
    text_char(&s->out, ')');
}

static void result(struct trace_state *s, const struct syscall_desc *d)
{
    if (s->rd->in_parts) {
        text_char(&s->out, TRACE_RESULT);
    } else {
        text_str(&s->out, ") ");
        while (s->out.len + s->rd->column < 40)
            text_char(&s->out, ' ');
        text_str(&s->out, "= ");
    }
    if (d != NULL && d->result == TRACE_RET_NONE) {
        text_char(&s->out, '?');
        return;
    }
    if (s->ret < 0 && s->ret >= -4095) {
        error_result(s, s->ret);
        return;
    }
    switch (d != NULL ? (enum trace_result)d->result : TRACE_RET_DEC) {
    case TRACE_RET_HEX:
        return text_hex(&s->out, (u64)s->ret);
    case TRACE_RET_OCT:
        return text_oct(&s->out, (u64)s->ret, 3);
    case TRACE_RET_FLAGS:
    case TRACE_RET_ENUM:
        return named_result(s, d);
    case TRACE_RET_CUSTOM:
        text_dec(&s->out, (u64)s->ret, s->ret < 0);
        (void)trace_custom_result(s, d);
        return;
    case TRACE_RET_POLL:
        text_dec(&s->out, (u64)s->ret, s->ret < 0);
        return poll_result(s, d);
    case TRACE_RET_DEC:
    case TRACE_RET_NONE:
        break;
    }
    text_dec(&s->out, (u64)s->ret, s->ret < 0);
}

static usize finish(struct trace_state *s)
{
    if (s->out.cap != 0)
        s->out.buf[MIN(s->out.len, s->out.cap - 1)] = '\0';
    return s->out.len;
}

static void next_argument(struct trace_state *s)
{
    if (s->rd->in_parts)
        text_char(&s->out, TRACE_NEXT);
    else
        text_str(&s->out, ", ");
}

// Arguments up to the first that the call writes can be shown at entry; the rest, and what the call
// changed, only after it.
static void arguments(struct trace_state *s, const struct syscall_desc *d, bool before, bool after)
{
    bool written = false, first = true;
    for (u32 i = 0; i < d->count; i++) {
        const struct trace_arg *arg = &d->args[i];
        if (arg->when != NULL && !arg->when(s->args))
            continue;
        written = written || arg->dir == TRACE_OUT;
        if (written ? after : before) {
            if (!first)
                next_argument(s);
            argument(s, arg);
        } else if (written) {
            if (!first)
                next_argument(s);
            return;
        }
        // What was shown at entry ends with ", " when something follows.
        first = written ? false : !before;
    }
}

usize trace_format(char *buf, usize cap, const struct syscall_desc *d, const u64 *args,
                   bool exiting, i64 ret, const struct trace_reader *rd)
{
    struct trace_state s = {
        .out = {.buf = buf, .cap = cap}, .rd = rd, .args = args, .exiting = exiting, .ret = ret};
    d = variant(d, args);
    text_str(&s.out, d->name);
    text_char(&s.out, '(');
    arguments(&s, d, true, exiting);
    if (exiting)
        result(&s, d);
    return finish(&s);
}

usize trace_finish(char *buf, usize cap, usize len, const struct syscall_desc *d, const u64 *args,
                   i64 ret, const struct trace_reader *rd)
{
    struct trace_state s = {.out = {.buf = buf, .cap = cap, .len = len},
                            .rd = rd,
                            .args = args,
                            .exiting = true,
                            .ret = ret};
    d = variant(d, args);
    arguments(&s, d, false, true);
    result(&s, d);
    return finish(&s);
}

usize trace_format_unknown(char *buf, usize cap, const char *name, u64 number, const u64 *args,
                           i64 ret, const struct trace_reader *rd)
{
    struct trace_state s = {
        .out = {.buf = buf, .cap = cap}, .rd = rd, .args = args, .exiting = true, .ret = ret};
    if (name != NULL) {
        text_str(&s.out, name);
    } else {
        text_str(&s.out, "syscall_");
        text_hex(&s.out, number);
    }
    text_char(&s.out, '(');
    for (u32 i = 0; i < 6; i++) {
        if (i != 0)
            next_argument(&s);
        text_hex(&s.out, args[i]);
    }
    result(&s, NULL);
    return finish(&s);
}
