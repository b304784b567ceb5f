// xv6test [NAME...]: all tests, or those named; -l lists them. The last line and the status say how
// it went.
#include "xv6test.h"

const uint64_t foreign[] = {0x80000000,         0x80200000,         0x3fffffe000,
                            0x3ffffff000,       0x4000000000,       0x8000000000,
                            0x8000000000000000, 0xffffffc080000000, 0xffffffff80000000,
                            0xffffffffffffe000, 0xffffffffffffffff};
const int foreign_count = sizeof(foreign) / sizeof(foreign[0]);

void fail(const char *file, int line, const char *what)
{
    printf("%s:%d: %s\n", file, line, what);
    exit(1);
}

int child_status(void (*fn)(void))
{
    int status = -2, pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        fn();
        exit(0);
    }
    CHECK(wait(&status) == pid);
    return status;
}

void make_file(const char *name, const char *text)
{
    int fd = open(name, O_CREATE | O_WRONLY | O_TRUNC), n = (int)strlen(text);
    CHECK(fd >= 0);
    CHECK(write(fd, text, n) == n);
    CHECK(close(fd) == 0);
}

static const struct test *const groups[] = {file_tests,   dir_tests,     process_tests,
                                            memory_tests, pointer_tests, stress_tests};

static bool wanted(const char *name, int argc, char **argv)
{
    if (argc < 2)
        return true;
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return true;
    return false;
}

// True: it passed.
static bool run(const struct test *t)
{
    int status = -1, pid = fork();
    if (pid < 0) {
        printf("%s: cannot fork\n", t->name);
        return false;
    }
    if (pid == 0) {
        t->fn();
        exit(0);
    }
    if (wait(&status) != pid)
        printf("%s: wait gave another process\n", t->name);
    if (status)
        printf("FAILED %s (status %d)\n", t->name, status);
    else
        printf("ok %s\n", t->name);
    return status == 0;
}

// Strings and array are 16-byte aligned, and null ends the array.
static void check_arguments(int argc, char **argv)
{
    CHECK(((uintptr_t)argv & 15) == 0 && argv[argc] == NULL);
    for (int i = 0; i < argc; i++)
        CHECK(((uintptr_t)argv[i] & 15) == 0);
}

int main(int argc, char **argv)
{
    check_arguments(argc, argv);
    int count = 0, failed = 0;
    bool list = argc == 2 && strcmp(argv[1], "-l") == 0;
    for (unsigned g = 0; g < sizeof(groups) / sizeof(groups[0]); g++) {
        for (const struct test *t = groups[g]; t->name; t++) {
            if (list) {
                printf("%s\n", t->name);
            } else if (wanted(t->name, argc, argv)) {
                count++;
                failed += !run(t);
            }
        }
    }
    if (!list)
        printf("%d tests, %d failed\n", count, failed);
    exit(!list && (failed || !count));
}
