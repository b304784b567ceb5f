// stat [-L] names: everything that is known of files; -L of what links lead to.
#include <scarlet/scarlet.h>

static const char *type_name(u32 t)
{
    static const char *const names[] = {
        [SCARLET_TYPE_FIFO] = "named pipe",      [SCARLET_TYPE_CHARACTER] = "character device",
        [SCARLET_TYPE_DIRECTORY] = "directory",  [SCARLET_TYPE_BLOCK] = "block device",
        [SCARLET_TYPE_REGULAR] = "regular file", [SCARLET_TYPE_SYMLINK] = "symbolic link",
        [SCARLET_TYPE_SOCKET] = "socket"};
    return t < ARRAY_LEN(names) && names[t] ? names[t] : "unknown";
}

static void when(const char *what, i64 ns)
{
    struct date d = date_of(ns / 1000000000);
    out("%10s %04ld-%02u-%02u %02u:%02u:%02u.%09ld\n", what, d.year, d.month, d.day, d.hour,
        d.minute, d.second, ns % 1000000000);
}

int main(int argc, char **argv)
{
    struct options o = {.i = 1};
    u32 flags = SCARLET_NO_FOLLOW;
    int failed = 0;
    while (next_option(&o, argc, argv, "L", "[-L] names"))
        flags = 0;
    if (o.i == argc)
        die("no name");
    for (int i = o.i; i < argc; i++) {
        struct scarlet_metadata m;
        long r = scarlet_call_metadata_at(HERE, argv[i], flags, &m);
        if (r < 0) {
            say("%s: %s", argv[i], status_text(r));
            failed = 1;
            continue;
        }
        out("%10s %s\n%10s %s\n%10s %lu (%lu allocated)\n", "name", argv[i], "type",
            type_name(m.type), "size", m.size, m.allocated);
        out("%10s %04o\n%10s %u group %u\n%10s %u\n", "mode", m.mode, "owner", m.owner, m.group,
            "links", m.links);
        out("%10s %lu on device %lu:%lu\n", "inode", m.inode, m.device >> 32,
            m.device & 0xffffffff);
        if (m.special)
            out("%10s %lu:%lu\n", "device", m.special >> 32, m.special & 0xffffffff);
        when("accessed", m.accessed);
        when("modified", m.modified);
        when("changed", m.changed);
        when("created", m.created);
    }
    return failed;
}
