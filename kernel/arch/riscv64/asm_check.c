// Holds the constants that assembly uses against the structures they describe.
#include <arch/context.h>
#include <machine/asm.h>
#include <machine/harts.h>

static_assert(offsetof(struct arch_thread, cpu) == AT_CPU);
static_assert(offsetof(struct arch_thread, preempt_count) == AT_PREEMPT);
static_assert(offsetof(struct arch_thread, work) == AT_WORK);
static_assert(offsetof(struct arch_thread, kstack_top) == AT_KSTACK_TOP);
static_assert(offsetof(struct arch_thread, scratch) == AT_SCRATCH);
static_assert(offsetof(struct arch_thread, scratch2) == AT_SCRATCH2);
static_assert(offsetof(struct arch_thread, serve_call) == AT_SERVE_CALL);
static_assert(offsetof(struct arch_thread, ra) == AT_RA);
static_assert(offsetof(struct arch_thread, sp) == AT_SP);
static_assert(offsetof(struct arch_thread, s) == AT_S0);
static_assert(offsetof(struct trapframe, pc) == TF_PC);
static_assert(offsetof(struct trapframe, status) == TF_STATUS);
static_assert(offsetof(struct trapframe, orig_a0) == TF_ORIG_A0);
static_assert(offsetof(struct trapframe, in_call) == TF_IN_CALL);
static_assert(sizeof(struct trapframe) == TF_SIZE && TF_SIZE % 16 == 0);
static_assert(offsetof(struct hart_entry, thread) == HE_THREAD);
static_assert(offsetof(struct hart_entry, hwid) == HE_HWID);
static_assert(offsetof(struct hart_entry, satp) == HE_SATP);
static_assert(offsetof(struct hart_entry, cpu) == HE_CPU);
static_assert(sizeof(struct hart_entry) == HE_SIZE);
static_assert(MAX_CPUS == HE_COUNT);
static_assert(KERNEL_BASE_ASM == KERNEL_BASE);
