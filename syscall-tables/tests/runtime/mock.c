// A runtime for generated dispatch on the host: "user memory" is one arena, handles are a small
// table, and every acquisition is counted, so that a leak or a double release shows. Each check
// prints what it expected and what came.
#include <linux_consts.h>
#include <linux_dispatch.h>
#include <linux_errno.h>
#include <linux_handlers.h>
#include <linux_trace.h>
#include <linux_types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syscall/trace.h>

enum { BASE = 0x10000, SIZE = 0x4000 };
static u8 arena[SIZE];
static int held;       // handles, names, vectors and sequences not given back yet
static u64 fail_store; // stores at this address fail
static char log_text[256];
static int failures;

static void note(const char *what)
{
    strncat(log_text, what, sizeof(log_text) - strlen(log_text) - 1);
    strncat(log_text, " ", sizeof(log_text) - strlen(log_text) - 1);
}

static void *at(u64 addr, usize n)
{
    return addr >= BASE && n <= SIZE && addr - BASE <= SIZE - n ? arena + (addr - BASE) : NULL;
}

int sys_fetch(void *dst, uaddr_t src, usize n)
{
    void *p = at(src.v, n);
    note("fetch");
    if (p == NULL)
        return -E_FAULT;
    memcpy(dst, p, n);
    return 0;
}

int sys_store(uaddr_t dst, const void *src, usize n)
{
    void *p = at(dst.v, n);
    note("store");
    if (p == NULL || dst.v == fail_store)
        return -E_FAULT;
    memcpy(p, src, n);
    return 0;
}

int sys_name_get(struct sys_name *n, uaddr_t src, usize max)
{
    note("name");
    const char *p = at(src.v, 1);
    if (p == NULL)
        return -E_FAULT;
    if (strlen(p) >= max)
        return -E_NAMETOOLONG;
    n->str = n->heap = strdup(p);
    n->len = strlen(p);
    held++;
    return 0;
}

void sys_name_put(struct sys_name *n)
{
    free(n->heap);
    held--;
}

int iobuf_user(struct iobuf *b, uaddr_t base, usize len, enum iobuf_dir dir)
{
    note("range");
    if (base.v + len < base.v || base.v + len > 1ull << 47)
        return -E_FAULT;
    *b = (struct iobuf){base, len, dir};
    return 0;
}

int iobuf_user_vec(struct iobuf *b, uaddr_t vec, usize count, enum iobuf_dir dir)
{
    note("vec");
    if (at(vec.v, count * 16) == NULL)
        return -E_FAULT;
    *b = (struct iobuf){vec, count, dir};
    held++;
    return 0;
}

void iobuf_done(struct iobuf *b)
{
    (void)b;
    held--;
}

static const struct {
    u32 rights, kind;
} handles[] = {{RIGHT_READ | RIGHT_WRITE, OBJ_KIND_TTY},
               {RIGHT_READ, OBJ_KIND_FILE},
               {RIGHT_WRITE, OBJ_KIND_FILE},
               {RIGHT_READ, OBJ_KIND_DIR}};

int href_get(struct href *h, i32 fd, u32 rights)
{
    note("href");
    if (fd < 0 || fd > 3 || (handles[fd].rights & rights) != rights)
        return -E_BADF;
    h->rights = handles[fd].rights;
    held++;
    return 0;
}

int href_get_kind(struct href *h, i32 fd, u32 rights, u32 kind, int wrong_kind_err)
{
    const int rc = href_get(h, fd, rights);
    if (rc != 0 || (handles[fd].kind & kind) != 0)
        return rc;
    held--;
    return -wrong_kind_err;
}

void href_put(struct href *h)
{
    (void)h;
    held--;
}

int sys_seq_new(struct sys_seq *s, usize count, usize elem, usize max)
{
    if (max != 0 && count > max)
        return -E_INVAL;
    s->bytes = count * elem;
    s->ptr = calloc(count + 1, elem);
    held++;
    return 0;
}

int sys_seq_get(struct sys_seq *s, uaddr_t src, usize count, usize elem, usize max)
{
    note("seq");
    if (max != 0 && count > max)
        return -E_INVAL;
    if (at(src.v, count * elem) == NULL)
        return -E_FAULT;
    s->bytes = count * elem;
    s->ptr = malloc(s->bytes + 1);
    memcpy(s->ptr, at(src.v, s->bytes), s->bytes);
    held++;
    return 0;
}

int sys_seq_store(struct sys_seq *s, uaddr_t dst)
{
    return sys_store(dst, s->ptr, s->bytes);
}

void sys_seq_put(struct sys_seq *s)
{
    free(s->ptr);
    held--;
}

// ---- handlers ----
static i64 answer;
static u64 seen[4];

i64 linux_getpid(void)
{
    return 42;
}
i64 linux_close(i32 fd)
{
    return fd == 3 ? 0 : -E_BADF;
}
i64 linux_open(const struct sys_name *path, u32 flags, u32 mode)
{
    seen[0] = path->len, seen[1] = flags, seen[2] = mode;
    return answer;
}
i64 linux_read(struct href *fd, struct iobuf *buf, usize count)
{
    seen[0] = fd->rights, seen[1] = buf->len, seen[2] = count;
    return answer;
}
i64 linux_writev(struct href *fd, struct iobuf *vec, u32 count)
{
    return fd != NULL && vec != NULL ? (i64)count : -E_IO;
}
i64 linux_fstat(struct href *fd, struct linux_stat *st)
{
    (void)fd;
    for (usize i = 0; i < sizeof(*st); i++)
        seen[0] |= ((u8 *)st)[i];
    st->st_mode = 0100644;
    st->st_size = 7;
    return answer;
}
i64 linux_lseek(struct href *fd, i64 offset, i32 whence)
{
    return fd != NULL ? offset + whence : 0;
}
i64 linux_nanosleep(const struct linux_timespec *req, struct linux_timespec *rem)
{
    if (rem != NULL)
        rem->tv_sec = req->tv_sec;
    return answer;
}
i64 linux_getdents(struct href *fd, struct iobuf *ents, u32 count)
{
    return fd != NULL && ents->len == count ? answer : -E_IO;
}
i64 linux_pipe(i32 *fds, u32 flags)
{
    (void)flags;
    fds[0] = 3, fds[1] = 4;
    return answer;
}
void linux_pipe_undo(i32 *fds, u32 flags)
{
    (void)flags, seen[3] = (u64)(fds[0] + fds[1]);
}
i64 linux_multi_OP_GET(struct href *fd, u32 op, u32 *value)
{
    *value = fd != NULL ? op : 0;
    return 0;
}
i64 linux_multi_OP_WAIT(struct href *fd, u32 op, const struct linux_timespec *ts)
{
    (void)fd;
    return ts == NULL ? (i64)op : ts->tv_sec;
}
i64 linux_multi_OP_SET(struct href *fd, const u32 *value)
{
    (void)fd;
    return *value;
}
i64 linux_openat2(i32 dir, const struct sys_name *path, const struct linux_how *how, usize size)
{
    seen[0] = how->flags, seen[1] = how->mode, seen[2] = size;
    return dir + (i64)path->len;
}
i64 linux_map(uaddr_t addr, u32 prot, struct href *fd)
{
    seen[0] = fd != NULL;
    return (i64)(addr.v + prot);
}
i64 linux_sums(const u32 *list, u64 *total, u32 n)
{
    for (u32 i = 0; i < n; i++)
        *total += list[i];
    return 0;
}
i64 linux_fork(uaddr_t stack, u64 flags, struct trapframe *tf)
{
    return tf != NULL ? (i64)(stack.v * 100 + flags) : 0;
}
i64 linux_peek(struct iobuf *buf, u32 count)
{
    return (i64)(buf->len * 100 + count);
}
i64 linux_exit(i32 code)
{
    return code;
}

// ---- cases ----
static char frame;

static void call(const char *what, u64 nr, const u64 *a, i64 want, const char *steps)
{
    log_text[0] = '\0';
    const i64 got = linux_syscalls[nr].fn(a, (struct trapframe *)(void *)&frame);
    if (got != want || held != 0 || (steps != NULL && strcmp(log_text, steps) != 0)) {
        printf("%s: expected %lld [%s], got %lld [%s], %d still held\n", what, (long long)want,
               steps != NULL ? steps : "", (long long)got, log_text, held);
        failures++;
    }
    held = 0;
}

static void same(const char *what, u64 want, u64 got)
{
    if (want != got) {
        printf("%s: expected %#llx, got %#llx\n", what, (unsigned long long)want,
               (unsigned long long)got);
        failures++;
    }
}

#define ARGS(...) ((const u64[6]){__VA_ARGS__})
enum { GOOD = BASE + 64, BAD = 1 };

static void behaviour(void)
{
    u64 *mem = (u64 *)(void *)(arena + 64);
    call("integers only", LINUX_SYS_getpid, ARGS(0), 42, "");
    call("register is truncated", LINUX_SYS_close, ARGS(0xffffffff00000003), 0, "");
    strcpy((char *)arena + 64, "name");
    answer = 5;
    call("open", LINUX_SYS_open, ARGS(GOOD, LINUX_O_CREAT, 0644), 5, "name ");
    same("mode is passed when it counts", 0644, seen[2]);
    call("open without mode", LINUX_SYS_open, ARGS(GOOD, LINUX_O_RDWR, 0644), 5, "name ");
    same("mode is absent otherwise", 0, seen[2]);
    call("flags are refused before the path", LINUX_SYS_open, ARGS(BAD, LINUX_O_PATH), -E_INVAL,
         "");
    call("a flag of two bits", LINUX_SYS_open, ARGS(BAD, LINUX_O_TMPFILE), -E_OPNOTSUPP, "");
    call("half of it is another flag", LINUX_SYS_open, ARGS(GOOD, LINUX_O_DIRECTORY), 5, "name ");
    call("unknown bits pass where the table says so", LINUX_SYS_open, ARGS(GOOD, 0x40000000), 5,
         "name ");
    call("path fault", LINUX_SYS_open, ARGS(BAD, 0), -E_FAULT, "name ");
    call("read", LINUX_SYS_read, ARGS(1, GOOD, 10), 5, "href range ");
    same("span", 10, seen[1]);
    call("handle before range", LINUX_SYS_read, ARGS(9, (u64)-1, 10), -E_BADF, "href ");
    call("missing right", LINUX_SYS_read, ARGS(2, GOOD, 10), -E_BADF, "href ");
    call("range", LINUX_SYS_read, ARGS(1, (u64)-8, 10), -E_FAULT, "href range ");
    call("range is checked before the clamp", LINUX_SYS_read, ARGS(1, GOOD, (u64)-1), -E_FAULT,
         "href range ");
    call("clamp", LINUX_SYS_read, ARGS(1, GOOD, 0x100000000), 5, "href range range ");
    same("clamped span", 0x7ffff000, seen[1]);
    same("clamped count", 0x7ffff000, seen[2]);
    call("right with its own error", LINUX_SYS_writev, ARGS(1, GOOD, 1), -E_ACCES, "href ");
    call("too many pieces", LINUX_SYS_writev, ARGS(2, GOOD, 1025), -E_INVAL, "href ");
    call("vector fault", LINUX_SYS_writev, ARGS(2, BAD, 1), -E_FAULT, "href vec ");
    call("vector", LINUX_SYS_writev, ARGS(2, GOOD, 2), 2, "href vec ");
    seen[0] = 0, answer = 0;
    call("out struct", LINUX_SYS_fstat, ARGS(0, GOOD), 0, "href store ");
    same("out struct begins as zero", 0, seen[0]);
    same("out struct arrives", 7, mem[3]);
    answer = -E_IO;
    call("nothing is copied out on failure", LINUX_SYS_fstat, ARGS(0, GOOD), -E_IO, "href ");
    answer = 0;
    call("copy-out fault", LINUX_SYS_fstat, ARGS(0, BAD), -E_FAULT, "href store ");
    call("wrong kind", LINUX_SYS_lseek, ARGS(0, 0, 0), -E_SPIPE, "href ");
    call("enum value", LINUX_SYS_lseek, ARGS(1, 40, 2), 42, "href ");
    call("refused enum value", LINUX_SYS_lseek, ARGS(1, 40, 3), -E_INVAL, "href ");
    call("unknown enum value", LINUX_SYS_lseek, ARGS(1, 40, 4), -E_INVAL, "href ");
    call("negative enum value", LINUX_SYS_lseek, ARGS(1, 40, (u64)-1), -E_INVAL, "href ");
    mem[0] = 9, mem[1] = 5, mem[4] = 0;
    answer = 0;
    call("stored on interruption only", LINUX_SYS_nanosleep, ARGS(GOOD, GOOD + 32), 0, "fetch ");
    answer = -E_INTR;
    call("interrupted", LINUX_SYS_nanosleep, ARGS(GOOD, GOOD + 32), -E_INTR, "fetch store ");
    same("rest", 9, mem[4]);
    answer = -E_RESTART;
    call("interrupted, may restart", LINUX_SYS_nanosleep, ARGS(GOOD, GOOD + 32), -E_RESTART,
         "fetch store ");
    call("null is no place", LINUX_SYS_nanosleep, ARGS(GOOD, 0), -E_RESTART, "fetch ");
    call("rest at a bad address", LINUX_SYS_nanosleep, ARGS(GOOD, BAD), -E_FAULT, "fetch store ");
    mem[1] = 1000000000;
    call("check of a field", LINUX_SYS_nanosleep, ARGS(GOOD, 0), -E_INVAL, "fetch ");
    answer = 3;
    call("directory", LINUX_SYS_getdents, ARGS(3, GOOD, 100), 3, "href range ");
    call("no directory", LINUX_SYS_getdents, ARGS(1, GOOD, 100), -E_NOTDIR, "href ");
    answer = 0;
    call("pair", LINUX_SYS_pipe, ARGS(GOOD, 0), 0, "store ");
    same("pair arrives", 3 | 4ull << 32, mem[0]);
    seen[3] = 0;
    call("pair is undone", LINUX_SYS_pipe, ARGS(BAD, 0), -E_FAULT, "store ");
    same("undo", 7, seen[3]);
    call("variant", LINUX_SYS_multi, ARGS(1, LINUX_OP_GET | LINUX_OP_PRIVATE, GOOD), 0,
         "href store ");
    same("selector with its modifier", 0x81, (u32)mem[0]);
    call("variant with kind", LINUX_SYS_multi, ARGS(0, LINUX_OP_SET, GOOD), 0x81, "href fetch ");
    call("variant, wrong kind", LINUX_SYS_multi, ARGS(1, LINUX_OP_SET, GOOD), -E_NOTTY, "href ");
    call("optional null", LINUX_SYS_multi, ARGS(1, LINUX_OP_WAIT, 0), LINUX_OP_WAIT, "href ");
    call("no variant", LINUX_SYS_multi, ARGS(1, 99, 0), -E_NOTTY, "href ");
    call("no variant, bad handle first", LINUX_SYS_multi, ARGS(99, 99, 0), -E_BADF, "href ");
    same("restart of a variant", SYS_RESTART_BLOCK,
         linux_restart_model(LINUX_SYS_multi, ARGS(1, LINUX_OP_WAIT, 5)));
    same("restart without time", SYS_RESTART_SA,
         linux_restart_model(LINUX_SYS_multi, ARGS(1, LINUX_OP_WAIT | LINUX_OP_PRIVATE, 0)));
    same("restart by number", SYS_RESTART_SA, linux_restart_model(LINUX_SYS_open, ARGS(0)));
    same("restart of no call", SYS_RESTART_NEVER, linux_restart_model(9999, ARGS(0)));
    memset(arena, 0, sizeof(arena));
    strcpy((char *)arena + 64, "abc");
    mem[4] = LINUX_O_CREAT, mem[5] = 0600;
    call("struct with a size", LINUX_SYS_openat2, ARGS(0, GOOD, GOOD + 32, 24), 3, "name fetch ");
    same("its fields", 0600, seen[1]);
    call("too short", LINUX_SYS_openat2, ARGS(0, GOOD, GOOD + 32, 23), -E_INVAL, "name ");
    call("longer, zero", LINUX_SYS_openat2, ARGS(0, GOOD, GOOD + 32, 200), 3, NULL);
    arena[64 + 32 + 199] = 1;
    call("longer, not zero", LINUX_SYS_openat2, ARGS(0, GOOD, GOOD + 32, 200), -E_2BIG, NULL);
    mem[6] = 1;
    call("refused field", LINUX_SYS_openat2, ARGS(0, GOOD, GOOD + 32, 24), -E_INVAL, "name fetch ");
    mem[6] = 0, mem[4] = LINUX_O_PATH;
    call("refused flag in a field", LINUX_SYS_openat2, ARGS(0, GOOD, GOOD + 32, 24), -E_INVAL,
         "name fetch ");
    call("no handle wanted", LINUX_SYS_map, ARGS(0x1000, LINUX_PROT_WRITE, (u64)-1), 0x1002, "");
    same("none", 0, seen[0]);
    call("alignment", LINUX_SYS_map, ARGS(0x1001, 0, 1), -E_INVAL, "");
    call("unknown flag", LINUX_SYS_map, ARGS(0x1000, 0x10, 1), -E_INVAL, "");
    call("refused flag", LINUX_SYS_map, ARGS(0x1000, LINUX_PROT_SEM, 1), -E_INVAL, "");
    call("conditional right", LINUX_SYS_map, ARGS(0x1000, LINUX_PROT_WRITE, 1), -E_ACCES, "href ");
    call("conditional right held", LINUX_SYS_map, ARGS(0x1000, LINUX_PROT_WRITE, 2), 0x1002,
         "href ");
    call("refused combination", LINUX_SYS_map, ARGS(0x1000, LINUX_PROT_READ, 1), -E_PERM, "href ");
    ((u32 *)(void *)arena)[20] = 5, ((u32 *)(void *)arena)[21] = 6;
    mem[0] = 100;
    call("array", LINUX_SYS_sums, ARGS(GOOD + 16, GOOD, 2), 0, "seq fetch store ");
    same("in and out", 111, mem[0]);
    call("array too long", LINUX_SYS_sums, ARGS(GOOD + 16, GOOD, 9), -E_INVAL, "seq ");
    call("in and out, fault", LINUX_SYS_sums, ARGS(GOOD + 16, BAD, 2), -E_FAULT, "seq fetch ");
    call("only the register's low half counts", LINUX_SYS_peek, ARGS(GOOD, 0x100000005), 505,
         "range ");
    call("clamp of a short count", LINUX_SYS_peek, ARGS(GOOD, 0x100000015), 1616, "range range ");
    call("register order and frame", LINUX_SYS_fork, ARGS(7, 5), 507, "");
    same("no entry", 0, (u64)linux_syscalls[LINUX_SYS_gone].fn);
    same("error map", 2, (u64)linux_errno[E_NOENT]);
    same("internal error", 4, (u64)linux_errno[E_RESTART]);
}

// ---- tracer ----
static int reader(void *ctx, void *dst, u64 addr, usize n)
{
    (void)ctx;
    const void *p = at(addr, n);
    if (p == NULL)
        return -1;
    memcpy(dst, p, n);
    return 0;
}

static void traced(u64 nr, const u64 *a, i64 ret, bool exiting, const char *want)
{
    static const struct trace_reader rd = {.read = reader, .errors = &linux_trace_errors};
    char text[512];
    const usize n = trace_format(text, sizeof(text), linux_syscalls[nr].desc, a, exiting, ret, &rd);
    if (strcmp(text, want) != 0 || n != strlen(want)) {
        printf("trace: expected %s\n            got %s\n", want, text);
        failures++;
    }
    char small[8];
    if (trace_format(small, sizeof(small), linux_syscalls[nr].desc, a, exiting, ret, &rd) != n ||
        strncmp(small, want, 7) != 0)
        printf("trace: cut text differs\n"), failures++;
}

static void tracer(void)
{
    u64 *mem = (u64 *)(void *)(arena + 64);
    memset(arena, 0, sizeof(arena));
    traced(LINUX_SYS_getpid, ARGS(0), 42, true, "getpid()                                = 42");
    strcpy((char *)arena + 64, "/etc/passwd");
    traced(LINUX_SYS_open, ARGS(GOOD, 0), 3, true, "open(\"/etc/passwd\", O_RDONLY)           = 3");
    traced(LINUX_SYS_open, ARGS(GOOD, LINUX_O_RDWR | LINUX_O_CREAT, 0), -2, true,
           "open(\"/etc/passwd\", O_RDWR|O_CREAT, 000) = -1 ENOENT (No such file or directory)");
    traced(LINUX_SYS_open, ARGS(BAD, 3), -14, true,
           "open(0x1, 0x3 /* O_??? */)              = -1 EFAULT (Bad address)");
    traced(LINUX_SYS_open, ARGS(0, 0x40000001), -512, true,
           "open(NULL, O_WRONLY|0x40000000)         = ? ERESTARTSYS (To be restarted if SA_RESTART "
           "is set)");
    memcpy(arena + 64, "\177ELF\2\1\1\0\0\08\"\\\n\t\1a", 17);
    traced(LINUX_SYS_read, ARGS(3, GOOD, 100), 17, true,
           "read(3, \"\\177ELF\\2\\1\\1\\0\\0\\08\\\"\\\\\\n\\t\\1a\", 100) = 17");
    memset(arena + 64, 'x', 40);
    traced(LINUX_SYS_read, ARGS(3, GOOD, 100), 40, true,
           "read(3, \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"..., 100) = 40");
    traced(LINUX_SYS_read, ARGS(3, GOOD, 100), 0, true,
           "read(3, \"\", 100)                        = 0");
    traced(LINUX_SYS_read, ARGS(3, GOOD, 100), -9, true,
           "read(3, 0x10040, 100)                   = -1 EBADF (Bad file descriptor)");
    traced(LINUX_SYS_read, ARGS(3, GOOD, 100), 0, false, "read(3, ");
    memcpy(arena + 200, "ab", 2);
    mem[0] = BASE + 200, mem[1] = 2, mem[2] = BASE + 200, mem[3] = 1;
    traced(LINUX_SYS_writev, ARGS(1, GOOD, 2), 3, true,
           "writev(1, [{iov_base=\"ab\", iov_len=2}, {iov_base=\"a\", iov_len=1}], 2) = 3");
    struct linux_stat st = {.st_mode = 0100644, .st_size = 7};
    memcpy(arena + 64, &st, sizeof(st));
    traced(LINUX_SYS_fstat, ARGS(3, GOOD), 0, true,
           "fstat(3, {st_mode=S_IFREG|0644, st_size=7, ...}) = 0");
    st = (struct linux_stat){.st_mode = 020666, .st_rdev = 0x103};
    memcpy(arena + 64, &st, sizeof(st));
    traced(LINUX_SYS_fstat, ARGS(3, GOOD), 0, true,
           "fstat(3, {st_mode=S_IFCHR|0666, st_rdev=makedev(0x1, 0x3), ...}) = 0");
    traced(LINUX_SYS_lseek, ARGS(3, (u64)-5, 2), 10, true,
           "lseek(3, -5, SEEK_END)                  = 10");
    traced(LINUX_SYS_lseek, ARGS(3, 0, 77), -22, true,
           "lseek(3, 0, 0x4d /* SEEK_??? */)        = -1 EINVAL (Invalid argument)");
    mem[0] = 1, mem[1] = 500;
    traced(LINUX_SYS_nanosleep, ARGS(GOOD, 0), 0, true,
           "nanosleep({tv_sec=1, tv_nsec=500}, NULL) = 0");
    struct linux_dirent d = {.d_reclen = 16};
    for (usize i = 0; i < 3; i++)
        memcpy(arena + 64 + 16 * i, &d, 16);
    traced(LINUX_SYS_getdents, ARGS(3, GOOD, 1000), 48, true,
           "getdents(3, 0x10040 /* 3 entries */, 1000) = 48");
    mem[0] = 3 | 4ull << 32;
    traced(LINUX_SYS_pipe, ARGS(GOOD, 0), 0, true, "pipe([3, 4], O_RDONLY)                  = 0");
    mem[0] = 17;
    traced(LINUX_SYS_multi, ARGS(3, 0x81, GOOD), 0, true,
           "multi(3, OP_GET|OP_PRIVATE, [17])       = 0");
    traced(LINUX_SYS_multi, ARGS(3, 2, GOOD), 0, true,
           "multi(3, OP_SET, [17])                  = 0");
    traced(LINUX_SYS_multi, ARGS(3, 0x63, 0x5), -25, true,
           "multi(3, 0x63 /* OP_??? */, 0x5)        = -1 ENOTTY (Inappropriate ioctl for device)");
    traced(LINUX_SYS_map, ARGS(0, 0, (u64)-1), 0x7f001000, true,
           "map(NULL, PROT_NONE, -1)                = 0x7f001000");
    traced(LINUX_SYS_fork, ARGS(0x11, 0), 9, true, "fork(flags=17, NULL)                    = 9");
    traced(LINUX_SYS_exit, ARGS(1), 0, true, "exit(1)                                 = ?");
}

int main(void)
{
    behaviour();
    tracer();
    if (failures == 0)
        puts("ok");
    return failures != 0;
}
