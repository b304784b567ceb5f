// mount: what is mounted. mount [-t type] [-o words] source target: mounts; words: ro bind rbind
// nosuid nodev noexec remount move, others go to the file system.
#include <scarlet/scarlet.h>

static const struct {
    const char *word;
    u32 flags;
} words[] = {
    {"ro", SCARLET_MOUNT_READ_ONLY},
    {"rw", 0},
    {"nosuid", SCARLET_MOUNT_NO_SETID},
    {"nodev", SCARLET_MOUNT_NO_DEVICES},
    {"noexec", SCARLET_MOUNT_NO_EXECUTE},
    {"bind", SCARLET_MOUNT_BIND},
    {"rbind", SCARLET_MOUNT_BIND | SCARLET_MOUNT_RECURSIVE},
    {"remount", SCARLET_MOUNT_CHANGE},
    {"move", SCARLET_MOUNT_MOVE},
    {"shared", SCARLET_MOUNT_SHARED},
    {"private", SCARLET_MOUNT_PRIVATE},
};

static u32 split(const char *s, struct text *rest)
{
    u32 flags = 0;
    while (*s) {
        const char *end = strchr(s, ',');
        usize n = end ? (usize)(end - s) : strlen(s), i;
        for (i = 0; i < ARRAY_LEN(words); i++)
            if (strlen(words[i].word) == n && strncmp(words[i].word, s, n) == 0)
                break;
        if (i < ARRAY_LEN(words)) {
            flags |= words[i].flags;
        } else {
            if (rest->len)
                text_char(rest, ',');
            text_add(rest, s, n);
        }
        s += n + (end != NULL);
    }
    return flags;
}

static int show(void)
{
    static struct scarlet_mount_info m;
    for (u64 from = 0; (from = (u64)scarlet_call_mount_list(from, &m)) > 0; from++)
        out("%s on %s type %s (%s%s%s%s)\n", m.source, m.target, m.type,
            m.flags & SCARLET_MOUNT_READ_ONLY ? "ro" : "rw",
            m.flags & SCARLET_MOUNT_NO_SETID ? ",nosuid" : "",
            m.flags & SCARLET_MOUNT_NO_DEVICES ? ",nodev" : "",
            m.flags & SCARLET_MOUNT_NO_EXECUTE ? ",noexec" : "");
    return 0;
}

int main(int argc, char **argv)
{
    struct options o = {.i = 1};
    struct text data = {0};
    const char *type = NULL;
    u32 flags = 0;
    int c;
    if (argc == 1)
        return show();
    while ((c = next_option(&o, argc, argv, "t:o:", "[-t type] [-o words] source target")))
        c == 't' ? (void)(type = o.arg) : (void)(flags |= split(o.arg, &data));
    if (argc - o.i != 2 && !(flags & SCARLET_MOUNT_CHANGE && argc - o.i == 1))
        die("needs a source and a target");
    const char *source = argc - o.i == 2 ? argv[o.i] : NULL, *target = argv[argc - 1];
    long r = scarlet_call_mount(source, target, type, flags, data.s);
    if (r < 0)
        die("%s: %s", target, status_text(r));
    return 0;
}
