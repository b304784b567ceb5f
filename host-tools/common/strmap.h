// A hash table from text to pointer. Keys are not copied: they live as long as the table.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct strmap_slot {
    const char *key;
    void *value;
};
struct strmap {
    struct strmap_slot *slots;
    size_t size, used; // used counts removed slots too
};

uint32_t fnv1a(const char *text, size_t n);
void *strmap_get(const struct strmap *m, const char *key);       // NULL: not there
void strmap_put(struct strmap *m, const char *key, void *value); // value not NULL; replaces
void strmap_remove(struct strmap *m, const char *key);
void strmap_free(struct strmap *m);
