// What the parts of `sockets` use: printing, sockets in short, processes, threads and signals.
#include "sockets.h"

void *memset(void *to, int byte, u64 n);
void *memcpy(void *restrict to, const void *restrict from, u64 n);

void *memset(void *to, int byte, u64 n)
{
    for (volatile u8 *p = to; n--; p++)
        *p = (u8)byte;
    return to;
}
void *memcpy(void *restrict to, const void *restrict from, u64 n)
{
    const volatile u8 *q = from;
    for (u8 *p = to; n--; p++)
        *p = *q++;
    return to;
}
void copy(void *to, const void *from, u64 n)
{
    memcpy(to, from, n);
}
void fill(void *to, int byte, u64 n)
{
    memset(to, byte, n);
}
bool same(const void *a, const void *b, u64 n)
{
    const u8 *p = a, *q = b;
    while (n && *p == *q)
        p++, q++, n--;
    return !n;
}
u64 length_of(const char *s)
{
    u64 n = 0;
    while (s[n])
        n++;
    return n;
}

// --- printing ---

static struct {
    char text[2000];
    u64 length;
} line;

static void one(char c)
{
    if (line.length < sizeof(line.text))
        line.text[line.length++] = c;
}
static void words(const char *s)
{
    while (*s)
        one(*s++);
}
static void digits(u64 v, u32 base)
{
    char text[24], *p = text + sizeof(text);
    *--p = 0;
    do
        *--p = "0123456789abcdef"[v % base];
    while (v /= base);
    words(p);
}
static void number(long v)
{
    if (v < 0)
        one('-');
    digits(v < 0 ? -(u64)v : (u64)v, 10);
}

static const struct {
    u8 number;
    const char *name;
} errors[] = {
    {1, "EPERM"},
    {2, "ENOENT"},
    {3, "ESRCH"},
    {4, "EINTR"},
    {5, "EIO"},
    {6, "ENXIO"},
    {7, "E2BIG"},
    {9, "EBADF"},
    {10, "ECHILD"},
    {11, "EAGAIN"},
    {12, "ENOMEM"},
    {13, "EACCES"},
    {14, "EFAULT"},
    {16, "EBUSY"},
    {17, "EEXIST"},
    {18, "EXDEV"},
    {19, "ENODEV"},
    {20, "ENOTDIR"},
    {21, "EISDIR"},
    {22, "EINVAL"},
    {23, "ENFILE"},
    {24, "EMFILE"},
    {25, "ENOTTY"},
    {27, "EFBIG"},
    {28, "ENOSPC"},
    {29, "ESPIPE"},
    {30, "EROFS"},
    {32, "EPIPE"},
    {33, "EDOM"},
    {34, "ERANGE"},
    {36, "ENAMETOOLONG"},
    {38, "ENOSYS"},
    {39, "ENOTEMPTY"},
    {40, "ELOOP"},
    {71, "EPROTO"},
    {75, "EOVERFLOW"},
    {88, "ENOTSOCK"},
    {89, "EDESTADDRREQ"},
    {90, "EMSGSIZE"},
    {91, "EPROTOTYPE"},
    {92, "ENOPROTOOPT"},
    {93, "EPROTONOSUPPORT"},
    {94, "ESOCKTNOSUPPORT"},
    {95, "EOPNOTSUPP"},
    {97, "EAFNOSUPPORT"},
    {98, "EADDRINUSE"},
    {99, "EADDRNOTAVAIL"},
    {103, "ECONNABORTED"},
    {104, "ECONNRESET"},
    {105, "ENOBUFS"},
    {106, "EISCONN"},
    {107, "ENOTCONN"},
    {109, "ETOOMANYREFS"},
    {110, "ETIMEDOUT"},
    {111, "ECONNREFUSED"},
    {114, "EALREADY"},
    {115, "EINPROGRESS"},
};

static void result(long v)
{
    for (u64 i = 0; i < sizeof(errors) / sizeof(*errors); i++)
        if (v == -(long)errors[i].number)
            return words(errors[i].name);
    number(v);
}

static void event_names(int v)
{
    static const char *const names[] = {"IN",   "PRI",    "OUT",    "ERR",    "HUP",
                                        "NVAL", "RDNORM", "RDBAND", "WRNORM", "WRBAND",
                                        "MSG",  "?",      "?",      "RDHUP",  "?"};
    const char *between = "";
    if (!v)
        return words("-");
    for (u32 i = 0; i < 15; i++)
        if (v & 1 << i) {
            words(between);
            words(names[i]);
            between = "|";
        }
}

static void bytes(const u8 *p, long n)
{
    for (one('"'); n-- > 0; p++) {
        if (*p >= ' ' && *p < 127) {
            one((char)*p);
        } else {
            one('\\');
            one((char)('0' + (*p >> 6)));
            one((char)('0' + (*p >> 3 & 7)));
            one((char)('0' + (*p & 7)));
        }
    }
    one('"');
}

static void formatted(const char *f, __builtin_va_list list)
{
    for (; *f; f++) {
        if (*f != '%') {
            one(*f);
            continue;
        }
        switch (*++f) {
        case 's':
            words(__builtin_va_arg(list, const char *));
            break;
        case 'd':
            number(__builtin_va_arg(list, int));
            break;
        case 'l':
            number(__builtin_va_arg(list, long));
            break;
        case 'o':
            digits(__builtin_va_arg(list, u32), 8);
            break;
        case 'x':
            digits(__builtin_va_arg(list, u32), 16);
            break;
        case 'r':
            result(__builtin_va_arg(list, long));
            break;
        case 'e':
            event_names(__builtin_va_arg(list, int));
            break;
        case 'q': {
            const u8 *p = __builtin_va_arg(list, const u8 *);
            bytes(p, __builtin_va_arg(list, long));
            break;
        }
        default:
            one(*f);
        }
    }
}

void say(const char *format, ...)
{
    __builtin_va_list list;
    __builtin_va_start(list, format);
    line.length = 0;
    formatted(format, list);
    __builtin_va_end(list);
    one('\n');
    (void)CALL(write, 1, line.text, line.length);
}

void tell(const char *name, long v)
{
    say("%s: %r", name, v);
}

[[noreturn]] void leave(int status)
{
    for (;;)
        (void)CALL(exit_group, status);
}

// --- sockets ---

int socket_of(int type)
{
    long fd = CALL(socket, AF_UNIX, type, 0);
    if (fd < 0)
        say("socket of type %d: %r", type & 15, fd);
    return (int)fd;
}

void pair(int type, int fd[2])
{
    long r = CALL(socketpair, AF_UNIX, type, 0, fd);
    if (r < 0) {
        say("socketpair of type %d: %r", type & 15, r);
        fd[0] = fd[1] = -1;
    }
}

void shut(int fd)
{
    (void)CALL(close, fd);
}

u32 address_of(struct address *a, const char *name)
{
    u64 n = length_of(name);
    fill(a, 0, sizeof(*a));
    a->family = AF_UNIX;
    copy(a->path, name, n);
    if (*name == '@') {
        a->path[0] = 0;
        return (u32)(PATH_AT + n);
    }
    return (u32)(PATH_AT + n + 1);
}

long bind_to(int fd, const char *name)
{
    struct address a;
    u32 n = address_of(&a, name);
    return CALL(bind, fd, &a, n);
}

long connect_to(int fd, const char *name)
{
    struct address a;
    u32 n = address_of(&a, name);
    return CALL(connect, fd, &a, n);
}

int listener(const char *name, int type, int backlog)
{
    int fd = socket_of(type);
    long r = bind_to(fd, name);
    if (r >= 0)
        r = CALL(listen, fd, backlog);
    if (r < 0)
        say("listener at %s: %r", name, r);
    return fd;
}

long put_text(int fd, const char *s)
{
    return CALL(write, fd, s, length_of(s));
}

long get(int fd, void *to, u64 n)
{
    return CALL(read, fd, to, n);
}

void tell_read(const char *name, int fd, u64 n)
{
    static char text[4096];
    long r = CALL(recvfrom, fd, text, n > sizeof(text) ? sizeof(text) : n, MSG_DONTWAIT);
    if (r < 0)
        tell(name, r);
    else
        say("%s: %l %q", name, r, text, r);
}

long set(int fd, int name, int value)
{
    return CALL(setsockopt, fd, SOL_SOCKET, name, &value, sizeof(value));
}

long option(int fd, int name)
{
    int value = 0, n = sizeof(value);
    long r = CALL(getsockopt, fd, SOL_SOCKET, name, &value, &n);
    return r < 0 ? r : value;
}

bool fill_up(int fd)
{
    static char block[4096];
    long r, n = 0;
    for (u64 size = sizeof(block); size; size = size == 1 ? 0 : 1)
        while ((r = CALL(sendto, fd, block, size, MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
            n += r;
    if (r != -EAGAIN)
        tell("filling ended with", r);
    return n > 0;
}

int events(int fd, int wanted)
{
    struct {
        int fd;
        short wanted, got;
    } p = {fd, (short)wanted, 0};
    struct time none = {0, 0};
    long r = CALL(ppoll, &p, 1, &none, 0, 8);
    return r < 0 ? 1 << 14 : p.got;
}

void tell_address(const char *name, long r, const struct address *a, u32 length)
{
    u32 there = length > sizeof(*a) ? (u32)sizeof(*a) : length;
    if (r < 0)
        tell(name, r);
    else if (length < PATH_AT)
        say("%s: %r length %d", name, r, length);
    else
        say("%s: %r family %d length %d %q", name, r, a->family, length, a->path,
            (long)(there - PATH_AT));
}

bool comes_to_end(int pipe)
{
    static char text[4096];
    for (int i = 0; i < 500; i++) {
        int fd[2];
        struct {
            int fd;
            short wanted, got;
        } p = {pipe, IN, 0};
        struct time shortly = {0, 20000000};
        if (CALL(ppoll, &p, 1, &shortly, 0, 8) == 1) {
            if (get(pipe, text, sizeof(text)) <= 0)
                return true;
            continue; // what was written to one that had been passed is there first
        }
        pair(STREAM, fd);
        shut(fd[0]), shut(fd[1]);
    }
    return false;
}

// --- processes, threads, signals ---

long start_child(void)
{
    return CALL(clone, SIGCHLD);
}

int end_of(long child)
{
    int status = 0;
    long r;
    do
        r = CALL(wait4, child, &status, 0, 0);
    while (r == -EINTR);
    return r != child ? -1 : status & 0x7f ? 1000 + (status & 0x7f) : status >> 8;
}

void nap(int milliseconds)
{
    struct time t = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    while (CALL(nanosleep, &t, &t) == -EINTR)
        ;
}

static volatile int *counts; // common to all processes

static void handler(int n)
{
    counts[n]++;
}

#ifdef __riscv
static void action(int n, void (*what)(int), u64 flags)
{
    u64 act[3] = {(u64)what, flags, 0};
    (void)CALL(rt_sigaction, n, act, 0, 8);
}
#else
void machine_return(void);
__asm__("machine_return: movl $15, %eax\n syscall\n");
static void action(int n, void (*what)(int), u64 flags)
{
    u64 act[4] = {(u64)what, flags | 0x04000000, (u64)machine_return, 0};
    (void)CALL(rt_sigaction, n, act, 0, 8);
}
#endif

void count_signal(int n, u64 flags)
{
    if (!counts)
        counts = (volatile int *)CALL(mmap, 0, 4096, 3, 0x21, -1, 0);
    counts[n] = 0;
    action(n, handler, flags);
}

void ignore(int n, bool yes)
{
    action(n, (void (*)(int))(u64)yes, 0);
}

int caught(int n)
{
    return counts[n];
}

enum { STACK = 16384, THREADS = 4 };
static char stacks[THREADS][STACK] __attribute__((aligned(16)));
static volatile int thread_lives[THREADS];
static long threads;

// (flags, stack, where the thread's end is told, number of the call): the new thread takes a
// function and its argument from its stack.
long machine_thread(u64 flags, void *stack, volatile int *end, long number);
#ifdef __riscv
__asm__("machine_thread: mv a7, a3\n mv a4, a2\n li a2, 0\n li a3, 0\n ecall\n bnez a0, 1f\n"
        " ld a1, 0(sp)\n ld a0, 8(sp)\n addi sp, sp, 16\n jalr a1\n ebreak\n1: ret\n");
#else
__asm__(
    "machine_thread: movq %rcx, %rax\n movq %rdx, %r10\n xorl %edx, %edx\n xorl %r8d, %r8d\n"
    " syscall\n testq %rax, %rax\n jne 1f\n popq %rax\n popq %rdi\n call *%rax\n hlt\n1: ret\n");
#endif

static struct {
    void (*run)(long);
    long argument;
} bodies[THREADS];

static void thread_begins(long which)
{
    bodies[which].run(bodies[which].argument);
    for (;;)
        (void)CALL(exit, 0);
}

long start_thread(void (*run)(long), long argument)
{
    long which = threads++ % THREADS;
    u64 *top = (u64 *)(stacks[which] + STACK - 16);
    bodies[which].run = run, bodies[which].argument = argument;
    top[0] = (u64)thread_begins;
    top[1] = (u64)which;
    thread_lives[which] = 1;
    // VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, CHILD_CLEARTID
    long r = machine_thread(0x250f00, top, &thread_lives[which], SYS_clone);
    if (r < 0)
        tell("thread", r);
    return which;
}

void join_thread(long which)
{
    while (thread_lives[which])
        (void)CALL(futex, &thread_lives[which], 0, 1, 0);
}

long own_pid(void)
{
    return CALL(getpid);
}

long pester(void)
{
    long me = own_pid(), child = start_child();
    if (child)
        return child;
    for (;;) {
        nap(20);
        if (CALL(kill, me, SIGUSR1) < 0)
            leave(0);
    }
}

void hush(long child)
{
    (void)CALL(kill, child, SIGKILL);
    (void)end_of(child);
}

u32 chance(u32 *seed, u32 n)
{
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 8) % n;
}
