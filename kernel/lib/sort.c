// Heap sort. Owns nothing.
#include <lib/sort.h>

static void swap(u8 *a, u8 *b, usize size)
{
    if (size % 8 == 0 && ((uintptr_t)a | (uintptr_t)b) % 8 == 0) {
        typedef u64 __attribute__((may_alias)) word;
        for (; size; size -= 8, a += 8, b += 8) {
            word t = *(word *)a;
            *(word *)a = *(word *)b;
            *(word *)b = t;
        }
        return;
    }
    while (size--) {
        u8 t = *a;
        *a++ = *b;
        *b++ = t;
    }
}

void sort(void *base, usize n, usize size, int (*compare)(const void *a, const void *b, void *arg),
          void *arg)
{
    u8 *at = base;

    // `build` elements are still to be heaped; then `n` shrinks as the largest goes to the end.
    for (usize build = n / 2; n > 1;) {
        if (build)
            build--;
        else
            swap(at, at + --n * size, size);
        for (usize parent = build, child; (child = 2 * parent + 1) < n; parent = child) {
            if (child + 1 < n && compare(at + child * size, at + (child + 1) * size, arg) < 0)
                child++;
            if (compare(at + parent * size, at + child * size, arg) >= 0)
                break;
            swap(at + parent * size, at + child * size, size);
        }
    }
}
