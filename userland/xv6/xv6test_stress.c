// Many at once.
#include "xv6test.h"

static char buf[1024];

static void wait_for(int n)
{
    for (int st; n; n--)
        CHECK(wait(&st) > 0 && st == 0);
    CHECK(wait(NULL) == -1);
}

// Two writers on one descriptor: each write is whole, none is lost.
static void shared_descriptor(void)
{
    int fd = open("sh1", O_CREATE | O_RDWR | O_TRUNC), pid = fork(), c = 0, p = 0, n;
    CHECK(fd >= 0 && pid >= 0);
    memset(buf, pid ? 'p' : 'c', 10);
    for (int i = 0; i < 1000; i++)
        CHECK(write(fd, buf, 10) == 10);
    if (pid == 0)
        exit(0);
    wait_for(1);
    close(fd);
    fd = open("sh1", O_RDONLY);
    while ((n = read(fd, buf, sizeof(buf))) > 0)
        for (int i = 0; i < n; i++) {
            c += buf[i] == 'c';
            p += buf[i] == 'p';
        }
    CHECK(c == 10000 && p == 10000);
    CHECK(unlink("sh1") == 0);
}

static void concurrent_files(void)
{
    char name[] = "cf0";
    for (int k = 0; k < 4; k++) {
        int pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            name[2] = (char)('0' + k);
            int fd = open(name, O_CREATE | O_RDWR);
            memset(buf, '0' + k, 500);
            for (int i = 0; i < 12; i++)
                CHECK(write(fd, buf, 500) == 500);
            exit(0);
        }
    }
    wait_for(4);
    for (int k = 0; k < 4; k++) {
        int n, total = 0;
        name[2] = (char)('0' + k);
        int fd = open(name, O_RDONLY);
        while ((n = read(fd, buf, sizeof(buf))) > 0) {
            for (int i = 0; i < n; i++)
                CHECK(buf[i] == '0' + k);
            total += n;
        }
        CHECK(total == 6000);
        close(fd);
        CHECK(unlink(name) == 0);
    }
}

static void create_and_delete(void)
{
    char name[] = "p00";
    for (int k = 0; k < 4; k++) {
        int pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            name[0] = (char)('p' + k);
            for (int i = 0; i < 20; i++) {
                name[1] = (char)('0' + i);
                int fd = open(name, O_CREATE | O_RDWR);
                CHECK(fd >= 0);
                close(fd);
                if (i > 0 && i % 2 == 0) {
                    name[1] = (char)('0' + i / 2);
                    CHECK(unlink(name) == 0);
                }
            }
            exit(0);
        }
    }
    wait_for(4);
    for (int i = 0; i < 20; i++)
        for (int k = 0; k < 4; k++) {
            name[0] = (char)('p' + k);
            name[1] = (char)('0' + i);
            int fd = open(name, O_RDONLY);
            CHECK((fd >= 0) == (i == 0 || i >= 10));
            if (fd >= 0) {
                close(fd);
                CHECK(unlink(name) == 0);
            }
        }
}

// The same name made, linked and removed by two.
static void concurrent_creates(void)
{
    char name[] = "C0";
    struct dirent d;
    bool seen[40] = {0};
    unlink("C0");
    for (int i = 0; i < 40; i++) {
        name[1] = (char)('0' + i);
        unlink(name);
        int pid = fork();
        CHECK(pid >= 0);
        if (pid && i % 3 == 1) {
            link("C0", name);
        } else if (!pid && i % 5 == 1) {
            link("C0", name);
        } else {
            int fd = open(name, O_CREATE | O_RDWR);
            CHECK(fd >= 0);
            close(fd);
        }
        if (!pid)
            exit(0);
        wait_for(1);
    }
    int fd = open(".", O_RDONLY), n = 0;
    while (read(fd, &d, sizeof(d)) == sizeof(d))
        if (d.inum && d.name[0] == 'C' && d.name[2] == 0) {
            int i = d.name[1] - '0';
            CHECK(i >= 0 && i < 40 && !seen[i]);
            seen[i] = true;
            n++;
        }
    CHECK(n == 40);
    for (int i = 0; i < 40; i++) {
        name[1] = (char)('0' + i);
        CHECK(unlink(name) == 0);
    }
}

static void link_and_unlink(void)
{
    int pid = fork();
    unsigned x = pid ? 1 : 97;
    CHECK(pid >= 0);
    for (int i = 0; i < 300; i++) {
        x = x * 1103515245 + 12345;
        if (x % 3 == 0)
            close(open("lu", O_RDWR | O_CREATE));
        else if (x % 3 == 1)
            link("echo", "lu");
        else
            unlink("lu");
    }
    if (!pid)
        exit(0);
    wait_for(1);
    unlink("lu");
}

static void fork_and_fork(void)
{
    for (int i = 0; i < 4; i++) {
        int pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            for (int j = 0; j < 100; j++) {
                int inner = fork();
                if (inner == 0)
                    exit(0);
                CHECK(inner > 0 && wait(NULL) == inner);
            }
            exit(0);
        }
    }
    wait_for(4);
}

// Children that end while their parents do; two hundred times.
static void orphans_all_over(void)
{
    for (int i = 0; i < 100; i++) {
        int pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            fork();
            fork();
            exit(0);
        }
        CHECK(wait(NULL) == pid);
    }
}

static void hundred_files(void)
{
    int p[2], n = 0, pids[12];
    char c;
    CHECK(pipe(p) == 0);
    make_file("hf", "");
    for (int k = 0; k < 12; k++) {
        pids[k] = fork();
        CHECK(pids[k] >= 0);
        if (pids[k] == 0) {
            while (open("hf", O_RDONLY) >= 0)
                write(p[1], "o", 1);
            write(p[1], ".", 1);
            for (;;)
                sleep(1000);
        }
    }
    for (int done = 0; done < 12;) {
        CHECK(read(p[0], &c, 1) == 1);
        n += c == 'o';
        done += c == '.';
    }
    CHECK(n < 100 && n > 60); // of 132 that descriptors would allow
    CHECK(open("hf", O_RDONLY) == -1 && pipe(p) == -1);
    for (int k = 0; k < 12; k++)
        CHECK(kill(pids[k]) == 0);
    for (int k = 0, st; k < 12; k++)
        CHECK(wait(&st) > 0 && st == -1);
    CHECK(open("hf", O_RDONLY) >= 0); // all given back
    unlink("hf");
}

static void bad_exec_many_times(void)
{
    char *argv[] = {(char *)0xffffffff, NULL};
    for (int i = 0; i < 5000; i++)
        exec("echo", argv);
    int fd = open("bw", O_CREATE | O_RDWR);
    for (int i = 0; i < 500; i++)
        CHECK(write(fd, (char *)0xffffffffff, 1) == -1);
    CHECK(write(fd, "x", 1) == 1);
    close(fd);
    CHECK(unlink("bw") == 0);
}

static void preempted(void)
{
    int pids[3], p[2];
    char c;
    CHECK(pipe(p) == 0);
    for (int i = 0; i < 3; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            if (i == 2)
                write(p[1], "x", 1);
            for (volatile int n = 0;; n++)
                ;
        }
        CHECK(pids[i] > 0);
    }
    CHECK(read(p[0], &c, 1) == 1);
    for (int i = 0; i < 3; i++)
        CHECK(kill(pids[i]) == 0);
    for (int i = 0, st; i < 3; i++)
        CHECK(wait(&st) > 0 && st == -1);
}

const struct test stress_tests[] = {{"shared_descriptor", shared_descriptor},
                                    {"concurrent_files", concurrent_files},
                                    {"create_and_delete", create_and_delete},
                                    {"concurrent_creates", concurrent_creates},
                                    {"link_and_unlink", link_and_unlink},
                                    {"fork_and_fork", fork_and_fork},
                                    {"orphans_all_over", orphans_all_over},
                                    {"hundred_files", hundred_files},
                                    {"bad_exec_many_times", bad_exec_many_times},
                                    {"preempted", preempted},
                                    {NULL, NULL}};
