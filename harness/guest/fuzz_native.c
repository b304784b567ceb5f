// fuzz_native SEED user|root: one process of fuzz's, making random calls of the native ABI. Linked
// as any program here and marked native afterwards (guestprog.mark_native).
#define OWN_START
#define FUZZ_TABLE "fuzz_native_table.h"
#include "fuzz.h"
#include <scarlet_consts.h>

static long write_call(long fd, const char *s, word n)
{
    return call(SCARLET_SYS_write_at, (word)fd, (word)s, n, 0);
}

ENTRY_REGISTERS(begin);

[[noreturn]] void begin(word argc, const char *const *argv)
{
    static char room[ARENA_PAGES * PAGE] __attribute__((aligned(PAGE)));
    state = (argc > 1 ? parse(argv[1]) : 1) | 1;
    bool root = argc > 2 && argv[2][0] == 'r';
    failing = argc > 3 ? FAIL_FD : -1;
    arena = room;
    own_pid = (word)call(SCARLET_SYS_getpid, 0, 0, 0, 0);
    for (word i = 0; i < CALLS; i++)
        random_call(root);
    call(SCARLET_SYS_exit, 0, 0, 0, 0);
    __builtin_trap();
}
