// Makes calls and prints each as the tracer would, from the tables for this machine. Run under
// strace, the two texts must agree. The calls to compare stand between close(-77) and close(-78).
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux_trace.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <syscall/trace.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <weak_descs.h> // written by the test: every descriptor named below, weak, so that a table may lack some

static char lines[1 << 16];
static size_t used;

static int reader(void *ctx, void *dst, u64 addr, usize n)
{
    (void)ctx;
    if (addr < 0x10000 || addr >= 1ull << 47)
        return -1;
    memcpy(dst, (void *)addr, n);
    return 0;
}

static i64 trace(const struct syscall_desc *d, long nr, u64 a0, u64 a1, u64 a2, u64 a3, u64 a4,
                 u64 a5)
{
    static const struct trace_reader rd = {.read = reader, .errors = &linux_trace_errors};
    const u64 a[6] = {a0, a1, a2, a3, a4, a5};
    char *text = lines + used;
    const size_t room = sizeof(lines) - used;
    const usize entry = d != NULL ? trace_format(text, room, d, a, false, 0, &rd) : 0;
    i64 ret = syscall(nr, a0, a1, a2, a3, a4, a5);
    if (ret == -1)
        ret = -errno;
    if (d == NULL) {
        used += (size_t)sprintf(lines + used, "-\n");
        return ret;
    }
    used += trace_finish(text, room, entry, d, a, ret, &rd);
    lines[used++] = '\n';
    return ret;
}

#define PICK(_0, _1, _2, _3, _4, _5, _6, ...)                                                      \
    (u64)(_1), (u64)(_2), (u64)(_3), (u64)(_4), (u64)(_5), (u64)(_6)
#define T(name, ...)                                                                               \
    trace(&linux_desc_##name, SYS_##name, PICK(0 __VA_OPT__(, ) __VA_ARGS__, 0, 0, 0, 0, 0, 0))

static void files(const char *dir)
{
    char path[256], buf[512] = "";
    struct stat st;
    struct iovec iov[2] = {{(void *)"hello ", 6}, {(void *)"wor\tld\n\1\0019", 10}};
    snprintf(path, sizeof(path), "%s/file", dir);
    T(openat, AT_FDCWD, "/nonexistent/file", O_RDONLY);
    T(openat, AT_FDCWD, 1, O_RDONLY);
    T(openat, AT_FDCWD, 0, O_RDWR | O_DIRECTORY | O_CLOEXEC);
    const i64 fd = T(openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_TRUNC, 0644);
    T(write, fd, "a \"quoted\" \\ line\n\33[0m\200\377", 24);
    T(write, fd, "a long line that strace cuts after thirty-two bytes", 51);
    T(writev, fd, iov, 2);
    T(pwrite64, fd, "x", 1, 3);
    T(lseek, fd, 0, SEEK_SET);
    T(read, fd, buf, 24);
    T(read, fd, buf, 200);
    T(read, fd, buf, 0);
    T(read, -1, buf, 10);
    T(pread64, fd, buf, 4, 2);
    T(fstat, fd, &st);
    T(fstat, 99, &st);
    T(newfstatat, AT_FDCWD, "/dev/null", &st, 0);
    T(newfstatat, AT_FDCWD, "/tmp", &st, AT_SYMLINK_NOFOLLOW);
    T(faccessat, AT_FDCWD, "/etc/passwd", R_OK);
    T(faccessat, AT_FDCWD, "/etc/passwd", R_OK | W_OK);
    T(faccessat, AT_FDCWD, "/etc/passwd", F_OK);
    T(readlinkat, AT_FDCWD, "/proc/self/exe", buf, 8);
    T(readlinkat, AT_FDCWD, "/etc/passwd", buf, 8);
    T(mkdirat, AT_FDCWD, "/etc/passwd", 0755);
    T(fchmod, fd, 0600);
    T(umask, 022);
    T(ftruncate, fd, 10);
    T(unlinkat, AT_FDCWD, path, 0);
    T(unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
    T(fcntl, fd, F_GETFD);
    T(fcntl, fd, F_SETFD, FD_CLOEXEC);
    T(fcntl, fd, F_GETFD);
    T(fcntl, fd, F_GETFL);
    T(fcntl, fd, F_SETFL, O_APPEND | O_NONBLOCK);
    T(dup, fd);
    T(dup3, fd, 50, O_CLOEXEC);
    T(close, fd);
    T(close, fd);
    const i64 root = T(openat, AT_FDCWD, "/", O_RDONLY | O_NONBLOCK | O_DIRECTORY | O_CLOEXEC);
    T(getdents64, root, buf, sizeof(buf));
    T(close, root);
    T(getcwd, buf, sizeof(buf));
    T(chdir, "/");
}

static void memory(void)
{
    const i64 page = T(mmap, 0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    T(mprotect, page, 4096, PROT_NONE);
    T(mprotect, page, 4096, PROT_READ | PROT_EXEC);
    T(munmap, page, 8192);
    T(mmap, 0, 0, PROT_READ, MAP_SHARED, -1, 0);
    T(brk, 0);
    T(madvise, page, 4096, MADV_DONTNEED);
}

static void signals(void)
{
    struct {
        void *handler;
        unsigned long flags;
        void *restorer;
        u64 mask;
    } act = {SIG_IGN, 0, NULL, 0};
    u64 set = 1ull << (SIGINT - 1) | 1ull << (SIGCHLD - 1), old = 0;
    T(rt_sigaction, SIGUSR1, &act, 0, 8);
    T(rt_sigaction, SIGUSR1, 0, &act, 8);
    T(rt_sigaction, 99, 0, &act, 8);
    T(rt_sigprocmask, SIG_BLOCK, &set, &old, 8);
    T(rt_sigprocmask, SIG_SETMASK, 0, &old, 8);
    set = ~(1ull << (SIGINT - 1));
    T(rt_sigprocmask, SIG_SETMASK, &set, 0, 8);
    T(rt_sigprocmask, SIG_UNBLOCK, &set, 0, 8);
    T(kill, getpid(), 0);
    T(kill, 0x7fffffff, SIGTERM);
    T(tgkill, getpid(), getpid(), SIGUSR1);
}

static void processes(void)
{
    struct rlimit lim;
    struct utsname name;
    int status = 0;
    T(getpid);
    T(getuid);
    T(geteuid);
    T(getppid);
    T(setpgid, 0, 99999999);
    T(prlimit64, 0, RLIMIT_NOFILE, 0, &lim);
    T(prlimit64, 0, RLIMIT_CORE, 0, &lim);
    T(prlimit64, 0, RLIMIT_STACK, &lim, 0);
    T(uname, &name);
    T(prctl, PR_SET_NAME, "tracer");
    T(wait4, -1, &status, WNOHANG, 0);
    if (fork() == 0)
        _exit(3);
    siginfo_t info;
    waitid(P_ALL, 0, &info, WEXITED | WNOWAIT);
    T(wait4, -1, &status, WNOHANG, 0);
    T(sched_yield);
    struct sched_param param = {0};
    T(sched_setscheduler, 0, SCHED_OTHER, &param);
    T(sched_getparam, 0, &param);
}

static void waiting(void)
{
    int fds[2];
    struct timespec ts = {0, 1000}, now;
    struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.u64 = 5};
    T(pipe2, fds, O_CLOEXEC);
    struct pollfd p[2] = {{fds[0], POLLIN, 0}, {fds[1], POLLOUT | POLLERR, 0}};
    T(ppoll, p, 1, &ts, 0, 8);
    fd_set in;
    FD_ZERO(&in);
    FD_SET(fds[1], &in);
    T(pselect6, fds[1] + 1, 0, &in, 0, 0, 0);
    const i64 ep = T(epoll_create1, EPOLL_CLOEXEC);
    T(epoll_ctl, ep, EPOLL_CTL_ADD, fds[0], &ev);
    T(clock_gettime, CLOCK_MONOTONIC, &now);
    ts = (struct timespec){0, 1000};
    T(clock_nanosleep, CLOCK_REALTIME, 0, &ts, 0);
    T(nanosleep, &ts, 0);
    static u32 word;
    T(futex, &word, FUTEX_WAKE_PRIVATE, 1);
    T(futex, &word, FUTEX_WAIT_PRIVATE, 5, 0);
    T(futex, &word, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 5, 0, 0,
      FUTEX_BITSET_MATCH_ANY);
    struct winsize ws;
    T(ioctl, fds[0], TIOCGWINSZ, &ws);
    T(ioctl, fds[0], TCGETS, &ws);
    const int pty = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    struct termios tio;
    T(ioctl, pty, TCGETS, &tio);
    T(ioctl, pty, TIOCGWINSZ, &ws);
    T(sendfile, fds[0], fds[1], 0, 5);
}

int main(int argc, char **argv)
{
    close(-77);
    files(argc > 1 ? argv[1] : "/tmp");
    memory();
    signals();
    processes();
    waiting();
    close(-78);
    fwrite(lines, 1, used, stdout);
    return 0;
}
