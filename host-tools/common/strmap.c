// See strmap.h. Open addressing; a removed slot keeps its key with a NULL value.
#include "strmap.h"
#include "fail.h"
#include <stdlib.h>
#include <string.h>

uint32_t fnv1a(const char *text, size_t n)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)text[i]) * 16777619u;
    return h;
}

static struct strmap_slot *find(const struct strmap *m, const char *key)
{
    size_t i = fnv1a(key, strlen(key)) & (m->size - 1);
    while (m->slots[i].key && strcmp(m->slots[i].key, key) != 0)
        i = (i + 1) & (m->size - 1);
    return &m->slots[i];
}

void *strmap_get(const struct strmap *m, const char *key)
{
    return m->size ? find(m, key)->value : NULL;
}

void strmap_put(struct strmap *m, const char *key, void *value)
{
    if ((m->used + 1) * 4 > m->size * 3) {
        struct strmap bigger = {.size = m->size ? m->size * 2 : 64};
        bigger.slots = need(bigger.size * sizeof(*bigger.slots));
        for (size_t i = 0; i < m->size; i++)
            if (m->slots[i].value) {
                *find(&bigger, m->slots[i].key) = m->slots[i];
                bigger.used++;
            }
        free(m->slots);
        *m = bigger;
    }
    struct strmap_slot *s = find(m, key);
    m->used += !s->key;
    *s = (struct strmap_slot){key, value};
}

void strmap_remove(struct strmap *m, const char *key)
{
    if (m->size)
        find(m, key)->value = NULL;
}

void strmap_free(struct strmap *m)
{
    free(m->slots);
    *m = (struct strmap){0};
}
