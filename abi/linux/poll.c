// Waiting for readiness: ppoll, pselect6 and epoll on the kernel's poll_objects and sets of waits.
// No state. Facts: poll(2), select(2), epoll_ctl(2), epoll_wait(2), Linux 6.12 fs/select.c,
// fs/eventpoll.c.
#include "fd.h"
#include "linux.h"
#include "path.h"
#include <arch/time.h>
#include <ipc/poll_set.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <vm/user.h>

enum : u64 { DO_NOT_WAIT = 1 };

static u64 deadline_of(const struct linux_timespec *t)
{
    if (!t)
        return WAIT_FOREVER;
    if (!t->tv_sec && !t->tv_nsec)
        return DO_NOT_WAIT;
    return MAX(deadline_after((u64)t->tv_sec, (u64)t->tv_nsec), DO_NOT_WAIT + 1);
}

// What is left of the time goes back to the caller.
static void store_left(struct linux_timespec *t, u64 deadline)
{
    if (!t || deadline == DO_NOT_WAIT)
        return;
    u64 now = arch_time_ns(), left = deadline > now ? deadline - now : 0;
    t->tv_sec = (i64)(left / NS_PER_SEC);
    t->tv_nsec = (i64)(left % NS_PER_SEC);
}

static void mask_begin(const u64 *mask)
{
    if (mask)
        sig_begin_temporary(*mask);
}
static void mask_end(const u64 *mask, i64 result)
{
    if (mask)
        sig_end_temporary(result == -E_RESTART);
}

// --- the objects behind the numbers, held during the wait ---
enum : u32 { WATCH_INLINE = 16 };
struct watched {
    struct poll_entry *entries;
    struct href *refs; // entries[i].object is set: refs[i] is held
    usize n;
    struct poll_entry inline_entries[WATCH_INLINE];
    struct href inline_refs[WATCH_INLINE];
};

static int watched_init(struct watched *w, usize n)
{
    w->n = n;
    w->entries = w->inline_entries;
    w->refs = w->inline_refs;
    if (n <= WATCH_INLINE)
        return 0;
    u8 *both = kmalloc(n * (sizeof(*w->entries) + sizeof(*w->refs)), ALLOC_USER);
    if (!both)
        return -E_NOMEM;
    w->refs = (struct href *)(void *)both;
    w->entries = (struct poll_entry *)(void *)(both + n * sizeof(*w->refs));
    return 0;
}

static void watched_done(struct watched *w, usize filled)
{
    for (usize i = 0; i < filled; i++)
        if (w->refs[i].object)
            href_put(&w->refs[i]);
    if (w->refs != w->inline_refs)
        kfree(w->refs);
}

// Entry i waits for events of fd. -E_BADF: there is no such handle; then it waits for nothing.
static int watch(struct watched *w, usize i, i32 fd, u32 events)
{
    struct href *h = &w->refs[i];
    w->entries[i] = (struct poll_entry){.events = events};
    int err = href_get(h, fd, RIGHT_WAIT);
    if (!err && path_only(h)) {
        href_put(h);
        err = -E_BADF;
    }
    if (err)
        h->object = NULL;
    else
        w->entries[i].object = h->object;
    return err ? -E_BADF : 0;
}

// --- ppoll ---
static i64 poll_fds(struct linux_pollfd *fds, u32 n, u64 deadline)
{
    struct watched w;
    int err = watched_init(&w, n);
    if (err)
        return err;
    i64 invalid = 0;
    for (u32 i = 0; i < n; i++) {
        w.refs[i].object = NULL;
        w.entries[i] = (struct poll_entry){0};
        if (fds[i].fd >= 0 && watch(&w, i, fds[i].fd, (u16)fds[i].events)) {
            w.entries[i].revents = POLL_NVAL;
            invalid++;
        }
    }
    i64 ready = poll_objects(w.entries, n, invalid ? DO_NOT_WAIT : deadline);
    for (u32 i = 0; ready >= 0 && i < n; i++)
        fds[i].revents = w.entries[i].object ? (i16)w.entries[i].revents : 0;
    for (u32 i = 0; ready >= 0 && invalid && i < n; i++)
        if (fds[i].fd >= 0 && !w.entries[i].object)
            fds[i].revents = POLL_NVAL;
    watched_done(&w, n);
    return ready < 0 ? ready : ready + invalid;
}

// One look at every object, without waiting and without keeping any. Returns how many are ready.
static i64 poll_glance(struct linux_pollfd *fds, u32 n)
{
    i64 ready = 0;
    for (struct linux_pollfd *p = fds, *end = fds + n; p != end; p++) {
        struct href h;
        u32 seen = 0;
        if (p->fd >= 0) {
            if (UNLIKELY(href_get(&h, p->fd, RIGHT_WAIT))) {
                seen = POLL_NVAL;
            } else {
                seen = path_only(&h)
                           ? POLL_NVAL
                           : object_poll(h.object, NULL) & ((u16)p->events | POLL_ERR | POLL_HUP);
                href_put(&h);
            }
        }
        p->revents = (i16)seen;
        ready += seen != 0;
    }
    return ready;
}

i64 linux_ppoll(struct linux_pollfd *fds, u32 nfds, struct linux_timespec *timeout,
                const u64 *sigmask, usize size)
{
    (void)size;
    if (nfds > task_limit_soft(LIMIT_NOFILE))
        return -E_INVAL;
    u64 deadline = deadline_of(timeout);
    mask_begin(sigmask);
    i64 r = poll_glance(fds, nfds);
    if (!r && deadline != DO_NOT_WAIT)
        r = poll_fds(fds, nfds, deadline);
    mask_end(sigmask, r);
    store_left(timeout, deadline);
    return r;
}

// --- pselect6 ---
enum : u32 {
    SELECT_IN = POLL_RDNORM | POLL_RDBAND | POLL_IN | POLL_HUP | POLL_ERR,
    SELECT_OUT = POLL_WRBAND | POLL_WRNORM | POLL_OUT | POLL_ERR,
    SELECT_EXCEPT = POLL_PRI,
};
static const u32 select_events[3] = {SELECT_IN, SELECT_OUT, SELECT_EXCEPT};

static bool bit_in(const u64 *set, u32 fd)
{
    return set && set[fd / 64] >> (fd % 64) & 1;
}

struct selection {
    u64 *sets[3];
    u32 n;
    struct watched w;
    u64 deadline;
};

// Which of the sets ask for fd, as a mask of their numbers.
static u32 asked(const struct selection *s, u32 fd)
{
    return (bit_in(s->sets[0], fd) ? 1u : 0u) | (bit_in(s->sets[1], fd) ? 2u : 0u) |
           (bit_in(s->sets[2], fd) ? 4u : 0u);
}

static u32 events_asked(u32 which)
{
    u32 e = 0;
    for (u32 k = 0; k < 3; k++)
        if (which >> k & 1)
            e |= select_events[k];
    return e;
}

// The next handle >= fd that any set asks for; n: none.
static u32 next_asked(const struct selection *s, u32 fd)
{
    while (fd < s->n) {
        u64 word = 0;
        for (u32 k = 0; k < 3; k++)
            word |= s->sets[k] ? s->sets[k][fd / 64] : 0;
        word >>= fd % 64;
        if (word)
            return fd + (u32)__builtin_ctzl(word);
        fd = (fd / 64 + 1) * 64;
    }
    return s->n;
}

// Waits until something is ready that a set asks for. An object that is only hung up counts for
// reading alone: where nobody wants to read, it has nothing more to say and is left out.
static i64 select_wait(struct selection *s, bool at_once)
{
    for (;;) {
        i64 ready = poll_objects(s->w.entries, s->w.n, at_once ? DO_NOT_WAIT : s->deadline);
        if (ready <= 0)
            return ready;
        bool wanted = false;
        for (usize i = 0; i < s->w.n; i++) {
            struct poll_entry *e = &s->w.entries[i];
            if (e->revents & e->events)
                wanted = true;
            else if (e->revents)
                e->object = NULL;
        }
        if (wanted || at_once)
            return 0;
    }
}

// Turns what is ready into the sets' bits. Returns how many.
static i64 select_store(struct selection *s)
{
    i64 count = 0;
    usize i = 0;
    for (u32 fd = next_asked(s, 0); fd < s->n; fd = next_asked(s, fd + 1), i++) {
        u32 which = asked(s, fd);
        const struct poll_entry *e = &s->w.entries[i];
        for (u32 k = 0; k < 3; k++) {
            if (!(which >> k & 1))
                continue;
            if (e->revents & (select_events[k] | POLL_NVAL))
                count++;
            else
                s->sets[k][fd / 64] &= ~(1ul << (fd % 64));
        }
    }
    return count;
}

static i64 select_fds(struct selection *s)
{
    usize n = 0;
    for (u32 fd = next_asked(s, 0); fd < s->n; fd = next_asked(s, fd + 1))
        n++;
    int err = watched_init(&s->w, n);
    if (err)
        return err;
    bool invalid = false;
    usize i = 0;
    for (u32 fd = next_asked(s, 0); fd < s->n; fd = next_asked(s, fd + 1), i++) {
        if (!watch(&s->w, i, (i32)fd, events_asked(asked(s, fd))))
            continue;
        if (handle_get_flags(current_handles(), (i32)fd) < 0) {
            watched_done(&s->w, i);
            return -E_BADF;
        }
        invalid = true; // a place only: found ready, as nothing can be waited for
    }
    i64 r = select_wait(s, invalid);
    if (r >= 0) {
        for (i = 0; i < n; i++)
            if (!s->w.refs[i].object)
                s->w.entries[i].revents = POLL_NVAL;
        r = select_store(s);
    }
    watched_done(&s->w, n);
    return r;
}

// What the handle is ready for; -E_BADF: there is none.
[[gnu::always_inline]] static inline i64 glance_at(i32 fd)
{
    struct href h;
    if (UNLIKELY(href_get(&h, fd, RIGHT_WAIT)))
        return -E_BADF;
    u32 seen = path_only(&h) ? POLL_NVAL : object_poll(h.object, NULL);
    href_put(&h);
    return seen;
}

struct select_word { // 64 handles of each set
    u64 ask[3], answer[3];
};

// Notes what a handle is ready for in the sets that ask for it. Returns in how many.
[[gnu::noinline]] static i64 select_note(struct select_word *w, u64 bit, u32 seen)
{
    i64 count = 0;
    for (u32 k = 0; k < 3; k++)
        if (w->ask[k] & bit && seen & (select_events[k] | POLL_NVAL)) {
            w->answer[k] |= bit;
            count++;
        }
    return count;
}

// Looks at the handles of one word, the first of which is fd. `any`: what some set could want.
static i64 select_look(struct select_word *w, i32 fd, u32 any)
{
    i64 count = 0;
    u64 bit = 1;
    for (u64 bits = w->ask[0] | w->ask[1] | w->ask[2]; bits; bits >>= 1, bit <<= 1, fd++) {
        if (!(bits & 1))
            continue;
        i64 seen = glance_at(fd);
        if (UNLIKELY(seen < 0))
            return seen;
        if ((u64)seen & any)
            count += select_note(w, bit, (u32)seen);
    }
    return count;
}

// One look at everything the sets ask for, without waiting and without keeping any object. Returns
// how many bits the answer has; with 0 the sets are as they were.
static i64 select_glance(struct selection *s)
{
    i64 count = 0;
    u32 any = POLL_NVAL;
    for (u32 k = 0; k < 3; k++)
        any |= s->sets[k] ? select_events[k] : 0;
    for (u32 at = 0; at * 64 < s->n; at++) {
        struct select_word w = {0};
        for (u32 k = 0; k < 3; k++)
            w.ask[k] = s->sets[k] ? s->sets[k][at] : 0;
        i64 found = select_look(&w, (i32)(at * 64), any);
        if (UNLIKELY(found < 0))
            return found;
        for (u32 k = 0; k < 3 && count + found > 0; k++) {
            if (!s->sets[k])
                continue;
            if (!count) // the words before had none
                memset(s->sets[k], 0, at * sizeof(u64));
            s->sets[k][at] = w.answer[k];
        }
        count += found;
    }
    return count;
}

static i64 select_run(struct selection *s)
{
    i64 r = select_glance(s);
    if (r || s->deadline != DO_NOT_WAIT)
        return r ? r : select_fds(s);
    for (u32 k = 0; k < 3; k++)
        if (s->sets[k])
            memset(s->sets[k], 0, (s->n + 63) / 64 * sizeof(u64));
    return 0;
}

i64 linux_pselect6(i32 n, u64 *readfds, u64 *writefds, u64 *exceptfds,
                   struct linux_timespec *timeout, const struct linux_sigset_arg *sigmask)
{
    u64 mask, *use = NULL;
    if (sigmask && sigmask->sigmask.v) {
        if (sigmask->sigsetsize != sizeof(mask))
            return -E_INVAL;
        if (user_copy_in(&mask, sigmask->sigmask, sizeof(mask)))
            return -E_FAULT;
        use = &mask;
    }
    struct selection s; // what it holds for a wait is set up when there is one
    s.sets[0] = readfds;
    s.sets[1] = writefds;
    s.sets[2] = exceptfds;
    s.n = (u32)n;
    s.deadline = deadline_of(timeout);
    for (u32 k = 0; k < 3; k++) // bits behind the last number say nothing
        if (s.sets[k] && n % 64)
            s.sets[k][n / 64] &= (1ul << (n % 64)) - 1;
    mask_begin(use);
    i64 r = select_run(&s);
    mask_end(use, r);
    store_left(timeout, s.deadline);
    return r;
}

// --- epoll ---
i64 linux_epoll_create1(u32 flags)
{
    struct object *o;
    int err = poll_set_create(0, &o);
    return err ? err : fd_install(o, RIGHT_READ | RIGHT_WRITE, flags & LINUX_EPOLL_CLOEXEC);
}

// Files whose data are always there cannot be waited for.
static bool can_poll(struct object *o)
{
    const struct file *f = object_file(o);
    return f ? f->ops && f->ops->poll : o->type->poll != NULL;
}

i64 linux_epoll_ctl(struct href *epfd, i32 op, i32 fd, const struct linux_epoll_event *event)
{
    struct href h;
    int err = href_get(&h, fd, 0);
    if (err)
        return err;
    const struct poll_item item = {.events = event ? event->events : 0,
                                   .data = event ? event->data : 0};
    if (path_only(&h) || path_only(epfd))
        err = -E_BADF;
    else if (fd_needs(&h, RIGHT_WAIT) || fd_needs(epfd, RIGHT_CONTROL))
        err = -E_ACCES;
    else if (!can_poll(h.object))
        err = -E_PERM;
    else if (h.object == epfd->object || !object_is_poll_set(epfd->object))
        err = -E_INVAL;
    else if (op == LINUX_EPOLL_CTL_ADD)
        err = poll_set_add(epfd->object, fd, h.object, &item);
    else if (op == LINUX_EPOLL_CTL_MOD)
        err = poll_set_modify(epfd->object, fd, h.object, &item);
    else if (op == LINUX_EPOLL_CTL_DEL)
        err = poll_set_remove(epfd->object, fd, h.object);
    else
        err = -E_INVAL;
    href_put(&h);
    return err;
}

enum : u32 { ITEMS_INLINE = 16, ITEMS_MAX = 65536 };

// More than ITEMS_MAX at once are not fetched: the rest stays ready for the next call.
static i64 epoll_wait(struct href *epfd, struct iobuf *out, u32 max, u64 deadline)
{
    struct poll_item few[ITEMS_INLINE], *items = few;
    u32 room = MIN(MIN(max, (u32)ITEMS_MAX), MAX(poll_set_count(epfd->object), (u32)ITEMS_INLINE));
    if (room > ITEMS_INLINE) {
        items = kmalloc(room * sizeof(*items), ALLOC_USER);
        if (!items) {
            items = few;
            room = ITEMS_INLINE;
        }
    }
    i64 n = poll_set_wait(epfd->object, items, room, deadline);
    for (i64 i = 0; i < n; i++) {
        struct linux_epoll_event e;
        __builtin_memset(&e, 0, sizeof(e)); // padding too
        e.events = items[i].events;
        e.data = items[i].data;
        if (iobuf_put(out, &e, sizeof(e)) != sizeof(e)) {
            n = i ? i : -E_FAULT;
            break;
        }
    }
    if (items != few)
        kfree(items);
    return n;
}

static i64 epoll_wait_masked(struct href *epfd, struct iobuf *events, i32 max, u64 deadline,
                             const u64 *mask)
{
    mask_begin(mask);
    i64 r = epoll_wait(epfd, events, (u32)max, deadline);
    mask_end(mask, r);
    return r;
}

i64 linux_epoll_pwait(struct href *epfd, struct iobuf *events, i32 maxevents, i32 timeout,
                      const u64 *sigmask, usize size)
{
    (void)size;
    u64 deadline = timeout < 0    ? WAIT_FOREVER
                   : timeout == 0 ? DO_NOT_WAIT
                                  : deadline_after(0, (u64)timeout * NS_PER_MS);
    return epoll_wait_masked(epfd, events, maxevents, deadline, sigmask);
}

i64 linux_epoll_pwait2(struct href *epfd, struct iobuf *events, i32 maxevents,
                       const struct linux_timespec *timeout, const u64 *sigmask, usize size)
{
    (void)size;
    return epoll_wait_masked(epfd, events, maxevents, deadline_of(timeout), sigmask);
}
