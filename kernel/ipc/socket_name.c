// Names of local sockets. Bound sockets are found by the key of their place, or by the bytes of an
// abstract name; `bound_mutex` guards the table and what of a socket belongs to it.
#include "socket.h"
#include <lib/hash.h>
#include <lib/string.h>
#include <mem/slab.h>

enum { BUCKETS = 64 };
static struct mutex bound_mutex = MUTEX_INIT(bound_mutex, &lock_class_sleep_other);
static struct list bound[BUCKETS]; // guarded by bound_mutex; a zeroed head is an empty one

void socket_name_put(struct socket_name *n)
{
    if (n && refcount_dec_and_test(&n->refs))
        kfree(n);
}

void socket_name_tell(const struct socket_queue *q, struct socket_label *to)
{
    const struct socket_name *n = q ? q->name : NULL;
    *to = (struct socket_label){0};
    if (!n)
        return;
    to->len = n->len;
    to->abstract = n->abstract;
    memcpy(to->text, n->text, n->len + 1);
}

static struct list *bucket_of(const struct socket_address *a)
{
    u64 h = a->key ? hash_pointer(a->key) >> 58 : hash_bytes(a->name, a->len, 0);
    struct list *l = &bound[h % BUCKETS];
    if (!l->next)
        list_init(l);
    return l;
}

static bool matches(const struct local_socket *s, const struct socket_address *a,
                    enum socket_kind kind)
{
    if (a->key || s->place.key)
        return s->place.key == a->key;
    return s->kind == kind && s->in->name->len == a->len &&
           memcmp(s->in->name->text, a->name, a->len) == 0;
}

static struct local_socket *find_locked(const struct socket_address *a, enum socket_kind kind,
                                        bool living)
{
    struct list *bucket = bucket_of(a);
    struct local_socket *s;
    list_for_each_entry (s, bucket, bound_link)
        if (matches(s, a, kind) && (!living || refcount_inc_not_zero(&s->obj.refs)))
            return s;
    return NULL;
}

struct local_socket *socket_find(const struct socket_address *a, enum socket_kind kind)
{
    mutex_lock(&bound_mutex);
    struct local_socket *s = find_locked(a, kind, true);
    mutex_unlock(&bound_mutex);
    return s;
}

bool local_socket_has_name(struct object *o)
{
    return socket_of(o)->in->name;
}

// s->lock held.
static int bind_locked(struct local_socket *s, const struct socket_place *place, const char *name,
                       u32 len)
{
    if (s->in->name)
        return -E_INVAL;
    if (len > SOCKET_NAME_MAX)
        return -E_NAMETOOLONG;
    struct socket_name *n = kzalloc(sizeof(*n) + len + 1, ALLOC_USER);
    if (!n)
        return -E_NOMEM;
    refcount_set(&n->refs, 1);
    n->len = len;
    n->abstract = !place->key;
    memcpy(n->text, name, len);
    const struct socket_address a = {place->key, n->text, len};
    mutex_lock(&bound_mutex);
    int err = find_locked(&a, s->kind, false) ? -E_ADDRINUSE : 0;
    if (!err) {
        s->in->name = n;
        s->place = *place;
        s->bound = true;
        list_add_tail(bucket_of(&a), &s->bound_link);
    }
    mutex_unlock(&bound_mutex);
    if (err)
        socket_name_put(n);
    return err;
}

int local_socket_bind(struct object *o, const struct socket_place *place, const char *name, u32 len)
{
    struct local_socket *s = socket_of(o);
    mutex_lock(&s->lock);
    int err = bind_locked(s, place, name, len);
    mutex_unlock(&s->lock);
    if (err && place->put)
        place->put(place->holder);
    return err;
}

void socket_unbind(struct local_socket *s)
{
    mutex_lock(&bound_mutex);
    bool was = s->bound;
    s->bound = false;
    list_del(&s->bound_link);
    list_init(&s->bound_link);
    mutex_unlock(&bound_mutex);
    if (was && s->place.put)
        s->place.put(s->place.holder);
}
