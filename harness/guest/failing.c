// failing [THING]: does each of a list of things once for every allocation that the kernel makes
// for it, with the first, second, third... of them failing (/proc/self/fail-nth). Each must end
// well or with "no memory", and leave the caller as it was. One line a thing: how many allocations
// there were and how many ended it.
#include "start.h"

enum {
    SIGCHLD = 17,
    NOMEM = 12,
    AGAIN = 11,
    FAIL_FD = 60,
    MARK_FD = 61,
    MOST = 3000,
    UNTOUCHED = 50,
    TOUCHED = 51
};
#define CWD -100ul
#define NULL ((void *)0)

static char buffer[8192];
static long wanted; // the number that is to fail, for things that a child does

// For the process that opened it; the count is the machine's.
static long fail_nth_by(long fd, long n)
{
    char text[12], *d = text + sizeof(text);
    word length;
    *--d = '\n';
    do
        *--d = (char)('0' + n % 10);
    while (n /= 10);
    length = (word)(text + sizeof(text) - d);
    return call(SYS_pwrite64, (word)fd, (word)d, length, 0);
}

static long fail_nth(long n)
{
    return fail_nth_by(FAIL_FD, n);
}

static void fail_in_child(void)
{
    long fd = call(SYS_openat, CWD, (word) "/proc/self/fail-nth", 02000002, 0);
    if (fd < 0 || fail_nth_by(fd, wanted) < 0)
        call(SYS_exit_group, TOUCHED, 0, 0, 0);
}

// What is left of n; -1: cannot be read.
static long left(void)
{
    char text[24];
    long n = call(SYS_pread64, FAIL_FD, (word)text, sizeof(text), 0), v = 0;
    for (long i = 0; i < n && text[i] >= '0' && text[i] <= '9'; i++)
        v = v * 10 + text[i] - '0';
    return n > 0 ? v : -1;
}

static long fork_(void)
{
    return call(SYS_clone, SIGCHLD, 0, 0, 0);
}

static long wait_for(long p)
{
    int status = 0;
    long got = call(SYS_wait4, (word)p, (word)&status, 0, 0);
    return got == p ? status : -1000;
}

static long rest; // what was left when the thing was done

// Nothing fails from here on.
static void done(void)
{
    if (rest < 0)
        rest = left();
    fail_nth(0);
}

static long closed(long fd)
{
    return fd < 0 ? fd : call(SYS_close, (word)fd, 0, 0, 0);
}

// --- things to do: 0 or a negative error ---------------------------------------------------

static long do_fork(void)
{
    long p = fork_();
    if (p == 0)
        call(SYS_exit_group, 0, 0, 0, 0);
    if (p < 0)
        return p;
    return wait_for(p) ? -1 : 0;
}

static bool still_the_same(void)
{
    char mark[4] = {0};
    return call(SYS_pread64, MARK_FD, (word)mark, 4, 0) == 4 && mark[0] == 'm' &&
           call(SYS_getcwd, (word)buffer, sizeof(buffer), 0, 0) > 0 && buffer[1] == 't';
}

// -NOMEM: it could not be started and the child is as before, or the failure hit the started
// program, which said so.
static long start_program(const char *name)
{
    long p = fork_();
    if (p == 0) {
        const char *args[] = {name, "ok", NULL}, *env[] = {"A=b", "HOME=/tmp", NULL};
        fail_in_child();
        call(SYS_execve, (word)name, (word)args, (word)env, 0);
        call(SYS_exit_group, still_the_same() ? UNTOUCHED : TOUCHED, 0, 0, 0);
    }
    if (p < 0)
        return p;
    long status = wait_for(p);
    return !status ? 0 : status & 0x7f || status == TOUCHED << 8 ? -1 : -NOMEM;
}

static long do_exec_linux(void)
{
    return start_program("/bin/true");
}
static long do_exec_native(void)
{
    return start_program("/names/scarlet_echo");
}
static long do_exec_xv6(void)
{
    return start_program("/names/xv6_echo");
}
static long do_exec_shell(void)
{
    return start_program("/tmp/script");
}
static long do_exec_runtime(void)
{
    return start_program("/tmp/file.demo");
}

static long do_pipe(void)
{
    int ends[2];
    long r = call(SYS_pipe2, (word)ends, 0, 0, 0);
    if (r)
        return r;
    r = call(SYS_write, (word)ends[1], (word)buffer, 5000, 0);
    if (r > 0)
        r = call(SYS_read, (word)ends[0], (word)buffer, 5000, 0) > 0 ? 0 : -1;
    closed(ends[0]);
    closed(ends[1]);
    return r;
}

static long do_file(void)
{
    long fd = call(SYS_openat, CWD, (word) "/tmp/new", 0102, 0600), r;
    if (fd < 0)
        return fd;
    r = call(SYS_pwrite64, (word)fd, (word)buffer, 5000, 1 << 22);
    closed(fd);
    long gone = call(SYS_unlinkat, CWD, (word) "/tmp/new", 0, 0);
    return r < 0 ? r : gone;
}

static long do_names(void)
{
    long r = call(SYS_mkdirat, CWD, (word) "/tmp/dir", 0700, 0);
    if (r)
        return r;
    r = call(SYS_symlinkat, (word) "target", CWD, (word) "/tmp/dir/link", 0);
    if (!r)
        r = call(SYS_renameat2, CWD, (word) "/tmp/dir/link", CWD, (word) "/tmp/dir/other");
    done();
    call(SYS_unlinkat, CWD, (word) "/tmp/dir/link", 0, 0);
    call(SYS_unlinkat, CWD, (word) "/tmp/dir/other", 0, 0);
    call(SYS_unlinkat, CWD, (word) "/tmp/dir", 0x200, 0);
    return r;
}

static long do_listing(void)
{
    long fd = call(SYS_openat, CWD, (word) "/proc/self/fd", 0200000, 0), n;
    if (fd < 0)
        return fd;
    do
        n = call(SYS_getdents64, (word)fd, (word)buffer, sizeof(buffer), 0);
    while (n > 0);
    closed(fd);
    return n;
}

static long read_all(const char *name)
{
    long fd = call(SYS_openat, CWD, (word)name, 0, 0), n;
    if (fd < 0)
        return fd;
    do
        n = call(SYS_read, (word)fd, (word)buffer, sizeof(buffer), 0);
    while (n > 0);
    closed(fd);
    return n;
}
static long do_maps(void)
{
    return read_all("/proc/self/smaps");
}
static long do_mounts(void)
{
    return read_all("/proc/self/mountinfo");
}

static long do_mount(void)
{
    long r = call(SYS_mount, (word) "x", (word) "/mnt", (word) "tmpfs", 0);
    if (!r)
        r = call(SYS_umount2, (word) "/mnt", 2, 0, 0);
    done();
    call(SYS_umount2, (word) "/mnt", 2, 0, 0);
    return r;
}

static long do_namespace(void)
{
    long p = fork_();
    if (p == 0) {
        fail_in_child();
        long r = call(SYS_unshare, 0x20000, 0, 0, 0);
        call(SYS_exit_group, (word)-r, 0, 0, 0);
    }
    if (p < 0)
        return p;
    return -(wait_for(p) >> 8);
}

static long do_mapping(void)
{
    long at = machine_call(SYS_mmap, 0, 64 * 4096, 3, 0x22, -1ul, 0);
    if (at < 0)
        return at;
    char *p = (char *)at;
    for (word i = 0; i < 64; i += 7)
        p[i * 4096] = 1;
    long r = call(SYS_mprotect, (word)p + 4096, 8192, 1, 0), r2;
    while ((r2 = call(SYS_munmap, (word)p, 64 * 4096, 0, 0)) == -NOMEM)
        r = r2;
    return r ? r : r2;
}

static long do_descriptors(void)
{
    long fd = call(SYS_eventfd2, 0, 0, 0, 0), ep, r;
    if (fd < 0)
        return fd;
    ep = call(SYS_epoll_create1, 0, 0, 0, 0);
    word event[2] = {1, 0};
    r = ep < 0 ? ep : call(SYS_epoll_ctl, (word)ep, 1, (word)fd, (word)event);
    if (!r)
        r = call(SYS_dup3, (word)fd, 700, 0, 0);
    closed(700);
    if (ep >= 0)
        closed(ep);
    closed(fd);
    return r < 0 ? r : 0;
}

static long do_devices(void)
{
    long r = closed(call(SYS_openat, CWD, (word) "/dev/ptmx", 0402, 0));
    if (!r)
        r = closed(call(SYS_timerfd_create, 1, 0, 0, 0));
    if (!r)
        r = closed(call(SYS_memfd_create, (word) "m", 0, 0, 0));
    return r;
}

// --- local sockets ---

static const struct {
    unsigned short family;
    char path[14];
} socket_name = {1, "/tmp/sock"}, abstract_name = {1, "\0failing"};

struct control {
    word length;
    int level, type, fd[2];
};
struct header {
    const void *name;
    word name_length;
    const void *vectors;
    word count;
    struct control *control;
    word control_length, flags;
};

// Two descriptors through a pair of packets. A message that was not sent does not come.
static long do_rights(void)
{
    int ends[2];
    word v[2] = {(word)buffer, 10};
    struct control c = {24, 1, 1, {MARK_FD, MARK_FD}};
    struct header h = {.vectors = v, .count = 1, .control = &c, .control_length = sizeof(c)};
    long r = call(SYS_socketpair, 1, 5, 0, (word)ends);
    if (r)
        return r;
    long sent = call(SYS_sendmsg, (word)ends[0], (word)&h, 0, 0), got;
    c.fd[0] = c.fd[1] = -1;
    got = call(SYS_recvmsg, (word)ends[1], (word)&h, 0x40, 0);
    if (got == -NOMEM) { // it is still there
        done();
        got = call(SYS_recvmsg, (word)ends[1], (word)&h, 0x40, 0);
        r = got == 10 ? -NOMEM : -1;
    } else if (got >= 0 && h.control_length < 24) {
        r = -NOMEM; // descriptors for which there was no room
    }
    if (sent < 0 ? got != -AGAIN : got != 10)
        r = -1;
    done();
    closed(c.fd[0]);
    closed(c.fd[1]);
    closed(ends[0]);
    closed(ends[1]);
    return sent < 0 && !r ? sent : r;
}

// A name, a client, a word from it. A call that failed can be made again.
static long do_server(void)
{
    long l = call(SYS_socket, 1, 1, 0, 0), c = call(SYS_socket, 1, 04001, 0, 0), a = -1, r = 0,
         bad = 0;
    if (l >= 0 && c >= 0) {
        r = call(SYS_bind, (word)l, (word)&socket_name, sizeof(socket_name), 0);
        bad |= r == -NOMEM && call(SYS_faccessat, CWD, (word)socket_name.path, 0, 0) != -2;
        if (r == -NOMEM)
            r = call(SYS_bind, (word)l, (word)&socket_name, sizeof(socket_name), 0);
        bad |= r != 0 || call(SYS_listen, (word)l, 1, 0, 0);
        r = call(SYS_connect, (word)c, (word)&socket_name, sizeof(socket_name), 0);
        if (r == -NOMEM)
            r = call(SYS_connect, (word)c, (word)&socket_name, sizeof(socket_name), 0);
        bad |= r != 0;
        a = call(SYS_accept, (word)l, 0, 0, 0);
        if (a == -NOMEM)
            a = call(SYS_accept, (word)l, 0, 0, 0);
        bad |= a < 0;
        r = call(SYS_write, (word)c, (word)buffer, 3000, 0);
        if (r == -NOMEM)
            r = call(SYS_write, (word)c, (word)buffer, 3000, 0);
        bad |= call(SYS_read, (word)a, (word)buffer, 4000, 0) != r;
    }
    done();
    closed(a);
    r = closed(c) < 0 ? c : 0;
    r = closed(l) < 0 ? l : r;
    call(SYS_unlinkat, CWD, (word)socket_name.path, 0, 0);
    return bad ? -1 : r;
}

// An abstract name, a message to it. One that was not sent does not come.
static long do_datagram(void)
{
    long to = call(SYS_socket, 1, 2, 0, 0), from = call(SYS_socket, 1, 2, 0, 0), r = 0, got;
    if (to >= 0 && from >= 0) {
        r = call(SYS_bind, (word)to, (word)&abstract_name, 10, 0);
        if (!r) {
            r = machine_call(SYS_sendto, (word)from, (word)buffer, 100, 0, (word)&abstract_name,
                             10);
            got = machine_call(SYS_recvfrom, (word)to, (word)buffer, 200, 0x40, 0, 0);
            r = r == got ? 0 : r == -NOMEM && got == -AGAIN ? r : -1;
        }
    }
    done();
    r = closed(from) < 0 ? from : r;
    return closed(to) < 0 ? to : r;
}

static const struct {
    const char *name;
    long (*act)(void);
    bool by_child; // which sets the count itself
} things[] = {{"fork", do_fork, false},
              {"exec linux", do_exec_linux, true},
              {"exec native", do_exec_native, true},
              {"exec xv6", do_exec_xv6, true},
              {"exec script", do_exec_shell, true},
              {"exec runtime", do_exec_runtime, true},
              {"pipe", do_pipe, false},
              {"file", do_file, false},
              {"names", do_names, false},
              {"listing", do_listing, false},
              {"smaps", do_maps, false},
              {"mountinfo", do_mounts, false},
              {"mount", do_mount, false},
              {"namespace", do_namespace, true},
              {"mapping", do_mapping, false},
              {"descriptors", do_descriptors, false},
              {"devices", do_devices, false},
              {"rights", do_rights, false},
              {"server", do_server, false},
              {"datagram", do_datagram, false}};

static bool each_allocation(const char *name, long (*act)(void), bool by_child)
{
    long points = 0, errors = 0;
    for (long n = 1; n < MOST; n++) {
        wanted = n;
        rest = -1;
        if (fail_nth(by_child ? 0 : n) < 0)
            return false;
        long r = act();
        done();
        if (r && r != -NOMEM && r != -AGAIN) {
            put(name);
            put(": allocation ");
            put_number(n);
            put(" gives ");
            put_number(r);
            put("\n");
            return false;
        }
        if (rest > 0 && !r) {
            put(name);
            put(": ");
            put_number(points);
            put(" allocations, ");
            put_number(errors);
            put(" end it\n");
            return true;
        }
        points++;
        errors += r != 0;
    }
    put(name);
    put(": no end\n");
    return false;
}

static bool same(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

[[noreturn]] void start(const word *stack)
{
    const char *only = stack[0] > 1 ? (const char *)stack[2] : NULL;
    long fd = call(SYS_openat, CWD, (word) "/proc/self/fail-nth", 2, 0);
    call(SYS_dup3, (word)fd, FAIL_FD, 0, 0);
    fd = call(SYS_openat, CWD, (word) "/tmp/mark", 0, 0);
    call(SYS_dup3, (word)fd, MARK_FD, 0, 0);
    call(SYS_chdir, (word) "/tmp", 0, 0, 0);
    bool good = true;
    for (word i = 0; i < sizeof(things) / sizeof(things[0]); i++)
        if (!only || same(only, things[i].name))
            good &= each_allocation(things[i].name, things[i].act, things[i].by_child);
    call(SYS_exit_group, good ? 0 : 1, 0, 0, 0);
    __builtin_trap();
}
