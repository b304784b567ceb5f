// Threads, CPUs and the scheduler.
#pragma once
#include <arch/context.h>
#include <arch/mmu.h>
#include <lib/list.h>
#include <lib/rbtree.h>
#include <sync/atomic.h>
#include <sync/spinlock.h>

struct task;   // kernel/task
struct aspace; // kernel/vm
struct handle_table; // kernel/object

enum thread_state : u8 {
    THREAD_RUNNABLE,      // running or on a run queue
    THREAD_SLEEPING,      // wakes by thread_wake or, if interruptible, by an event
    THREAD_BLOCKED,       // as sleeping, but only thread_wake
    THREAD_STOPPED,       // job control; thread_wake with THREAD_STOPPED
    THREAD_DEAD,
};

enum sched_class : u8 { SCHED_FAIR, SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_IDLE_CLASS };

struct sched_params {
    enum sched_class class;
    i8 nice;  // -20..19, fair classes
    u8 rtprio; // 1..99, FIFO and RR
};

struct thread {
    struct arch_thread arch; // first: current()
    // --- constant after creation ---
    struct task *task;       // NULL for kernel threads
    struct arch_aspace *mmu; // NULL for kernel threads; changed only by the thread itself (exec) with interrupts off
    void *kstack;
    char name[16];           // guarded by `lock` for writers
    // --- guarded by `lock` (order: thread, then run queue) ---
    struct spinlock lock;
    _Atomic(enum thread_state) state;
    struct sched_params sched;
    u64 affinity;            // bit per CPU
    // --- guarded by the run queue's lock of `cpu` ---
    struct rb_node fair_node;
    struct list rt_node;
    u64 vruntime, slice_start, exec_start;
    _Atomic u64 runtime_ns;  // total CPU time
    _Atomic u64 user_ns;     // of it in user mode
    bool on_rq;
    _Atomic bool on_cpu;     // being executed: its registers are not saved yet
    u32 last_cpu;
    _Atomic u64 nvcsw, nivcsw;
    // --- own thread only ---
    void *task_thread;       // the task layer's per-thread record
    struct handle_table *handles; // what handle lookups of this thread use (object); set by the task layer
    u64 sleep_deadline;
    void *lock_held;         // debug: stack of held locks
    refcount_t refs;
};

struct cpu {
    u32 index;
    u64 hwid;
    struct thread *idle;
    _Atomic(struct thread *) running;
    struct arch_aspace *loaded;  // address space in the MMU (arch)
    _Atomic u32 ipi_reasons;
    _Atomic u64 progress;        // grows at each switch or timer; the watchdog compares
    void *rq, *timers, *rcu;     // sched's own
    void *arch;                  // machine's own
    _Atomic u64 idle_ns, user_ns, system_ns, irq_ns;
    u64 stat_since;
    void *magazine[2];           // mem: reserved
};

// Per-CPU array; valid for index < cpu_count() (CPUs that are up).
struct cpu *cpu_get(u32 index);
u32 cpu_count(void);
#define for_each_cpu(c) for (u32 c = 0; c < cpu_count(); c++)

// Boot: makes the running context the boot CPU's idle/boot thread; later brings up secondaries.
void sched_init(void);
void sched_start_secondaries(void);

// Makes a thread that will run fn(arg); it is not started. task may be NULL (kernel thread). -E_NOMEM.
// Kernel stacks live in their own region with guard pages. The caller gets one reference.
[[nodiscard]] int thread_create(struct thread **out, const char *name, struct task *task, void (*fn)(void *), void *arg);
void thread_start(struct thread *t); // first wake-up; picks a CPU
void thread_get(struct thread *t);
void thread_put(struct thread *t); // frees at zero; never the running thread
[[noreturn]] void thread_exit(void); // current ends; its reference "being alive" is dropped by the scheduler after the switch

// Gives up the CPU. schedule(): current's state decides whether it stays runnable. Preemption enabled, no spinlock held.
void schedule(void);
void thread_yield(void);
// Wakes a sleeping or blocked thread (or a stopped one with wake_stopped). Returns true if it was asleep. Any context.
bool thread_wake(struct thread *t);
// Wakes only if interruptible (SLEEPING). For events. Any context.
bool thread_interrupt(struct thread *t);
bool thread_continue(struct thread *t); // STOPPED -> runnable
// Sets current's state before checking a condition (then schedule()). Full barrier.
void thread_set_state(enum thread_state s);
// Asks t's CPU to look at t's work bits soon (IPI if it runs elsewhere in user mode).
void thread_set_work(struct thread *t, u32 work_bits);
static inline bool thread_has_event(const struct thread *t)
{
    return atomic_load_explicit(&t->arch.work, memory_order_relaxed) & WORK_EVENT;
}

[[nodiscard]] int thread_set_sched(struct thread *t, const struct sched_params *p); // -E_INVAL
[[nodiscard]] int thread_set_affinity(struct thread *t, u64 mask);                  // -E_INVAL if no CPU remains

// Runs fn(arg) on all other CPUs with interrupts disabled and waits. Interrupts enabled on entry.
void cpu_call_others(void (*fn)(void *), void *arg);
// Same for a mask of CPU indices (bit of this CPU: runs locally).
void cpu_call_mask(u64 mask, void (*fn)(void *), void *arg);

// Load averages (fixed point, 11 bits fraction as in Linux), number running and total threads, context switches, boot-time counters.
struct sched_stats {
    u64 load[3];
    u32 running, threads;
    u64 switches, forks;
};
void sched_stats(struct sched_stats *out);
