// Run queues: who runs next on one CPU. Real-time threads (FIFO, RR) first, by level; then the fair
// ones, by virtual running time: it passes slower for heavier threads, and the thread that has had
// least goes first. Everything here needs the queue's lock.
//
// Real-time threads that never sleep would keep a CPU from all others, the kernel's own workers
// among them. So their running while fair threads wait is a debt; from RT_MOST_NS on the fair
// threads go first, each nanosecond of theirs pays for RT_PER_FAIR, until it is paid or none of
// them waits: 95 % of the time at most, as on Linux (6.12, fair server: 50 ms in each second).
//
// The running thread is not in the tree or lists. Virtual times mean something only relative to
// min_vruntime of the queue, which follows the least of all and never shrinks; a thread that
// changes queues takes its distance along (wake.c, balance.c).
#include "sched.h"

enum : u64 {
    WAKE_BONUS_NS = SCHED_SLICE_NS / 2, // how far behind the others a sleeper may come back
    WAKE_PREEMPT_NS =
        1'000'000, // a woken thread must be this far behind the running one to take its place
    NEW_DEBT_NS = 200'000,    // new threads start after those that wait
    MAX_DELTA_NS = 1ul << 36, // keeps products in 64 bits
    RT_MOST_NS = 950 * NS_PER_MS,
    RT_PER_FAIR = 19,
};
enum : u32 { WEIGHT_NICE0 = 1024, WEIGHT_IDLE = 3, INVERSE_SHIFT = 20 };

// Shares of CPU time by nice value: each step is a quarter more or less. 1024 * 1.25^-nice,
// rounded.
static const u32 weights[40] = {
    88818, 71054, 56843, 45475, 36380, 29104, 23283, 18626, 14901, 11921, 9537, 7629, 6104, 4883,
    3906,  3125,  2500,  2000,  1600,  1280,  1024,  819,   655,   524,   419,  336,  268,  215,
    172,   137,   110,   88,    70,    56,    45,    36,    29,    23,    18,   15,
};

void sched_set_weight(struct thread *t)
{
    enum sched_class c = t->sched.class;
    t->rt_index = c == SCHED_FIFO || c == SCHED_RR ? (u8)(RT_LEVELS - t->sched.rtprio) : RT_NONE;
    u32 weight = c == SCHED_IDLE_CLASS ? WEIGHT_IDLE : weights[t->sched.nice + 20];
    t->weight_inverse = ((u32)WEIGHT_NICE0 << INVERSE_SHIFT) / weight;
}

void runqueue_init(struct runqueue *rq, u32 index)
{
    *rq = (struct runqueue){.index = index};
    spin_init(&rq->lock, &lock_class_runqueue);
    for (u32 i = 0; i < RT_LEVELS; i++)
        list_init(&rq->rt[i]);
}

static struct thread *fair_thread(struct rb_node *n)
{
    return container_of(n, struct thread, fair_node);
}

static void advance_min(struct runqueue *rq, const struct thread *curr_fair)
{
    u64 least;
    if (curr_fair) {
        least = curr_fair->vruntime;
        if (rq->first && (i64)(fair_thread(rq->first)->vruntime - least) < 0)
            least = fair_thread(rq->first)->vruntime;
    } else if (rq->first) {
        least = fair_thread(rq->first)->vruntime;
    } else {
        return;
    }
    if ((i64)(least - rq->min_vruntime) > 0)
        rq->min_vruntime = least;
}

static void add_u64(_Atomic u64 *v, u64 n) // one writer at a time
{
    atomic_store_explicit(v, atomic_load_explicit(v, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

void rq_update_curr(struct runqueue *rq, u64 now)
{
    struct thread *t = rq->curr;
    u64 delta = now - t->exec_start;
    if (UNLIKELY((i64)delta <=
                 0)) // another CPU, whose clock was read later, accounted it meanwhile
        return;
    t->exec_start = now;
    if (t == rq->idle) {
        add_u64(&t->arch.cpu->idle_ns, delta);
        return;
    }
    add_u64(&t->runtime_ns, delta);
    if (UNLIKELY(is_rt(t))) {
        if (rq->first)
            rq->rt_debt += delta;
        return;
    }
    if (UNLIKELY(delta > MAX_DELTA_NS))
        delta = MAX_DELTA_NS;
    if (UNLIKELY(rq->rt_debt))
        rq->rt_debt -= MIN(rq->rt_debt, delta * RT_PER_FAIR);
    t->vruntime += delta * t->weight_inverse >> INVERSE_SHIFT;
    advance_min(rq, t);
}

static void count_queued(struct runqueue *rq, i32 by)
{
    u32 n = atomic_load_explicit(&rq->queued, memory_order_relaxed);
    atomic_store_explicit(&rq->queued, n + (u32)by, memory_order_relaxed);
}

static void rt_enqueue(struct runqueue *rq, struct thread *t, bool head)
{
    struct list *l = &rq->rt[t->rt_index];
    if (head)
        list_add_head(l, &t->rt_node);
    else
        list_add_tail(l, &t->rt_node);
    rq->rt_map[t->rt_index / 64] |= 1ul << t->rt_index % 64;
}

void rq_enqueue(struct runqueue *rq, struct thread *t)
{
    t->on_rq = true;
    count_queued(rq, 1);
    if (UNLIKELY(is_rt(t))) {
        rt_enqueue(rq, t, false);
        return;
    }
    struct rb_node **link = &rq->fair.node, *parent = NULL;
    bool leftmost = true;
    while (*link) {
        parent = *link;
        bool left = (i64)(t->vruntime - fair_thread(parent)->vruntime) < 0; // equal ones queue up
        link = left ? &parent->left : &parent->right;
        leftmost &= left;
    }
    if (leftmost)
        rq->first = &t->fair_node;
    rb_link(&t->fair_node, parent, link);
    if (!parent) // alone: nothing to balance
        t->fair_node.parent_color = RB_BLACK;
    else
        rb_insert_color(&rq->fair, &t->fair_node);
}

void rq_enqueue_head(struct runqueue *rq, struct thread *t)
{
    if (!is_rt(t)) {
        rq_enqueue(rq, t);
        return;
    }
    t->on_rq = true;
    count_queued(rq, 1);
    rt_enqueue(rq, t, true);
}

static void take_off(struct runqueue *rq, struct thread *t)
{
    count_queued(rq, -1);
    if (UNLIKELY(is_rt(t))) {
        list_del(&t->rt_node);
        if (list_empty(&rq->rt[t->rt_index]))
            rq->rt_map[t->rt_index / 64] &= ~(1ul << t->rt_index % 64);
        return;
    }
    struct rb_node *n = &t->fair_node;
    if (rq->fair.node == n && !n->left && !n->right) { // alone
        rq->fair.node = rq->first = NULL;
        rb_clear_node(n);
        return;
    }
    if (rq->first == n)
        rq->first = rb_next(n);
    rb_erase(&rq->fair, n);
}

void rq_dequeue(struct runqueue *rq, struct thread *t)
{
    take_off(rq, t);
    t->on_rq = false;
}

// Somebody real-time waits: is it their turn?
static bool rt_turn(struct runqueue *rq)
{
    if (!rq->first) { // none of the others waits
        rq->rt_debt = 0;
        rq->fair_turn = false;
    }
    return !rq->fair_turn;
}

struct thread *rq_pick(struct runqueue *rq)
{
    struct thread *t;
    if (UNLIKELY(rq->rt_map[0] | rq->rt_map[1]) && rt_turn(rq)) {
        u32 i = rq->rt_map[0] ? (u32)__builtin_ctzl(rq->rt_map[0])
                              : 64 + (u32)__builtin_ctzl(rq->rt_map[1]);
        t = list_entry(list_first(&rq->rt[i]), struct thread, rt_node);
    } else if (rq->first) {
        t = fair_thread(rq->first);
    } else {
        return NULL;
    }
    take_off(rq, t);
    return t;
}

void rq_place_woken(struct runqueue *rq, struct thread *t)
{
    u64 floor = rq->min_vruntime - WAKE_BONUS_NS;
    if ((i64)(t->vruntime - floor) < 0)
        t->vruntime = floor;
}

void rq_place_new(struct runqueue *rq, struct thread *t)
{
    t->vruntime = rq->min_vruntime + NEW_DEBT_NS;
}

// Does not account curr's running, which is done often enough: only looks how far it must have
// come.
bool rq_should_preempt(struct runqueue *rq, const struct thread *t)
{
    const struct thread *c = rq->curr;
    if (c == rq->idle)
        return true;
    if (UNLIKELY(is_rt(t) || is_rt(c))) {
        if (rq->fair_turn && !is_rt(c))
            return false;
        return t->rt_index < c->rt_index; // RT_NONE is greater than every level
    }
    if (UNLIKELY(t->sched.class != SCHED_FAIR)) // batch and idle threads never push
        return false;
    if (UNLIKELY(c->sched.class == SCHED_IDLE_CLASS))
        return true;
    u64 delta = arch_time_ns() - c->exec_start;
    if (UNLIKELY(delta > MAX_DELTA_NS)) // or negative: its clock was read on another CPU just now
        delta = 0;
    u64 v = c->vruntime + (delta * c->weight_inverse >> INVERSE_SHIFT);
    return (i64)(v - t->vruntime) > (i64)WAKE_PREEMPT_NS;
}

bool rq_slice_over(struct runqueue *rq, u64 now)
{
    const struct thread *c = rq->curr;
    if (c == rq->idle || c->sched.class == SCHED_FIFO || now < rq_slice_end(rq))
        return false;
    if (c->sched.class == SCHED_RR)
        return !list_empty(&rq->rt[c->rt_index]);
    return rq->first && (i64)(fair_thread(rq->first)->vruntime - c->vruntime) < 0;
}

bool rq_share_over(struct runqueue *rq)
{
    if (is_rt(rq->curr)) {
        rq->fair_turn = rq->first && rq->rt_debt >= RT_MOST_NS;
        return rq->fair_turn;
    }
    if (LIKELY(!rq->fair_turn) || rq->rt_debt)
        return false;
    rq->fair_turn = false;
    return rq->rt_map[0] | rq->rt_map[1];
}
