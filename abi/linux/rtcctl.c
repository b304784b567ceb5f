// The clock device: broken-down time of the clock chip, which the kernel's wall clock follows. No
// state. Facts: rtc(4).
#include "path.h"
#include <device/clock.h>
#include <lib/string.h>
#include <object/attr.h>

static bool is_rtc(const struct href *h)
{
    return strcmp(h->object->type->name, "rtc") == 0;
}

enum {
    SECONDS_PER_DAY = 86400,
    DAYS_PER_ERA = 146097 /* 400 years */,
    DAYS_TO_EPOCH = 719468 /* from 1 March of year 0 */
};

// Proleptic Gregorian calendar, years counted from March so that the leap day is the last.
static void break_down(i64 seconds, struct linux_rtc_time *t)
{
    i64 day = seconds / SECONDS_PER_DAY, rest = seconds % SECONDS_PER_DAY;
    if (rest < 0) {
        day--;
        rest += SECONDS_PER_DAY;
    }
    i64 z = day + DAYS_TO_EPOCH, era = (z >= 0 ? z : z - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
    i64 of_era = z - era * DAYS_PER_ERA;
    i64 year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    i64 of_year = of_era - (365 * year + year / 4 - year / 100);
    i64 month = (5 * of_year + 2) / 153; // 0: March
    i64 civil = year + era * 400 + (month >= 10);
    bool leap = civil % 4 == 0 && (civil % 100 != 0 || civil % 400 == 0);
    t->tm_sec = (i32)(rest % 60);
    t->tm_min = (i32)(rest / 60 % 60);
    t->tm_hour = (i32)(rest / 3600);
    t->tm_mday = (i32)(of_year - (153 * month + 2) / 5 + 1);
    t->tm_mon = (i32)(month < 10 ? month + 2 : month - 10);
    t->tm_year = (i32)(civil - 1900);
    t->tm_wday = (i32)(((day + 4) % 7 + 7) % 7);
    t->tm_yday = (i32)(of_year >= 306 ? of_year - 306 : of_year + 59 + leap);
}

i64 linux_ioctl_RTC_RD_TIME(struct href *fd, struct linux_rtc_time *arg)
{
    struct timestamp now;
    if (!is_rtc(fd))
        return -E_NOTTY;
    clock_realtime(&now);
    break_down(now.sec, arg);
    return 0;
}
