// How an xv6 program starts on x86_64: a C function was called, rdi = argc, rsi = argv. Its return
// address lies below argv and is none, as on the teaching kernel's x86: who returns there is ended.
#include "../xv6.h"

int xv6_first_frame(struct exec_build *b, u64 argc, u64 argv, u64 low)
{
    const u64 nowhere = UINT64_MAX;
    u64 sp = argv - sizeof(nowhere);
    if (sp < low)
        return -E_2BIG;
    if (aspace_write(b->as, sp, &nowhere, sizeof(nowhere)) != sizeof(nowhere))
        return -E_NOMEM;
    tf_init(&b->frame, b->elf.header.entry, sp);
    tf_args(&b->frame)[0] = argc;
    tf_args(&b->frame)[1] = argv;
    return 0;
}
