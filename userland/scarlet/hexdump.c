// hexdump [files]: bytes as numbers and characters, sixteen a line; repeated lines become one star.
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

int main(int argc, char **argv)
{
    u8 line[16], before[16];
    u64 at = 0;
    bool starred = false;
    int failed = 0;
    usize n = 0;
    help_asked(argc, argv, "[files]");
    for (int i = 1; i < argc || i == 1; i++) {
        int h = open_or_stdin(i < argc ? argv[i] : "-");
        long r = h;
        while (h >= 0 && (r = scarlet_call_read(h, line + n, sizeof(line) - n)) > 0) {
            n += (usize)r;
            if (n < sizeof(line))
                continue;
            if (at && memcmp(line, before, 16) == 0) {
                if (!starred)
                    out("*\n");
                starred = true;
            } else {
                show(at, line, 16);
                starred = false;
            }
            memcpy(before, line, 16);
            at += 16;
            n = 0;
        }
        if (r < 0) {
            say("%s: %s", argv[i], status_text(r));
            failed = 1;
        }
    }
    if (n)
        show(at, line, n);
    out("%08lx\n", at + n);
    return failed;
}
