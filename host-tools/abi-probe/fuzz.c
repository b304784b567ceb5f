// libFuzzer's entry (https://llvm.org/docs/LibFuzzer.html): the first byte says which reader gets
// the rest. 0 files of any kind, described and followed on their own; 1 strace logs; 2 JSON.
#include "describe.h"
#include "json_read.h"
#include "program.h"
#include "tables.h"
#include "trace.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const u8 *data, usize n);

static void file(struct bytes b)
{
    struct description d;
    describe(b, "x.com", ELF_MACHINE_RISCV, &d);
    if (d.format != FORMAT_ELF)
        return;
    static const struct options alone = {.root = "/nonexistent", .no_libraries = true};
    struct unit *u = unit_from(b, "input");
    struct program p;
    program_follow(u, &alone, true, &p);
    program_free(&p);
    unit_free(u);
}

static void take(void *of, const struct trace_call *c)
{
    struct finding f[MAX_FINDINGS];
    trace_match(of, c, f);
}

static void trace(struct bytes b)
{
    struct tables *t = (struct tables *)tables_for("linux", ELF_MACHINE_RISCV);
    struct trace_reader *r = t ? trace_open(take, t) : NULL;
    char *text = xalloc(b.n + 1, 1), *at = text;
    memcpy(text, b.p, b.n);
    u64 number = 0;
    for (char *line; r && (line = strsep(&at, "\n"));)
        trace_line(r, line, ++number);
    if (r)
        trace_close(r);
    free(text);
}

int LLVMFuzzerTestOneInput(const u8 *data, usize n)
{
    if (n < 1)
        return 0;
    // an exact copy, so that the sanitizer sees every read past the end
    u8 *copy = xalloc(n - 1, 1);
    memcpy(copy, data + 1, n - 1);
    struct bytes b = {copy, n - 1};
    struct json_tree tree;
    u64 where;
    const char *why;
    if (data[0] % 3 == 0)
        file(b);
    else if (data[0] % 3 == 1)
        trace(b);
    else if (json_read(b, &tree, &where, &why))
        json_free(&tree);
    free(copy);
    return 0;
}
