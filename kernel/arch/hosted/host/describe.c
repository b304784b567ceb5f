// What /proc/cpuinfo says of our CPUs: what the host's says of its first one, but for what is about
// numbers of processors.
#include "host.h"
#include <stdio.h>
#include <string.h>

static char facts[8192]; // the host's lines. Constant once CPUs run

void describe_init(void)
{
    FILE *f = fopen("/proc/cpuinfo", "re");
    size_t at = 0;
    char line[4096];
    while (f && fgets(line, sizeof(line), f) && line[0] != '\n') {
        size_t n = strlen(line);
        if (strncmp(line, "processor\t", 10) == 0 || n > sizeof(facts) - 1 - at)
            continue;
        memcpy(facts + at, line, n + 1);
        at += n;
    }
    if (f)
        fclose(f);
}

static bool is(const char *line, const char *key)
{
    size_t n = strlen(key);
    return strncmp(line, key, n) == 0 && (line[n] == '\t' || line[n] == ' ' || line[n] == ':');
}

u64 host_cpu_describe(u32 cpu, char *buf, u64 cap)
{
    u64 at = 0;
    for (const char *line = facts, *next; *line && at + 1 < cap; line = next) {
        const char *end = strchr(line, '\n');
        next = end ? end + 1 : line + strlen(line);
        const char *value = memchr(line, ':', (size_t)(next - line));
        bool count = is(line, "siblings") || is(line, "cpu cores");
        bool own = is(line, "core id") || is(line, "apicid") || is(line, "initial apicid");
        int n;
        if (value && (count || own))
            n = snprintf(buf + at, cap - at, "%.*s: %u\n", (int)(value - line), line,
                         count ? host_cpu_count() : cpu);
        else
            n = snprintf(buf + at, cap - at, "%.*s", (int)(next - line), line);
        at += n > 0 ? (u64)n : 0;
    }
    return at < cap ? at : cap - 1;
}
