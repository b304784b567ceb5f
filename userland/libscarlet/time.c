// Calendar (proleptic Gregorian, UTC).
#include "private.h"

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
