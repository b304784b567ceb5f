// The overlay file system, and two busy processes at once (total operations / elapsed time).
#include "kbench.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

// --- overlayfs ---
static int ovl_up;
static long ovl_mount(void)
{
    char o[512];
    char d[96];
    const char *s[] = {"ovl", "ovl/l", "ovl/u", "ovl/w", "ovl/m"};
    snprintf(d, sizeof d, "%s/ovlfs", work);
    mkdir(d, 0755);
    CK(mount("tmpfs", d, "tmpfs", 0, ""));
    for (int i = 1; i < 5; i++) {
        snprintf(o, sizeof o, "%s/%s", d, s[i] + 4);
        CK(mkdir(o, 0755));
    }
    for (int i = 0; i < 256; i++) {
        snprintf(o, sizeof o, "%s/l/f%d", d, i);
        int fd = mkfile(o, 65536);
        CK(fd);
        close(fd);
    }
    snprintf(o, sizeof o, "lowerdir=%s/l,upperdir=%s/u,workdir=%s/w", d, d, d);
    char m[128];
    snprintf(m, sizeof m, "%s/m", d);
    return mount("overlay", m, "overlay", 0, o);
}
static void ovl_umount(void)
{
    char m[128];
    snprintf(m, sizeof m, "%s/ovlfs/m", work);
    umount2(m, MNT_DETACH);
    snprintf(m, sizeof m, "%s/ovlfs", work);
    umount2(m, MNT_DETACH);
    rmdir(m);
}
static long t_ovl_copyup(long n) // 64 KiB files, open O_RDWR triggers copy-up
{
    if (n > 250)
        n = 250;
    if (ovl_mount() < 0) {
        int e = errno;
        ovl_umount();
        errno = e;
        return -1;
    }
    (void)ovl_up;
    char p[128];
    T0();
    for (long i = 0; i < n; i++) {
        snprintf(p, sizeof p, "%s/ovlfs/m/f%ld", work, i);
        int fd = open(p, O_RDWR);
        CK(fd);
        close(fd);
    }
    long e = T1();
    ovl_umount();
    return e;
}
static long t_ovl_stat(long n)
{
    struct stat st;
    if (ovl_mount() < 0) {
        int e = errno;
        ovl_umount();
        errno = e;
        return -1;
    }
    char p[128];
    snprintf(p, sizeof p, "%s/ovlfs/m/f9", work);
    T0();
    for (long i = 0; i < n; i++)
        CK(stat(p, &st));
    long e = T1();
    ovl_umount();
    return e;
}
static long t_ovl_open(long n)
{
    if (ovl_mount() < 0) {
        int e = errno;
        ovl_umount();
        errno = e;
        return -1;
    }
    char p[128];
    snprintf(p, sizeof p, "%s/ovlfs/m/f9", work);
    T0();
    for (long i = 0; i < n; i++) {
        int fd = open(p, O_RDONLY);
        CK(fd);
        close(fd);
    }
    long e = T1();
    ovl_umount();
    return e;
}

// --- two busy processes at once: scaling with -smp 2 (total ops / elapsed) ---
long par(long n, int k, testfn f)
{
    struct sh {
        volatile int ready, go;
        volatile long err;
    } *s = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (s == MAP_FAILED)
        return -1;
    pid_t p[8];
    for (int i = 0; i < k; i++) {
        p[i] = fork();
        CK(p[i]);
        if (!p[i]) {
            snprintf(work + strlen(work), 8, "/p%d", i);
            mkdir(work, 0755);
            __atomic_add_fetch(&s->ready, 1, __ATOMIC_SEQ_CST);
            while (!s->go)
                sched_yield();
            if (f(n / k) < 0)
                s->err = 1;
            rmdir(work);
            _exit(0);
        }
    }
    while (s->ready < k)
        sched_yield();
    unsigned long a = now();
    s->go = 1;
    for (int i = 0; i < k; i++)
        reap(p[i]);
    a = now() - a;
    long e = s->err ? -1 : (long)a;
    munmap(s, 4096);
    return e;
}
// No kernel in it: what two can gain on this host.
static long t_par1_loop(long n)
{
    return par(n, 1, t_loop);
}
static long t_par2_loop(long n)
{
    return par(n, 2, t_loop);
}
static long t_par1_getppid(long n)
{
    return par(n, 1, t_getppid);
}
static long t_par2_getppid(long n)
{
    return par(n, 2, t_getppid);
}
static long t_par1_fault(long n)
{
    return par(n, 1, t_touch_unmap);
}
static long t_par2_fault(long n)
{
    return par(n, 2, t_touch_unmap);
}
static long t_par1_open(long n)
{
    return par(n, 1, t_open);
}
static long t_par2_open(long n)
{
    return par(n, 2, t_open);
}
static long t_par1_fork(long n)
{
    return par(n, 1, t_fork);
}
static long t_par2_fork(long n)
{
    return par(n, 2, t_fork);
}

const struct row rows_overlay[] = {
    {"ovl_stat", t_ovl_stat, 3000, "ns/op"},
    {"ovl_open_close", t_ovl_open, 2000, "ns/op"},
    {"ovl_copyup64k", t_ovl_copyup, 200, "ns/op"},
    {"par1_loop", t_par1_loop, 20000000, "ns/op"},
    {"par2_loop", t_par2_loop, 20000000, "ns/op"},
    {"par1_getppid", t_par1_getppid, 100000, "ns/op"},
    {"par2_getppid", t_par2_getppid, 100000, "ns/op"},
    {"par1_touch_unmap", t_par1_fault, 16384, "ns/page"},
    {"par2_touch_unmap", t_par2_fault, 16384, "ns/page"},
    {"par1_open_close", t_par1_open, 10000, "ns/op"},
    {"par2_open_close", t_par2_open, 10000, "ns/op"},
    {"par1_fork", t_par1_fork, 200, "ns/op"},
    {"par2_fork", t_par2_fork, 200, "ns/op"},
    {0},
};
