// Inode numbers of 16 bits for files of any file system, given out as xv6's own disk does: a file
// that is seen for the first time gets the lowest free number, and the number is free again when
// the file is gone. Programs look at both.
//
// Entries sit in a table by number, whose pages are made when first needed, and are found through
// chains by a hash of (device, inode). When all numbers are taken, the holders lose theirs in turn.
// Guarded by the machine's inums.lock.
#include "xv6.h"
#include <mem/frame.h>

enum { LAST = 0xffff };
struct xv6_inum_entry {
    u64 dev_plus_1, ino; // dev_plus_1 0: free
    u16 next;            // in its chain; 0: the end
};
enum { PER_PAGE = PAGE_SIZE / sizeof(struct xv6_inum_entry) };
static_assert((LAST / PER_PAGE) < ARRAY_LEN(((struct xv6_inums *)NULL)->pages));

static struct xv6_inum_entry *entry(struct xv6_inums *t, u32 n)
{
    return &t->pages[n / PER_PAGE][n % PER_PAGE];
}

static u16 *chain(struct xv6_inums *t, u64 dev, u64 ino)
{
    u64 h = (ino ^ dev << 40) * 0x9e3779b97f4a7c15ul;
    return &t->first[(h >> 32) % ARRAY_LEN(t->first)];
}

// Where the pair's number is written, in the chain; 0 there: it has none.
static u16 *find(struct xv6_inums *t, u64 dev, u64 ino)
{
    u16 *n = chain(t, dev, ino);
    while (*n && (entry(t, *n)->dev_plus_1 != dev + 1 || entry(t, *n)->ino != ino))
        n = &entry(t, *n)->next;
    return n;
}

static void release(struct xv6_inums *t, u16 *place)
{
    u16 n = *place;
    struct xv6_inum_entry *e = entry(t, n);
    *place = e->next;
    e->dev_plus_1 = 0;
    t->low = MIN(t->low, n);
}

// The lowest free number; 0: no memory for its page.
static u16 take(struct xv6_inums *t)
{
    while (t->low < t->top && entry(t, t->low)->dev_plus_1)
        t->low++;
    if (t->low > LAST) {
        t->hand = t->hand % LAST + 1;
        struct xv6_inum_entry *e = entry(t, t->hand);
        release(t, find(t, e->dev_plus_1 - 1, e->ino));
    }
    if (t->low == t->top) {
        struct xv6_inum_entry **page = &t->pages[t->top / PER_PAGE];
        if (!*page && !(*page = page_alloc(ALLOC_ZERO)))
            return 0;
        t->top++;
    }
    return (u16)t->low;
}

void xv6_inum_init(struct xv6_inums *t)
{
    spin_init(&t->lock, &lock_class_numbers);
    t->low = t->top = 1;
}

u16 xv6_inum(struct xv6_machine *m, u64 dev, u64 ino)
{
    struct xv6_inums *t = &m->inums;
    spin_lock(&t->lock);
    u16 n = *find(t, dev, ino);
    if (!n && (n = take(t))) {
        u16 *first = chain(t, dev, ino);
        *entry(t, n) = (struct xv6_inum_entry){.dev_plus_1 = dev + 1, .ino = ino, .next = *first};
        *first = n;
    }
    spin_unlock(&t->lock);
    return n ? n : (u16)(ino % LAST + 1); // no memory to remember it: at least always the same
}

void xv6_inum_forget(struct xv6_machine *m, u64 dev, u64 ino)
{
    struct xv6_inums *t = &m->inums;
    spin_lock(&t->lock);
    u16 *place = find(t, dev, ino);
    if (*place)
        release(t, place);
    spin_unlock(&t->lock);
}

void xv6_inum_free(struct xv6_machine *m)
{
    for (u32 i = 0; i < ARRAY_LEN(m->inums.pages); i++)
        if (m->inums.pages[i])
            page_free(m->inums.pages[i]);
}
