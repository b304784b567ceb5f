// Intrusive doubly linked circular list. The caller's lock guards it; only list_empty may be asked
// without it, for an answer that may be old: so `next` is read and written whole.
#pragma once
#include <lib/types.h>

struct list {
    struct list *next, *prev;
};

#define LIST_INIT(name) {&(name), &(name)}

static inline void list_set_next_(struct list *l, struct list *next)
{
    __atomic_store_n(&l->next, next, __ATOMIC_RELAXED);
}
static inline void list_init(struct list *l)
{
    l->prev = l;
    list_set_next_(l, l);
}
static inline bool list_empty(const struct list *l)
{
    return __atomic_load_n(&l->next, __ATOMIC_RELAXED) == l;
}
static inline void list_insert_between(struct list *n, struct list *prev, struct list *next)
{
    n->prev = prev;
    list_set_next_(n, next);
    list_set_next_(prev, n);
    next->prev = n;
}
// Puts n first / last on l. n must not be on a list.
static inline void list_add_head(struct list *l, struct list *n)
{
    list_insert_between(n, l, l->next);
}
static inline void list_add_tail(struct list *l, struct list *n)
{
    list_insert_between(n, l->prev, l);
}
// Takes n off its list and leaves it initialised (so that list_empty(n) tells "on no list").
static inline void list_del(struct list *n)
{
    list_set_next_(n->prev, n->next);
    n->next->prev = n->prev;
    list_init(n);
}
static inline struct list *list_first(const struct list *l)
{
    return l->next == l ? NULL : l->next;
}
static inline struct list *list_pop(struct list *l)
{
    struct list *n = list_first(l);
    if (n)
        list_del(n);
    return n;
}
// Moves all of src to the end of dst; src is empty afterwards.
static inline void list_splice_tail(struct list *dst, struct list *src)
{
    if (list_empty(src))
        return;
    src->next->prev = dst->prev;
    list_set_next_(dst->prev, src->next);
    list_set_next_(src->prev, dst);
    dst->prev = src->prev;
    list_init(src);
}
#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_for_each_entry(var, head, member)                                                     \
    for (var = list_entry((head)->next, typeof(*var), member); &var->member != (head);             \
         var = list_entry(var->member.next, typeof(*var), member))
#define list_for_each_entry_safe(var, tmp, head, member)                                           \
    for (var = list_entry((head)->next, typeof(*var), member),                                     \
        tmp = list_entry(var->member.next, typeof(*var), member);                                  \
         &var->member != (head);                                                                   \
         var = tmp, tmp = list_entry(var->member.next, typeof(*var), member))
