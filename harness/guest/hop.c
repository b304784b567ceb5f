// hop PROGRAM ARGUMENTS: becomes PROGRAM. With a first argument "-f" it says whether the attempt
// failed and goes on living: prints "failed" and ends with 3.
#include "any.h"

static void run(u64 argc, char **argv)
{
    char **env = argv + argc + 1;
    int at = argc > 2 && argv[1][0] == '-' && argv[1][1] == 'f' ? 2 : 1;
    (void)call(NR_EXEC, (u64)argv[at], (u64)(argv + at), (u64)env, 0);
    put("failed\n");
    leave(3);
}
