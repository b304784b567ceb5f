// kbench: what one operation of a kernel with Linux's calls costs.
//
//   kbench [-s SCALE%] [-l] [-m] [-t] [name|prefix*|!name ...]
//     -s  scale every iteration count (default 100)     -l  list names
//     -m  mark each timed region for the profiler       -t  print the clock, nothing else
// Output, one line per metric:   NAME VALUE UNIT ITERATIONS
//   or                           NAME SKIP error-text
#include "kbench.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int markers;
const char *self;
char work[64];
char buf[65536];
unsigned long t_start;
static int scale = 100;

char *wp(const char *n)
{
    static char b[4][128];
    static int i;
    char *p = b[i++ & 3];
    snprintf(p, 128, "%s/%s", work, n);
    return p;
}

static int matches(const char *n, const char *pattern)
{
    size_t l = strlen(pattern);
    return l && pattern[l - 1] == '*' ? !strncmp(n, pattern, l - 1) : !strcmp(n, pattern);
}

// What the user asked for by name, without what stands behind a `!`; grow_* only by name, as it is
// slow.
static int want(const char *n, int c, char **v)
{
    int named = 0, found = 0;
    for (int i = 0; i < c; i++) {
        if (v[i][0] == '!') {
            if (matches(n, v[i] + 1))
                return 0;
            continue;
        }
        named = 1;
        found |= matches(n, v[i]);
    }
    return named ? found : strncmp(n, "grow_", 5) != 0;
}

static void run(const struct row *r)
{
    long n = r->n * scale / 100;
    if (n < 1)
        n = 1;
    errno = 0;
    long e = r->fn(n);
    if (e < 0)
        printf("%s SKIP %s\n", r->name, errno ? strerror(errno) : "wrong-result");
    else
        printf("%s %ld.%ld %s %ld\n", r->name, e / n, e % n * 10 / n, r->unit, n);
    fflush(stdout);
}

int main(int c, char **v)
{
    static const struct row *const groups[] = {rows_calls,   rows_process, rows_ipc,
                                               rows_overlay, rows_abi,     rows_growth};
    if (c > 1 && !strcmp(v[1], "--true"))
        _exit(0);
    int o, list = 0;
    while ((o = getopt(c, v, "s:lmt")) != -1) {
        if (o == 's')
            scale = atoi(optarg);
        else if (o == 'l')
            list = 1;
        else if (o == 'm')
            markers = 1;
        else if (o == 't')
            return printf("%lu\n", now()) < 0;
        else
            return 2;
    }
    self = v[0][0] == '/' ? v[0] : "/proc/self/exe";
    const char *td = getenv("KBENCH_DIR");
    snprintf(work, sizeof(work), "%s/kbench", td ? td : "/tmp");
    mkdir(work, 0755);
    setvbuf(stdout, 0, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    memset(buf, 1, sizeof(buf));
    unsigned long all = now();
    for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++)
        for (const struct row *r = groups[g]; r->name; r++) {
            if (!want(r->name, c - optind, v + optind))
                continue;
            if (list)
                puts(r->name);
            else
                run(r);
        }
    if (!list)
        printf("total %lu ns 1\n", now() - all);
    return 0;
}
