// CPU basics of the arch seam: the current thread, interrupt masking, idling, IPIs.
#pragma once
#include <lib/types.h>

struct thread; // kernel/sched
struct cpu;    // kernel/sched; one per running hart

// Machine-owned head of every struct thread (first member, so that current() is one register).
// `work` holds WORK_* bits that must be looked at before returning to user mode.
#include <machine/thread.h> // struct arch_thread { struct cpu *cpu; u32 preempt_count; _Atomic u32 work; ... }

enum {
    WORK_RESCHED = 1u << 0, // another thread should run
    WORK_EVENT = 1u << 1,   // the task layer has something to deliver (event_pending)
};

typedef unsigned long irqflags_t;

#include <machine/cpu.h>
// machine/cpu.h gives, inline:
//   struct thread *current(void);          the running thread
//   struct arch_thread *current_arch(void);
//   struct cpu *this_cpu(void);            stable only with preemption disabled
//   irqflags_t arch_irq_save(void); void arch_irq_restore(irqflags_t); bool
//   arch_irqs_enabled(void); void arch_irq_enable(void); void arch_irq_disable(void); void
//   arch_relax(void);                 inside spin loops

#define MAX_CPUS 64

// Waits for an interrupt; called by the idle thread with interrupts disabled, returns with them
// disabled after a wake-up (the interrupt itself is taken when the caller enables them).
void arch_cpu_wait(void);

// Sends an inter-processor interrupt; upcall_ipi() runs there. Any context. `cpu` is the kernel's
// CPU index.
void arch_ipi_send(u32 cpu);

// Starts all secondary CPUs found by the firmware; each ends in upcall_secondary_start(). Boot CPU,
// once.
void arch_start_secondaries(void);
// Maps CPU index -> hardware id and number of present CPUs (known after arch early boot).
u32 arch_cpu_count(void);
u64 arch_cpu_hwid(u32 cpu);
// What a program may read of a CPU: lines "key<tab>: value", as Linux's /proc/cpuinfo has them on
// this machine behind the CPU's number. isa: the device tree's word for its instruction set, may be
// NULL. Returns the length; what is longer than cap is cut.
usize arch_cpu_describe(u32 cpu, const char *isa, char *buf, usize cap);

// Inside an interrupt handler: was user mode interrupted?
bool arch_irq_from_user(void);

// Power. Do not return.
[[noreturn]] void arch_poweroff(void);
[[noreturn]] void arch_reboot(void);
[[noreturn]] void arch_halt(void); // after a panic: this CPU stops

// Prints a backtrace of a kernel stack starting at frame pointer fp (0: here) to the kernel log.
void arch_backtrace(u64 fp);
// Prints the register contents of a trapframe to the kernel log.
struct trapframe;
void arch_print_frame(const struct trapframe *tf);

// Up to n words of seed material: cycle counters and whatever the machine has. Not enough by
// itself.
u64 arch_entropy_word(void);
