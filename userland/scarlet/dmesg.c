// dmesg: the kernel's log.
#include <scarlet/scarlet.h>

int main(int argc, char **argv)
{
    static struct scarlet_log_entry e;
    long r;
    no_words(argc, argv);
    for (u64 seq = 0; (r = scarlet_call_log_read(seq, &e)) > 0; seq = e.sequence + 1)
        out("[%5lu.%06lu] %.*s\n", e.time_ns / 1000000000, e.time_ns % 1000000000 / 1000,
            (int)e.length, e.text);
    if (r < 0)
        die("%s", status_text(r));
    return 0;
}
