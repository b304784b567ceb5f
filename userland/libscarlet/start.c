// From the first instruction to main.
#include "private.h"
#include <machine.h>

enum : u64 { DT_RELA = 7, DT_RELASZ = 8 };

// Position-independent programs carry a list of words to which their load address is added. Runs
// before any other data is valid.
void relocate_self(u64 base, const u64 *dynamic)
{
    u64 rela = 0, size = 0;
    for (; dynamic[0]; dynamic += 2) {
        if (dynamic[0] == DT_RELA)
            rela = dynamic[1] + base;
        else if (dynamic[0] == DT_RELASZ)
            size = dynamic[1];
    }
    for (const u64 *r = (const u64 *)rela; (u64)r < rela + size; r += 3)
        if ((r[1] & 0xffffffff) == R_RELATIVE)
            *(u64 *)(base + r[0]) = base + r[2];
}

const char *program_name = "?";

void start_c(int argc, char **argv)
{
    char **e = argv + argc + 1;
    env = e;
    while (*e)
        e++;
    auxv = (const u64 *)(e + 1);
    if (argc > 0)
        program_name = base_name(argv[0]);
    leave(main(argc, argv));
}
