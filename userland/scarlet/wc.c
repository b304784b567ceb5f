// wc [-lwc] [files]: lines, words and bytes.
#include <scarlet/scarlet.h>

struct counts {
    u64 lines, words, bytes;
};
static bool lines, words, bytes;

static long count(int h, struct counts *c)
{
    static char buf[65536];
    bool inside = false;
    long n;
    while ((n = scarlet_call_read(h, buf, sizeof(buf))) > 0) {
        c->bytes += (u64)n;
        for (long i = 0; i < n; i++) {
            bool blank = buf[i] == ' ' || (buf[i] >= '\t' && buf[i] <= '\r');
            c->lines += buf[i] == '\n';
            c->words += !blank && !inside;
            inside = !blank;
        }
    }
    return n;
}

static void show(const struct counts *c, const char *name)
{
    const u64 *v[] = {lines ? &c->lines : NULL, words ? &c->words : NULL, bytes ? &c->bytes : NULL};
    bool alone = lines + words + bytes == 1;
    const char *between = "";
    for (int i = 0; i < 3; i++)
        if (v[i]) {
            out(alone && !name ? "%s%lu" : "%s%7lu", between, *v[i]);
            between = " ";
        }
    out("%s%s\n", name ? between : "", name ? name : "");
}

int main(int argc, char **argv)
{
    struct options o = {.i = 1};
    struct counts total = {0};
    int c, failed = 0;
    while ((c = next_option(&o, argc, argv, "lwc", "[-lwc] [files]"))) {
        lines |= c == 'l';
        words |= c == 'w';
        bytes |= c == 'c';
    }
    if (!lines && !words && !bytes)
        lines = words = bytes = true;
    for (int i = o.i; i < argc || i == o.i; i++) {
        const char *name = i < argc ? argv[i] : NULL;
        int h = open_or_stdin(name);
        struct counts one = {0};
        long r = h < 0 ? h : count(h, &one);
        if (h > 0)
            scarlet_call_close(h);
        if (r < 0) {
            say("%s: %s", name ? name : "standard input", status_text(r));
            failed = 1;
            continue;
        }
        show(&one, name);
        total.lines += one.lines;
        total.words += one.words;
        total.bytes += one.bytes;
    }
    if (argc - o.i > 1)
        show(&total, "total");
    return failed;
}
