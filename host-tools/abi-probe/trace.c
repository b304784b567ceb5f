#include "report.h"
int trace_check(const struct settings *s, const char *path, FILE *to)
{
    (void)s, (void)path, (void)to;
    return 4;
}
