// date [-s SECONDS]: date and time (UTC); -s sets the clock to so many seconds since 1970; -n
// prints those.
#include <scarlet/scarlet.h>

int main(int argc, char **argv)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct options o = {.i = 1};
    bool seconds = false;
    int c;
    while ((c = next_option(&o, argc, argv, "s:n", "[-s seconds] [-n]"))) {
        long r = c == 's' ? scarlet_call_clock_set(number_argument(o.arg) * 1000000000) : 0;
        if (r < 0)
            die("%s", status_text(r));
        seconds |= c == 'n';
    }
    i64 now = scarlet_call_clock_get(SCARLET_CLOCK_WALL) / 1000000000;
    struct date d = date_of(now);
    if (seconds)
        out("%ld\n", now);
    else
        out("%s %s %2u %02u:%02u:%02u UTC %ld\n", days[d.weekday], months[d.month - 1], d.day,
            d.hour, d.minute, d.second, d.year);
    return 0;
}
