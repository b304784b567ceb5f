// Bad pointers in every call that takes one.
#include "xv6test.h"

static void *bad(int i)
{
    return (void *)(uintptr_t)foreign[i];
}

static void buffers(void)
{
    int p[2], fd = open("bp", O_CREATE | O_RDWR | O_TRUNC);
    CHECK(write(fd, "0123456789", 10) == 10);
    close(fd);
    CHECK(pipe(p) == 0);
    for (int i = 0; i < foreign_count; i++) {
        fd = open("bp", O_RDWR);
        CHECK(read(fd, bad(i), 8192) == -1);
        CHECK(write(fd, bad(i), 8192) == -1);
        CHECK(write(fd, bad(i), 1) == -1);
        close(fd);
        CHECK(write(p[1], bad(i), 8192) <= 0);
        CHECK(write(p[1], "x", 1) == 1);
        CHECK(read(p[0], bad(i), 8192) <= 0);
        char c;
        (void)!fstat(p[0], (struct stat *)&c);
        close(p[0]); // whether the byte is still in the pipe is not said
        close(p[1]);
        CHECK(pipe(p) == 0);
    }
    unlink("bp");
}

// The console reads and writes nothing at such addresses either.
static void console_buffers(void)
{
    CHECK(mknod("con", 1, 0) == 0);
    int fd = open("con", O_RDWR);
    CHECK(fd >= 0);
    for (int i = 0; i < foreign_count; i++)
        CHECK(write(fd, bad(i), 8192) <= 0);
    CHECK(close(fd) == 0 && unlink("con") == 0);
}

static void strings(void)
{
    make_file("sp", "");
    char *argv[] = {"x", NULL};
    for (int i = 0; i < foreign_count; i++) {
        CHECK(open(bad(i), O_CREATE | O_WRONLY) == -1);
        CHECK(unlink(bad(i)) == -1 && mkdir(bad(i)) == -1 && chdir(bad(i)) == -1 &&
              mknod(bad(i), 1, 1) == -1);
        CHECK(link(bad(i), "sp2") == -1 && link("sp", bad(i)) == -1);
        CHECK(exec(bad(i), argv) == -1 && exec("echo", bad(i)) == -1);
    }
    unlink("sp");
}

static void results(void)
{
    int fd = open(".", O_RDONLY);
    for (int i = 0; i < foreign_count; i++) {
        CHECK(fstat(fd, bad(i)) == -1);
        CHECK(pipe(bad(i)) == -1);
        CHECK(read(fd, bad(i), 16) == -1);
    }
    CHECK(dup(fd) == fd + 1); // no descriptor was left behind
    struct dirent d;
    CHECK(read(fd, &d, 5) == 5 && memcmp((char *)&d + 2, ".", 2) == 0); // nor was anything read
    CHECK(read(fd, bad(0), 16) == -1 && read(fd, (char *)&d + 5, 11) == 11 && d.name[2] == 0);
    CHECK(read(fd, &d, 16) == 16 && strcmp(d.name, "..") == 0);
}

// A string that runs into the end of memory, one that ends right before it.
static void strings_at_the_edge(void)
{
    uintptr_t top = (uintptr_t)sbrk(2 * PAGE);
    top = (uintptr_t)sbrk(0);
    if (top % PAGE)
        sbrk((int)(PAGE - top % PAGE));
    char *end = sbrk(0);
    end[-1] = 'x';
    CHECK(open(end - 1, O_CREATE | O_WRONLY) == -1 && unlink(end - 1) == -1 &&
          link("echo", end - 1) == -1);
    char *argv[] = {"x", NULL};
    CHECK(exec(end - 1, argv) == -1);
    end[-5] = 'e';
    end[-4] = 'd';
    end[-3] = 'g';
    end[-2] = 'e';
    end[-1] = 0;
    int fd = open(end - 5, O_CREATE | O_RDWR);
    CHECK(fd >= 0);
    CHECK(write(fd, end - 5, 5) == 5 && write(fd, end - 5, 6) == -1);
    close(fd);
    fd = open("edge", O_RDWR);
    memset(end - 5, 0, 5);
    CHECK(read(fd, end - 5, 5) == 5 && strcmp(end - 5, "edge") == 0);
    CHECK(unlink("edge") == 0);
}

// Memory that was given back.
static void freed_memory(void)
{
    char *a = sbrk(2 * PAGE);
    CHECK(a != (char *)-1);
    sbrk(-2 * PAGE);
    int fd = open("fm", O_CREATE | O_WRONLY);
    CHECK(write(fd, a + PAGE, 1024) == -1);
    close(fd);
    fd = open("echo", O_RDONLY);
    CHECK(read(fd, a + PAGE, 10) == -1);
    close(fd);
    CHECK(unlink("fm") == 0);
}

static void every_page_of_the_first_mib(void)
{
    for (uintptr_t p = 0; p < 1100 * 1024; p += PAGE)
        CHECK(link("nosuchfile", (char *)p) == -1);
}

static void text_cannot_be_written(void)
{
    int st, pid = fork();
    if (pid == 0) {
        *(volatile int *)(program_start + 16) = 1;
        exit(1);
    }
    CHECK(wait(&st) == pid);
    if (st == 1) // one segment, read-write-execute
        return;
    CHECK(st == -1);
    int fd = open("echo", O_RDONLY);
    CHECK(read(fd, program_start + 16, 16) == -1);
}

const struct test pointer_tests[] = {{"buffers", buffers},
                                     {"console_buffers", console_buffers},
                                     {"strings", strings},
                                     {"results", results},
                                     {"strings_at_the_edge", strings_at_the_edge},
                                     {"freed_memory", freed_memory},
                                     {"every_page_of_the_first_mib", every_page_of_the_first_mib},
                                     {"text_cannot_be_written", text_cannot_be_written},
                                     {NULL, NULL}};
