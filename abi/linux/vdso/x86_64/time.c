// time(2) in seconds, which other machines have not.
#include <lib/types.h>

struct val {
    i64 sec, usec;
};
int __vdso_gettimeofday(struct val *tv, void *tz);
i64 __vdso_time(i64 *t);

i64 __vdso_time(i64 *t)
{
    struct val now;
    (void)__vdso_gettimeofday(&now, NULL);
    if (t)
        *t = now.sec;
    return now.sec;
}
