// Virtual memory layout of the kernel as a process: where the memory file is mapped and where
// kernel stacks lie. Both ranges are taken at start, before anything else can get there; sanitizers
// have their shadow elsewhere.
#pragma once

#ifdef HOSTED_TSAN // knows only a few ranges; this is the program's own
#define DIRECT_MAP_BASE 0x80'0000'0000ul
#define KSTACK_REGION_BASE 0x1c0'0000'0000ul
#else
#define DIRECT_MAP_BASE 0x2000'0000'0000ul
#define KSTACK_REGION_BASE 0x3000'0000'0000ul
#endif
#define KSTACK_REGION_SIZE 0x1'0000'0000ul

// Host signal frames and sanitizers' red zones lie on kernel stacks too. A stack is the upper half
// of its slot.
#define KSTACK_SIZE 0x10000ul
#define KSTACK_SLOT 0x20000ul

#define USER_MIN 0x10000ul          // hosts refuse lower mappings to ordinary users
#define USER_TOP 0x7fff'0000'0000ul // the page above holds the stub of guest processes (guest.h)
