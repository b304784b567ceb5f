// Calls into the SBI firmware (RISC-V SBI specification 1.0).
#pragma once
#include <lib/types.h>

struct sbi_result {
    i64 error, value;
};
struct sbi_result sbi_call(u64 ext, u64 fid, u64 a0, u64 a1, u64 a2);
bool sbi_has_extension(u64 ext);
enum : u64 {
    SBI_EXT_BASE = 0x10,
    SBI_EXT_TIME = 0x54494D45,
    SBI_EXT_IPI = 0x735049,
    SBI_EXT_HSM = 0x48534D,
    SBI_EXT_SRST = 0x53525354,
    SBI_EXT_DBCN = 0x4442434E,
    SBI_LEGACY_PUTCHAR = 1,
};
