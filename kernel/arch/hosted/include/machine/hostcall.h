// hosted private: a call of the host from kernel code.
#pragma once
#include <arch/cpu.h>

i64 host_result(i64 r); // a negative host errno becomes a kernel error

// One host call with interrupts off.
#define HOST(call)                                                                                 \
    ({                                                                                             \
        irqflags_t f_ = arch_irq_save();                                                           \
        i64 r_ = (call);                                                                           \
        arch_irq_restore(f_);                                                                      \
        host_result(r_);                                                                           \
    })
