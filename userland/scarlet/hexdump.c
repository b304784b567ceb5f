// hexdump [-n bytes] [-s skip] [files]: bytes as numbers and characters, sixteen a line; repeated
// lines become one star. -C, which others need for this form, changes nothing.
#include <scarlet/scarlet.h>

static void show(u64 at, const u8 *b, usize n)
{
    out("%08lx ", at);
    for (usize i = 0; i < 16; i++) {
        if (i == 8)
            out(" ");
        if (i < n)
            out(" %02x", b[i]);
        else
            out("   ");
    }
    out("  |");
    for (usize i = 0; i < n; i++)
        out("%c", b[i] >= 32 && b[i] < 127 ? b[i] : '.');
    out("|\n");
}

static u8 line[16], before[16];
static usize have;
static u64 at;
static bool started, starred;

static void add(const u8 *b, usize n)
{
    for (; n; b++, n--) {
        line[have++] = *b;
        if (have < sizeof(line))
            continue;
        bool again = started && memcmp(line, before, sizeof(line)) == 0;
        if (!again)
            show(at, line, sizeof(line));
        else if (!starred)
            out("*\n");
        starred = again;
        started = true;
        memcpy(before, line, sizeof(line));
        at += sizeof(line);
        have = 0;
    }
}

int main(int argc, char **argv)
{
    static u8 buf[16384];
    struct options o = {.i = 1};
    i64 limit = INT64_MAX, skip = 0;
    int c, failed = 0;
    while ((c = next_option(&o, argc, argv, "n:s:C", "[-n bytes] [-s skip] [files]"))) {
        limit = c == 'n' ? number_argument(o.arg) : limit;
        skip = c == 's' ? number_argument(o.arg) : skip;
    }
    if (limit < 0 || skip < 0)
        die("a number is below zero");
    at = (u64)skip;
    for (int i = o.i; i < argc || i == o.i; i++) {
        const char *name = i < argc ? argv[i] : "-";
        int h = open_or_stdin(name);
        long r = h;
        while (h >= 0 && limit > 0 && (r = scarlet_call_read(h, buf, sizeof(buf))) > 0) {
            i64 cut = skip < r ? skip : r, n = r - cut < limit ? r - cut : limit;
            skip -= cut;
            limit -= n;
            add(buf + cut, (usize)n);
        }
        if (r < 0) {
            say("%s: %s", name, status_text(r));
            failed = 1;
        }
        if (h > 0)
            scarlet_call_close(h);
    }
    if (have)
        show(at, line, have);
    out("%08lx\n", at + have);
    return failed;
}
