// head [-n lines] [-c bytes] [files]: the beginning; -N is -n N.
#include <scarlet/scarlet.h>

static i64 lines = 10, bytes = -1;

static long first_bytes(int h)
{
    static char buf[65536];
    for (i64 left = bytes; left > 0;) {
        long n = scarlet_call_read(h, buf, left < (i64)sizeof(buf) ? (usize)left : sizeof(buf));
        if (n <= 0)
            return n;
        out_bytes(buf, (usize)n);
        left -= n;
    }
    return 0;
}

static long first_lines(int h)
{
    struct reader r = {.handle = h};
    char *line;
    usize len;
    for (i64 i = 0; i < lines && read_line(&r, &line, &len); i++) {
        out_bytes(line, len);
        if (!r.unfinished)
            out("\n");
    }
    long e = r.error;
    reader_free(&r);
    return e;
}

static i64 count_of(const char *s)
{
    i64 n = number_argument(s);
    if (n < 0)
        die("not a number: %s", s);
    return n;
}

int main(int argc, char **argv)
{
    struct options o = {.i = 1};
    int c, failed = 0;
    if (argc > 1 && argv[1][0] == '-' && argv[1][1] >= '0' && argv[1][1] <= '9')
        lines = count_of(argv[o.i++] + 1);
    while ((c = next_option(&o, argc, argv, "n:c:", "[-n lines] [-c bytes] [files]")))
        *(c == 'n' ? &lines : &bytes) = count_of(o.arg);
    for (int i = o.i; i < argc || i == o.i; i++) {
        const char *name = i < argc ? argv[i] : "-";
        int h = open_or_stdin(name);
        if (argc - o.i > 1 && h >= 0)
            out("%s==> %s <==\n", i > o.i ? "\n" : "", name);
        long r = h < 0 ? h : bytes >= 0 ? first_bytes(h) : first_lines(h);
        if (h > 0)
            scarlet_call_close(h);
        if (r < 0) {
            say("%s: %s", name, status_text(r));
            failed = 1;
        }
    }
    return failed;
}
