// Names on mounts, limits of descriptors, and what moves data from files to sockets.
#include "sockets.h"

enum { READ_ONLY = 1, REMOUNT = 32, BIND = 4096, NOFILE = 7 };

static long mount_(const char *from, const char *to, const char *type, u64 flags)
{
    return CALL(mount, from, to, type, flags, 0);
}

static long try_bind(const char *name)
{
    int fd = socket_of(STREAM);
    long r = bind_to(fd, name);
    shut(fd);
    return r;
}

// In a mount namespace of its own.
void part_places(void)
{
    tell("namespace", CALL(unshare, 0x20000));
    tell("private", mount_("none", "/", "none", 0x44000));
    (void)CALL(mkdirat, HERE, "m", 0755), (void)CALL(mkdirat, HERE, "n", 0755);
    tell("mount", mount_("tmpfs", "m", "tmpfs", 0));
    int l = listener("m/name", STREAM, 5);
    tell("connect", connect_to(socket_of(STREAM), "m/name"));
    tell("unmount with a socket's name", CALL(umount2, "m", 0));
    tell("bind mount", mount_("m", "n", "none", BIND));
    tell("connect by the other place", connect_to(socket_of(STREAM), "n/name"));
    tell("taken there too", try_bind("n/name"));
    tell("unlink there", CALL(unlinkat, HERE, "n/name", 0));
    tell("gone here", connect_to(socket_of(STREAM), "m/name"));
    tell("unmount the other", CALL(umount2, "n", 0));
    tell("unmount with an unlinked one", CALL(umount2, "m", 0));
    shut(l);
    l = listener("m/second", STREAM, 5);
    tell("read-only", mount_("none", "m", "none", READ_ONLY | REMOUNT));
    tell("bind", try_bind("m/third"));
    tell("bind to what is there", try_bind("m/second"));
    tell("connect", connect_to(socket_of(STREAM), "m/second"));
    shut(l);
    tell("connect when closed", connect_to(socket_of(STREAM), "m/second"));
    // A root of its own.
    tell("writable", mount_("none", "m", "none", REMOUNT));
    l = listener("outside", STREAM, 5);
    int inside = listener("m/inside", STREAM, 5), abstract = listener("@places", STREAM, 5);
    long child = start_child();
    if (!child) {
        struct address a;
        tell("chroot", CALL(chroot, "m"));
        (void)CALL(chdir, "/");
        tell("inside", connect_to(socket_of(STREAM), "/inside"));
        tell("outside", connect_to(socket_of(STREAM), "/outside"));
        tell("above", connect_to(socket_of(STREAM), "../outside"));
        tell("abstract", connect_to(socket_of(STREAM), "@places"));
        tell("bind", try_bind("/new"));
        u32 n = sizeof(a);
        long r = CALL(getsockname, inside, &a, &n);
        tell_address("name of one bound outside", r, &a, n);
        leave(0);
    }
    (void)end_of(child);
    tell("what it bound", connect_to(socket_of(STREAM), "m/new"));
    // A directory that is gone.
    (void)CALL(mkdirat, HERE, "gone", 0755);
    (void)CALL(chdir, "gone");
    (void)CALL(unlinkat, HERE, "../gone", 0x200);
    tell("bind in a removed directory", try_bind("x"));
    tell("connect in a removed directory", connect_to(socket_of(STREAM), "x"));
    tell("bind in proc", try_bind("/proc/scarlet-test"));
    (void)abstract;
}

static void limit(long n)
{
    u64 most[2] = {(u64)n, 4096};
    (void)CALL(prlimit64, 0, NOFILE, most, 0);
}

void part_limits(void)
{
    int l = listener("@limits", STREAM | NONBLOCK, 5), c = socket_of(STREAM), fd[2];
    int next = (int)CALL(dup, l);
    shut(next);
    limit(next);
    tell("socket", CALL(socket, AF_UNIX, STREAM, 0));
    tell("pair", CALL(socketpair, AF_UNIX, STREAM, 0, fd));
    tell("connect needs none", connect_to(c, "@limits"));
    tell("accept", CALL(accept, l, 0, 0));
    limit(next + 1);
    tell("pair with room for one", CALL(socketpair, AF_UNIX, STREAM, 0, fd));
    long r = CALL(accept, l, 0, 0);
    say("accept after all: %s", r >= 0 ? "yes" : "no");
    tell("no more wait", CALL(accept, l, 0, 0));
    limit(4096);
}

static long position(int fd)
{
    return CALL(lseek, fd, 0, 1);
}

// sendfile and copies between descriptors.
void part_moving(void)
{
    static const int types[] = {STREAM, DGRAM, SEQPACKET};
    int f = (int)CALL(openat, HERE, "file", CREAT | RDWR, 0644);
    (void)put_text(f, "0123456789abcdef");
    for (int t = 0; t < 3; t++) {
        int fd[2];
        u64 offset = 4;
        pair(types[t], fd);
        (void)CALL(lseek, f, 0, 0);
        say("type %d: sendfile %r, position %r", types[t], CALL(sendfile, fd[0], f, 0, 5),
            position(f));
        say("at an offset %r, then %l, position %r", CALL(sendfile, fd[0], f, &offset, 100),
            (long)offset, position(f));
        tell_read("there", fd[1], 64);
        tell_read("there", fd[1], 64);
        tell_read("there", fd[1], 64);
        tell("sendfile from a socket", CALL(sendfile, f, fd[0], 0, 5));
        tell("copy range", CALL(copy_file_range, f, 0, fd[0], 0, 4, 0));
        shut(fd[1]);
        ignore(SIGPIPE, true);
        (void)CALL(lseek, f, 0, 0);
        tell("sendfile to nobody", CALL(sendfile, fd[0], f, 0, 5));
        shut(fd[0]);
    }
    // A whole file through a stream, by a child.
    static char block[4096];
    int fd[2];
    pair(STREAM, fd);
    for (int i = 0; i < 100; i++) {
        fill(block, i, sizeof(block));
        (void)CALL(pwrite64, f, block, sizeof(block), (u64)i * sizeof(block));
    }
    long child = start_child(), total = 0, wrong = 0, r;
    if (!child) {
        u64 at = 0;
        shut(fd[1]);
        while ((r = CALL(sendfile, fd[0], f, &at, 1 << 20)) > 0)
            ;
        leave(r < 0);
    }
    shut(fd[0]);
    while ((r = get(fd[1], block, sizeof(block))) > 0)
        for (long i = 0; i < r; i++, total++)
            wrong += block[i] != (char)(total / 4096);
    say("a file of %l bytes, %l wrong, end %d", total, wrong, end_of(child));
}
