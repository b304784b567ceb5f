// Clocks without a call, and the calendar (proleptic Gregorian, UTC).
#include "private.h"
#include <machine.h>

enum : u64 { AUX_CLOCK = 0x5301 };

i64 clock_now(u32 clock)
{
    static const volatile struct scarlet_clock_page *page;
    if (!page)
        page = (const volatile struct scarlet_clock_page *)auxv_get(AUX_CLOCK);
    if (clock > SCARLET_CLOCK_WALL || !page || !page->mult)
        return scarlet_call_clock_get(clock);
    for (;;) {
        u32 seq = page->seq;
        load_barrier();
        u64 ticks = machine_counter() - page->base;
        i64 ns = (i64)(u64)((unsigned __int128)ticks * page->mult >> page->shift);
        ns += clock == SCARLET_CLOCK_WALL ? page->realtime_offset : 0;
        load_barrier();
        if (!(seq & 1) && page->seq == seq)
            return ns;
    }
}

struct date date_of(i64 t)
{
    i64 days = t / 86400, rest = t % 86400;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    struct date d = {
        .hour = (u32)(rest / 3600), .minute = (u32)(rest / 60 % 60), .second = (u32)(rest % 60)};
    d.weekday = (u32)(((days + 4) % 7 + 7) % 7);
    // Years that begin in March: the leap day is the last of its year.
    i64 z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
    u64 doe = (u64)(z - era * 146097), yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    u64 doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    d.day = (u32)(doy - (153 * mp + 2) / 5 + 1);
    d.month = (u32)(mp < 10 ? mp + 3 : mp - 9);
    d.year = (i64)yoe + era * 400 + (d.month <= 2);
    return d;
}
