// Private to kernel/sched: per-CPU state and what its files tell each other.
#pragma once
#include <arch/time.h>
#include <sched/rcu.h>
#include <sched/thread.h>
#include <sched/timer.h>
#include <sync/lock_order.h>

enum : u8 { RT_LEVELS = 99, RT_NONE = 255 };
enum : u64 { TICK_NS = 10 * NS_PER_MS };

struct runqueue {
    struct spinlock lock; // class runqueue, interrupts off
    u32 index;            // of its CPU
    // --- guarded by lock ---
    struct thread *curr, *idle;
    struct rb_root fair;   // waiting threads by vruntime
    struct rb_node *first; // leftmost of fair, NULL if empty
    u64 min_vruntime;      // never shrinks
    u64 rt_map[2];         // bit per non-empty list of rt
    struct list rt[RT_LEVELS];
    u64 rt_debt;    // real-time threads' running while fair ones waited, less the fair ones' since
    bool fair_turn; // fair threads go first until the debt is paid
    _Atomic u32 queued; // waiting threads, without curr; read by others without the lock
    _Atomic u64 switches;
    // --- this CPU only, interrupts off ---
    struct thread *prev; // during a switch: who is being left
    struct thread *push; // during a switch: prev, if it must continue on another CPU
    // --- read by other CPUs for placement and by the watchdog ---
    _Atomic bool rt_running; // curr is FIFO or RR
    _Atomic u64 progress; // grows at each switch, and at each tick that finds the CPU preemptible
};

struct timer_base {
    struct spinlock lock; // class timer, interrupts off
    u32 index;
    // --- guarded by lock ---
    struct rb_root tree;
    struct rb_node *first;
    struct timer *_Atomic running; // its handler is being called
    // --- this CPU only, interrupts off ---
    u64 hw;   // what the machine's timer is armed for; 0 while the timer interrupt is served
    u64 tick; // next tick; 0: none (idle)
};

struct rcu_cpu {
    struct rcu_head *_Atomic pending; // callbacks not yet taken by the rcu thread, newest first
    _Atomic u32 count;                // of them, approximately
    _Atomic bool report;              // a grace period waits for this CPU
    _Atomic u64 idle_seq; // even: waiting for an interrupt with interrupts off, so not a reader
};

enum ipi_reason : u32 {
    IPI_RESCHED = 1,    // WORK_RESCHED was set, or (idle) look for work
    IPI_CALL = 2,       // call_from names who wants something run
    IPI_STOP = 4,       // panic elsewhere
    IPI_RCU = 8,        // report a quiescent state
    IPI_WATCH = 16,     // arm the watchdog timer
    IPI_BACKTRACE = 32, // print your stack
};

struct call_slot { // one per calling CPU: a caller waits with preemption off
    void (*fn)(void *);
    void *arg;
    _Atomic u64 pending; // CPUs that have not run it yet
};

struct sched_cpu {
    struct cpu cpu; // first
    struct runqueue rq;
    struct timer_base timers;
    struct rcu_cpu rcu;
    struct call_slot call;
    _Atomic u64 call_from; // CPUs whose call_slot waits for us
    // --- this CPU only, interrupts off ---
    u32 balance_ticks;
    u64 self_seen;            // watchdog: progress last seen by its own tick
    u32 self_ticks;           // ticks since it changed
    struct timer watch_timer; // watchdog: looks after another CPU
    struct sched_cpu *watch;  // that CPU
    u64 watch_seen;
    u32 watch_stuck; // looks in a row without progress
    // --- watchdog, between the two ---
    _Atomic bool watched; // some CPU looks after this one
    _Atomic bool backtrace_done;
};

// Written at boot before the CPU starts, then constant.
extern struct sched_cpu *sched_cpus[MAX_CPUS];
extern _Atomic u64 online_cpus; // bit per CPU
extern _Atomic u64 idle_cpus;   // bit per CPU that is idle and not yet chosen for a thread

static inline struct sched_cpu *this_sched_cpu(void) // preemption off
{
    return (struct sched_cpu *)(void *)this_cpu();
}
static inline u64 online_mask(void)
{
    return atomic_load_explicit(&online_cpus, memory_order_relaxed);
}
static inline bool single_cpu(void)
{
    return online_mask() == 1;
}
static inline bool is_rt(const struct thread *t)
{
    return t->rt_index != RT_NONE;
}

// runqueue.c: all with rq->lock held
void runqueue_init(struct runqueue *rq, u32 index);
void rq_update_curr(struct runqueue *rq, u64 now);      // accounts curr's running up to now
void rq_enqueue(struct runqueue *rq, struct thread *t); // onto the queue
// In front of its equals: a preempted real-time thread.
void rq_enqueue_head(struct runqueue *rq, struct thread *t);
void rq_dequeue(struct runqueue *rq, struct thread *t); // off the queue (not curr)
struct thread *rq_pick(struct runqueue *rq); // takes the best off the queue; NULL if empty
void rq_place_woken(struct runqueue *rq, struct thread *t);
void rq_place_new(struct runqueue *rq, struct thread *t);
// Should t (queued) run before curr, as of now?
bool rq_should_preempt(struct runqueue *rq, const struct thread *t);
// Should curr (accounted) make room because its slice ends?
bool rq_slice_over(struct runqueue *rq, u64 now);
// Real-time threads keep at most this share of a CPU that fair threads wait for. Should curr
// (accounted) make room because its side has had its share? For each tick.
bool rq_share_over(struct runqueue *rq);
static inline u64 rq_slice_end(const struct runqueue *rq)
{
    const struct thread *c = rq->curr;
    return c->slice_start +
           (UNLIKELY(c->sched.class == SCHED_RR) ? SCHED_RR_SLICE_NS : SCHED_SLICE_NS);
}
void sched_set_weight(struct thread *t); // derives rt_index and weight from t->sched

// wake.c
// The queue that t belongs to, locked.
struct runqueue *thread_rq_lock(struct thread *t, irqflags_t *f);
void rq_resched(struct runqueue *rq); // asks its CPU to schedule; lock held
// Queues a runnable thread that is on no queue, wherever is best. fresh: it has never run.
// Interrupts off.
void sched_place(struct thread *t, bool fresh);
u32 sched_select_cpu(const struct thread *t, bool fresh);

// balance.c
// Takes one waiting thread from the busiest other CPU. Own rq locked.
bool balance_pull(struct sched_cpu *c);
void balance_tick(struct sched_cpu *c); // interrupts off, no lock

// switch.c
void sched_run(bool preempted); // one pass of the scheduler, preemption disabled by the caller
[[noreturn]] void sched_idle_loop(void);

// timer.c: this CPU, interrupts off
void timer_base_init(struct timer_base *b, u32 index);
// Makes the machine's timer fire by then.
static inline void timer_want(struct timer_base *b, u64 deadline)
{
    if (deadline < b->hw) {
        b->hw = deadline;
        arch_timer_arm(deadline);
    }
}

// tick.c
void tick_start(struct sched_cpu *c, u64 now); // the CPU is busy from now on
// The scheduler's part of a timer interrupt; returns when it wants the next.
u64 tick_timer(struct sched_cpu *c, u64 now);

// account.c
// Splits what ran since the last tick. rq locked, curr accounted.
void account_tick(struct sched_cpu *c, u64 now, bool user);
void load_tick(u64 now); // load averages, if it is time
void load_init(u64 now);

// ipi.c
void ipi_post(struct sched_cpu *c, u32 reason);
void sched_ipi_init(void);

// rcu.c
void rcu_init_cpu(struct rcu_cpu *r);
void rcu_start(void);
void rcu_quiescent(struct sched_cpu *c); // slow part of rcu_note_switch
void rcu_ipi(struct sched_cpu *c);
void rcu_kick(void);                                    // wakes the rcu thread
static inline void rcu_note_switch(struct sched_cpu *c) // a context switch; interrupts off
{
    if (UNLIKELY(atomic_load_explicit(&c->rcu.report, memory_order_relaxed)))
        rcu_quiescent(c);
}
static inline bool rcu_has_pending(struct sched_cpu *c)
{
    return atomic_load_explicit(&c->rcu.pending, memory_order_relaxed);
}

// kstack.c
[[nodiscard]] int kstack_get(struct thread *t); // sets kstack and kstack_frames. -E_NOMEM
void kstack_put(struct thread *t);

// thread.c
// Everything but stack and entry.
void thread_setup(struct thread *t, const char *name, struct task *task);
[[nodiscard]] int thread_create_idle(struct thread **out, struct sched_cpu *c, void (*fn)(void *));
extern _Atomic u32 thread_total;
extern _Atomic u64 thread_forks;

// work.c, watchdog.c
void work_start(void);
void watchdog_init(struct sched_cpu *c);
void watchdog_tick(struct sched_cpu *c, u64 now, bool progress); // a busy CPU's tick
void watchdog_watch(struct sched_cpu *c); // IPI_WATCH: look after the neighbour below
void watchdog_backtrace(void);            // IPI_BACKTRACE
