// Small-integer allocator. Guarded by the caller's lock.
//
// All levels of a grown map lie in one block, level 0 first; each level has at least one word, and
// the top one has exactly one. A map of one level of 64 ids lives in the struct itself.
#include <kerr.h>
#include <lib/bitmap.h>
#include <lib/idmap.h>
#include <lib/math.h>
#include <lib/string.h>

static_assert(1ull << (6 * IDMAP_LEVELS) >= IDMAP_MAX);

void idmap_init(struct idmap *m, const struct idmap_ops *ops)
{
    *m = (struct idmap){.ops = ops, .capacity = 64, .levels = 1};
    m->level[0] = &m->small;
}

static usize words_of(u32 capacity, u32 *levels)
{
    usize words = 0;
    u32 n = capacity;

    *levels = 0;
    do {
        n = DIV_ROUND_UP(n, 64);
        words += n;
        ++*levels;
    } while (n > 1);
    return words;
}

void idmap_destroy(struct idmap *m)
{
    u32 levels;

    if (m->capacity > 64)
        m->ops->free(m->level[0], words_of(m->capacity, &levels) * sizeof(u64));
    idmap_init(m, m->ops);
}

// Full words of level 0 up to the top. The tail of a level behind its last word of the level below
// stays clear: those ids lie at or past capacity, and finding one means "grow".
static void rebuild(struct idmap *m)
{
    u32 words = m->capacity / 64;

    for (u32 l = 1; l < m->levels; l++) {
        for (u32 w = 0; w < words; w++)
            bitmap_assign(m->level[l], w, m->level[l - 1][w] == ~0ull);
        words = DIV_ROUND_UP(words, 64);
    }
}

// Makes room for id. Nothing changes on failure.
static int grow(struct idmap *m, u32 id)
{
    u32 capacity = (u32)roundup_power_of_2((u64)id + 1), levels;

    if (id < m->capacity)
        return 0;
    usize words = words_of(capacity, &levels);
    u64 *block = m->ops->alloc(words * sizeof(u64));
    if (!block)
        return -E_NOMEM;
    memset(block, 0, words * sizeof(u64));
    memcpy(block, m->level[0], m->capacity / 8);

    struct idmap old = *m;
    u32 n = capacity / 64;
    m->capacity = capacity;
    m->levels = levels;
    for (u32 l = 0; l < levels; l++) {
        m->level[l] = block;
        block += n;
        n = DIV_ROUND_UP(n, 64);
    }
    rebuild(m);
    if (old.capacity > 64)
        m->ops->free(old.level[0], words_of(old.capacity, &levels) * sizeof(u64));
    return 0;
}

// The lowest free id >= from; the capacity or more if there is none.
static u64 find_free(const struct idmap *m, u32 from)
{
    u64 at = from; // in units of the level's bits
    u32 l = 0;

    if (from >= m->capacity)
        return from;
    // Up until a word has a clear bit at or behind `at`, then down along first clear bits.
    for (;; l++) {
        u64 clear = at / 64 < DIV_ROUND_UP((u64)m->capacity >> (6 * l), 64)
                        ? ~m->level[l][at / 64] & ~0ull << (at % 64)
                        : 0;
        if (clear) {
            at = ALIGN_DOWN(at, 64) + (u64)__builtin_ctzll(clear);
            break;
        }
        if (l + 1 == m->levels)
            return m->capacity;
        at = at / 64 + 1;
    }
    while (l--) {
        at *= 64;
        if (at >= DIV_ROUND_UP((u64)m->capacity >> (6 * l), 64) * 64)
            return m->capacity;
        at += (u64)__builtin_ctzll(~m->level[l][at / 64]);
    }
    return at;
}

static void mark(struct idmap *m, u32 id)
{
    m->count++;
    for (u32 l = 0; l < m->levels; l++, id /= 64) {
        bitmap_set(m->level[l], id);
        if (m->level[l][id / 64] != ~0ull)
            break;
    }
}

i64 idmap_alloc(struct idmap *m, u32 start, u32 end)
{
    end = MIN(end, (u32)IDMAP_MAX);
    if (start >= end)
        return -E_NOSPC;
    u64 id = find_free(m, start);
    if (id >= end)
        return -E_NOSPC;
    int err = grow(m, (u32)id);
    if (err)
        return err;
    mark(m, (u32)id);
    return (i64)id;
}

int idmap_take(struct idmap *m, u32 id)
{
    if (id >= IDMAP_MAX)
        return -E_NOSPC;
    if (idmap_test(m, id))
        return -E_EXIST;
    int err = grow(m, id);
    if (!err)
        mark(m, id);
    return err;
}

bool idmap_free(struct idmap *m, u32 id)
{
    if (!idmap_test(m, id))
        return false;
    m->count--;
    for (u32 l = 0; l < m->levels; l++, id /= 64) {
        bool was_full = m->level[l][id / 64] == ~0ull;
        bitmap_clear(m->level[l], id);
        if (!was_full)
            break;
    }
    return true;
}

bool idmap_test(const struct idmap *m, u32 id)
{
    return id < m->capacity && bitmap_test(m->level[0], id);
}

u32 idmap_next(const struct idmap *m, u32 from)
{
    usize id = bitmap_find_set(m->level[0], m->capacity, from);

    return id < m->capacity ? (u32)id : (u32)IDMAP_MAX;
}

int idmap_copy(struct idmap *dst, const struct idmap *src)
{
    int err = grow(dst, src->capacity - 1);

    if (err)
        return err;
    memcpy(dst->level[0], src->level[0], src->capacity / 8);
    dst->count = src->count;
    rebuild(dst);
    return 0;
}
