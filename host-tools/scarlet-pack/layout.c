// Where each header and each file's data goes. Data is moved to its boundary by a longer name
// field; where that would be longer than readers take, an entry for the directory itself comes in
// between: the same attributes again change nothing.
#include "common/fail.h"
#include "index.h"
#include "newc_write.h"
#include <string.h>
#include <sys/stat.h>

static uint64_t round_up(uint64_t n, uint64_t to)
{
    return (n + to - 1) & ~(to - 1);
}

// A directory whose entry may stand once more in front of an item: the one it is in, or, in the
// root when nobody named that, one that stands before it. NULL: the root itself.
static const struct item *repeatable(const struct plan *p, const struct item *i,
                                     const struct item *top)
{
    const char *slash = strrchr(i->name, '/');
    char folder[NEWC_NAME_MAX];
    size_t n = slash ? (size_t)(slash - i->name) : 0;
    memcpy(folder, i->name, n);
    folder[n] = 0;
    const struct item *dir = plan_find(p, folder);
    return dir ? dir : top;
}

// Name field of a header at `at` whose data shall be aligned; *filler gets the name field of a
// directory entry in front (0: none). 0: there is no way within the limits.
static uint32_t name_field(uint64_t at, uint32_t length, uint32_t folder, uint32_t align,
                           uint32_t *filler)
{
    *filler = 0;
    uint64_t field = round_up(at + NEWC_HEADER + length + 1, align) - at - NEWC_HEADER;
    if (field <= NEWC_NAME_MAX)
        return (uint32_t)field;
    // The filler takes what is too much, at least its own size; what it leaves must still hold the
    // name.
    uint64_t most = field - (length + 1), size = round_up(NEWC_HEADER + folder + 1, 4);
    if (size < round_up(field - NEWC_NAME_MAX, 4))
        size = round_up(field - NEWC_NAME_MAX, 4);
    if (size > most || size - NEWC_HEADER > NEWC_NAME_MAX)
        return 0;
    *filler = (uint32_t)(size - NEWC_HEADER);
    return (uint32_t)(field - size);
}

static void count_links(struct plan *p)
{
    for (size_t i = 0; i < p->count; i++) {
        struct item *one = p->items[i], *leader = one->leader ? one->leader : one;
        leader->nlink = 0;
        leader->last = NULL;
        leader->ino = 0;
    }
    uint32_t ino = 1; // 1 is the index's
    for (size_t i = 0; i < p->count; i++) {
        struct item *one = p->items[i], *leader = one->leader ? one->leader : one;
        leader->nlink++;
        leader->last = one;
        if (!leader->ino)
            leader->ino = ++ino;
    }
}

bool layout_plan(struct plan *p, const struct write_options *o, struct layout *l)
{
    *l = (struct layout){0};
    count_links(p);
    uint64_t at = 0;
    const struct item *top = NULL; // a directory in the root
    if (o->index) {
        l->index_size = index_size(p);
        if (l->index_size > UINT32_MAX)
            return failed(EXIT_INPUT, "too many names for an index (--no-index)");
        l->index_at = round_up(NEWC_HEADER + sizeof(INDEX_NAME), o->align < 4 ? 4 : o->align);
        at = round_up(l->index_at + l->index_size, 4);
    }
    for (size_t i = 0; i < p->count; i++) {
        struct item *one = p->items[i];
        const struct item *leader = one->leader ? one->leader : one;
        uint32_t length = *one->name ? (uint32_t)strlen(one->name) : 1;
        if (leader->data.size > UINT32_MAX)
            return failed(EXIT_INPUT, "%s:%u: /%s: larger than 4 GiB, which the format cannot hold",
                          one->file, one->line, one->name);
        uint64_t size = leader->last == one ? leader->data.size : 0;
        one->name_field = length + 1;
        one->filler = 0;
        one->filled_by = repeatable(p, one, top);
        if (!top && S_ISDIR(one->mode) && *one->name && !strchr(one->name, '/'))
            top = one;
        if (size && S_ISREG(one->mode) && o->align > 4) {
            uint32_t field = name_field(at, length,
                                        one->filled_by && *one->filled_by->name
                                            ? (uint32_t)strlen(one->filled_by->name)
                                            : 1,
                                        o->align, &one->filler);
            if (field)
                one->name_field = field;
            else
                l->unaligned++;
        }
        if (one->filler)
            at += NEWC_HEADER + one->filler;
        one->header_at = at;
        uint64_t data = round_up(at + NEWC_HEADER + one->name_field, 4);
        one->data_at = size ? data : 0;
        l->headers += NEWC_HEADER + length + 1;
        l->data += size;
        at = round_up(data + size, 4);
    }
    l->size = round_up(at + NEWC_HEADER + sizeof("TRAILER!!!"), o->align < 4 ? 4 : o->align);
    l->padding = l->size - l->data - l->headers - l->index_size;
    return true;
}
