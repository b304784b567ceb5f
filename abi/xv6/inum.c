// Inode numbers of 16 bits for files of any file system.
//
// A table by number: a pair (device, inode) sits in the first free place from where it would like
// to be. A small inode number likes itself, so that numbers rarely differ from what other systems
// show. Pages of the table are made when first needed. Guarded by the machine's inum_lock.
#include "xv6.h"
#include <mem/frame.h>

enum { PER_PAGE = 256, MAX_PROBES = 2048 };
struct inum_page {
    struct {
        u64 dev_plus_1, ino; // dev_plus_1 0: free
    } at[PER_PAGE];
};
static_assert(sizeof(struct inum_page) <= PAGE_SIZE);

static u16 wish(u64 dev, u64 ino)
{
    u64 h =
        ino < 0x10000 ? ino + (dev & 0xff) * 4099 : (ino ^ dev << 40) * 0x9e3779b97f4a7c15ul >> 48;
    return (u16)h;
}

u16 xv6_inum(struct xv6_machine *m, u64 dev, u64 ino)
{
    u16 first = wish(dev, ino), n = first;
    mutex_lock(&m->inum_lock);
    for (u32 probes = 0;; probes++, n++) {
        if (n == 0)
            n++;
        struct inum_page *p = m->inums[n / PER_PAGE];
        if (!p) {
            p = m->inums[n / PER_PAGE] = page_alloc(ALLOC_ZERO);
            if (!p)
                break; // no memory to remember it: still the same as long as nobody else is given
                       // this number
        }
        u64 *dev_at = &p->at[n % PER_PAGE].dev_plus_1, *ino_at = &p->at[n % PER_PAGE].ino;
        if (*dev_at == dev + 1 && *ino_at == ino)
            break;
        if (*dev_at == 0 || probes >= MAX_PROBES) { // crowded: the oldest claim here is forgotten
            if (*dev_at)
                n = first ? first : 1;
            p = m->inums[n / PER_PAGE];
            p->at[n % PER_PAGE].dev_plus_1 = dev + 1;
            p->at[n % PER_PAGE].ino = ino;
            break;
        }
    }
    mutex_unlock(&m->inum_lock);
    return n;
}

void xv6_inum_free(struct xv6_machine *m)
{
    for (u32 i = 0; i < ARRAY_LEN(m->inums); i++)
        if (m->inums[i])
            page_free(m->inums[i]);
}
