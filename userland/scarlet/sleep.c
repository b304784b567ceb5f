// sleep seconds: does nothing for a while; the number may have a fraction.
#include <scarlet/scarlet.h>

static const char usage[] = "seconds";

static bool parse_seconds(const char *s, u64 *ns)
{
    u64 whole = 0, part = 0, scale = 1000000000;
    bool any = false;
    for (; *s >= '0' && *s <= '9'; s++, any = true) {
        if (whole > 10000000000)
            return false;
        whole = whole * 10 + (u64)(*s - '0');
    }
    if (*s == '.')
        for (s++; *s >= '0' && *s <= '9'; s++, any = true) {
            scale /= 10;
            part += (u64)(*s - '0') * scale;
        }
    *ns = whole > 9000000000 ? FOREVER : whole * 1000000000 + part;
    return any && !*s;
}

int main(int argc, char **argv)
{
    u64 ns;
    help_asked(argc, argv, usage);
    if (argc != 2) {
        say("usage: sleep %s", usage);
        return 2;
    }
    if (!parse_seconds(argv[1], &ns))
        die("not a number of seconds: %s", argv[1]);
    long r = scarlet_call_sleep(ns);
    return r < 0 ? 1 : 0;
}
