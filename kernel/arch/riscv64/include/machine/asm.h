// Constants shared by assembly and C; asm_check.c asserts that they agree with the structures.
#pragma once

#define AT_CPU 0
#define AT_PREEMPT 8
#define AT_WORK 12
#define AT_KSTACK_TOP 16
#define AT_SCRATCH 24
#define AT_SCRATCH2 32
#define AT_SERVE_CALL 40
#define AT_RA 48
#define AT_SP 56
#define AT_S0 64

#define TF_X(n) (8 * (n))
#define TF_PC 256
#define TF_STATUS 264
#define TF_ORIG_A0 272
#define TF_IN_CALL 280
#define IN_CALL 1      // a call is being served
#define IN_CALL_FULL 2 // and the frame holds all registers
#define TF_SIZE 288

#define HE_THREAD 0
#define HE_HWID 8
#define HE_SATP 16
#define HE_CPU 24
#define HE_SIZE 32
#define HE_COUNT 64

#define KERNEL_BASE_ASM 0xffffffff80000000
