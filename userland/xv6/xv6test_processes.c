// Processes: fork, exit, wait, kill, exec, time.
#include "xv6test.h"

static void exit_747(void)
{
    exit(747);
}
static void exit_minus_5(void)
{
    exit(-5);
}

static void statuses(void)
{
    CHECK(child_status(exit_747) == 747); // all 32 bits
    CHECK(child_status(exit_minus_5) == -5);
    for (int i = 0; i < 100; i++) {
        int st, pid = fork();
        if (pid == 0)
            exit(i);
        CHECK(pid > 0 && wait(&st) == pid && st == i);
    }
    CHECK(wait(NULL) == -1);
    int st = 99;
    CHECK(wait(&st) == -1 && st == 99);
    int pid = fork();
    if (pid == 0)
        exit(1);
    CHECK(wait(NULL) == pid); // null is allowed
}

static void bad_status_pointer(void)
{
    int st, pid = fork();
    if (pid == 0)
        exit(7);
    for (int i = 0; i < foreign_count; i++)
        CHECK(wait((int *)(uintptr_t)foreign[i]) == -1);
    CHECK(wait(&st) == pid && st == 7); // it was left unreaped
}

static void memory_is_copied(void)
{
    static volatile int shared = 1;
    volatile int local = 1;
    int st, pid = fork();
    if (pid == 0) {
        shared = local = 2;
        exit(0);
    }
    CHECK(wait(&st) == pid && st == 0 && shared == 1 && local == 1);
}

static void unknown_calls(void)
{
    long numbers[] = {0, -1, 22, 93, 1000000, 64};
    for (int i = 0; i < 6; i++) {
        CHECK(call_by_number(numbers[i]) == -1);
    }
}

static void kill_spinning(void)
{
    int st, pid = fork();
    if (pid == 0)
        for (volatile int i = 0;; i++)
            ;
    CHECK(kill(pid) == 0);
    CHECK(wait(&st) == pid && st == -1);
    CHECK(kill(pid) == -1); // gone
    CHECK(kill(-1) == -1 && kill(0) == -1 && kill(0x7fffffff) == -1);
}

// Killed in a sleep, in a pipe, in wait, on its way to a pipe that is full.
static void kill_waiting(void)
{
    for (int how = 0; how < 4; how++) {
        int p[2], st;
        CHECK(pipe(p) == 0);
        int pid = fork();
        if (pid == 0) {
            char c;
            static char huge[200000];
            if (how == 0)
                sleep(1000);
            else if (how == 1)
                read(p[0], &c, 1);
            else if (how == 2)
                write(p[1], huge, sizeof(huge));
            else if (fork() == 0)
                sleep(3);
            else
                wait(NULL);
            exit(5); // never
        }
        sleep(1);
        CHECK(kill(pid) == 0);
        CHECK(wait(&st) == pid && st == -1);
        close(p[0]);
        close(p[1]);
    }
}

static void kill_zombie(void)
{
    int st, pid = fork();
    if (pid == 0)
        exit(3);
    sleep(1);
    CHECK(kill(pid) == 0); // found, though it has ended
    CHECK(wait(&st) == pid && st == 3);
}

static void kill_self(void)
{
    kill(getpid());
    exit(4); // the call returned to user mode: it must not
}

static void suicide(void)
{
    CHECK(child_status(kill_self) == -1);
}

static void orphans(void)
{
    int p[2];
    char c;
    CHECK(pipe(p) == 0);
    if (fork() == 0) {
        if (fork() == 0) { // an orphan soon
            sleep(1);
            write(p[1], "o", 1);
            exit(0);
        }
        exit(0);
    }
    close(p[1]);
    CHECK(wait(NULL) > 0);
    CHECK(wait(NULL) == -1); // not ours, but init's
    CHECK(read(p[0], &c, 1) == 1 && c == 'o');
}

static char output[512];

// Output of a program, run in a child.
static int output_of(const char *path, char **argv)
{
    int p[2], n = 0, got, st;
    CHECK(pipe(p) == 0);
    int pid = fork();
    if (pid == 0) {
        close(1);
        dup(p[1]);
        close(p[0]);
        close(p[1]);
        exec(path, argv);
        exit(99);
    }
    close(p[1]);
    while ((got = read(p[0], output + n, (int)sizeof(output) - 1 - n)) > 0)
        n += got;
    output[n] = 0;
    close(p[0]);
    CHECK(wait(&st) == pid);
    return st;
}

static void exec_works(void)
{
    char *argv[] = {"echo", "one", "", "three", NULL};
    CHECK(output_of("echo", argv) == 0 && strcmp(output, "one  three\n") == 0);
    char *many[33];
    for (int i = 0; i < 32; i++)
        many[i] = "x";
    many[31] = NULL;
    CHECK(output_of("echo", many) == 0 && strlen(output) == 60); // 31 arguments
    many[31] = "x";
    many[32] = NULL;
    CHECK(output_of("echo", many) == 99); // 32 are too many
}

static void exec_fails_and_leaves_all(void)
{
    static char huge[PAGE + 1];
    char *argv[] = {"echo", "x", NULL}, *bad[] = {(char *)0xffffffffff, NULL};
    CHECK(exec("nosuch", argv) == -1);
    CHECK(exec(".", argv) == -1);
    make_file("text", "not a program\n");
    CHECK(exec("text", argv) == -1);
    make_file("text", "\177ELF but no more");
    CHECK(exec("text", argv) == -1);
    unlink("text");
    CHECK(exec("echo", bad) == -1);
    CHECK(exec("echo", (char **)0xeaeb0b5b00002f5e) == -1);
    memset(huge, 'x', PAGE);
    argv[1] = huge;
    CHECK(exec("echo", argv) == -1); // a string that is no page's
    huge[400] = 0;
    char *long_args[32];
    for (int i = 0; i < 31; i++)
        long_args[i] = huge;
    long_args[31] = NULL;
    CHECK(exec("echo", long_args) == -1); // together more than the stack
    CHECK(open("echo", O_RDONLY) >= 0);
}

static void descriptors_survive_exec(void)
{
    make_file("kept", "kept text\n");
    int st, pid = fork();
    if (pid == 0) {
        close(0);
        CHECK(open("kept", O_RDONLY) == 0);
        close(1);
        CHECK(open("copy", O_CREATE | O_WRONLY) == 1);
        char *argv[] = {"cat", NULL};
        exec("cat", argv);
        exit(9);
    }
    CHECK(wait(&st) == pid && st == 0);
    char buf[20];
    int fd = open("copy", O_RDONLY);
    CHECK(read(fd, buf, 20) == 10);
    unlink("kept");
    unlink("copy");
}

static void time_passes(void)
{
    int before = uptime();
    CHECK(sleep(3) == 0);
    int after = uptime();
    CHECK(after - before >= 3 && after - before < 50);
    CHECK(sleep(0) == 0);
}

static void sixty_four_processes(void)
{
    int n = 0, pid, p[2];
    CHECK(pipe(p) == 0);
    while ((pid = fork()) > 0 && n < 1000)
        n++;
    if (pid == 0) {
        char c;
        close(p[1]);
        exit(read(p[0], &c, 1) != 0); // until the parent closes
    }
    CHECK(pid == -1 && n >= 30 && n <= 63);
    close(p[1]);
    for (int i = 0, st; i < n; i++)
        CHECK(wait(&st) > 0 && st == 0);
    CHECK(wait(NULL) == -1);
    pid = fork(); // and again
    if (pid == 0)
        exit(0);
    CHECK(pid > 0 && wait(NULL) == pid);
}

const struct test process_tests[] = {{"statuses", statuses},
                                     {"bad_status_pointer", bad_status_pointer},
                                     {"memory_is_copied", memory_is_copied},
                                     {"registers_survive", registers_survive},
                                     {"unknown_calls", unknown_calls},
                                     {"kill_spinning", kill_spinning},
                                     {"kill_waiting", kill_waiting},
                                     {"kill_zombie", kill_zombie},
                                     {"suicide", suicide},
                                     {"orphans", orphans},
                                     {"exec_works", exec_works},
                                     {"exec_fails_and_leaves_all", exec_fails_and_leaves_all},
                                     {"descriptors_survive_exec", descriptors_survive_exec},
                                     {"time_passes", time_passes},
                                     {"sixty_four_processes", sixty_four_processes},
                                     {NULL, NULL}};
