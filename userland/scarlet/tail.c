// tail [-n lines | -c bytes] [-f] [files]: the end; with a plus in front of the number, from there
// on; -N is -n N. -f goes on with what is added to the last file.
#include <scarlet/scarlet.h>

static i64 count = 10;
static bool in_bytes, from_start;

static void show(const char *s, usize n, bool newline)
{
    out_bytes(s, n);
    if (newline)
        out("\n");
}

static long last_lines(int h)
{
    struct reader r = {.handle = h};
    char **ring = allocate((usize)(count + 1) * sizeof(char *));
    usize *len = allocate((usize)(count + 1) * sizeof(usize)), n;
    char *line;
    i64 seen = 0;
    while (read_line(&r, &line, &n)) {
        if (from_start && seen + 1 >= count) {
            show(line, n, !r.unfinished);
        } else if (!from_start && count) {
            release(ring[seen % count]);
            ring[seen % count] = copy_part(line, n);
            len[seen % count] = n;
        }
        seen++;
    }
    for (i64 i = seen > count ? seen - count : 0; i < seen && count && !from_start; i++)
        show(ring[i % count], len[i % count], i + 1 < seen || !r.unfinished);
    for (i64 i = 0; i < count; i++)
        release(ring[i]);
    release(ring);
    release(len);
    long e = r.error;
    reader_free(&r);
    return e;
}

static long last_bytes(int h)
{
    static char buf[65536];
    struct text kept = {0};
    i64 skip = from_start && count ? count - 1 : 0;
    long n;
    while ((n = scarlet_call_read(h, buf, sizeof(buf))) > 0) {
        usize cut = skip < n ? (usize)skip : (usize)n;
        skip -= (i64)cut;
        if (from_start) {
            out_bytes(buf + cut, (usize)n - cut);
            continue;
        }
        text_add(&kept, buf, (usize)n);
        if (kept.len > 2 * (usize)count + sizeof(buf)) { // drop what cannot be the end any more
            memmove(kept.s, kept.s + kept.len - count, (usize)count);
            kept.len = (usize)count;
        }
    }
    usize from = kept.len > (usize)count ? kept.len - (usize)count : 0;
    if (kept.len)
        out_bytes(kept.s + from, kept.len - from);
    text_free(&kept);
    return n;
}

// Waits for the file to be told of; of what cannot be watched, a look now and then.
static void wait_for_more(long watch)
{
    static struct scarlet_watch_record notes[16];
    if (watch < 0)
        (void)scarlet_call_sleep(200000000);
    else
        (void)scarlet_call_read((int)watch, notes, sizeof(notes));
}

static void follow(int h, const char *name)
{
    static char buf[4096];
    struct scarlet_metadata m;
    long watch = h ? scarlet_call_watch(HERE, name, 0) : -1;
    for (;;) {
        long n = scarlet_call_read(h, buf, sizeof(buf));
        if (n < 0)
            die("%s: %s", name, status_text(n));
        out_bytes(buf, (usize)n);
        flush();
        if (n)
            continue;
        long at = scarlet_call_seek(h, 0, SCARLET_SEEK_CURRENT);
        if (at > 0 && scarlet_call_metadata_get(h, &m) == 0 && m.size < (u64)at) {
            say("%s: cut, from its start again", name);
            (void)scarlet_call_seek(h, 0, SCARLET_SEEK_START);
        } else {
            wait_for_more(watch);
        }
    }
}

static void set_count(const char *s)
{
    from_start = *s == '+';
    count = number_argument(from_start ? s + 1 : s);
    count = count < 0 && !from_start ? -count : count;
    if (count < 0 || count > 1 << 24)
        die("so many?");
}

int main(int argc, char **argv)
{
    struct options o = {.i = 1};
    bool go_on = false;
    int c, failed = 0;
    if (argc > 1 && argv[1][0] == '-' && argv[1][1] >= '0' && argv[1][1] <= '9')
        set_count(argv[o.i++] + 1);
    while ((c = next_option(&o, argc, argv, "n:c:f", "[-n lines | -c bytes] [-f] [files]"))) {
        in_bytes |= c == 'c';
        if (c == 'f')
            go_on = true;
        else
            set_count(o.arg);
    }
    for (int i = o.i; i < argc || i == o.i; i++) {
        const char *name = i < argc ? argv[i] : "-";
        int h = open_or_stdin(name);
        if (argc - o.i > 1 && h >= 0)
            out("%s==> %s <==\n", i > o.i ? "\n" : "", name);
        long r = h < 0 ? h : in_bytes ? last_bytes(h) : last_lines(h);
        if (r < 0) {
            say("%s: %s", name, status_text(r));
            failed = 1;
        } else if (go_on && i >= argc - 1) {
            follow(h, name);
        }
        if (h > 0)
            scarlet_call_close(h);
    }
    return failed;
}
