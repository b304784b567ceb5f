// Handles to tasks. An object holds a reference to its task, so that the number cannot come to mean
// another one.
//
// Those who wait sleep on one of a few shared queues, by number; the exit hook wakes them.
// `task.exiting` is set for good under task.lock, together with the exit information, before the
// hook runs.
#include "private.h"
#include <mem/slab.h>
#include <object/attr.h>
#include <task/task_object.h>

enum { ENDED_QUEUES = 64 };
static struct waitqueue ended[ENDED_QUEUES];

struct task_object {
    struct object obj; // first
    struct task *task; // counted; NULL: not yet known
};
static const struct object_type task_type;

static struct waitqueue *queue_of(const struct task *t)
{
    return &ended[t->pid % ENDED_QUEUES];
}

static void task_ended(struct task *t)
{
    wake_all(queue_of(t), 0);
}

void task_object_init(void)
{
    static struct task_exit_hook hook = {.exit = task_ended};
    for (u32 i = 0; i < ENDED_QUEUES; i++)
        waitqueue_init(&ended[i]);
    task_add_exit_hook(&hook);
}

static bool has_ended(const struct task *t)
{
    return atomic_load_explicit(&t->exiting, memory_order_acquire);
}

bool object_is_task(const struct object *o)
{
    return o->type == &task_type;
}

struct task *task_of_object(struct object *o)
{
    return ((struct task_object *)(void *)o)->task;
}

int task_object_wait(struct object *o, u64 deadline, struct exit_info *out)
{
    struct task *t = task_of_object(o);
    int err = deadline == 1 ? (has_ended(t) ? 0 : -E_TIMEDOUT)
                            : wait_event_deadline(queue_of(t), has_ended(t), deadline);
    if (err)
        return err;
    spin_lock(&t->lock);
    *out = t->exit;
    spin_unlock(&t->lock);
    return 0;
}

void task_object_changed(struct task *t)
{
    wake_all(queue_of(t), POLL_IN | POLL_RDNORM | POLL_HUP);
}

static u32 task_poll(struct object *o, struct poll_table *pt)
{
    struct task *t = task_of_object(o);
    poll_wait(pt, queue_of(t));
    return (t->zombie ? POLL_IN | POLL_RDNORM : 0) | (t->reaped ? POLL_HUP : 0);
}

static void task_object_free(struct object *o)
{
    kfree(o);
}
static void task_release(struct object *o)
{
    if (task_of_object(o))
        task_put(task_of_object(o));
    object_free(o, task_object_free);
}

static int task_getattr(struct object *o, struct attr *a)
{
    (void)o;
    attr_anon(a, 0600, 1, ANON_DEV_INODE);
    return 0;
}

static const struct object_type task_type = {
    .name = "pidfd",
    .kinds = OBJ_KIND_TASK,
    .release = task_release,
    .poll = task_poll,
    .getattr = task_getattr,
};

int task_object_prepare(struct object **out)
{
    struct task_object *o = kzalloc(sizeof(*o), ALLOC_USER);
    if (!o)
        return -E_NOMEM;
    object_init(&o->obj, &task_type, 0);
    *out = &o->obj;
    return 0;
}

void task_object_set(struct object *o, struct task *t)
{
    task_get(t);
    ((struct task_object *)(void *)o)->task = t;
}

int task_object_create(struct task *t, struct object **out)
{
    int err = task_object_prepare(out);
    if (!err)
        task_object_set(*out, t);
    return err;
}
