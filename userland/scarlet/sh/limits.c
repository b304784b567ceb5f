// ulimit [-SH] [-a | -dflnstuv [number | unlimited]]: limits of the shell and what it starts.
#include "sh.h"

static const struct {
    char letter;
    u32 kind;
    u64 unit;
    const char *what;
} limits[] = {
    {'f', SCARLET_LIMIT_FILE_SIZE, 512, "largest file (512 bytes)"},
    {'d', SCARLET_LIMIT_DATA, 1024, "data (KiB)"},
    {'l', SCARLET_LIMIT_LOCKED, 1024, "locked memory (KiB)"},
    {'n', SCARLET_LIMIT_HANDLES, 1, "handles"},
    {'s', SCARLET_LIMIT_STACK, 1024, "stack (KiB)"},
    {'t', SCARLET_LIMIT_CPU, 1, "processor time (seconds)"},
    {'u', SCARLET_LIMIT_TASKS, 1, "tasks of the user"},
    {'v', SCARLET_LIMIT_SPACE, 1024, "address space (KiB)"},
};

static void show(struct io *io, usize i, bool hard, bool named)
{
    struct scarlet_limit l = {0};
    (void)scarlet_call_limit_get(limits[i].kind, &l);
    u64 v = hard ? l.hard : l.soft;
    if (named)
        io_print(io, 1, "-%c: %-26s ", limits[i].letter, limits[i].what);
    if (v == FOREVER)
        io_print(io, 1, "unlimited\n");
    else
        io_print(io, 1, "%lu\n", v / limits[i].unit);
}

static int change(usize i, const char *word, bool soft, bool hard)
{
    struct scarlet_limit l = {0};
    i64 n;
    u64 v = FOREVER;
    if (strcmp(word, "unlimited") != 0) {
        if (!parse_number(word, &n) || n < 0 ||
            __builtin_mul_overflow((u64)n, limits[i].unit, &v)) {
            say("ulimit: not a number: %s", word);
            return 2;
        }
    }
    (void)scarlet_call_limit_get(limits[i].kind, &l);
    l.soft = soft ? v : l.soft;
    l.hard = hard ? v : l.hard;
    long r = scarlet_call_limit_set(limits[i].kind, &l);
    if (r < 0)
        say("ulimit: %s", status_text(r));
    return r < 0;
}

int limit_builtin(struct list_of_strings *argv, struct io *io)
{
    bool soft = false, hard = false, all = false;
    usize which = 0, i = 1;
    for (; i < argv->n && argv->v[i][0] == '-' && argv->v[i][1]; i++)
        for (const char *c = argv->v[i] + 1; *c; c++) {
            usize k = 0;
            while (k < ARRAY_LEN(limits) && limits[k].letter != *c)
                k++;
            soft |= *c == 'S';
            hard |= *c == 'H';
            all |= *c == 'a';
            if (k < ARRAY_LEN(limits)) {
                which = k;
            } else if (!strchr("SHa", *c)) {
                say("ulimit: -%c: no such limit", *c);
                return 2;
            }
        }
    if (all)
        for (usize k = 0; k < ARRAY_LEN(limits); k++)
            show(io, k, hard && !soft, true);
    else if (i < argv->n)
        return change(which, argv->v[i], soft || !hard, hard || !soft);
    else
        show(io, which, hard && !soft, false);
    return 0;
}
