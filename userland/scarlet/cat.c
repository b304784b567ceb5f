// cat [-n] [files]: their contents one after the other.
#include <scarlet/scarlet.h>

static bool plain(int h, const char *name)
{
    long n;
    flush();
    while ((n = scarlet_call_transfer(h, 1, 1 << 20)) > 0)
        ;
    if (n == -SCARLET_BAD_ARGUMENT || n == -SCARLET_WRONG_KIND ||
        n == -SCARLET_NOT_SUPPORTED) { // these two cannot be joined: by hand
        static char buf[65536];
        while ((n = scarlet_call_read(h, buf, sizeof(buf))) > 0) {
            long w = write_all(1, buf, (usize)n);
            if (w < 0) {
                n = w;
                break;
            }
        }
    }
    if (n == -SCARLET_BROKEN_PIPE)
        leave(1);
    if (n < 0)
        say("%s: %s", name, status_text(n));
    return n == 0;
}

static bool numbered(int h, const char *name)
{
    static u64 number;
    struct reader r = {.handle = h};
    char *line;
    usize len;
    while (read_line(&r, &line, &len)) {
        out("%6lu\t", ++number);
        out_bytes(line, len);
        out("\n");
    }
    if (r.error)
        say("%s: %s", name, status_text(r.error));
    bool ok = !r.error;
    reader_free(&r);
    return ok;
}

int main(int argc, char **argv)
{
    struct options o = {.i = 1};
    bool numbers = false, ok = true;
    while (next_option(&o, argc, argv, "n", "[-n] [files]"))
        numbers = true;
    for (int i = o.i; i < argc || i == o.i; i++) {
        const char *name = i < argc ? argv[i] : "-";
        int h = open_or_stdin(name);
        if (h < 0) {
            say("%s: %s", name, status_text(h));
            ok = false;
            continue;
        }
        ok &= numbers ? numbered(h, name) : plain(h, name);
        if (h)
            scarlet_call_close(h);
    }
    return !ok;
}
