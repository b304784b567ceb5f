// Failing on purpose, to prove that no step of an exec leaves something behind. Nothing here costs
// anything unless the boot word is given.
#include "private.h"
#include <device/fdt.h>
#include <kerr.h>
#include <lib/parse.h>
#include <lib/string.h>

u32 exec_fail_step;

void exec_fail_init(void)
{
    const char *line = boot_info.cmdline;
    struct cmdline_word w;
    i64 v;
    while (cmdline_next(&line, &w))
        if (w.name_len == 9 && !memcmp(w.name, "exec.fail", 9) && w.value &&
            !parse_i64(w.value, w.value_len, 10, &v) && v > 0 && v < 100)
            exec_fail_step = (u32)v;
}

int exec_step_failed(const struct exec_build *b)
{
    return strcmp(b->name, "faulty") ? 0 : -E_NOMEM;
}
