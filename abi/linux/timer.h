// Private to the Linux ABI's timers: the timer that interval timers and POSIX timers share.
#pragma once
#include "linux.h"

enum time_base : u8 {
    BASE_MONOTONIC,
    BASE_REALTIME, // absolute times of the wall clock, which may be set
    BASE_CPU,
};

struct linux_timer {
    refcount_t refs;
    // --- constant ---
    struct task *task;          // owner, counted
    struct task_thread *target; // whom to signal, counted; NULL: the task
    struct task *cpu_task;      // whose time counts, counted; or
    struct task_thread *cpu_thread;
    bool user_only; // only time in user mode counts
    bool wall;      // the wall clock
    bool itimer;    // of setitimer
    bool silent;    // SIGEV_NONE: only to be looked at
    i32 signo;
    u32 id;
    u64 value;
    // --- the alarm's ---
    struct timer timer;
    struct work work;
    // --- guarded by task->lock ---
    struct list link; // linux_task.timers
    bool dead;        // deleted; only references keep it
    bool alarmed;     // see above
    bool armed;       // deadline means something
    bool posted;      // our signal was in the queue when we last looked
    enum time_base base;
    u64 deadline, interval; // in time of the base
    u64 owed;               // expirations that no signal stands for yet
    u64 gap;                // least wait for the next look, while signals are not taken
    u64 cpu_seen, cpu_wait; // last reading of a CPU clock; least wait for the next
    u32 overrun;            // of the signal posted last
    u32 last_overrun;       // of the signal taken last
};

struct setting {
    u64 value, interval; // ns; value 0: disarmed
};
struct cpu_reading {
    u64 ns;
    bool stopped; // whose time it is has ended
};

// ns of a time whose parts were checked, saturating at INT64_MAX.
u64 timer_to_ns(i64 sec, i64 nsec);

// A timer of the current task with the caller's reference, disarmed, on no list; the caller fills
// in what is constant before others see it. NULL: no memory.
[[nodiscard]] struct linux_timer *timer_new(void);
// Gives a reference back. No spinlock held: the last one frees.
void timer_put(struct linux_timer *tm);
bool timer_on_cpu_time(const struct linux_timer *tm);
// CPU time, for timers that run on it; all zero for others. Takes locks of tasks: call it before
// taking task->lock for the calls below.
struct cpu_reading timer_cpu_read(struct linux_timer *tm);

// --- task->lock held ---
// Arms it anew, or disarms it. absolute: value is a time of the timer's clock.
void timer_set(struct linux_timer *tm, const struct setting *s, bool absolute,
               const struct cpu_reading *cpu);
struct setting timer_read(const struct linux_timer *tm, const struct cpu_reading *cpu);
// Overrun count of the signal that was taken last.
u32 timer_last_overrun(struct linux_timer *tm);
// Nothing is sent from here on. The caller drops the owner's reference after letting go of the
// lock.
void timer_kill(struct linux_timer *tm);
