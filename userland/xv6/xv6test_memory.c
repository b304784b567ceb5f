// Memory: layout, sbrk, faults.
#include "xv6test.h"

enum { MIB = 1 << 20 };

static uint64_t target; // what the next child touches
static int nothing;     // bss

static void read_target(void)
{
    (void)*(volatile char *)(uintptr_t)target;
    exit(1);
}
static void write_target(void)
{
    *(volatile char *)(uintptr_t)target = 10;
    exit(1);
}
static void jump_target(void)
{
    ((void (*)(void))(uintptr_t)target)();
    exit(1);
}

static void foreign_addresses_kill(void)
{
    for (int i = 0; i < foreign_count; i++) {
        target = foreign[i];
        CHECK(child_status(read_target) == -1);
        CHECK(child_status(write_target) == -1);
        CHECK(child_status(jump_target) == -1);
    }
    for (uint64_t a = 1ul << 31; a; a <<= 1) {
        target = a;
        CHECK(child_status(write_target) == -1);
    }
}

static void layout(void)
{
    uint64_t top = (uint64_t)(uintptr_t)sbrk(0), sp = (uint64_t)__builtin_frame_address(0);
    CHECK(top % PAGE == 0);             // the first break is the top of the stack
    CHECK(sp < top && sp > top - PAGE); // which is one page
    target = top - PAGE - 1;            // the guard page
    CHECK(child_status(read_target) == -1 && child_status(write_target) == -1);
    target = top - 2 * PAGE;
    CHECK(child_status(read_target) == -1);
    target = top; // past the break
    CHECK(child_status(read_target) == -1);
    target = top - 3 * PAGE; // the last page of data
    CHECK(child_status(read_target) == 1);
    target = (uint64_t)program_start; // text is there to be read
    CHECK(child_status(read_target) == 1);
    CHECK(nothing == 0);
}

static void grow_and_shrink(void)
{
    char *a = sbrk(0), *b = sbrk(1);
    CHECK(a == b && sbrk(0) == a + 1);
    *b = 1;
    CHECK(b[PAGE - 1] == 0);
    for (int i = 1; i < 5000; i++) {
        b = sbrk(1);
        CHECK(b == a + i);
        *b = (char)i;
    }
    CHECK(sbrk(-5000) == a + 5000 && sbrk(0) == a);
    target = (uint64_t)(uintptr_t)a;
    CHECK(child_status(read_target) == -1);
    CHECK(sbrk(PAGE) == a && a[0] == 0 && a[4095] == 0); // fresh again
    CHECK(sbrk(-0x7fffffff) == a + PAGE &&
          sbrk(0) == a + PAGE); // more than there is: nothing changes
    CHECK(sbrk((int)0x80000004) == a + PAGE && sbrk(0) == a + PAGE);
    a[PAGE - 1] = 1;
}

static void shrink_page_by_page(void)
{
    char *a = sbrk(3 * PAGE);
    a[0] = a[PAGE] = a[2 * PAGE] = 1;
    sbrk(-10); // the page stays
    a[3 * PAGE - 1] = 1;
    sbrk(-PAGE); // the last page goes
    target = (uint64_t)(uintptr_t)a + 2 * PAGE;
    CHECK(child_status(read_target) == -1 || sbrk(0) > a + 2 * PAGE);
    target = (uint64_t)(uintptr_t)a + PAGE;
    CHECK(child_status(read_target) == 1);
}

static void give_all_away(void)
{
    sbrk(-(int)(sbrk(0) - program_start)); // text too
    exit(1);
}
static void give_nearly_all_away(void)
{
    sbrk(-((int)(sbrk(0) - program_start) - 3500));
    exit(2);
}

static void shrinking_below_the_program(void)
{
    CHECK(child_status(give_all_away) == -1);
    int st = child_status(
        give_nearly_all_away); // one page is left: dies when the code goes on elsewhere
    CHECK(st == -1 || st == 2);
    // the break in the middle of a page, then below
    char *start = sbrk(0);
    sbrk(10 * PAGE + 2048);
    CHECK(sbrk(-10) == start + 10 * PAGE + 2048);
    start[10 * PAGE + 2030] = 1;
}

// What was given back and taken again is fresh; a name may lie in the last bytes of memory.
static void the_last_page(void)
{
    char *top = sbrk(0), *last = (char *)(100 * MIB - 1);
    int more = (int)(100 * MIB - (long)(uintptr_t)top);
    CHECK(sbrk(more) == top);
    *last = 99;
    CHECK(sbrk(-PAGE) == last + 1 && sbrk(0) == last + 1 - PAGE);
    CHECK(sbrk(PAGE) == last + 1 - PAGE && sbrk(0) == last + 1 && *last == 0);
    CHECK(sbrk(-more) == last + 1 && sbrk(0) == top);
    sbrk(PAGE);
    sbrk(10);
    sbrk(-20);
    char *p = (char *)sbrk(0) - 64, c;
    p[0] = 'x';
    p[1] = 0;
    int fd = open(p, O_RDWR | O_CREATE);
    CHECK(fd >= 0 && write(fd, p, 1) == 1);
    close(fd);
    fd = open(p, O_RDWR);
    p[0] = 0;
    CHECK(read(fd, p, 1) == 1 && p[0] == 'x' && read(fd, &c, 1) == 0);
    CHECK(unlink("x") == 0);
}

static void break_inside_a_page(void)
{
    sbrk(
        (int)(program_start + 10 * PAGE + 2048 - sbrk(0))); // inside the program, where it is large
    sbrk(-10);
    exit(0);
}

// A child of who failed to get much memory touches what it did not get.
static void touch_what_was_refused(void)
{
    char *a = sbrk(0);
    CHECK(sbrk(1000 * MIB) == (char *)-1);
    for (long i = 0; i < 1000 * MIB; i += PAGE)
        (void)*(volatile char *)(a + i);
    exit(1);
}

static void refused_memory(void)
{
    CHECK(child_status(touch_what_was_refused) == -1);
    int st = child_status(break_inside_a_page);
    CHECK(st == 0 || st == -1);
    CHECK(sbrk(1 << 30) == (char *)-1);
    int fd = open("sa", O_CREATE | O_WRONLY), *p = (int *)(void *)sbrk(PAGE);
    CHECK(unlink("sa") == 0 && write(fd, sbrk(PAGE), PAGE) == PAGE); // never touched before
    CHECK(pipe(p) == 0 && p[0] == fd + 1);
}

static void hundred_mib(void)
{
    char *a = sbrk(0);
    CHECK(sbrk(100 * MIB) == a);
    for (int i = 0; i < 100 * MIB; i += PAGE)
        a[i] = (char)(i / PAGE);
    for (int i = 0; i < 100 * MIB; i += PAGE)
        CHECK(a[i] == (char)(i / PAGE));
    CHECK(sbrk(100 * MIB) == (char *)-1); // not twice
    CHECK(sbrk(-100 * MIB) == a + 100 * MIB);
    CHECK(sbrk(PAGE) == a && a[0] == 0);
}

static void until_it_fails(void)
{
    long pages = 0;
    while (sbrk(PAGE) != (char *)-1) {
        pages++;
        CHECK(pages <= 128 * MIB / PAGE);
    }
    CHECK(pages > 100 * MIB / PAGE);
    exit(0);
}

static void allocate_until_it_fails(void)
{
    for (int i = 0; i < 3; i++)
        CHECK(child_status(until_it_fails) == 0); // the same each time
    CHECK(sbrk(0x7fffffff) == (char *)-1);
}

// Ten processes that each want 100 MiB: most do not get it, and what they did not get is free.
static void together_too_much(void)
{
    int p[2], pids[10];
    char c;
    CHECK(pipe(p) == 0);
    for (int i = 0; i < 10; i++) {
        pids[i] = fork();
        CHECK(pids[i] >= 0);
        if (pids[i] == 0) {
            write(p[1], sbrk(100 * MIB) == (char *)-1 ? "n" : "y", 1);
            for (;;)
                sleep(1000);
        }
    }
    int yes = 0;
    for (int i = 0; i < 10; i++) {
        CHECK(read(p[0], &c, 1) == 1);
        yes += c == 'y';
    }
    CHECK(yes == 1);
    CHECK(sbrk(PAGE) != (char *)-1);
    for (int i = 0; i < 10; i++)
        CHECK(kill(pids[i]) == 0);
    for (int i = 0; i < 10; i++)
        CHECK(wait(NULL) > 0);
    CHECK(sbrk(100 * MIB) != (char *)-1);
}

static void malloc_until_it_fails(void)
{
    void **first = NULL, **p;
    int n = 0;
    while ((p = malloc(10001))) {
        *p = first;
        first = p;
        n++;
    }
    CHECK(n > 5000);
    while (first) {
        p = *first;
        free(first);
        first = p;
    }
    CHECK(malloc(1024 * 20));
}

// When memory is all but used up, exec fails or works, and never does harm.
static void exec_without_memory(void)
{
    for (int spare = 0; spare < 12; spare++) {
        int pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            for (int n = 64 * MIB; n >= PAGE; n /= 2)
                while (sbrk(n) != (char *)-1)
                    ;
            for (int i = 0; i < spare; i++)
                sbrk(-PAGE);
            close(1);
            char *argv[] = {"echo", "x", NULL};
            exec("echo", argv);
            exit(0);
        }
        int st;
        CHECK(wait(&st) == pid && st == 0);
    }
}

// An old program: the 2 in the register is left over, from a comparison or from an open.
static void leftover_argument(void)
{
    CHECK(gib_with_leftover() == -1);
    int fd = open("echo", O_RDWR);
    CHECK(sbrk(1 << 30) == (char *)-1 && fd >= 0);
}

// Wrappers of some compilers jump to the stub: the call says nothing of where the 2 came from.
static void lazy_growth_by_a_jump(void)
{
    char *a = jumping_sbrklazy(1 << 30);
    CHECK(a != (char *)-1);
    a[1 << 29] = 7;
    int fd = open("echo", O_RDWR);
    CHECK(fd >= 0 && sbrk(1 << 30) == (char *)-1); // not this stub's wrapper
}

static void lazy_growth(void)
{
    char *a = sbrk_how(1 << 30, 2);
    CHECK(a != (char *)-1); // a GiB of addresses, no memory yet
    for (long i = 0; i < 1 << 30; i += 64 * MIB)
        a[i] = 1;
    int fd = open("lazy", O_CREATE | O_RDWR);
    CHECK(write(fd, a + 5 * MIB, 100) == 100); // calls reach what was never touched
    CHECK(read(fd, a + 7 * MIB, 100) == 0);
    unlink("lazy");
}

const struct test memory_tests[] = {{"foreign_addresses_kill", foreign_addresses_kill},
                                    {"layout", layout},
                                    {"grow_and_shrink", grow_and_shrink},
                                    {"shrink_page_by_page", shrink_page_by_page},
                                    {"shrinking_below_the_program", shrinking_below_the_program},
                                    {"the_last_page", the_last_page},
                                    {"refused_memory", refused_memory},
                                    {"hundred_mib", hundred_mib},
                                    {"allocate_until_it_fails", allocate_until_it_fails},
                                    {"together_too_much", together_too_much},
                                    {"malloc_until_it_fails", malloc_until_it_fails},
                                    {"exec_without_memory", exec_without_memory},
                                    {"leftover_argument", leftover_argument},
                                    {"lazy_growth_by_a_jump", lazy_growth_by_a_jump},
                                    {"lazy_growth", lazy_growth},
                                    {NULL, NULL}};
