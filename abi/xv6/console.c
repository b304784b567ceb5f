// ^P at the console lists the machine's processes.
//
// The terminal knows nothing of it. While an xv6 process waits for a line in the foreground, and
// all of the foreground group are processes of its machine, the terminal's quit key is ^P and
// leaves the line alone; the event it sends then asks the waiting reader for the list instead of
// ending anybody. Settings are put back whenever the read is left, so no other program sees them.
#include "xv6.h"
#include <lib/printf.h>
#include <lib/string.h>
#include <tty/tty.h>

enum { KEY_LIST = 'P' & 31 };

struct group {
    u32 id;
    struct xv6_machine *machine;
    bool mixed;
};

static int look_at_member(struct task *t, void *arg)
{
    struct group *g = arg;
    spin_lock(&tree_lock);
    bool in = t->pgrp && t->pgrp->id == g->id && !t->zombie;
    spin_unlock(&tree_lock);
    if (in) {
        spin_lock(&t->lock);
        g->mixed = t->abi != &xv6_abi || !xv6_task(t) || xv6_task(t)->machine != g->machine;
        spin_unlock(&t->lock);
    }
    return g->mixed;
}

// Is the caller in the terminal's foreground, among processes of its own machine only?
static bool alone_in_front(struct object *tty)
{
    struct group g = {.machine = current_xv6()->machine};
    spin_lock(&tree_lock);
    u32 mine = current_task()->pgrp->id;
    spin_unlock(&tree_lock);
    if (tty_get_pgrp(tty, &g.id) || g.id != mine)
        return false;
    (void)task_for_each(1, look_at_member, &g);
    return !g.mixed;
}

bool xv6_listen(struct object *tty, struct xv6_listener *l)
{
    struct task *t = current_task();
    struct xv6_task *x = current_xv6();
    struct ktermios set;
    if (!object_is_tty(tty) || tty_input_pending(tty) > 0 || tty_get_termios(tty, &set) ||
        !(set.lflag & KT_ICANON) || !(set.lflag & KT_ISIG) || set.cc[KT_VQUIT] == KEY_LIST ||
        !alone_in_front(tty))
        return false;
    l->quit = set.cc[KT_VQUIT];
    l->noflsh = set.lflag & KT_NOFLSH;
    atomic_fetch_add(&x->machine->listeners, 1);
    spin_lock(&t->lock);
    x->listening = true;
    spin_unlock(&t->lock);
    set.cc[KT_VQUIT] = KEY_LIST;
    set.lflag |= KT_NOFLSH;
    (void)!tty_set_termios(tty, &set, TTY_NOW);
    return true;
}

void xv6_take_console(struct object *tty)
{
    struct ktermios set;
    u32 group;
    if (!current_xv6()->is_init || !object_is_tty(tty) || !tty_get_pgrp(tty, &group) ||
        tty_set_controlling(tty, false) || tty_get_termios(tty, &set))
        return;
    set.cc[KT_VINTR] = set.cc[KT_VQUIT] = set.cc[KT_VSUSP] = 0;
    (void)!tty_set_termios(tty, &set, TTY_NOW);
}

static void put(struct object *tty, const char *text, usize n)
{
    struct iobuf b;
    iobuf_kernel(&b, (void *)(uintptr_t)text, n);
    while (iobuf_left(&b) && object_write(tty, &b, NULL) > 0)
        ;
}

struct list_to {
    struct object *tty;
    struct xv6_machine *machine;
};

static const char *state_of(struct task *t)
{
    if (t->exiting || list_empty(&t->threads))
        return "zombie";
    struct task_thread *tt = list_entry(t->threads.next, struct task_thread, link);
    switch (atomic_load(&tt->thread->state)) {
    case THREAD_RUNNABLE:
        return atomic_load(&tt->thread->on_cpu) ? "run" : "runble";
    case THREAD_STOPPED:
        return "stop";
    case THREAD_DEAD:
        return "zombie";
    default:
        return "sleep";
    }
}

static int list_one(struct task *t, void *arg)
{
    struct list_to *l = arg;
    char line[64];
    int n = 0;
    spin_lock(&t->lock);
    if (t->abi == &xv6_abi && xv6_task(t) && xv6_task(t)->machine == l->machine)
        n = (int)ksnprintf(line, sizeof(line), "%u %s %s\n", t->pid, state_of(t), t->name);
    spin_unlock(&t->lock);
    if (n > 0)
        put(l->tty, line, strlen(line));
    return 0;
}

void xv6_unlisten(struct object *tty, const struct xv6_listener *l)
{
    struct task *t = current_task();
    struct xv6_task *x = current_xv6();
    struct ktermios set;
    if (!tty_get_termios(tty, &set) && set.cc[KT_VQUIT] == KEY_LIST) {
        set.cc[KT_VQUIT] = l->quit;
        set.lflag = (set.lflag & ~(u32)KT_NOFLSH) | (l->noflsh ? KT_NOFLSH : 0u);
        (void)!tty_set_termios(tty, &set, TTY_NOW);
    }
    atomic_store(&x->machine->listened_ns, arch_time_ns());
    atomic_fetch_sub(&x->machine->listeners, 1);
    spin_lock(&t->lock);
    bool wanted = x->list_wanted;
    x->listening = x->list_wanted = false;
    spin_unlock(&t->lock);
    if (wanted) {
        struct list_to to = {.tty = tty, .machine = x->machine};
        put(tty, "\n", 1);
        (void)task_for_each(1, list_one, &to);
    }
}

bool xv6_key_pressed(struct task *t, const struct event *e)
{
    struct xv6_task *x = xv6_task(t);
    struct xv6_machine *m = x->machine;
    // The key's event may be on its way when the reader has its line: then it still is no reason to
    // end.
    bool was_ours = atomic_load(&m->listeners) > 0 ||
                    arch_time_ns() - atomic_load(&m->listened_ns) < NS_PER_SEC;
    if (e->kind != EVENT_QUIT || e->code != EVC_KERNEL || !was_ours)
        return false;
    if (x->listening) {
        struct task_thread *tt;
        x->list_wanted = true;
        list_for_each_entry (tt, &t->threads, link)
            task_wake_thread(tt);
    }
    return true;
}
