// The time counter (10 MHz on QEMU virt, from the device tree) and the one-shot timer: stimecmp
// (Sstc) or the firmware.
#include <arch/cpu.h>
#include <arch/time.h>
#include <lib/math.h>
#include <machine/harts.h>
#include <machine/sbi.h>

// ns = ticks * mult >> shift, exact for the usual divisors of 1 GHz.
static u64 ns_per_tick; // 0: not a divisor, use mult and shift
static u64 mult, shift;

void time_init(void)
{
    u64 hz = hart_info.timebase_hz;
    if (NS_PER_SEC % hz == 0)
        ns_per_tick = NS_PER_SEC / hz;
    shift = 32;
    mult = (NS_PER_SEC << shift) / hz;
    time_init_hart();
}

void time_init_hart(void)
{
    csr_write(scounteren, 2); // user code may read the time register (vDSO)
    arch_timer_arm(UINT64_MAX);
}

u64 arch_time_raw(void)
{
    u64 t;
    __asm__ volatile("rdtime %0" : "=r"(t)::"memory");
    return t;
}

u64 arch_time_hz(void)
{
    return hart_info.timebase_hz;
}

// 8 bits of fraction keep the product within 64 bits for centuries at usual rates; the kernel's own
// clock is exact.
bool arch_time_scale(struct arch_time_scale *out)
{
    *out = (struct arch_time_scale){.mult = ns_per_tick, .shift = 0};
    if (!ns_per_tick)
        *out =
            (struct arch_time_scale){.mult = (NS_PER_SEC << 8) / hart_info.timebase_hz, .shift = 8};
    return true;
}

u64 arch_time_ns(void)
{
    u64 t = arch_time_raw();
    return ns_per_tick ? t * ns_per_tick : (u64)((unsigned __int128)t * mult >> shift);
}

void arch_timer_arm(u64 deadline_ns)
{
    // Later than anybody waits: an interrupt for nothing then does no harm, but rounding up must
    // not wrap around, here or where the machine is emulated with signed nanoseconds.
    static const u64 far_ns = 1ul << 60;
    deadline_ns = MIN(deadline_ns, far_ns);
    u64 when = ns_per_tick == 100 ? (deadline_ns + 99) / 100
                                  : muldiv(deadline_ns, hart_info.timebase_hz, NS_PER_SEC) + 1;
    if (hart_info.has_sstc)
        __asm__ volatile("csrw 0x14d, %0" ::"r"(when)); // stimecmp
    else
        sbi_call(SBI_EXT_TIME, 0, when, 0, 0);
}

u64 arch_entropy_word(void)
{
    u64 cycles = 0;
    __asm__ volatile("rdtime %0" : "=r"(cycles));
    return cycles * 0x9e3779b97f4a7c15ul;
}
