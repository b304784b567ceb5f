// System calls that do little, paths, and data of files.
#include "kbench.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// --- trivial system calls ---
long t_loop(long n)
{
    T0();
    for (volatile long i = 0; i < n; i++)
        ;
    return T1();
}
long t_getppid(long n)
{
    T0();
    for (long i = 0; i < n; i++)
        syscall(SYS_getppid);
    return T1();
}
static long t_enosys(long n)
{
    T0();
    for (long i = 0; i < n; i++)
        syscall(1999);
    return T1();
}
static long t_clock_vdso(long n)
{
    struct timespec ts;
    T0();
    for (long i = 0; i < n; i++)
        clock_gettime(CLOCK_MONOTONIC, &ts);
    return T1();
}
static long t_clock_sys(long n)
{
    struct timespec ts;
    T0();
    for (long i = 0; i < n; i++)
        syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
    return T1();
}
static long t_read1(long n)
{
    int fd = open("/dev/zero", O_RDONLY);
    CK(fd);
    T0();
    for (long i = 0; i < n; i++)
        if (read(fd, buf, 1) != 1)
            return -1;
    long e = T1();
    close(fd);
    return e;
}
static long t_read64k(long n)
{
    int fd = open("/dev/zero", O_RDONLY);
    CK(fd);
    T0();
    for (long i = 0; i < n; i++)
        if (read(fd, buf, 65536) != 65536)
            return -1;
    long e = T1();
    close(fd);
    return e;
}
static long t_write1(long n)
{
    int fd = open("/dev/null", O_WRONLY);
    CK(fd);
    T0();
    for (long i = 0; i < n; i++)
        if (write(fd, buf, 1) != 1)
            return -1;
    long e = T1();
    close(fd);
    return e;
}
static long t_dup(long n)
{
    T0();
    for (long i = 0; i < n; i++) {
        int d = dup(1);
        CK(d);
        close(d);
    }
    return T1();
}
static long t_yield(long n)
{
    T0();
    for (long i = 0; i < n; i++)
        sched_yield();
    return T1();
}

// --- paths ---
int mkfile(const char *p, size_t sz)
{
    int fd = open(p, O_CREAT | O_TRUNC | O_RDWR, 0644);
    if (fd < 0)
        return -1;
    memset(buf, 'x', sizeof buf);
    while (sz) {
        size_t k = sz < sizeof buf ? sz : sizeof buf;
        ssize_t w = write(fd, buf, k);
        if (w <= 0) {
            close(fd);
            return -1;
        }
        sz -= w;
    }
    return fd;
}
static long t_stat(long n)
{
    struct stat st;
    char *p = wp("s");
    int fd = mkfile(p, 1);
    CK(fd);
    close(fd);
    T0();
    for (long i = 0; i < n; i++)
        if (stat(p, &st))
            return -1;
    long e = T1();
    unlink(p);
    return e;
}
static long t_stat_deep(long n)
{
    struct stat st;
    char d[128], p[160];
    snprintf(d, sizeof d, "%s/a", work);
    mkdir(d, 0755);
    strcat(d, "/b");
    mkdir(d, 0755);
    strcat(d, "/c");
    mkdir(d, 0755);
    strcat(d, "/d");
    mkdir(d, 0755);
    snprintf(p, sizeof p, "%s/f", d);
    int fd = mkfile(p, 1);
    CK(fd);
    close(fd);
    T0();
    for (long i = 0; i < n; i++)
        if (stat(p, &st))
            return -1;
    return T1();
}
static long t_stat_enoent(long n)
{
    struct stat st;
    char *p = wp("nope");
    T0();
    for (long i = 0; i < n; i++)
        if (!stat(p, &st))
            return -1;
    return T1();
}
static long t_fstat(long n)
{
    struct stat st;
    char *p = wp("fs");
    int fd = mkfile(p, 1);
    CK(fd);
    T0();
    for (long i = 0; i < n; i++)
        if (fstat(fd, &st))
            return -1;
    long e = T1();
    close(fd);
    unlink(p);
    return e;
}
long t_open(long n)
{
    char *p = wp("o");
    int fd = mkfile(p, 1);
    CK(fd);
    close(fd);
    T0();
    for (long i = 0; i < n; i++) {
        int f = open(p, O_RDONLY);
        CK(f);
        close(f);
    }
    long e = T1();
    unlink(p);
    return e;
}
static long t_getdents(long n)
{
    char d[128], p[160];
    snprintf(d, sizeof d, "%s/dir", work);
    mkdir(d, 0755);
    for (int i = 0; i < 100; i++) {
        snprintf(p, sizeof p, "%s/file%03d", d, i);
        int fd = mkfile(p, 0);
        CK(fd);
        close(fd);
    }
    T0();
    for (long i = 0; i < n; i++) {
        DIR *D = opendir(d);
        if (!D)
            return -1;
        int c = 0;
        while (readdir(D))
            c++;
        closedir(D);
        if (c != 102)
            return -1;
    }
    return T1();
}
static long t_getcwd(long n)
{
    T0();
    for (long i = 0; i < n; i++)
        syscall(SYS_getcwd, buf, 4096);
    return T1();
}
static long t_readlink(long n)
{
    char *p = wp("ln");
    unlink(p);
    CK(symlink("target", p));
    T0();
    for (long i = 0; i < n; i++)
        if (readlink(p, buf, 100) != 6)
            return -1;
    return T1();
}
static long t_rename(long n)
{
    char *a = wp("ra"), *b = wp("rb");
    int fd = mkfile(a, 1);
    CK(fd);
    close(fd);
    T0();
    for (long i = 0; i < n; i++) {
        CK(rename(a, b));
        CK(rename(b, a));
    }
    return T1() / 2;
}
static long t_mkrmdir(long n)
{
    char *a = wp("md");
    T0();
    for (long i = 0; i < n; i++) {
        CK(mkdir(a, 0755));
        CK(rmdir(a));
    }
    return T1();
}
static long t_create_unlink(long n)
{
    char p[128];
    T0();
    for (long i = 0; i < n; i++) {
        snprintf(p, sizeof p, "%s/c%ld", work, i);
        int fd = open(p, O_CREAT | O_EXCL | O_WRONLY, 0644);
        CK(fd);
        close(fd);
        CK(unlink(p));
    }
    return T1();
}
static long t_create_w4k_unlink(long n)
{
    char p[128];
    T0();
    for (long i = 0; i < n; i++) {
        snprintf(p, sizeof p, "%s/c%ld", work, i);
        int fd = open(p, O_CREAT | O_EXCL | O_WRONLY, 0644);
        CK(fd);
        if (write(fd, buf, 4096) != 4096)
            return -1;
        close(fd);
        CK(unlink(p));
    }
    return T1();
}

// --- file data (n = 64 KiB blocks) ---
static long t_seqwrite(long n)
{
    char *p = wp("big");
    int fd = open(p, O_CREAT | O_TRUNC | O_RDWR, 0644);
    CK(fd);
    T0();
    for (long i = 0; i < n; i++)
        if (write(fd, buf, 65536) != 65536)
            return -1;
    long e = T1();
    close(fd);
    unlink(p);
    return e;
}
static long t_seqrewrite(long n)
{
    char *p = wp("big");
    int fd = mkfile(p, n * 65536);
    CK(fd);
    lseek(fd, 0, SEEK_SET);
    T0();
    for (long i = 0; i < n; i++)
        if (write(fd, buf, 65536) != 65536)
            return -1;
    long e = T1();
    close(fd);
    unlink(p);
    return e;
}
static long t_seqread(long n)
{
    char *p = wp("big");
    int fd = mkfile(p, n * 65536);
    CK(fd);
    lseek(fd, 0, SEEK_SET);
    T0();
    for (long i = 0; i < n; i++)
        if (read(fd, buf, 65536) != 65536)
            return -1;
    long e = T1();
    close(fd);
    unlink(p);
    return e;
}
static long t_pread4k(long n)
{
    char *p = wp("big");
    int fd = mkfile(p, 8 << 20);
    CK(fd);
    unsigned r = 1;
    T0();
    for (long i = 0; i < n; i++) {
        r = r * 1103515245 + 12345;
        if (pread(fd, buf, 4096, (off_t)((r >> 8) & 2047) << 12) != 4096)
            return -1;
    }
    long e = T1();
    close(fd);
    unlink(p);
    return e;
}
static long t_truncate(long n)
{
    char *p = wp("tr");
    int fd = mkfile(p, 65536);
    CK(fd);
    T0();
    for (long i = 0; i < n; i++) {
        CK(ftruncate(fd, 0));
        if (pwrite(fd, buf, 65536, 0) != 65536)
            return -1;
    }
    long e = T1();
    close(fd);
    unlink(p);
    return e;
}

const struct row rows_calls[] = {
    {"loop", t_loop, 100000, "ns/op"},
    {"getppid", t_getppid, 20000, "ns/op"},
    {"enosys", t_enosys, 20000, "ns/op"},
    {"clock_gettime_vdso", t_clock_vdso, 20000, "ns/op"},
    {"clock_gettime_sys", t_clock_sys, 10000, "ns/op"},
    {"read1_zero", t_read1, 10000, "ns/op"},
    {"write1_null", t_write1, 10000, "ns/op"},
    {"read64k_zero", t_read64k, 500, "ns/op"},
    {"dup_close", t_dup, 10000, "ns/op"},
    {"sched_yield", t_yield, 10000, "ns/op"},
    {"stat", t_stat, 5000, "ns/op"},
    {"stat_deep5", t_stat_deep, 5000, "ns/op"},
    {"stat_enoent", t_stat_enoent, 5000, "ns/op"},
    {"fstat", t_fstat, 5000, "ns/op"},
    {"open_close", t_open, 5000, "ns/op"},
    {"getdents100", t_getdents, 200, "ns/op"},
    {"getcwd", t_getcwd, 5000, "ns/op"},
    {"readlink", t_readlink, 5000, "ns/op"},
    {"rename", t_rename, 2000, "ns/op"},
    {"mkdir_rmdir", t_mkrmdir, 1000, "ns/op"},
    {"create_unlink", t_create_unlink, 1000, "ns/op"},
    {"create_write4k_unlink", t_create_w4k_unlink, 1000, "ns/op"},
    {"tmpfs_write_64k", t_seqwrite, 1024, "ns/64KiB"},
    {"tmpfs_rewrite_64k", t_seqrewrite, 1024, "ns/64KiB"},
    {"tmpfs_read_64k", t_seqread, 1024, "ns/64KiB"},
    {"pread4k_rand", t_pread4k, 5000, "ns/op"},
    {"truncate_write64k", t_truncate, 200, "ns/op"},
    {0},
};
