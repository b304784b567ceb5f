// Threads, CPUs and the scheduler.
#pragma once
#include <arch/context.h>
#include <arch/mmu.h>
#include <arch/time.h>
#include <lib/list.h>
#include <lib/rbtree.h>
#include <sync/atomic.h>
#include <sync/spinlock.h>

struct task;       // kernel/task
struct aspace;     // kernel/vm
struct runqueue;   // kernel/sched, private
struct timer_base; // kernel/sched, private

enum thread_state : u8 {
    THREAD_RUNNABLE, // running or on a run queue
    THREAD_SLEEPING, // wakes by thread_wake or, if interruptible, by an event
    THREAD_BLOCKED,  // as sleeping, but only thread_wake
    THREAD_STOPPED,  // job control; only thread_continue
    THREAD_DEAD,
};

enum sched_class : u8 { SCHED_FAIR, SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_IDLE_CLASS };

struct sched_params {
    enum sched_class class;
    i8 nice;   // -20..19, fair classes
    u8 rtprio; // 1..99, FIFO and RR
};

struct thread {
    struct arch_thread arch; // first: current()
    // --- constant after creation ---
    struct task *task;       // NULL for kernel threads
    struct arch_aspace *mmu; // NULL for kernel threads; changed only by the thread itself (exec)
                             // with interrupts off
    void *kstack;            // lowest mapped address of the kernel stack
    struct frame *kstack_frames[KSTACK_SIZE / PAGE_SIZE];
    void (*fn)(void *);
    void *fn_arg;
    // --- guarded by `lock` ---
    struct spinlock lock;
    char name[16];
    // --- guarded by the run queue's lock of CPU `last_cpu`. `state` may also be changed from
    // RUNNABLE by the thread itself, anywhere ---
    _Atomic(enum thread_state) state;
    bool on_rq;           // running, or waiting on the run queue
    _Atomic u8 on_cpu;    // being executed: its registers are not saved yet. Cleared by the next
                          // thread of that CPU, without a lock
    u8 rt_index;          // 99 - rtprio while its class is FIFO or RR, else RT_NONE
    _Atomic u32 last_cpu; // where it runs, waits or ran last
    struct sched_params sched;
    u32 weight_inverse; // virtual ns per ns of running, 20 bits fraction
    u64 affinity;       // bit per CPU
    struct rb_node fair_node;
    struct list rt_node;
    u64 vruntime; // ns of running at weight 1024; only differences to the run queue's min_vruntime
                  // mean something
    u64 slice_start;           // since when it has the CPU
    u64 exec_start;            // up to when its running is accounted
    u64 settled_ns;            // part of runtime_ns that is known to be user or system time
    _Atomic u64 runtime_ns;    // total CPU time; written under the lock only
    _Atomic u64 user_ns;       // of it in user mode
    _Atomic u64 nvcsw, nivcsw; // switches away: by its own will, preempted
    // --- own thread only ---
    bool tick_events; // a tick that meets user mode sets WORK_EVENT (processor-time limits); set by
                      // the task layer
    void *task_thread; // the task layer's per-thread record
    struct handle_table
        *handles;       // what handle lookups of this thread use (object); set by the task layer
    u64 sleep_deadline; // while in wait_sleep with a deadline (for ptrace and restart), else 0
    refcount_t refs;
};

struct cpu {
    u32 index; // first: rooms below sched read it through this_cpu()
    u64 hwid;
    struct thread *idle;
    _Atomic(struct thread *) running;
    struct arch_aspace *loaded; // address space in the MMU (arch)
    _Atomic u32 ipi_reasons;
    struct runqueue *rq;
    struct timer_base *timers;
    void *arch; // machine's own
    // --- written by this CPU under its run queue's lock; statistics for /proc/stat ---
    _Atomic u64 idle_ns, user_ns, system_ns, irq_ns;
    u64 stat_since;    // ns when it came up
    _Atomic u64 irqs;  // timer and inter-processor interrupts served
    void *magazine[2]; // mem: reserved
};

// Per-CPU record; valid for index < cpu_count(), the CPUs that the machine has (after
// sched_start_secondaries; before: 1). A CPU that has not come up has its record too and never runs
// anything.
struct cpu *cpu_get(u32 index);
u32 cpu_count(void);
u64 cpu_online_mask(void); // bit per CPU that is up
#define for_each_cpu(c) for (u32 c = 0; c < cpu_count(); c++)

// Boot. The running context is `boot_thread`, an ordinary thread without a task; current() and
// this_cpu() are good from the first C instruction on. sched_init (frames and slabs are up,
// interrupts off) makes CPU 0's idle thread and the kernel's own threads (rcu, workers) and arms
// the panic stop; interrupts may be enabled after it. The boot thread may end with thread_exit.
extern struct thread boot_thread;
void sched_init(void);
// Makes records and idle threads for all other CPUs and starts them; returns at once. -E_NOMEM.
// Boot CPU, thread context.
[[nodiscard]] int sched_start_secondaries(void);
// Waits until every started CPU runs (at most a second; the log names those that do not).
void sched_wait_secondaries(void);

// Makes a thread that will run fn(arg); it is not started. task may be NULL (kernel thread).
// -E_NOMEM. fn may return: then the thread exits. Kernel stacks live in their own region with guard
// pages. Inherits scheduling class, nice value and affinity from current if it has a task. The
// caller gets one reference. Thread context.
[[nodiscard]] int thread_create(struct thread **out, const char *name, struct task *task,
                                void (*fn)(void *), void *arg);
void thread_start(struct thread *t);   // first wake-up; picks a CPU
void thread_discard(struct thread *t); // instead: it will never run. Drops the reference of
                                       // being alive; the caller keeps its own
void thread_get(struct thread *t);
// Frees at zero; never the running thread, never in an interrupt.
void thread_put(struct thread *t);
[[noreturn]] void thread_exit(
    void); // current ends; its reference "being alive" is dropped by the scheduler after the switch
void thread_set_name(struct thread *t, const char *name);

// Gives up the CPU. schedule(): current's state decides whether it stays runnable (SLEEPING with an
// event pending does). Preemption enabled, no spinlock held, interrupts enabled.
void schedule(void);
void thread_yield(void);
// Wakes a sleeping or blocked thread. Returns true if it was asleep. Any context with no lock of
// order >= runqueue held. What the caller wrote before is visible to the woken thread. A full
// barrier when it returns false.
bool thread_wake(struct thread *t);
// Wakes only if interruptible (SLEEPING). For events. Context as thread_wake.
bool thread_interrupt(struct thread *t);
bool thread_continue(struct thread *t); // STOPPED -> runnable
// Wakes whatever it waits for, STOPPED, too (a kill). BLOCKED stays.
bool thread_interrupt_or_continue(struct thread *t);
// Sets current's state before checking a condition (then schedule()). Full barrier.
static inline void thread_set_state(enum thread_state s)
{
    atomic_store_explicit(&current()->state, s, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
}
// Sets work bits of t and makes the CPU that runs it look at them soon (IPI if it runs elsewhere).
// Not for WORK_RESCHED. Does not wake.
void thread_set_work(struct thread *t, u32 work_bits);
static inline bool thread_has_event(const struct thread *t)
{
    return atomic_load_explicit(&t->arch.work, memory_order_relaxed) & WORK_EVENT;
}

[[nodiscard]] int thread_set_sched(struct thread *t, const struct sched_params *p); // -E_INVAL
struct sched_params thread_get_sched(struct thread *t);
// -E_INVAL if no CPU that is up remains. A running thread is moved at its next switch, current
// before this returns (thread context).
[[nodiscard]] int thread_set_affinity(struct thread *t, u64 mask);
u64 thread_get_affinity(struct thread *t);
enum : u64 { SCHED_SLICE_NS = 3'000'000, SCHED_RR_SLICE_NS = 100'000'000 };

// CPU time of t until now, in ns. Total is exact, the split between user and system mode is
// sampled; neither ever shrinks. Any context as thread_wake.
struct thread_times {
    u64 user_ns, system_ns;
};
struct thread_times thread_times(struct thread *t);
// Exact total only (CPU clocks).
u64 thread_runtime(struct thread *t);

// Runs fn(arg) on all other CPUs with interrupts disabled and waits. Interrupts enabled on entry;
// no lock held that another CPU might wait for with interrupts disabled. fn must not sleep.
void cpu_call_others(void (*fn)(void *), void *arg);
// Same for a mask of CPU indices (bit of this CPU: runs locally).
void cpu_call_mask(u64 mask, void (*fn)(void *), void *arg);

// Load averages (fixed point, 11 bits fraction as in Linux), number running and total threads,
// context switches, threads started that belong to a task.
struct sched_stats {
    u64 load[3];
    u32 running, threads;
    u64 switches, forks;
};
void sched_stats(struct sched_stats *out);
