// riscv64 private: inter-processor interrupts and remote translation flushes (tlb.c).
#pragma once
void arch_ipi_receive(void); // soft interrupt on this hart
