// tail [-n lines] [-f] [files]: the end; -f goes on with what is added to the last file.
#include <scarlet/scarlet.h>

static i64 lines = 10;

static long last_lines(int h)
{
    struct reader r = {.handle = h};
    char **ring = allocate((usize)(lines + 1) * sizeof(char *));
    usize *len = allocate((usize)(lines + 1) * sizeof(usize)), n;
    char *line;
    i64 seen = 0;
    while (read_line(&r, &line, &n)) {
        if (lines) {
            release(ring[seen % lines]);
            ring[seen % lines] = copy_part(line, n);
            len[seen % lines] = n;
        }
        seen++;
    }
    for (i64 i = seen > lines ? seen - lines : 0; i < seen && lines; i++) {
        out_bytes(ring[i % lines], len[i % lines]);
        out("\n");
    }
    for (i64 i = 0; i < lines; i++)
        release(ring[i]);
    release(ring);
    release(len);
    long e = r.error;
    reader_free(&r);
    return e;
}

static void follow(int h)
{
    static char buf[4096];
    for (;;) {
        long n = scarlet_call_read(h, buf, sizeof(buf));
        if (n < 0)
            die("%s", status_text(n));
        out_bytes(buf, (usize)n);
        flush();
        if (n == 0)
            scarlet_call_sleep(200000000);
    }
}

int main(int argc, char **argv)
{
    struct options o = {.i = 1};
    bool go_on = false;
    int c, failed = 0;
    while ((c = next_option(&o, argc, argv, "n:f", "[-n lines] [-f] [files]"))) {
        if (c == 'n')
            lines = number_argument(o.arg);
        else
            go_on = true;
    }
    if (lines < 0 || lines > 1 << 24)
        die("so many lines?");
    for (int i = o.i; i < argc || i == o.i; i++) {
        const char *name = i < argc ? argv[i] : "-";
        int h = open_or_stdin(name);
        if (argc - o.i > 1 && h >= 0)
            out("%s==> %s <==\n", i > o.i ? "\n" : "", name);
        long r = h < 0 ? h : last_lines(h);
        if (r < 0) {
            say("%s: %s", name, status_text(r));
            failed = 1;
        } else if (go_on && i >= argc - 1) {
            follow(h);
        }
        if (h > 0)
            scarlet_call_close(h);
    }
    return failed;
}
