// kernel/mem in one piece.
#include "../../../kernel/mem/boot.c"
#include "../../../kernel/mem/buddy.c"
#include "../../../kernel/mem/frame.c"
#include "../../../kernel/mem/kmalloc.c"
#include "../../../kernel/mem/reclaim.c"
#include "../../../kernel/mem/slab.c"
#include "../../../kernel/mem/slab_debug.c"
