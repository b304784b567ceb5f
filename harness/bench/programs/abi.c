// Programs of several systems: what Scarlet's other ABIs cost, and what it costs to cross between
// them. Linux skips these; each is held against the row of Linux's that does the same within one
// system (harness/bench/report.py has the list). fork_exec_script and mount_ns_bind are such rows
// and run on both.
#include "kbench.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCRIPT "/bench/script"
#define NATIVE "/bench/native"
#define XV6 "/bench/xv6"
#define LINUX "/scarlet/bench/kbench" // good in every view

// Runs the program with in and out as 0 and 1. Its process number, or -1 with errno. A kernel
// without the ABIs does not get their programs: it might take them for its own and run them.
static pid_t start(char *const *argv, int in, int out)
{
    errno = ENOEXEC;
    if (strcmp(argv[0], SCRIPT) != 0)
        CK(access("/scarlet", F_OK));
    int report[2], why = 0;
    CK(pipe2(report, O_CLOEXEC));
    pid_t p = fork();
    CK(p);
    if (!p) {
        if (in >= 0)
            dup2(in, 0);
        if (out >= 0)
            dup2(out, 1);
        for (int fd = 3; fd < 16; fd++)
            if (fd != report[1])
                close(fd);
        execve(argv[0], argv, environ);
        why = errno;
        if (write(report[1], &why, sizeof(why)) < 0) {
        }
        _exit(127);
    }
    close(report[1]);
    int failed = read(report[0], &why, sizeof(why)) == sizeof(why);
    close(report[0]);
    if (!failed)
        return p;
    reap(p);
    errno = why;
    return -1;
}

// The nanoseconds that the program prints.
static long told(char *const *argv)
{
    int out[2];
    char text[64] = "";
    CK(pipe(out));
    pid_t p = start(argv, -1, out[1]);
    int why = errno;
    close(out[1]);
    ssize_t got = p < 0 ? -1 : read(out[0], text, sizeof(text) - 1);
    close(out[0]);
    errno = why;
    CK(p);
    errno = EPROTO;
    return reap(p) == 0 && got > 0 ? atol(text) : -1;
}
static long told_for(char *program, char *what, long n, char *more, char *word)
{
    char count[24];
    snprintf(count, sizeof(count), "%ld", n);
    return told((char *[]){program, what, count, more, word, 0});
}
static long t_native_call(long n)
{
    return told_for(NATIVE, "call", n, 0, 0);
}
static long t_xv6_call(long n)
{
    return told_for(XV6, "call", n, 0, 0);
}
static long t_native_ovl_stat(long n) // its root is an overlay
{
    return told_for(NATIVE, "stat", n, "/bin/cat", 0);
}
static long t_native_view(long n)
{
    return told_for(NATIVE, "view", n, 0, 0);
}
static long t_native_to_linux(long n)
{
    return told_for(NATIVE, "spawn", n, LINUX, "--true");
}
static long t_xv6_to_linux(long n)
{
    return told_for(XV6, "spawn", n, LINUX, "--true");
}

static long pipe_with(char *program, long n)
{
    int a[2], b[2];
    CK(pipe2(a, O_CLOEXEC));
    CK(pipe2(b, O_CLOEXEC));
    pid_t p = start((char *[]){program, "echo", 0}, a[0], b[1]);
    int why = errno;
    close(a[0]);
    close(b[1]);
    errno = why;
    long e = p < 0 ? -1 : rt(n, a[1], b[0]);
    close(a[1]);
    close(b[0]);
    if (p > 0)
        reap(p);
    return e;
}
static long t_native_pipe(long n)
{
    return pipe_with(NATIVE, n);
}
static long t_xv6_pipe(long n)
{
    return pipe_with(XV6, n);
}

// Refuses what this kernel does not run before anything is timed.
static long exec_rows(long n, char *program, char *word)
{
    char *argv[] = {program, word, 0};
    pid_t p = start(argv, -1, -1);
    CK(p);
    errno = ENOEXEC;
    return reap(p) ? -1 : do_spawn(n, program, argv, 0);
}
// The first one ever: it composes the view that native programs see. Once only.
static long t_first_native(long n)
{
    char *argv[] = {NATIVE, "true", 0};
    T0();
    pid_t p = start(argv, -1, -1);
    CK(p);
    int status = reap(p);
    long e = T1() * n;
    errno = ENOEXEC; // a kernel without the ABI may take the program for one of its own
    return status ? -1 : e;
}
static long t_to_native(long n)
{
    return exec_rows(n, NATIVE, "true");
}
static long t_to_xv6(long n)
{
    return exec_rows(n, XV6, "true");
}
static long t_runtime(long n)
{
    return exec_rows(n, "/bench/for-runtime", 0);
}
static long t_script(long n)
{
    return exec_rows(n, SCRIPT, 0);
}

// A mount namespace with one mount more, over and over; each takes the last one's place.
static long t_mount_ns(long n)
{
    int out[2];
    long e = -1;
    CK(pipe(out));
    CK(mkdir(wp("ns"), 0755));
    pid_t p = fork();
    CK(p);
    if (!p) {
        char *at = wp("ns");
        long bad = unshare(CLONE_NEWNS) || mount("none", "/", 0, MS_REC | MS_PRIVATE, 0);
        T0();
        for (long i = 0; !bad && i < n; i++)
            bad = unshare(CLONE_NEWNS) || mount("/tmp", at, 0, MS_BIND, 0) || umount(at);
        long t = bad ? -errno : (long)T1();
        if (write(out[1], &t, sizeof(t)) < 0) {
        }
        _exit(0);
    }
    close(out[1]);
    if (read(out[0], &e, sizeof(e)) == sizeof(e) && e < 0) {
        errno = (int)-e;
        e = -1;
    }
    int why = errno;
    close(out[0]);
    reap(p);
    rmdir(wp("ns"));
    errno = why;
    return e;
}

const struct row rows_abi[] = {
    {"fork_exec_script", t_script, 50, "ns/op"},
    {"mount_ns_bind", t_mount_ns, 200, "ns/op"},
    {"abi_first_to_native", t_first_native, 1, "ns/op"},
    {"abi_native_call", t_native_call, 20000, "ns/op"},
    {"abi_xv6_call", t_xv6_call, 20000, "ns/op"},
    {"abi_native_pipe", t_native_pipe, 1000, "ns/op"},
    {"abi_xv6_pipe", t_xv6_pipe, 1000, "ns/op"},
    {"abi_linux_to_native", t_to_native, 50, "ns/op"},
    {"abi_linux_to_xv6", t_to_xv6, 50, "ns/op"},
    {"abi_native_to_linux", t_native_to_linux, 50, "ns/op"},
    {"abi_xv6_to_linux", t_xv6_to_linux, 50, "ns/op"},
    {"abi_native_view", t_native_view, 200, "ns/op"},
    {"abi_native_ovl_stat", t_native_ovl_stat, 3000, "ns/op"},
    {"abi_runtime", t_runtime, 50, "ns/op"},
    {0},
};
