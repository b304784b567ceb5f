// Interrupt numbers and their handlers. A controller driver delivers; other drivers request.
#pragma once
#include <lib/types.h>

typedef void (*irq_handler)(u32 irq, void *arg); // interrupts off, on the CPU that took it

// The interrupt controller, registered once by its driver.
struct irq_chip {
    const char *name;
    u32 count;          // numbers 1..count-1
    u32 (*claim)(void); // the next pending one of this CPU, 0: none
    void (*complete)(u32 irq);
    void (*set_enabled)(u32 irq, bool on, u32 cpu); // routes it to CPU cpu when on
};
[[nodiscard]] int irq_register_chip(const struct irq_chip *chip); // -E_NOMEM, -E_BUSY
// Takes an interrupt into service. -E_NODEV (no controller), -E_INVAL, -E_BUSY (in use), -E_NOMEM.
[[nodiscard]] int irq_request(u32 irq, const char *name, irq_handler fn, void *arg);
void irq_free(u32 irq); // waits for a handler that is running. Thread context
// For /proc/interrupts: number of interrupts `irq` had on `cpu`; name NULL if nobody serves it.
u32 irq_count(void);
const char *irq_stat(u32 irq, u32 cpu, u64 *count);
