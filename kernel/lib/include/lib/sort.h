// Sorting in place.
#pragma once
#include <lib/types.h>

// Heap sort: n elements of `size` bytes at base, ascending; not stable; no memory, no recursion,
// O(n log n) always. compare gives <0, 0, >0 and gets arg.
void sort(void *base, usize n, usize size, int (*compare)(const void *a, const void *b, void *arg),
          void *arg);
