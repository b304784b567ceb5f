// Names for code addresses. Read-only data; used by backtraces only, so names are found by walking
// over them.
#include "ksyms.h"
#include <lib/string.h>
#include <sync/log.h>

const char *ksym_lookup(u64 addr, u64 *offset)
{
    u64 base = (u64)_text;
    if (addr < base || addr >= (u64)_etext || ksyms_count == 0 || addr - base < ksyms_addrs[0])
        return NULL;
    u32 lo = 0, hi = ksyms_count; // the last entry at or below addr is in [lo, hi)
    while (hi - lo > 1) {
        u32 mid = lo + (hi - lo) / 2;
        if (ksyms_addrs[mid] <= addr - base)
            lo = mid;
        else
            hi = mid;
    }
    const char *name = ksyms_names;
    for (u32 i = 0; i < lo; i++)
        name += strlen(name) + 1;
    if (offset)
        *offset = addr - base - ksyms_addrs[lo];
    return name;
}
