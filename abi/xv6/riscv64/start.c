// How an xv6 program starts on riscv64: a0 = argc, a1 = argv, the stack begins below argv.
#include "../xv6.h"

int xv6_first_frame(struct exec_build *b, u64 argc, u64 argv, u64 low)
{
    (void)low;
    tf_init(&b->frame, b->elf.header.entry, argv);
    tf_args(&b->frame)[0] = argc;
    tf_args(&b->frame)[1] = argv;
    return 0;
}
