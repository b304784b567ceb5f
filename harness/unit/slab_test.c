// sources: harness/unit/host/mem_release.c harness/unit/host/kpage.c
// Slabs and kmalloc as the release kernel has them.
#undef CONFIG_DEBUG
#define CONFIG_DEBUG 0
#include "slab_cases.h"

int main(void)
{
    const struct CMUnitTest tests[] = {SLAB_CASES};
    return cmocka_run_group_tests_name("slab", tests, NULL, NULL);
}
