// Frames at boot: which memory there is, and the descriptors for it. Single-threaded until
// frame_init returns; afterwards the ranges are constant.
#include "mem_internal.h"

#include <lib/string.h>
#include <sync/log.h>

struct span {
    paddr_t start, end;
};

// Firmware describes a handful of each; merging as they come keeps the lists short.
enum { BOOT_SPANS = 128 };
struct span_list {
    u32 n;
    struct span at[BOOT_SPANS];
};

static struct span_list ram, kept; // sorted, disjoint, not touching
static struct frame_range *ranges; // one per span of ram, in the same order
struct frame_range frame_main;
static u64 total_pages, reserved_pages;

static void span_add(struct span_list *l, paddr_t start, paddr_t end)
{
    u32 first = 0, last;

    while (first < l->n && l->at[first].end < start)
        first++;
    for (last = first; last < l->n && l->at[last].start <= end; last++) {
        start = MIN(start, l->at[last].start);
        end = MAX(end, l->at[last].end);
    }
    // at[first..last) become one.
    if (l->n - (last - first) + 1 > BOOT_SPANS)
        panic("more than %d separate memory ranges", BOOT_SPANS);
    memmove(&l->at[first + 1], &l->at[last], (l->n - last) * sizeof(l->at[0]));
    l->n = l->n - (last - first) + 1;
    l->at[first] = (struct span){start, end};
}

// End of a range, without wrapping.
static paddr_t end_of(paddr_t start, u64 len)
{
    paddr_t end;

    return __builtin_add_overflow(start, len, &end) ? ALIGN_DOWN(UINT64_MAX, PAGE_SIZE) : end;
}

void frame_add_ram(paddr_t start, u64 len)
{
    paddr_t end = ALIGN_DOWN(end_of(start, len), PAGE_SIZE);

    if (start > UINT64_MAX - PAGE_MASK)
        return;
    start = ALIGN_UP(start, PAGE_SIZE);
    if (start < end)
        span_add(&ram, start, end);
}

void frame_reserve(paddr_t start, u64 len)
{
    if (!len)
        return;
    paddr_t end = end_of(start, len);
    end = end > ALIGN_DOWN(UINT64_MAX, PAGE_SIZE) ? ALIGN_DOWN(UINT64_MAX, PAGE_SIZE)
                                                  : ALIGN_UP(end, PAGE_SIZE);
    start = ALIGN_DOWN(start, PAGE_SIZE);
    if (start < end)
        span_add(&kept, start, end);
}

// The first piece of RAM at or after `from` that is not kept out.
static bool next_free(paddr_t from, struct span *out)
{
    for (u32 r = 0; r < ram.n; r++) {
        paddr_t start = MAX(from, ram.at[r].start), end = ram.at[r].end;

        for (u32 k = 0; k < kept.n && start < end; k++) {
            if (kept.at[k].end <= start)
                continue;
            if (kept.at[k].start > start) {
                end = MIN(end, kept.at[k].start);
                break;
            }
            start = kept.at[k].end;
        }
        if (start < end) {
            *out = (struct span){start, end};
            return true;
        }
    }
    return false;
}

// Room for the descriptors: the top of the largest free piece, so that its low end stays whole.
static paddr_t place_descriptors(u64 bytes)
{
    struct span best = {0, 0}, piece = {0, 0};

    while (next_free(piece.end, &piece))
        if (piece.end - piece.start > best.end - best.start)
            best = piece;
    if (!bytes || best.end - best.start < bytes)
        panic("not enough memory for the frame descriptors: %lu bytes", bytes);
    return best.end - bytes;
}

static void mark_reserved(paddr_t start, paddr_t end)
{
    for (u32 r = 0; r < ram.n; r++) {
        paddr_t from = MAX(start, ram.at[r].start), to = MIN(end, ram.at[r].end);

        for (paddr_t pa = from; pa < to; pa += PAGE_SIZE) {
            struct frame *f = phys_to_frame(pa);
            atomic_init(&f->refs, 1);
            f->flags = FRAME_RESERVED;
            reserved_pages++;
        }
    }
}

void frame_init(void)
{
    u64 bytes = 0;

    for (u32 r = 0; r < ram.n; r++)
        total_pages += (ram.at[r].end - ram.at[r].start) >> PAGE_SHIFT;
    bytes = ALIGN_UP(total_pages * sizeof(struct frame) + ram.n * sizeof(*ranges), PAGE_SIZE);
    paddr_t place = place_descriptors(bytes);
    span_add(&kept, place, place + bytes);

    struct frame *f = phys_to_virt(place);
    for (u64 at = 0; at < bytes; at += PAGE_SIZE)
        page_zero((u8 *)f + at);
    ranges = (struct frame_range *)(void *)(f + total_pages);
    for (u32 r = 0; r < ram.n; r++) {
        u64 pages = (ram.at[r].end - ram.at[r].start) >> PAGE_SHIFT;
        ranges[r] = (struct frame_range){ram.at[r].start, pages, f};
        f += pages;
        if (pages > frame_main.pages)
            frame_main = ranges[r];
    }
    for (u32 k = 0; k < kept.n; k++)
        mark_reserved(kept.at[k].start, kept.at[k].end);

    buddy_init();
    struct span piece = {0, 0};
    while (next_free(piece.end, &piece))
        buddy_add_span(piece.start, piece.end);
}

void frame_release_range(paddr_t start, u64 len)
{
    paddr_t end = ALIGN_DOWN(end_of(start, len), PAGE_SIZE);

    for (paddr_t pa = ALIGN_UP(start, PAGE_SIZE); pa < end; pa += PAGE_SIZE) {
        struct frame *f = phys_to_frame(pa);

        if (!f)
            continue; // reserved ranges may reach beyond RAM
        if (f->flags != FRAME_RESERVED || atomic_load(&f->refs) != 1)
            panic("frame %#lx is released but was not reserved or is in use", pa);
        f->flags = 0;
        atomic_store(&f->refs, 0);
        reserved_pages--;
        buddy_put(f, 0);
    }
}

struct frame *frame_find(paddr_t pa)
{
    for (u32 r = 0; ranges && r < ram.n; r++) {
        u64 i = (pa - ranges[r].base) >> PAGE_SHIFT;
        if (i < ranges[r].pages)
            return ranges[r].frames + i;
    }
    return NULL;
}

paddr_t frame_locate(const struct frame *f)
{
    for (u32 r = 0; r < ram.n; r++) {
        u64 i = ((u64)(uintptr_t)f - (u64)(uintptr_t)ranges[r].frames) / sizeof(*f);
        if (i < ranges[r].pages)
            return ranges[r].base + (i << PAGE_SHIFT);
    }
    panic("no frame descriptor at %p", (const void *)f);
}

void boot_stats(struct frame_stats *out)
{
    out->total = total_pages;
    out->reserved = reserved_pages;
}
