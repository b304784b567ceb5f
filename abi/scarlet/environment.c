// Environments as handles: which view the programs of each ABI get, put together by a program.
//
// The object holds one reference to an environment, which guards itself (exec/environment.h).
#include "scarlet.h"
#include "scarlet_handlers.h"
#include <exec/environment.h>
#include <lib/printf.h>
#include <mem/slab.h>
#include <object/attr.h>

struct environment_object {
    struct object obj; // first
    struct environment *environment;
    u64 id;
};
static const struct object_type environment_type;

bool object_is_environment(const struct object *o)
{
    return o->type == &environment_type;
}

struct environment *environment_of_object(struct object *o)
{
    return ((struct environment_object *)(void *)o)->environment;
}

static void environment_object_free(struct object *o)
{
    kfree(o);
}
static void environment_release(struct object *o)
{
    environment_put(environment_of_object(o));
    object_free(o, environment_object_free);
}
static int environment_getattr(struct object *o, struct attr *a)
{
    attr_anon(a, 0600, ((struct environment_object *)(void *)o)->id, ANON_DEV_INODE);
    return 0;
}
static i64 environment_describe(struct object *o, char *buf, usize cap)
{
    return ksnprintf(buf, cap, "environment:[%lu]", ((struct environment_object *)(void *)o)->id);
}
static const struct object_type environment_type = {
    .name = "environment",
    .release = environment_release,
    .getattr = environment_getattr,
    .describe = environment_describe,
};

// Consumes the environment in any case.
static i64 install_environment(struct environment *e, u32 more)
{
    struct environment_object *o = kzalloc(sizeof(*o), ALLOC_USER);
    if (!o) {
        environment_put(e);
        return -E_NOMEM;
    }
    object_init(&o->obj, &environment_type, 0);
    o->environment = e;
    o->id = object_unique_id();
    return install(&o->obj,
                   RIGHT_EXECUTE | RIGHT_DUPLICATE | RIGHT_TRANSFER | RIGHT_METADATA | more, false);
}

// A view handle that may be used: its view, counted.
static int usable_view(i32 slot, struct view **out)
{
    struct href h;
    int err = get_handle(&h, slot, RIGHT_EXECUTE);
    if (err)
        return err;
    if (object_is_view(h.object)) {
        *out = view_of_object(h.object);
        view_get(*out);
    } else {
        err = -E_NOTTY;
    }
    href_put(&h);
    return err;
}

static int check_environment(struct href *h)
{
    if (!object_is_environment(h->object))
        return -E_NOTTY;
    href_keep(h);
    return 0;
}

i64 scarlet_environment_create(i32 base)
{
    struct view *v;
    struct environment *e;
    if (base == SCARLET_NO_HANDLE) {
        v = environment_reachable_base();
        view_get(v);
    } else {
        int err = usable_view(base, &v);
        if (err)
            return err;
    }
    int err = environment_create(v, &e);
    view_put(v);
    return err ? err : install_environment(e, RIGHT_ADMIN);
}

i64 scarlet_environment_add(struct href *environment, const struct sys_name *abi, i32 view)
{
    const struct abi_module *m = abi_find(abi->str, abi->len);
    struct view *v;
    int err = check_environment(environment);
    if (!err && !m)
        err = -E_NOENT;
    if (!err)
        err = usable_view(view, &v);
    if (err)
        return err;
    err = environment_add(environment_of_object(environment->object), m, v);
    view_put(v);
    return err;
}

// A private copy of an ABI's view in e: with a working directory of its own.
static int view_in(struct environment *e, const struct abi_module *m, struct view **out)
{
    struct view *v;
    int err = environment_view(e, m, &v);
    if (err)
        return err;
    err = view_fork(v, out);
    view_put(v);
    return err;
}

i64 scarlet_environment_view(struct href *environment, const struct sys_name *abi)
{
    const struct abi_module *m = abi_find(abi->str, abi->len);
    struct view *v;
    int err = check_environment(environment);
    if (!err && !m)
        err = -E_NOENT;
    if (!err)
        err = view_in(environment_of_object(environment->object), m, &v);
    return err ? err : install_view(v, 0);
}

i64 scarlet_environment_seal(struct href *environment)
{
    int err = check_environment(environment);
    if (!err)
        environment_seal(environment_of_object(environment->object));
    return err;
}

int forgo_privileges(void)
{
    if (capable(CAP_SYS_ADMIN) || current_cred()->no_new_privs)
        return 0;
    struct cred *c = cred_copy(current_cred());
    if (!c)
        return -E_NOMEM;
    c->no_new_privs = true;
    task_set_cred(c);
    return 0;
}

i64 scarlet_environment_enter(struct href *environment)
{
    struct view *v;
    int err = check_environment(environment);
    if (!err && !task_is_single(current_task()))
        err = -E_BUSY;
    if (err)
        return err;
    struct environment *e = environment_of_object(environment->object);
    err = view_in(e, &scarlet_abi, &v);
    if (err)
        return err;
    err = forgo_privileges();
    if (err) {
        view_put(v);
        return err;
    }
    environment_get(e);
    environment_set_current(e);
    view_put(exchange_view(v));
    return 0;
}

i64 scarlet_environment_self(void)
{
    struct environment *e = environment_current();
    environment_get(e);
    return install_environment(e, 0);
}

int confine_to_view(void)
{
    struct environment *e;
    int err = environment_create(current_task()->view, &e);
    if (!err)
        environment_set_current(e);
    return err;
}
