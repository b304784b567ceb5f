// The table that ci/ksyms.py makes from the linked kernel: functions sorted by address.
#pragma once
#include <lib/types.h>

extern const u32 ksyms_count;
extern const u32 ksyms_addrs[];      // offsets from _text
extern const char ksyms_names[];     // NUL-ended, in the same order
extern const char _text[], _etext[]; // linker script
