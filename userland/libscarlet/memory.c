// Allocation: powers of two up to 64 KiB from chunks with free lists, larger ones mapped by
// themselves. Guarded by one lock.
#include "private.h"

enum { MIN_SHIFT = 5, MAX_SHIFT = 16, CHUNK = 1 << 18 };
struct block {
    usize size; // whole block with this header; a power of two, or the size of a mapping
    struct block *next;
};
enum { HEAD = 16 };

static struct lock lock;
static struct block *free_lists[MAX_SHIFT + 1];
static char *chunk, *chunk_end;

static void *map_memory(usize n)
{
    long at = scarlet_call_map(SCARLET_NO_HANDLE, NULL, n,
                               SCARLET_PROTECT_READ | SCARLET_PROTECT_WRITE, 0, 0);
    if (at < 0)
        die("out of memory");
    return (void *)at;
}

static struct block *take(u32 shift)
{
    struct block *b = free_lists[shift];
    usize size = 1ul << shift;
    if (b) {
        free_lists[shift] = b->next;
        return b;
    }
    if ((usize)(chunk_end - chunk) <
        size) { // what is left of the old chunk is given up; it is less than the block wanted
        chunk = map_memory(CHUNK);
        chunk_end = chunk + CHUNK;
    }
    b = (struct block *)(void *)chunk;
    chunk += size;
    b->size = size;
    return b;
}

static void *get(usize n)
{
    if (n > 1ul << 62)
        die("out of memory");
    usize want = n + HEAD;
    struct block *b;
    if (want > 1ul << MAX_SHIFT) {
        want = (want + 4095) & ~4095ul;
        b = map_memory(want);
        b->size = want;
    } else {
        u32 shift = MIN_SHIFT;
        while (1ul << shift < want)
            shift++;
        lock_take(&lock);
        b = take(shift);
        lock_give(&lock);
    }
    return (char *)b + HEAD;
}

void *allocate(usize n)
{
    return memset(get(n), 0, n);
}

void release(void *p)
{
    if (!p)
        return;
    struct block *b = (struct block *)(void *)((char *)p - HEAD);
    if (b->size > 1ul << MAX_SHIFT) {
        (void)scarlet_call_unmap(b, b->size);
        return;
    }
    u32 shift = (u32)__builtin_ctzl(b->size);
    lock_take(&lock);
    b->next = free_lists[shift];
    free_lists[shift] = b;
    lock_give(&lock);
}

void *reallocate(void *p, usize n)
{
    if (!p)
        return get(n);
    usize have = ((struct block *)(void *)((char *)p - HEAD))->size - HEAD;
    if (n <= have)
        return p;
    void *q = get(n);
    memcpy(q, p, have);
    release(p);
    return q;
}

char *copy_part(const char *s, usize n)
{
    char *c = get(n + 1);
    memcpy(c, s, n);
    c[n] = 0;
    return c;
}

char *copy_string(const char *s)
{
    return copy_part(s, strlen(s));
}

// --- texts and lists ---
void text_add(struct text *t, const char *s, usize n)
{
    if (t->len + n + 1 > t->cap) {
        t->cap = (t->len + n + 1) * 2;
        t->s = reallocate(t->s, t->cap);
    }
    memcpy(t->s + t->len, s, n);
    t->len += n;
    t->s[t->len] = 0;
}

void text_put(struct text *t, const char *s)
{
    text_add(t, s, strlen(s));
}

void text_char(struct text *t, char c)
{
    text_add(t, &c, 1);
}

void text_format(struct text *t, const char *fmt, ...)
{
    char small[256];
    va_list ap;
    va_start(ap, fmt);
    usize n = format_args(small, sizeof(small), fmt, ap);
    va_end(ap);
    if (n < sizeof(small)) {
        text_add(t, small, n);
        return;
    }
    char *big = get(n + 1);
    va_start(ap, fmt);
    format_args(big, n + 1, fmt, ap);
    va_end(ap);
    text_add(t, big, n);
    release(big);
}

void text_clear(struct text *t)
{
    t->len = 0;
    if (t->s)
        t->s[0] = 0;
}

void text_free(struct text *t)
{
    release(t->s);
    *t = (struct text){0};
}

void strings_add(struct list_of_strings *l, char *s)
{
    if (l->n + 2 > l->cap) {
        l->cap = (l->n + 2) * 2;
        l->v = reallocate(l->v, l->cap * sizeof(char *));
    }
    l->v[l->n++] = s;
    l->v[l->n] = NULL;
}

void strings_free(struct list_of_strings *l)
{
    for (usize i = 0; i < l->n; i++)
        release(l->v[i]);
    release(l->v);
    *l = (struct list_of_strings){0};
}

// Merge sort: stable, no bad cases.
static void sort_into(char **v, char **tmp, usize n)
{
    if (n < 2)
        return;
    usize half = n / 2, i = 0, j = half, k = 0;
    sort_into(v, tmp, half);
    sort_into(v + half, tmp, n - half);
    while (i < half && j < n)
        tmp[k++] = strcmp(v[j], v[i]) < 0 ? v[j++] : v[i++];
    while (i < half)
        tmp[k++] = v[i++];
    while (j < n)
        tmp[k++] = v[j++];
    memcpy(v, tmp, n * sizeof(char *));
}

void strings_sort(char **v, usize n)
{
    char **tmp = get(n * sizeof(char *) + 1);
    sort_into(v, tmp, n);
    release(tmp);
}
