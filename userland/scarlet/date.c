// date [-s SECONDS] [-n] [+FORMAT]: date and time (UTC); -s sets the clock to so many seconds since
// 1970; -n prints those. FORMAT: %Y %m %d %H %M %S, %F and %T for three of them, %e %y %j %u %w,
// %a %b names, %s seconds since 1970, %N nanoseconds, %z %Z, %n %t %%.
#include <scarlet/scarlet.h>

static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static u32 day_of_year(const struct date *d)
{
    static const u32 before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    bool leap = (d->year % 4 == 0 && d->year % 100 != 0) || d->year % 400 == 0;
    return before[d->month - 1] + d->day + (leap && d->month > 2);
}

static bool show_one(char c, const struct date *d, i64 ns)
{
    switch (c) {
    case 'Y':
        out("%ld", d->year);
        break;
    case 'y':
        out("%02ld", d->year % 100);
        break;
    case 'm':
        out("%02u", d->month);
        break;
    case 'd':
        out("%02u", d->day);
        break;
    case 'e':
        out("%2u", d->day);
        break;
    case 'j':
        out("%03u", day_of_year(d));
        break;
    case 'H':
        out("%02u", d->hour);
        break;
    case 'M':
        out("%02u", d->minute);
        break;
    case 'S':
        out("%02u", d->second);
        break;
    case 'F':
        out("%ld-%02u-%02u", d->year, d->month, d->day);
        break;
    case 'T':
        out("%02u:%02u:%02u", d->hour, d->minute, d->second);
        break;
    case 'a':
        out("%s", days[d->weekday]);
        break;
    case 'b':
        out("%s", months[d->month - 1]);
        break;
    case 'u':
        out("%u", d->weekday ? d->weekday : 7);
        break;
    case 'w':
        out("%u", d->weekday);
        break;
    case 's':
        out("%ld", ns / 1000000000);
        break;
    case 'N':
        out("%09ld", ns % 1000000000);
        break;
    case 'z':
        out("+0000");
        break;
    case 'Z':
        out("UTC");
        break;
    case 'n':
        out("\n");
        break;
    case 't':
        out("\t");
        break;
    case '%':
        out("%%");
        break;
    default:
        return false;
    }
    return true;
}

static void show_as(const char *f, const struct date *d, i64 ns)
{
    for (; *f; f++) {
        if (*f != '%')
            out("%c", *f);
        else if (!*++f || !show_one(*f, d, ns))
            die("%%%s: no such part of a date", f);
    }
    out("\n");
}

int main(int argc, char **argv)
{
    struct options o = {.i = 1};
    bool seconds = false;
    int c;
    while ((c = next_option(&o, argc, argv, "s:nu", "[-s seconds] [-n] [+format]"))) {
        long r = c == 's' ? scarlet_call_clock_set(number_argument(o.arg) * 1000000000) : 0;
        if (r < 0)
            die("%s", status_text(r));
        seconds |= c == 'n';
    }
    if (o.i < argc && argv[o.i][0] != '+')
        die("not a format: %s", argv[o.i]);
    i64 now = clock_now(SCARLET_CLOCK_WALL);
    struct date d = date_of(now / 1000000000);
    show_as(o.i < argc ? argv[o.i] + 1 : seconds ? "%s" : "%a %b %e %T %Z %Y", &d, now);
    return 0;
}
